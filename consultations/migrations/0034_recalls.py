

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0009_follow_up_contacts'),
        ('consultations', '0033_recipes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Recall',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('first_on', models.DateField(blank=True, null=True, verbose_name='first day')),
                ('last_on', models.DateField(blank=True, null=True, verbose_name='last day')),
                ('begun_at', models.DateTimeField(verbose_name='begun at')),
                ('begun_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='begun by')),
                ('device', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinic.device')),
                ('lot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='recalls', to='consultations.lot')),
                ('practitioner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinic.practitioner')),
                ('room', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinic.room')),
            ],
            options={
                'verbose_name': 'recall',
                'verbose_name_plural': 'recalls',
                'ordering': ['-begun_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='RecallCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recall_calls', to='clinic.contactentry')),
                ('recall', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calls', to='consultations.recall')),
            ],
            options={
                'verbose_name': 'call of a recall',
                'verbose_name_plural': 'calls of a recall',
            },
        ),
        migrations.AddConstraint(
            model_name='recall',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('device__isnull', True), ('lot__isnull', False), ('practitioner__isnull', True), ('room__isnull', True)), models.Q(('device__isnull', False), ('lot__isnull', True), ('practitioner__isnull', True), ('room__isnull', True)), models.Q(('device__isnull', True), ('lot__isnull', True), ('practitioner__isnull', False), ('room__isnull', True)), models.Q(('device__isnull', True), ('lot__isnull', True), ('practitioner__isnull', True), ('room__isnull', False)), _connector='OR'), name='recall_one_thing', violation_error_message='A recall is about one lot, device, practitioner or room.'),
        ),
        migrations.AddConstraint(
            model_name='recall',
            constraint=models.CheckConstraint(condition=models.Q(('lot__isnull', False), models.Q(('first_on__isnull', False), ('last_on__isnull', False)), _connector='OR'), name='recall_of_days', violation_error_message='Choose the first and the last day.'),
        ),
        migrations.AddConstraint(
            model_name='recall',
            constraint=models.CheckConstraint(condition=models.Q(('first_on', None), ('last_on', None), ('first_on__lte', models.F('last_on')), _connector='OR'), name='recall_order', violation_error_message='The last day lies before the first.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recall',
            trigger=pgtrigger.compiler.Trigger(name='recall_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recall_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='c2dc0bbf54e3a99c4c1a28d10eb440f886f7348b', operation='UPDATE OR DELETE', pgid='pgtrigger_recall_append_only_685bf', table='consultations_recall', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recall',
            trigger=pgtrigger.compiler.Trigger(name='recall_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recall_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='1e0a6ddccb246266de7660a8feebe26c478dc19e', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_recall_no_truncate_610d8', table='consultations_recall', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='recallcall',
            constraint=models.UniqueConstraint(fields=('recall', 'entry'), name='recall_call_once', violation_error_message='This patient is called for this recall already.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recallcall',
            trigger=pgtrigger.compiler.Trigger(name='recall_call_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recall_call_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='072e6de0111cd5ff7b24af0e63f25635daa7e022', operation='UPDATE OR DELETE', pgid='pgtrigger_recall_call_append_only_52d04', table='consultations_recallcall', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recallcall',
            trigger=pgtrigger.compiler.Trigger(name='recall_call_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recall_call_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='ac9fdab47a356e4d37b3f5d2a839ca643970e0b4', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_recall_call_no_truncate_bfc5a', table='consultations_recallcall', when='BEFORE')),
        ),
    ]
