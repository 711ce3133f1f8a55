

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0010_device_care'),
        ('consultations', '0034_recalls'),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name='session',
            trigger=pgtrigger.compiler.Trigger(name='session_device_in_use', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        IF NEW.signed_at IS NOT NULL AND NEW.outcome <> 'not_given' AND NEW.deviation_id IS NULL\n            AND \n    'out_of_use' = (\n        SELECT care.kind FROM clinic_devicecare care\n        LEFT JOIN clinic_devicecareerror error ON error.care_id = care.id\n        WHERE care.device_id = NEW.device_id AND care.kind IN ('out_of_use', 'back_in_use')\n            AND care.recorded_at <= NEW.started_at\n            AND (error.id IS NULL OR care.kind = 'back_in_use' AND error.recorded_at > NEW.started_at)\n        ORDER BY care.recorded_at DESC, care.happened_at DESC, care.id LIMIT 1\n    )\n\n            AND \n    'out_of_use' = (\n        SELECT care.kind FROM clinic_devicecare care\n        LEFT JOIN clinic_devicecareerror error ON error.care_id = care.id\n        WHERE care.device_id = NEW.device_id AND care.kind IN ('out_of_use', 'back_in_use')\n            AND care.recorded_at <= NEW.signed_at\n            AND (error.id IS NULL OR care.kind = 'back_in_use' AND error.recorded_at > NEW.signed_at)\n        ORDER BY care.recorded_at DESC, care.happened_at DESC, care.id LIMIT 1\n    )\n\n        THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_device_in_use', MESSAGE = 'This device is out of use. Choose the one you used.';\n        END IF;\n        RETURN NEW;\n    ", hash='9f28ac15fb291926af602d32a3033f15b86ec21f', operation='INSERT OR UPDATE OF "signed_at"', pgid='pgtrigger_session_device_in_use_fa537', table='consultations_session', when='BEFORE')),
        ),
    ]
