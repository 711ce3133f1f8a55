"""Rules for a new test, and the part of the gate that asks by them.

`retests_known()` are the rules in force at a moment, `retest_changes()` what happened to the patient under them; both are
twins of `consultations.rules.retest`. Without a rule in force a changed formula and an expired test ask for a new one.
"""

from importlib import import_module

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

_PARTS = import_module("consultations.migrations.0004_gate_in_parts")

RETESTS_KNOWN = """
CREATE FUNCTION retests_known(known_by timestamptz) RETURNS TABLE (
    what text, question text, effect text, wait_days integer, lapse_months integer, session_extends boolean
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT rule.trigger::text, rule.question_code::text, rule.effect::text, rule.wait_days::integer,
        rule.lapse_months::integer, rule.session_extends
    FROM consultations_retestrule rule
    WHERE rule.published_at IS NOT NULL AND (rule.retired_at IS NULL OR rule.retired_at > known_by)
        AND (rule.published_at <= known_by OR NOT EXISTS (
            -- Nothing was decided by then: the first version, as for the caps.
            SELECT 1 FROM consultations_retestrule earlier
            WHERE earlier.code = rule.code AND earlier.published_at IS NOT NULL
                AND (earlier.published_at, earlier.version) < (rule.published_at, rule.version)
        ));
END
$$
"""

RETEST_CHANGES = """
CREATE FUNCTION retest_changes(the_plan uuid, the_patient uuid, known_by timestamptz) RETURNS TABLE (
    changed_at timestamptz, effect text, wait_days integer
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT said.recorded_at, rule.effect, rule.wait_days
    FROM (
        SELECT DISTINCT ON (q.code) q.code, a.answer, a.recorded_at
        FROM consultations_healthanswer a JOIN consultations_contraindicationquestion q ON q.id = a.question_id
        WHERE a.patient_id = the_patient AND a.recorded_at <= known_by
        ORDER BY q.code, a.recorded_at DESC
    ) said
    JOIN retests_known(known_by) rule ON rule.what = 'health_change' AND rule.question = said.code
    WHERE said.answer <> 'no'
    UNION ALL
    SELECT event.onset_at, rule.effect, rule.wait_days
    FROM consultations_adverseevent event JOIN retests_known(known_by) rule ON rule.what = 'allergic_event'
    WHERE event.patient_id = the_patient AND event.is_allergic AND event.signed_at <= known_by
        AND NOT EXISTS (
            SELECT 1 FROM consultations_adverseevent later
            WHERE later.supersedes_id = event.id AND later.signed_at <= known_by
        )
        -- Without suspected components it reaches the plan it followed, or every plan where nobody knows which.
        AND CASE WHEN event.component_codes = '{}' THEN event.plan_id IS NULL OR event.plan_id = the_plan
            ELSE event.component_codes::text[] && gate_codes(the_plan) END;
END
$$
"""

GATE_TEST = """
DECLARE
    codes text[] := gate_codes(the_plan);
    requirement text;
    valid_months integer;
    asked_since timestamptz;
    waits_until date;
    expires boolean := true;
    extends boolean := false;
    lapses_after integer;
    covers_all boolean := true;
    last_injected timestamptz;
BEGIN
    SELECT policy.requirement, policy.validity_months INTO requirement, valid_months FROM consultations_plan p
    JOIN consultations_patchtestpolicy policy ON policy.id = p.test_policy_id WHERE p.id = the_plan;
    IF requirement = 'not_required' THEN RETURN NULL; END IF;
    SELECT max(changed_at) FILTER (WHERE effect = 'require'), max(clinic_day(changed_at) + wait_days)
    INTO asked_since, waits_until FROM retest_changes(the_plan, the_patient, known_by);
    IF clinic_day(the_time) < waits_until THEN RETURN 'test_wait'; END IF;
    SELECT coalesce(bool_and(effect = 'require') FILTER (WHERE what = 'formula_changed'), true),
        coalesce(bool_and(effect = 'require') FILTER (WHERE what = 'expired'), true),
        coalesce(bool_or(session_extends) FILTER (WHERE what = 'expired'), false),
        min(lapse_months) FILTER (WHERE what = 'lapse' AND effect = 'require')
    INTO covers_all, expires, extends, lapses_after FROM retests_known(known_by);
    IF lapses_after IS NOT NULL THEN
        SELECT max(s.started_at) INTO last_injected FROM consultations_session s
        WHERE s.patient_id = the_patient AND s.signed_at IS NOT NULL AND s.outcome IN ('complete', 'partial')
            AND s.started_at < the_time
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.session_id = s.id AND e.confirmed_at <= known_by
            )
            AND EXISTS (
                SELECT 1 FROM consultations_sessiondose d JOIN consultations_component c ON c.id = d.component_id
                WHERE d.session_id = s.id AND c.code = ANY(codes)
            );
    END IF;
    IF (
        WITH clearing AS (
            SELECT t.component_codes::text[] AS tested
            FROM consultations_testreading r JOIN consultations_patchtest t ON t.id = r.patch_test_id
            WHERE t.patient_id = the_patient AND r.result = 'negative' AND r.valid_from <= the_time
                AND (NOT expires OR r.valid_until > the_time OR (extends AND EXISTS (
                    SELECT 1 FROM consultations_session s
                    WHERE s.plan_id = the_plan AND s.signed_at IS NOT NULL AND s.outcome IN ('complete', 'partial')
                        AND s.deviation_id IS NULL AND s.started_at >= r.valid_from AND s.started_at < the_time
                        AND clinic_day(the_time) < clinic_day(s.started_at) + make_interval(months => valid_months)
                        AND NOT EXISTS (
                            SELECT 1 FROM consultations_enteredinerror e
                            WHERE e.session_id = s.id AND e.confirmed_at <= known_by
                        )
                )))
                AND (asked_since IS NULL OR t.given_at >= asked_since)
                AND (lapses_after IS NULL OR clinic_day(the_time)
                    <= clinic_day(greatest(r.read_at, last_injected)) + make_interval(months => lapses_after))
                AND r.signed_at <= least(the_time, known_by)
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id AND n.signed_at <= known_by
                )
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_enteredinerror e
                    WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.requested_at <= known_by
                )
        )
        SELECT CASE
            WHEN requirement = 'not_again' AND covers_all THEN NOT coalesce(
                codes <@ (SELECT array_agg(code) FROM clearing, unnest(tested) code), false
            )
            WHEN covers_all THEN NOT EXISTS (SELECT 1 FROM clearing WHERE codes <@ tested)
            ELSE NOT EXISTS (SELECT 1 FROM clearing WHERE codes && tested)
        END
    ) THEN RETURN 'test'; END IF;
    RETURN NULL;
END
"""


def _gate_test(body: str) -> str:
    """The statement that replaces gate_test()."""
    return (
        f"CREATE OR REPLACE FUNCTION gate_test({_PARTS._ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${body}$$"
    )


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0019_technique_rules'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='RetestRuleEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('code', models.SlugField(db_index=False, max_length=80, verbose_name='code')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('source', models.CharField(blank=True, max_length=300, verbose_name='source')),
                ('to_confirm', models.BooleanField(default=False, verbose_name='clinic to confirm')),
                ('published_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='published')),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='retired')),
                ('trigger', models.CharField(choices=[('formula_changed', 'a component that was not tested'), ('expired', "the test's months are over"), ('lapse', 'a long time since the last injection'), ('health_change', 'an answer about health'), ('allergic_event', 'an allergic reaction')], max_length=20, verbose_name='what has happened')),
                ('question_code', models.SlugField(blank=True, db_index=False, help_text='Only where an answer changed.', max_length=80, verbose_name='answer to the question')),
                ('effect', models.CharField(choices=[('off', 'nothing'), ('warn', 'a warning on the session page'), ('defer', 'a wait of some days'), ('require', 'a new test first')], max_length=10, verbose_name='effect')),
                ('wait_days', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='wait, days')),
                ('lapse_months', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='since the last injection, months')),
                ('session_extends', models.BooleanField(default=False, help_text="The test's months begin anew with each session of the plan. Only where it expires.", verbose_name='a session given extends the test')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RetestRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=80, verbose_name='code')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('source', models.CharField(blank=True, max_length=300, verbose_name='source')),
                ('to_confirm', models.BooleanField(default=False, verbose_name='clinic to confirm')),
                ('published_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='published')),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='retired')),
                ('trigger', models.CharField(choices=[('formula_changed', 'a component that was not tested'), ('expired', "the test's months are over"), ('lapse', 'a long time since the last injection'), ('health_change', 'an answer about health'), ('allergic_event', 'an allergic reaction')], max_length=20, verbose_name='what has happened')),
                ('question_code', models.SlugField(blank=True, help_text='Only where an answer changed.', max_length=80, verbose_name='answer to the question')),
                ('effect', models.CharField(choices=[('off', 'nothing'), ('warn', 'a warning on the session page'), ('defer', 'a wait of some days'), ('require', 'a new test first')], max_length=10, verbose_name='effect')),
                ('wait_days', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='wait, days')),
                ('lapse_months', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='since the last injection, months')),
                ('session_extends', models.BooleanField(default=False, help_text="The test's months begin anew with each session of the plan. Only where it expires.", verbose_name='a session given extends the test')),
            ],
            options={
                'verbose_name': 'rule for a new test',
                'verbose_name_plural': 'rules for a new test',
                'ordering': ['code', '-version'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('code', 'version'), name='retestrule_version_once', violation_error_message='This version exists already.'), models.UniqueConstraint(condition=models.Q(('published_at__isnull', False), ('retired_at', None)), fields=('code',), name='retestrule_one_in_force', violation_error_message='Another version of this entry is in force.'), models.UniqueConstraint(condition=models.Q(('published_at__isnull', False), ('retired_at', None)), fields=('trigger', 'question_code'), name='retest_rule_once', violation_error_message='Another rule about the same change is in force.'), models.CheckConstraint(condition=models.Q(models.Q(('effect', 'defer'), ('trigger__in', ['health_change', 'allergic_event']), ('wait_days__gte', 1), ('wait_days__isnull', False)), models.Q(models.Q(('effect', 'defer'), _negated=True), ('wait_days', None)), _connector='OR'), name='retest_rule_wait', violation_error_message='A wait has its days, and counts from an answer or an event.'), models.CheckConstraint(condition=models.Q(models.Q(('lapse_months__gte', 1), ('lapse_months__isnull', False), ('trigger', 'lapse')), models.Q(models.Q(('trigger', 'lapse'), _negated=True), ('lapse_months', None)), _connector='OR'), name='retest_rule_lapse', violation_error_message='A lapse has its months, at least one; nothing else has.'), models.CheckConstraint(condition=models.Q(models.Q(('trigger', 'health_change'), models.Q(('question_code', ''), _negated=True)), models.Q(models.Q(('trigger', 'health_change'), _negated=True), ('question_code', '')), _connector='OR'), name='retest_rule_question', violation_error_message='A changed answer names its question; nothing else does.'), models.CheckConstraint(condition=models.Q(('session_extends', False), models.Q(('effect', 'require'), ('trigger', 'expired')), _connector='OR'), name='retest_rule_extends', violation_error_message='Only a test that expires can be extended by a session.')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retestrule',
            trigger=pgtrigger.compiler.Trigger(name='retest_rule_published', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF OLD.published_at IS NOT NULL AND (\n                    TG_OP = 'DELETE' OR to_jsonb(NEW) - 'retired_at' <> to_jsonb(OLD) - 'retired_at'\n                ) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'retest_rule_published', MESSAGE = 'This version is published and cannot be changed; make a new version.';\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                RETURN NEW;\n            ", hash='e97fbeca2fb2664007a9a349fa16bcb1d54ffda2', operation='UPDATE OR DELETE', pgid='pgtrigger_retest_rule_published_cff1a', table='consultations_retestrule', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retestrule',
            trigger=pgtrigger.compiler.Trigger(name='retest_rule_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'retest_rule_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='fb83f578f98c11b82635b695539966046422b0fe', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_retest_rule_no_truncate_bcd4b', table='consultations_retestrule', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retestrule',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_retestruleevent" ("code", "effect", "id", "lapse_months", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "question_code", "retired_at", "session_extends", "source", "to_confirm", "trigger", "version", "wait_days") VALUES (NEW."code", NEW."effect", NEW."id", NEW."lapse_months", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."published_at", NEW."question_code", NEW."retired_at", NEW."session_extends", NEW."source", NEW."to_confirm", NEW."trigger", NEW."version", NEW."wait_days"); RETURN NULL;', hash='67a71e4ca676774135087beebd6ec8111e75fcfe', operation='INSERT', pgid='pgtrigger_insert_insert_b6e9b', table='consultations_retestrule', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retestrule',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_retestruleevent" ("code", "effect", "id", "lapse_months", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "question_code", "retired_at", "session_extends", "source", "to_confirm", "trigger", "version", "wait_days") VALUES (NEW."code", NEW."effect", NEW."id", NEW."lapse_months", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."published_at", NEW."question_code", NEW."retired_at", NEW."session_extends", NEW."source", NEW."to_confirm", NEW."trigger", NEW."version", NEW."wait_days"); RETURN NULL;', hash='7ab320266a220dca73b43333f01e282f88f2b616', operation='UPDATE', pgid='pgtrigger_update_update_cf52f', table='consultations_retestrule', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retestrule',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_retestruleevent" ("code", "effect", "id", "lapse_months", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "question_code", "retired_at", "session_extends", "source", "to_confirm", "trigger", "version", "wait_days") VALUES (OLD."code", OLD."effect", OLD."id", OLD."lapse_months", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."published_at", OLD."question_code", OLD."retired_at", OLD."session_extends", OLD."source", OLD."to_confirm", OLD."trigger", OLD."version", OLD."wait_days"); RETURN NULL;', hash='710681e05c3e5430f48d6d2dca66a7d50082e865', operation='DELETE', pgid='pgtrigger_delete_delete_a00d6', table='consultations_retestrule', when='AFTER')),
        ),
        migrations.AddField(
            model_name='retestruleevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='retestruleevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='consultations.retestrule'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retestruleevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c474e2732cb6207d7cfc5b1537819e4ce0974ab2', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3ac9b', table='consultations_retestruleevent', when='BEFORE')),
        ),
        migrations.RunSQL(RETESTS_KNOWN, "DROP FUNCTION retests_known"),
        migrations.RunSQL(RETEST_CHANGES, "DROP FUNCTION retest_changes"),
        migrations.RunSQL(_gate_test(GATE_TEST), _gate_test(_PARTS.PARTS["gate_test"])),
    ]
