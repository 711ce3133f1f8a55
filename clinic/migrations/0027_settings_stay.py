"""The row of the clinic's settings stays: made anew, it could name another time zone."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0026_visits_on_records_to_be_erased'),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name='clinicsettings',
            trigger=pgtrigger.compiler.Trigger(name='clinic_settings_no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'clinic_settings_no_delete', MESSAGE = 'This row is part of the record and cannot be deleted.';", hash='f96a8758e27892431f105a6f4cc42483481277df', operation='DELETE', pgid='pgtrigger_clinic_settings_no_delete_b1751', table='clinic_clinicsettings', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='clinicsettings',
            trigger=pgtrigger.compiler.Trigger(name='clinic_settings_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'clinic_settings_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='07df45a69f6a5a4b627833433016fd21e8e0f568', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_clinic_settings_no_truncate_1e699', table='clinic_clinicsettings', when='BEFORE')),
        ),
    ]
