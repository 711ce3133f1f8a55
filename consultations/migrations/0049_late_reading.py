"""The optional late reading of a test injection: its days in the policy, and what such a reading may say.

Where a policy is still in force as it was shipped first, its next version offers the late reading; a clinic that has its own
keeps it. Plans keep the version that they were agreed under.
"""

from typing import Any

import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

_SHIPPED = ("default", "acute-lbp", "acute-lbp-20")
_SOURCE = (
    "late reading from day 7 (allergytampa.com), its last day a choice after the four weeks of collagen tests (Arrouy)"
)


def offer_the_late_reading(apps: Any, schema_editor: Any) -> None:
    """From day 7 to day 28. Nothing to do before the reference data is loaded."""
    policies = apps.get_model("consultations", "PatchTestPolicy")
    at = timezone.now()
    for code in _SHIPPED:
        versions = list(policies.objects.filter(code=code))
        if len(versions) != 1 or versions[0].published_at is None or versions[0].retired_at is not None:
            continue
        (old,) = versions
        if 24 * 7 < old.reading_until_hours:
            continue
        policies.objects.filter(pk=old.pk).update(retired_at=at)
        old.pk, old._state.adding = None, True
        old.version, old.published_at, old.retired_at = old.version + 1, at, None
        old.late_reading_from_days, old.late_reading_until_days = 7, 28
        if len(f"{old.source}; {_SOURCE}") <= 300:
            old.source = f"{old.source}; {_SOURCE}"
        old.to_confirm = True
        old.save(force_insert=True)



class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0014_invitations'),
        ('consultations', '0048_leaflet_errors'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
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
        migrations.RemoveConstraint(
            model_name='testreading',
            name='test_reading_only_stricter',
        ),
        migrations.AddField(
            model_name='patchtestpolicy',
            name='late_reading_from_days',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Optional: a second look, days after the injection. Nothing waits for it. Empty: not offered.', null=True, verbose_name='late reading from day'),
        ),
        migrations.AddField(
            model_name='patchtestpolicy',
            name='late_reading_until_days',
            field=models.PositiveSmallIntegerField(blank=True, help_text='This day included.', null=True, verbose_name='late reading until day'),
        ),
        migrations.AddField(
            model_name='patchtestpolicyevent',
            name='late_reading_from_days',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Optional: a second look, days after the injection. Nothing waits for it. Empty: not offered.', null=True, verbose_name='late reading from day'),
        ),
        migrations.AddField(
            model_name='patchtestpolicyevent',
            name='late_reading_until_days',
            field=models.PositiveSmallIntegerField(blank=True, help_text='This day included.', null=True, verbose_name='late reading until day'),
        ),
        migrations.AlterField(
            model_name='testreading',
            name='computed',
            field=models.CharField(blank=True, choices=[('awaiting', 'delayed reading awaited'), ('positive', 'positive'), ('invalid', 'invalid: test again'), ('equivocal', 'equivocal: repeat'), ('negative', 'no reaction seen'), ('unchanged', 'nothing new')], help_text='Where it was made stricter.', max_length=10, verbose_name='computed result'),
        ),
        migrations.AlterField(
            model_name='testreading',
            name='kind',
            field=models.CharField(choices=[('immediate', 'immediate'), ('delayed', 'delayed'), ('late', 'late, optional'), ('reported', 'reaction reported later')], max_length=10, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='testreading',
            name='result',
            field=models.CharField(choices=[('awaiting', 'delayed reading awaited'), ('positive', 'positive'), ('invalid', 'invalid: test again'), ('equivocal', 'equivocal: repeat'), ('negative', 'no reaction seen'), ('unchanged', 'nothing new')], max_length=10, verbose_name='result'),
        ),
        migrations.AlterField(
            model_name='testreadingevent',
            name='computed',
            field=models.CharField(blank=True, choices=[('awaiting', 'delayed reading awaited'), ('positive', 'positive'), ('invalid', 'invalid: test again'), ('equivocal', 'equivocal: repeat'), ('negative', 'no reaction seen'), ('unchanged', 'nothing new')], help_text='Where it was made stricter.', max_length=10, verbose_name='computed result'),
        ),
        migrations.AlterField(
            model_name='testreadingevent',
            name='kind',
            field=models.CharField(choices=[('immediate', 'immediate'), ('delayed', 'delayed'), ('late', 'late, optional'), ('reported', 'reaction reported later')], max_length=10, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='testreadingevent',
            name='result',
            field=models.CharField(choices=[('awaiting', 'delayed reading awaited'), ('positive', 'positive'), ('invalid', 'invalid: test again'), ('equivocal', 'equivocal: repeat'), ('negative', 'no reaction seen'), ('unchanged', 'nothing new')], max_length=10, verbose_name='result'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtestpolicy',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_patchtestpolicyevent" ("antihistamine_washout_days", "code", "control_distance_cm", "dilution", "family", "formula_code", "id", "late_reading_from_days", "late_reading_until_days", "method", "min_hours_before_session", "name", "needle", "negative_control", "observe_minutes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "positive_control", "published_at", "reading_due_hours", "reading_from_hours", "reading_until_hours", "repeat_after_days", "requirement", "retired_at", "site", "source", "steroid_washout_days", "to_confirm", "validity_months", "version", "volume_max_ml", "volume_min_ml", "volume_ml", "wheal_growth_mm") VALUES (NEW."antihistamine_washout_days", NEW."code", NEW."control_distance_cm", NEW."dilution", NEW."family", NEW."formula_code", NEW."id", NEW."late_reading_from_days", NEW."late_reading_until_days", NEW."method", NEW."min_hours_before_session", NEW."name", NEW."needle", NEW."negative_control", NEW."observe_minutes", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."positive_control", NEW."published_at", NEW."reading_due_hours", NEW."reading_from_hours", NEW."reading_until_hours", NEW."repeat_after_days", NEW."requirement", NEW."retired_at", NEW."site", NEW."source", NEW."steroid_washout_days", NEW."to_confirm", NEW."validity_months", NEW."version", NEW."volume_max_ml", NEW."volume_min_ml", NEW."volume_ml", NEW."wheal_growth_mm"); RETURN NULL;', hash='03a3750da4887cbaea05f726f1e95ec572a51eb0', operation='INSERT', pgid='pgtrigger_insert_insert_433df', table='consultations_patchtestpolicy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtestpolicy',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_patchtestpolicyevent" ("antihistamine_washout_days", "code", "control_distance_cm", "dilution", "family", "formula_code", "id", "late_reading_from_days", "late_reading_until_days", "method", "min_hours_before_session", "name", "needle", "negative_control", "observe_minutes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "positive_control", "published_at", "reading_due_hours", "reading_from_hours", "reading_until_hours", "repeat_after_days", "requirement", "retired_at", "site", "source", "steroid_washout_days", "to_confirm", "validity_months", "version", "volume_max_ml", "volume_min_ml", "volume_ml", "wheal_growth_mm") VALUES (NEW."antihistamine_washout_days", NEW."code", NEW."control_distance_cm", NEW."dilution", NEW."family", NEW."formula_code", NEW."id", NEW."late_reading_from_days", NEW."late_reading_until_days", NEW."method", NEW."min_hours_before_session", NEW."name", NEW."needle", NEW."negative_control", NEW."observe_minutes", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."positive_control", NEW."published_at", NEW."reading_due_hours", NEW."reading_from_hours", NEW."reading_until_hours", NEW."repeat_after_days", NEW."requirement", NEW."retired_at", NEW."site", NEW."source", NEW."steroid_washout_days", NEW."to_confirm", NEW."validity_months", NEW."version", NEW."volume_max_ml", NEW."volume_min_ml", NEW."volume_ml", NEW."wheal_growth_mm"); RETURN NULL;', hash='b64e50da36159473cc640c47816d21c8ea409d1c', operation='UPDATE', pgid='pgtrigger_update_update_86147', table='consultations_patchtestpolicy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtestpolicy',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_patchtestpolicyevent" ("antihistamine_washout_days", "code", "control_distance_cm", "dilution", "family", "formula_code", "id", "late_reading_from_days", "late_reading_until_days", "method", "min_hours_before_session", "name", "needle", "negative_control", "observe_minutes", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "positive_control", "published_at", "reading_due_hours", "reading_from_hours", "reading_until_hours", "repeat_after_days", "requirement", "retired_at", "site", "source", "steroid_washout_days", "to_confirm", "validity_months", "version", "volume_max_ml", "volume_min_ml", "volume_ml", "wheal_growth_mm") VALUES (OLD."antihistamine_washout_days", OLD."code", OLD."control_distance_cm", OLD."dilution", OLD."family", OLD."formula_code", OLD."id", OLD."late_reading_from_days", OLD."late_reading_until_days", OLD."method", OLD."min_hours_before_session", OLD."name", OLD."needle", OLD."negative_control", OLD."observe_minutes", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."positive_control", OLD."published_at", OLD."reading_due_hours", OLD."reading_from_hours", OLD."reading_until_hours", OLD."repeat_after_days", OLD."requirement", OLD."retired_at", OLD."site", OLD."source", OLD."steroid_washout_days", OLD."to_confirm", OLD."validity_months", OLD."version", OLD."volume_max_ml", OLD."volume_min_ml", OLD."volume_ml", OLD."wheal_growth_mm"); RETURN NULL;', hash='6db7fd1af1b73887b3d38a92f900ff09b7c87f9e', operation='DELETE', pgid='pgtrigger_delete_delete_4db46', table='consultations_patchtestpolicy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='testreading',
            trigger=pgtrigger.compiler.Trigger(name='test_reading_late_window', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        IF NEW.kind = 'late' AND NOT EXISTS (\n            SELECT 1 FROM consultations_patchtest t\n            JOIN consultations_patchtestpolicy policy ON policy.id = t.policy_id\n            JOIN consultations_testreading r ON r.patch_test_id = t.id\n            WHERE t.id = NEW.patch_test_id AND r.result = 'negative'\n                AND r.id = coalesce(NEW.supersedes_id, r.id) AND r.signed_at <= NEW.signed_at\n                AND clinic_day(NEW.read_at) BETWEEN clinic_day(t.given_at) + policy.late_reading_from_days\n                    AND clinic_day(t.given_at) + policy.late_reading_until_days\n                AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)\n                AND NOT EXISTS (\n                    SELECT 1 FROM consultations_enteredinerror e WHERE e.reading_id = r.id OR e.patch_test_id = t.id\n                )\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'test_reading_late_window', MESSAGE = 'A late reading is of a test read without reaction, in the days of its policy.';\n        END IF;\n        RETURN NEW;\n    ", hash='c046320904b89fb625deda8b68981409bfdf3ed0', operation='INSERT', pgid='pgtrigger_test_reading_late_window_3160d', table='consultations_testreading', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='patchtestpolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('late_reading_from_days', None), ('late_reading_until_days', None)), models.Q(('late_reading_from_days__isnull', False), ('late_reading_from_days__lte', models.F('late_reading_until_days')), ('late_reading_until_days__isnull', False), ('reading_until_hours__lte', django.db.models.expressions.CombinedExpression(models.F('late_reading_from_days'), '*', models.Value(24)))), _connector='OR'), name='patch_test_policy_late_reading', violation_error_message='A late reading has a first and a last day, in this order, after the window of the delayed reading; or neither.'),
        ),
        migrations.AddConstraint(
            model_name='testreading',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('computed', ''), ('stricter_reason', '')), models.Q(models.Q(models.Q(('computed', 'awaiting'), ('result__in', ['invalid', 'positive'])), models.Q(('computed', 'negative'), ('result__in', ['equivocal', 'invalid', 'positive'])), models.Q(('computed', 'equivocal'), ('result__in', ['invalid', 'positive'])), models.Q(('computed', 'invalid'), ('result', 'positive')), models.Q(('computed', 'unchanged'), ('result__in', ['equivocal', 'invalid', 'positive'])), _connector='OR'), models.Q(('stricter_reason', ''), _negated=True)), _connector='OR'), name='test_reading_only_stricter', violation_error_message='A result can only be made stricter than it was computed, with a reason.'),
        ),
        migrations.AddConstraint(
            model_name='testreading',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('kind', 'late'), _negated=True), models.Q(('result', 'unchanged'), _negated=True)), models.Q(('grade__in', ['neg', 'not_done']), ('kind', 'late'), ('result', 'unchanged'), ('supersedes', None)), models.Q(('kind', 'late'), ('result__in', ['equivocal', 'invalid', 'positive']), ('supersedes__isnull', False)), _connector='OR'), name='test_reading_late', violation_error_message='A late reading that shows nothing changes nothing; any other takes the reading before it back.'),
        ),
        migrations.RunPython(offer_the_late_reading, migrations.RunPython.noop, elidable=False),
    ]
