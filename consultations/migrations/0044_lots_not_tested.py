"""A rule may warn of a lot that was not in the test, or of another maker; neither asks for a new test."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0043_leaflets'),
    ]

    operations = [
        migrations.AlterField(
            model_name='retestrule',
            name='trigger',
            field=models.CharField(choices=[('formula_changed', 'a component that was not tested'), ('expired', "the test's months are over"), ('lapse', 'a long time since the last injection'), ('health_change', 'an answer about health'), ('allergic_event', 'an allergic reaction'), ('new_lot', 'a lot that was not in the test'), ('new_maker', 'another maker than in the test')], max_length=20, verbose_name='what has happened'),
        ),
        migrations.AlterField(
            model_name='retestruleevent',
            name='trigger',
            field=models.CharField(choices=[('formula_changed', 'a component that was not tested'), ('expired', "the test's months are over"), ('lapse', 'a long time since the last injection'), ('health_change', 'an answer about health'), ('allergic_event', 'an allergic reaction'), ('new_lot', 'a lot that was not in the test'), ('new_maker', 'another maker than in the test')], max_length=20, verbose_name='what has happened'),
        ),
        migrations.AddConstraint(
            model_name='retestrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('trigger__in', ['new_lot', 'new_maker']), _negated=True), ('effect__in', ['off', 'warn']), _connector='OR'), name='retest_rule_lot', violation_error_message='Of another lot or maker the session page can warn; it asks for no new test.'),
        ),
    ]
