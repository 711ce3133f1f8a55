"""How a formula is diluted for its test, and how far from it a control is placed, as the clinic decides; so far the form said
it to everybody."""

from decimal import Decimal

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0045_lots_ask_for_test'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtestpolicy',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtestpolicy',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtestpolicy',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='patchtestpolicy',
            name='control_distance_cm',
            field=models.DecimalField(decimal_places=1, default=Decimal(5), max_digits=4, verbose_name='distance of a control from the test at least, cm'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='patchtestpolicy',
            name='dilution',
            field=models.CharField(default='undiluted, as planned', help_text='Of the formula as it is tested: undiluted, 1 in 10 …', max_length=100, verbose_name='dilution'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='patchtestpolicyevent',
            name='control_distance_cm',
            field=models.DecimalField(decimal_places=1, default=Decimal(5), max_digits=4, verbose_name='distance of a control from the test at least, cm'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='patchtestpolicyevent',
            name='dilution',
            field=models.CharField(default='undiluted, as planned', help_text='Of the formula as it is tested: undiluted, 1 in 10 …', max_length=100, verbose_name='dilution'),
            preserve_default=False,
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtestpolicy',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_patchtestpolicyevent" ("antihistamine_washout_days", "code", "control_distance_cm", "dilution", "family", "formula_code", "id", "method", "min_hours_before_session", "name", "needle", "negative_control", "observe_minutes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "positive_control", "published_at", "reading_due_hours", "reading_from_hours", "reading_until_hours", "repeat_after_days", "requirement", "retired_at", "site", "source", "steroid_washout_days", "to_confirm", "validity_months", "version", "volume_max_ml", "volume_min_ml", "volume_ml", "wheal_growth_mm") VALUES (NEW."antihistamine_washout_days", NEW."code", NEW."control_distance_cm", NEW."dilution", NEW."family", NEW."formula_code", NEW."id", NEW."method", NEW."min_hours_before_session", NEW."name", NEW."needle", NEW."negative_control", NEW."observe_minutes", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."positive_control", NEW."published_at", NEW."reading_due_hours", NEW."reading_from_hours", NEW."reading_until_hours", NEW."repeat_after_days", NEW."requirement", NEW."retired_at", NEW."site", NEW."source", NEW."steroid_washout_days", NEW."to_confirm", NEW."validity_months", NEW."version", NEW."volume_max_ml", NEW."volume_min_ml", NEW."volume_ml", NEW."wheal_growth_mm"); RETURN NULL;', hash='1f7b0360e70e0a5c739ad508be1d0239443a8915', operation='INSERT', pgid='pgtrigger_insert_insert_433df', table='consultations_patchtestpolicy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtestpolicy',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_patchtestpolicyevent" ("antihistamine_washout_days", "code", "control_distance_cm", "dilution", "family", "formula_code", "id", "method", "min_hours_before_session", "name", "needle", "negative_control", "observe_minutes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "positive_control", "published_at", "reading_due_hours", "reading_from_hours", "reading_until_hours", "repeat_after_days", "requirement", "retired_at", "site", "source", "steroid_washout_days", "to_confirm", "validity_months", "version", "volume_max_ml", "volume_min_ml", "volume_ml", "wheal_growth_mm") VALUES (NEW."antihistamine_washout_days", NEW."code", NEW."control_distance_cm", NEW."dilution", NEW."family", NEW."formula_code", NEW."id", NEW."method", NEW."min_hours_before_session", NEW."name", NEW."needle", NEW."negative_control", NEW."observe_minutes", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."positive_control", NEW."published_at", NEW."reading_due_hours", NEW."reading_from_hours", NEW."reading_until_hours", NEW."repeat_after_days", NEW."requirement", NEW."retired_at", NEW."site", NEW."source", NEW."steroid_washout_days", NEW."to_confirm", NEW."validity_months", NEW."version", NEW."volume_max_ml", NEW."volume_min_ml", NEW."volume_ml", NEW."wheal_growth_mm"); RETURN NULL;', hash='9c2ab6c475f54459edaf188fcb1c59b2a5652277', operation='UPDATE', pgid='pgtrigger_update_update_86147', table='consultations_patchtestpolicy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtestpolicy',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_patchtestpolicyevent" ("antihistamine_washout_days", "code", "control_distance_cm", "dilution", "family", "formula_code", "id", "method", "min_hours_before_session", "name", "needle", "negative_control", "observe_minutes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "positive_control", "published_at", "reading_due_hours", "reading_from_hours", "reading_until_hours", "repeat_after_days", "requirement", "retired_at", "site", "source", "steroid_washout_days", "to_confirm", "validity_months", "version", "volume_max_ml", "volume_min_ml", "volume_ml", "wheal_growth_mm") VALUES (OLD."antihistamine_washout_days", OLD."code", OLD."control_distance_cm", OLD."dilution", OLD."family", OLD."formula_code", OLD."id", OLD."method", OLD."min_hours_before_session", OLD."name", OLD."needle", OLD."negative_control", OLD."observe_minutes", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."positive_control", OLD."published_at", OLD."reading_due_hours", OLD."reading_from_hours", OLD."reading_until_hours", OLD."repeat_after_days", OLD."requirement", OLD."retired_at", OLD."site", OLD."source", OLD."steroid_washout_days", OLD."to_confirm", OLD."validity_months", OLD."version", OLD."volume_max_ml", OLD."volume_min_ml", OLD."volume_ml", OLD."wheal_growth_mm"); RETURN NULL;', hash='754703ff349279afee260918aaf290fa5f82a30d', operation='DELETE', pgid='pgtrigger_delete_delete_4db46', table='consultations_patchtestpolicy', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='patchtestpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('control_distance_cm__gt', 0), ('control_distance_cm__lte', 50)), name='patch_test_policy_distance', violation_error_message='A control is placed some centimetres from the test: more than 0, at most 50.'),
        ),
        migrations.AddConstraint(
            model_name='patchtestpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('dilution', ''), _negated=True), name='patch_test_policy_dilution', violation_error_message='Say how the formula is diluted for its test, or that it is not.'),
        ),
    ]
