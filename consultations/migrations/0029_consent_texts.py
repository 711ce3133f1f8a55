"""Consent texts by procedure; the publisher of a new version decides whether who signed before signs again.

`gate_consent()` is replaced: a consent no longer counts once a later version of its text asks for a new signature: "now"
everybody, "at the next course" those to whom nothing had been given before it was published. Its twin is
`consultations/rules/consent.py`.
"""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

BEFORE = import_module("consultations.migrations.0013_validity")
_ENDED = """
            AND NOT EXISTS (
                SELECT 1 FROM consultations_consentwithdrawal w"""
_ASKED_AGAIN = """
            AND NOT EXISTS (
                SELECT 1 FROM consultations_consenttext signed
                JOIN consultations_consenttext newer ON newer.code = signed.code AND newer.version > signed.version
                WHERE signed.id = c.text_id AND newer.published_at <= known_by AND (
                    newer.sign_again = 'now' OR newer.sign_again = 'next_course' AND NOT EXISTS (
                        SELECT 1 FROM consultations_session s
                        WHERE s.plan_id = the_plan AND s.outcome IN ('complete', 'partial')
                            AND s.signed_at IS NOT NULL AND s.started_at < newer.published_at
                            AND NOT EXISTS (
                                SELECT 1 FROM consultations_enteredinerror e
                                WHERE e.session_id = s.id AND e.confirmed_at <= known_by
                            )
                    )
                )
            )"""
CONSENT = BEFORE.CONSENT.replace(_ENDED, _ASKED_AGAIN + _ENDED)
_STATEMENT = (
    f"CREATE OR REPLACE FUNCTION gate_consent({BEFORE.IN_PARTS._ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${{}}$$"
)


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0028_consent_signature'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='consenttext',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='consenttext',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='consenttext',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='consenttext',
            name='family',
            field=models.CharField(blank=True, choices=[('needle', 'needle'), ('gun', 'gun'), ('needleless', 'needleless')], max_length=20, verbose_name='only for kind'),
        ),
        migrations.AddField(
            model_name='consenttext',
            name='formula_code',
            field=models.SlugField(blank=True, max_length=80, verbose_name='only for formula'),
        ),
        migrations.AddField(
            model_name='consenttext',
            name='sign_again',
            field=models.CharField(choices=[('no', 'No: what is signed stays in force'), ('next_course', 'At the next course: courses that have begun are finished under the old text'), ('now', 'Now: before the next injection')], default='no', editable=False, max_length=20, verbose_name='who signed before signs again'),
        ),
        migrations.AddField(
            model_name='consenttext',
            name='technique_code',
            field=models.SlugField(blank=True, max_length=80, verbose_name='only for technique'),
        ),
        migrations.AddField(
            model_name='consenttextevent',
            name='family',
            field=models.CharField(blank=True, choices=[('needle', 'needle'), ('gun', 'gun'), ('needleless', 'needleless')], max_length=20, verbose_name='only for kind'),
        ),
        migrations.AddField(
            model_name='consenttextevent',
            name='formula_code',
            field=models.SlugField(blank=True, db_index=False, max_length=80, verbose_name='only for formula'),
        ),
        migrations.AddField(
            model_name='consenttextevent',
            name='sign_again',
            field=models.CharField(choices=[('no', 'No: what is signed stays in force'), ('next_course', 'At the next course: courses that have begun are finished under the old text'), ('now', 'Now: before the next injection')], default='no', editable=False, max_length=20, verbose_name='who signed before signs again'),
        ),
        migrations.AddField(
            model_name='consenttextevent',
            name='technique_code',
            field=models.SlugField(blank=True, db_index=False, max_length=80, verbose_name='only for technique'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consenttext',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_consenttextevent" ("body", "code", "family", "formula_code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "retired_at", "sign_again", "source", "technique_code", "to_confirm", "version") VALUES (NEW."body", NEW."code", NEW."family", NEW."formula_code", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."published_at", NEW."retired_at", NEW."sign_again", NEW."source", NEW."technique_code", NEW."to_confirm", NEW."version"); RETURN NULL;', hash='190edff548d0aa5ffa10b1210c73993450d9bd49', operation='INSERT', pgid='pgtrigger_insert_insert_6b1cc', table='consultations_consenttext', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consenttext',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_consenttextevent" ("body", "code", "family", "formula_code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "retired_at", "sign_again", "source", "technique_code", "to_confirm", "version") VALUES (NEW."body", NEW."code", NEW."family", NEW."formula_code", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."published_at", NEW."retired_at", NEW."sign_again", NEW."source", NEW."technique_code", NEW."to_confirm", NEW."version"); RETURN NULL;', hash='a4f7770512766a3f548e46dc4e591558ac654e44', operation='UPDATE', pgid='pgtrigger_update_update_1f431', table='consultations_consenttext', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consenttext',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_consenttextevent" ("body", "code", "family", "formula_code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "retired_at", "sign_again", "source", "technique_code", "to_confirm", "version") VALUES (OLD."body", OLD."code", OLD."family", OLD."formula_code", OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."published_at", OLD."retired_at", OLD."sign_again", OLD."source", OLD."technique_code", OLD."to_confirm", OLD."version"); RETURN NULL;', hash='d759fd306494e3e3743fd327bb646a7b6fdd2645', operation='DELETE', pgid='pgtrigger_delete_delete_f56be', table='consultations_consenttext', when='AFTER')),
        ),
        migrations.RunSQL(_STATEMENT.format(CONSENT), _STATEMENT.format(BEFORE.CONSENT)),
        migrations.AddConstraint(
            model_name='consenttext',
            constraint=models.CheckConstraint(condition=models.Q(('sign_again__in', ['no', 'next_course', 'now'])), name='consent_text_sign_again_known', violation_error_message='Choose whether who signed before signs again: an unknown word would ask nobody.'),
        ),
    ]
