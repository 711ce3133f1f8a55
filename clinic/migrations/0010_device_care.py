

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0009_follow_up_contacts'),
    ]

    operations = [
        migrations.CreateModel(
            name='DeviceCare',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('service', 'service'), ('cleaning', 'cleaning'), ('repair', 'repair'), ('out_of_use', 'out of use'), ('back_in_use', 'back in use')], max_length=20, verbose_name='what')),
                ('happened_at', models.DateTimeField(verbose_name='when')),
                ('carried_out_by', models.CharField(max_length=100, verbose_name='by whom')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='note')),
                ('next_due_on', models.DateField(blank=True, null=True, verbose_name='next service due on')),
                ('was_due_on', models.DateField(blank=True, null=True, verbose_name='service was due on')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='care', to='clinic.device', verbose_name='device')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
            ],
            options={
                'verbose_name': 'care of a device',
                'verbose_name_plural': 'care of devices',
                'ordering': ['-happened_at', '-recorded_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='DeviceCareError',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=300, verbose_name='what went wrong')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('care', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='error', to='clinic.devicecare')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
            ],
            options={
                'verbose_name': 'care entered in error',
                'verbose_name_plural': 'care entered in error',
            },
        ),
        migrations.AddIndex(
            model_name='devicecare',
            index=models.Index(fields=['device', '-happened_at'], name='device_care_of_device'),
        ),
        migrations.AddConstraint(
            model_name='devicecare',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['service', 'cleaning', 'repair', 'out_of_use', 'back_in_use'])), name='device_care_kind_known', violation_error_message='Choose what was done.'),
        ),
        migrations.AddConstraint(
            model_name='devicecare',
            constraint=models.CheckConstraint(condition=models.Q(('happened_at__lte', models.F('recorded_at'))), name='device_care_past', violation_error_message='This lies in the future.'),
        ),
        migrations.AddConstraint(
            model_name='devicecare',
            constraint=models.CheckConstraint(condition=models.Q(('carried_out_by', ''), _negated=True), name='device_care_by_somebody', violation_error_message='Write down who did it.'),
        ),
        migrations.AddConstraint(
            model_name='devicecare',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'out_of_use'), ('note', ''), _negated=True), name='device_care_out_of_use_because', violation_error_message='Say why it is out of use.'),
        ),
        migrations.AddConstraint(
            model_name='devicecare',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'service'), models.Q(('next_due_on', None), ('was_due_on', None)), _connector='OR'), name='device_care_due_after_service', violation_error_message='Only a service says when the next one is due.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='devicecare',
            trigger=pgtrigger.compiler.Trigger(name='device_care_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'device_care_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='4c70ca89c7af3db9793d8ea6d470f403917c94f0', operation='UPDATE OR DELETE', pgid='pgtrigger_device_care_append_only_4f5d9', table='clinic_devicecare', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='devicecare',
            trigger=pgtrigger.compiler.Trigger(name='device_care_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'device_care_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='a0847daad24fb68ab4d8ebcbcb6e650f564e5972', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_device_care_no_truncate_50998', table='clinic_devicecare', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='devicecareerror',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='device_care_error_worded', violation_error_message='Say what went wrong.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='devicecareerror',
            trigger=pgtrigger.compiler.Trigger(name='device_care_error_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'device_care_error_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='673448be29b79879f298a2e3292a8c532361d36a', operation='UPDATE OR DELETE', pgid='pgtrigger_device_care_error_append_only_42987', table='clinic_devicecareerror', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='devicecareerror',
            trigger=pgtrigger.compiler.Trigger(name='device_care_error_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'device_care_error_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='78154e6ee021a52c5636dcbdb17261c6a894b777', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_device_care_error_no_truncate_fba31', table='clinic_devicecareerror', when='BEFORE')),
        ),
    ]
