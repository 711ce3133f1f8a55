"""A timed answer says its day, or that nobody knows it; a confirmation of a consultation can be called an error.

`gate_suitable()` is replaced: a confirmation called an error by then no longer counts. Its twin is
`PlanFacts.confirmed`.
"""

from importlib import import_module

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

BEFORE = import_module("consultations.migrations.0016_health_answers")
_CONFIRMED = "    WHERE c.consultation_id = the_consultation AND c.confirmed_at <= least(the_time, known_by);"
_NOT_IN_ERROR = """    WHERE c.consultation_id = the_consultation AND c.confirmed_at <= least(the_time, known_by)
        AND NOT EXISTS (
            SELECT 1 FROM consultations_enteredinerror e WHERE e.confirmation_id = c.id AND e.requested_at <= known_by
        );"""
SUITABLE = BEFORE.WITH_STOPS.replace(_CONFIRMED, _NOT_IN_ERROR)


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0009_follow_up_contacts'),
        ('consultations', '0041_component_tests'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='contraindicationanswer',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='contraindicationanswer',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='contraindicationanswer',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='enteredinerror',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='enteredinerror',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='enteredinerror',
            name='delete_delete',
        ),
        migrations.RemoveConstraint(
            model_name='enteredinerror',
            name='entered_in_error_one_record',
        ),
        migrations.AddField(
            model_name='contraindicationanswer',
            name='event_unknown',
            field=models.BooleanField(default=False, help_text='The wait then counts from the day it was said.', verbose_name='nobody knows the day'),
        ),
        migrations.AddField(
            model_name='contraindicationanswerevent',
            name='event_unknown',
            field=models.BooleanField(default=False, help_text='The wait then counts from the day it was said.', verbose_name='nobody knows the day'),
        ),
        migrations.AddField(
            model_name='enteredinerror',
            name='confirmation',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entered_in_error', to='consultations.consultationconfirmation'),
        ),
        migrations.AddField(
            model_name='enteredinerrorevent',
            name='confirmation',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.consultationconfirmation'),
        ),
        migrations.AddField(
            model_name='healthanswer',
            name='event_unknown',
            field=models.BooleanField(default=False, verbose_name='nobody knows the day'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contraindicationanswer',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_contraindicationanswerevent" ("answer", "consultation_id", "decision", "defer_until", "event_on", "event_unknown", "id", "note", "override_reason", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question_id") VALUES (NEW."answer", NEW."consultation_id", NEW."decision", NEW."defer_until", NEW."event_on", NEW."event_unknown", NEW."id", NEW."note", NEW."override_reason", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."question_id"); RETURN NULL;', hash='9e35cd942a703f650ee8cdf1c8303e6b8aaabd73', operation='INSERT', pgid='pgtrigger_insert_insert_20fcc', table='consultations_contraindicationanswer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contraindicationanswer',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_contraindicationanswerevent" ("answer", "consultation_id", "decision", "defer_until", "event_on", "event_unknown", "id", "note", "override_reason", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question_id") VALUES (NEW."answer", NEW."consultation_id", NEW."decision", NEW."defer_until", NEW."event_on", NEW."event_unknown", NEW."id", NEW."note", NEW."override_reason", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."question_id"); RETURN NULL;', hash='6ba37ae3083df740cdf9dd214fe814d1e753d030', operation='UPDATE', pgid='pgtrigger_update_update_3134f', table='consultations_contraindicationanswer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contraindicationanswer',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_contraindicationanswerevent" ("answer", "consultation_id", "decision", "defer_until", "event_on", "event_unknown", "id", "note", "override_reason", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "question_id") VALUES (OLD."answer", OLD."consultation_id", OLD."decision", OLD."defer_until", OLD."event_on", OLD."event_unknown", OLD."id", OLD."note", OLD."override_reason", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."question_id"); RETURN NULL;', hash='0474aa9b875bf19a2d0ecc96256d09e13f05d99d', operation='DELETE', pgid='pgtrigger_delete_delete_68487', table='consultations_contraindicationanswer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='enteredinerror',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_enteredinerrorevent" ("adverse_event_id", "confirmation_id", "confirmed_at", "confirmed_by_id", "consent_id", "consultation_id", "id", "patch_test_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reading_id", "reason", "requested_at", "requested_by_id", "review_id", "session_id") VALUES (NEW."adverse_event_id", NEW."confirmation_id", NEW."confirmed_at", NEW."confirmed_by_id", NEW."consent_id", NEW."consultation_id", NEW."id", NEW."patch_test_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reading_id", NEW."reason", NEW."requested_at", NEW."requested_by_id", NEW."review_id", NEW."session_id"); RETURN NULL;', hash='36ddaef99360bb578bb2a6a5728e71312acf9eba', operation='INSERT', pgid='pgtrigger_insert_insert_9bd88', table='consultations_enteredinerror', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='enteredinerror',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_enteredinerrorevent" ("adverse_event_id", "confirmation_id", "confirmed_at", "confirmed_by_id", "consent_id", "consultation_id", "id", "patch_test_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reading_id", "reason", "requested_at", "requested_by_id", "review_id", "session_id") VALUES (NEW."adverse_event_id", NEW."confirmation_id", NEW."confirmed_at", NEW."confirmed_by_id", NEW."consent_id", NEW."consultation_id", NEW."id", NEW."patch_test_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reading_id", NEW."reason", NEW."requested_at", NEW."requested_by_id", NEW."review_id", NEW."session_id"); RETURN NULL;', hash='a0e61578a519693175e7fe3fefc41df1e0d257d3', operation='UPDATE', pgid='pgtrigger_update_update_c2b07', table='consultations_enteredinerror', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='enteredinerror',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_enteredinerrorevent" ("adverse_event_id", "confirmation_id", "confirmed_at", "confirmed_by_id", "consent_id", "consultation_id", "id", "patch_test_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reading_id", "reason", "requested_at", "requested_by_id", "review_id", "session_id") VALUES (OLD."adverse_event_id", OLD."confirmation_id", OLD."confirmed_at", OLD."confirmed_by_id", OLD."consent_id", OLD."consultation_id", OLD."id", OLD."patch_test_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reading_id", OLD."reason", OLD."requested_at", OLD."requested_by_id", OLD."review_id", OLD."session_id"); RETURN NULL;', hash='8110be3c26b8279e5f75c2effcadb944d86580c6', operation='DELETE', pgid='pgtrigger_delete_delete_8baa7', table='consultations_enteredinerror', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='contraindicationanswer',
            constraint=models.CheckConstraint(condition=models.Q(('event_unknown', False), models.Q(('event_on', None), models.Q(('answer', 'no'), _negated=True)), _connector='OR'), name='contraindication_answer_event_unknown', violation_error_message='Either the day, or that nobody knows it; and neither after a no.'),
        ),
        migrations.AddConstraint(
            model_name='enteredinerror',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', False), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', False), ('consultation__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('patch_test__isnull', False), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('patch_test__isnull', True), ('reading__isnull', False), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', False)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', False), ('session__isnull', True)), models.Q(('adverse_event__isnull', False), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', False), ('consent__isnull', True), ('consultation__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), _connector='OR'), name='entered_in_error_one_record', violation_error_message='This names one record.'),
        ),
        migrations.AddConstraint(
            model_name='healthanswer',
            constraint=models.CheckConstraint(condition=models.Q(('event_unknown', False), models.Q(('event_on', None), models.Q(('answer', 'no'), _negated=True)), _connector='OR'), name='health_answer_event_unknown', violation_error_message='Either the day, or that nobody knows it; and neither after a no.'),
        ),
        migrations.RunSQL(BEFORE._anew(SUITABLE), BEFORE._anew(BEFORE.WITH_STOPS)),
    ]
