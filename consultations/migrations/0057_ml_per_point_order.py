"""Millilitres per point run from low to high, as depths do.

A clinic that typed them the wrong way round keeps both numbers, in their places: nothing else was ever meant by them, and
every zone was called unusual. The guard that keeps a published version as it is stands aside for that one statement; the
history notes the change.
"""

from django.db import migrations, models

IN_ORDER = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE consultations_technique DISABLE TRIGGER pgtrigger_technique_published_1c1a0;
UPDATE consultations_technique SET ml_per_point_min = ml_per_point_max, ml_per_point_max = ml_per_point_min
WHERE ml_per_point_min > ml_per_point_max;
ALTER TABLE consultations_technique ENABLE TRIGGER pgtrigger_technique_published_1c1a0;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0056_readings_until_confirmed'),
    ]

    operations = [
        migrations.RunSQL(IN_ORDER, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='technique',
            constraint=models.CheckConstraint(condition=models.Q(('ml_per_point_min', None), ('ml_per_point_max', None), ('ml_per_point_min__lte', models.F('ml_per_point_max')), _connector='OR'), name='technique_ml_per_point_order', violation_error_message='Millilitres per point run from low to high.'),
        ),
    ]
