"""Tests of single components after a positive test: the decision, the gate of such a test, and the cause that was found.

A positive reading, and the reported allergy that came of it, close what the last finding of its search has not opened
(`opened_codes()`); twins are `consultations.rules.gates.positive`, `.allergies` and `consultations.rules.causes`. What a
finding opened needs a new test of the formula to be injected, whatever the policy asks for.
"""

import uuid
from importlib import import_module

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

_RETESTS = import_module("consultations.migrations.0020_retest_rules")
_UNCLEAR = import_module("consultations.migrations.0030_unclear_tests_hold")
_HOLDS = import_module("consultations.migrations.0018_allergic_holds")
_PARTS = import_module("consultations.migrations.0004_gate_in_parts")

OPENED_CODES = """
CREATE FUNCTION opened_codes(the_test uuid, since timestamptz, known_by timestamptz) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    the_search uuid := (SELECT id FROM consultations_causesearch WHERE patch_test_id = the_test);
    opened text[];
    found_at timestamptz;
BEGIN
    IF the_search IS NULL THEN RETURN '{}'; END IF;
    SELECT f.opened_codes::text[], f.signed_at INTO opened, found_at FROM consultations_causefinding f
    WHERE f.search_id = the_search AND f.signed_at <= known_by ORDER BY f.signed_at DESC LIMIT 1;
    IF opened IS NULL OR found_at < since THEN RETURN '{}'; END IF;
    -- Only while the component's own test without reaction still stands.
    RETURN coalesce((
        SELECT array_agg(code) FROM unnest(opened) code
        WHERE EXISTS (
            SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id
            WHERE t.search_id = the_search AND code = ANY(t.component_codes::text[]) AND r.result = 'negative'
                AND r.signed_at <= found_at
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id AND n.signed_at <= known_by
                )
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_enteredinerror e
                    WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.requested_at <= known_by
                )
        )
    ), '{}');
END
$$
"""

# `looked_through` is the positive test whose cause is looked for; NULL for everything else.
MEETS_POSITIVE = """
CREATE FUNCTION meets_positive(the_patient uuid, codes text[], looked_through uuid, known_by timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- A positive reading closes every formula that shares a component, until a second person has confirmed an error.
    RETURN EXISTS (
        SELECT 1 FROM consultations_testreading r JOIN consultations_patchtest t ON t.id = r.patch_test_id
        WHERE t.patient_id = the_patient AND r.result = 'positive' AND t.component_codes::text[] && codes
            AND t.id IS DISTINCT FROM looked_through AND r.signed_at <= known_by
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.confirmed_at <= known_by
            )
            AND NOT coalesce(
                ARRAY(SELECT code FROM unnest(t.component_codes::text[]) code WHERE code = ANY(codes))
                    <@ opened_codes(t.id, r.signed_at, known_by), false
            )
    );
END
$$
"""

MEETS_ALLERGY = """
CREATE FUNCTION meets_allergy(
    the_plan uuid, the_patient uuid, codes text[], looked_through uuid, known_by timestamptz
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    groups text[];
BEGIN
    -- A group that the version in force names closes formulas that hold older versions, too.
    SELECT array_agg(DISTINCT g) INTO groups
    FROM consultations_plan p JOIN consultations_formulapart part ON part.formula_id = p.formula_id
    JOIN consultations_component c ON c.id = part.component_id
    LEFT JOIN consultations_component newest ON newest.code = c.code
        AND newest.published_at <= known_by AND (newest.retired_at IS NULL OR newest.retired_at > known_by)
    CROSS JOIN LATERAL unnest(c.allergen_groups || coalesce(newest.allergen_groups, '{}')) g
    WHERE p.id = the_plan AND c.code = ANY(codes);
    RETURN EXISTS (
        SELECT 1 FROM consultations_allergy a LEFT JOIN consultations_testreading r ON r.id = a.test_reading_id
        WHERE a.patient_id = the_patient AND a.status <> 'refuted' AND a.reported_at <= known_by
            AND (a.group_code = ANY(groups) OR a.component_codes::text[] && codes)
            AND NOT (a.status = 'reported' AND r.patch_test_id IS NOT DISTINCT FROM looked_through
                AND looked_through IS NOT NULL)
            -- Reported of a test whose cause was found since: it names no more than the finding left closed.
            AND NOT (a.status = 'reported' AND a.group_code = '' AND r.id IS NOT NULL AND coalesce(
                ARRAY(SELECT code FROM unnest(a.component_codes::text[]) code WHERE code = ANY(codes))
                    <@ opened_codes(r.patch_test_id, a.reported_at, known_by), false
            ))
    );
END
$$
"""

GATE_POSITIVE = """
BEGIN
    IF meets_positive(the_patient, gate_codes(the_plan), NULL, known_by) THEN RETURN 'test_positive'; END IF;
    RETURN NULL;
END
"""

_UNASSESSED = """    IF EXISTS (
        SELECT 1 FROM consultations_allergy a
        WHERE a.patient_id = the_patient AND a.status = 'reported' AND a.group_code = '' AND a.component_codes = '{}'
            AND a.reported_at <= known_by
    ) THEN RETURN 'allergy_unassessed'; END IF;
"""
GATE_ALLERGIES = f"""
BEGIN
    IF meets_allergy(the_plan, the_patient, gate_codes(the_plan), NULL, known_by) THEN RETURN 'allergy'; END IF;
{_UNASSESSED}    RETURN NULL;
END
"""

# Everything that a test asks for, but through the positive test that is searched and what it did: its reading, the allergy
# that was reported of it, and the end of the plan.
COMPONENT_TEST_REFUSAL = f"""
CREATE FUNCTION component_test_refusal(
    the_plan uuid, the_patient uuid, the_time timestamptz, the_search uuid, codes text[], known_by timestamptz
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    searched uuid;
    ended_by uuid;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM consultations_plan WHERE id = the_plan AND patient_id = the_patient) THEN
        RETURN 'other_patient';
    END IF;
    IF the_time > clock_timestamp() + interval '5 minutes' THEN RETURN 'future'; END IF;
    SELECT t.id INTO searched FROM consultations_causesearch s JOIN consultations_patchtest t ON t.id = s.patch_test_id
    WHERE s.id = the_search AND s.patient_id = the_patient AND t.plan_id = the_plan AND s.signed_at <= the_time
        AND codes <@ t.component_codes::text[];
    IF searched IS NULL THEN RETURN 'no_search'; END IF;
    SELECT r.patch_test_id INTO ended_by FROM (
        SELECT change.status, change.test_reading_id FROM consultations_planstatuschange change
        WHERE change.plan_id = the_plan AND change.changed_at <= known_by
        ORDER BY change.changed_at DESC, change.id DESC LIMIT 1
    ) last JOIN consultations_testreading r ON r.id = last.test_reading_id WHERE last.status = 'stopped';
    RETURN coalesce(
        gate_suitable(the_plan, the_patient, the_time, NULL, known_by),
        CASE WHEN ended_by IS DISTINCT FROM searched THEN
            gate_plan(the_plan, the_patient, the_time, NULL, known_by)
        END,
        gate_stops(the_plan, the_patient, the_time, NULL, known_by),
        CASE WHEN meets_allergy(the_plan, the_patient, codes, searched, known_by) THEN 'allergy' END,
        CASE WHEN EXISTS (
            SELECT 1 FROM consultations_allergy a
            WHERE a.patient_id = the_patient AND a.status = 'reported' AND a.group_code = ''
                AND a.component_codes = '{{}}' AND a.reported_at <= known_by
        ) THEN 'allergy_unassessed' END,
        gate_consent(the_plan, the_patient, the_time, NULL, known_by),
        CASE WHEN meets_positive(the_patient, codes, searched, known_by) THEN 'test_positive' END
    );
END
$$
"""

_BEGINS = "    IF requirement = 'not_required' THEN RETURN NULL; END IF;\n"
_REOPENED = """    -- What a finding opened needs a test of the whole formula since, whatever the policy asks for.
    SELECT max(f.signed_at) INTO reopened FROM consultations_causefinding f
    WHERE f.patient_id = the_patient AND f.signed_at <= known_by AND f.opened_codes::text[] && codes
        AND NOT EXISTS (
            SELECT 1 FROM consultations_causefinding later
            WHERE later.search_id = f.search_id AND later.signed_at > f.signed_at AND later.signed_at <= known_by
        );
    IF reopened IS NOT NULL THEN requirement := 'required'; END IF;
"""
_DECIDED = "    INTO covers_all, expires, extends, lapses_after FROM retests_known(known_by);\n"
_SINCE = """    IF reopened IS NOT NULL THEN
        asked_since := greatest(asked_since, reopened);
        covers_all := true;
    END IF;
"""
GATE_TEST = (
    _UNCLEAR.GATE_TEST.replace("    requirement text;\n", "    requirement text;\n    reopened timestamptz;\n")
    .replace(_BEGINS, _REOPENED + _BEGINS)
    .replace(_DECIDED, _DECIDED + _SINCE)
    # A component tested alone clears nothing, and answers no doubt.
    .replace("AND a.result = 'negative' AND", "AND a.result = 'negative' AND again.search_id IS NULL AND")
    .replace("AND r.result = 'negative' AND r.valid_from", "AND r.result = 'negative' AND t.search_id IS NULL AND r.valid_from")
)
assert GATE_TEST.count("reopened") == 5 and GATE_TEST.count("search_id IS NULL") == 2

# What a positive reading did before it was written down with it: in the same transaction, at the very moment it was signed.
BACKFILL = """
UPDATE consultations_allergy a SET test_reading_id = r.id
FROM consultations_testreading r JOIN consultations_patchtest t ON t.id = r.patch_test_id
WHERE r.result = 'positive' AND t.patient_id = a.patient_id AND a.reported_at = r.signed_at
    AND a.adverse_event_id IS NULL AND a.component_codes = t.component_codes;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE consultations_planstatuschange DISABLE TRIGGER USER;
UPDATE consultations_planstatuschange change SET test_reading_id = r.id
FROM consultations_plan p, consultations_testreading r
WHERE p.id = change.plan_id AND r.result = 'positive' AND r.patient_id = p.patient_id
    AND change.changed_at = r.signed_at AND change.status = 'stopped' AND change.adverse_event_id IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE consultations_planstatuschange ENABLE TRIGGER USER;
SET CONSTRAINTS ALL DEFERRED;
"""


def _replaced(name: str, body: str, before: str) -> migrations.RunSQL:
    return migrations.RunSQL(_HOLDS._replace(name, body), _HOLDS._replace(name, before))


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0009_follow_up_contacts'),
        ('consultations', '0040_photo_removal_two_people'),
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CauseFinding',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('cause_codes', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(max_length=80), blank=True, size=None, verbose_name='the cause')),
                ('opened_codes', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(max_length=80), blank=True, size=None, verbose_name='opens again')),
                ('words', models.CharField(max_length=1000, verbose_name='assessment')),
                ('signed_at', models.DateTimeField(verbose_name='signed at')),
                ('content_hash', models.CharField(max_length=64)),
            ],
            options={
                'verbose_name': 'cause found',
                'verbose_name_plural': 'causes found',
                'ordering': ['-signed_at'],
            },
        ),
        migrations.CreateModel(
            name='CauseFindingEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('cause_codes', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(max_length=80), blank=True, size=None, verbose_name='the cause')),
                ('opened_codes', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(max_length=80), blank=True, size=None, verbose_name='opens again')),
                ('words', models.CharField(max_length=1000, verbose_name='assessment')),
                ('signed_at', models.DateTimeField(verbose_name='signed at')),
                ('content_hash', models.CharField(max_length=64)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CauseSearch',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=1000, verbose_name='why the components are tested')),
                ('signed_at', models.DateTimeField(verbose_name='signed at')),
                ('content_hash', models.CharField(max_length=64)),
            ],
            options={
                'verbose_name': 'search for the cause',
                'verbose_name_plural': 'searches for the cause',
                'ordering': ['-signed_at'],
            },
        ),
        migrations.CreateModel(
            name='CauseSearchEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('reason', models.CharField(max_length=1000, verbose_name='why the components are tested')),
                ('signed_at', models.DateTimeField(verbose_name='signed at')),
                ('content_hash', models.CharField(max_length=64)),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='allergy',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='allergy',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='allergy',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtest',
            name='patch_test_cleared',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtest',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtest',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtest',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='plan',
            name='plan_resume_cleared',
        ),
        migrations.AddField(
            model_name='allergy',
            name='test_reading',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consultations.testreading', verbose_name='from the reading'),
        ),
        migrations.AddField(
            model_name='allergyevent',
            name='test_reading',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.testreading', verbose_name='from the reading'),
        ),
        migrations.AddField(
            model_name='planstatuschange',
            name='test_reading',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='plan_changes', to='consultations.testreading', verbose_name='because of the reading'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='allergy',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_allergyevent" ("adverse_event_id", "assessed_at", "assessed_by_id", "assessment", "component_codes", "group_code", "id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reaction", "reported_at", "reported_by_id", "status", "test_reading_id", "words") VALUES (NEW."adverse_event_id", NEW."assessed_at", NEW."assessed_by_id", NEW."assessment", NEW."component_codes", NEW."group_code", NEW."id", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reaction", NEW."reported_at", NEW."reported_by_id", NEW."status", NEW."test_reading_id", NEW."words"); RETURN NULL;', hash='b98ffb416bad4a07d5bed84576eab155032a5f5e', operation='INSERT', pgid='pgtrigger_insert_insert_42e39', table='consultations_allergy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='allergy',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_allergyevent" ("adverse_event_id", "assessed_at", "assessed_by_id", "assessment", "component_codes", "group_code", "id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reaction", "reported_at", "reported_by_id", "status", "test_reading_id", "words") VALUES (NEW."adverse_event_id", NEW."assessed_at", NEW."assessed_by_id", NEW."assessment", NEW."component_codes", NEW."group_code", NEW."id", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reaction", NEW."reported_at", NEW."reported_by_id", NEW."status", NEW."test_reading_id", NEW."words"); RETURN NULL;', hash='2197b728c5f6dba48be3efa50a4da17d6e58b925', operation='UPDATE', pgid='pgtrigger_update_update_5e4d9', table='consultations_allergy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='allergy',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_allergyevent" ("adverse_event_id", "assessed_at", "assessed_by_id", "assessment", "component_codes", "group_code", "id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reaction", "reported_at", "reported_by_id", "status", "test_reading_id", "words") VALUES (OLD."adverse_event_id", OLD."assessed_at", OLD."assessed_by_id", OLD."assessment", OLD."component_codes", OLD."group_code", OLD."id", OLD."patient_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reaction", OLD."reported_at", OLD."reported_by_id", OLD."status", OLD."test_reading_id", OLD."words"); RETURN NULL;', hash='28eee9b469d2ea09fadba736d78183420b5d226a', operation='DELETE', pgid='pgtrigger_delete_delete_0374e', table='consultations_allergy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='plan',
            trigger=pgtrigger.compiler.Trigger(name='plan_resume_cleared', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE since timestamptz;', func="\n                    IF OLD.status <> 'on_hold' OR NEW.status <> 'active' THEN RETURN NEW; END IF;\n                    since := plan_allergic_since(NEW.id);\n                    IF since IS NOT NULL AND NOT EXISTS (\n                        SELECT 1 FROM consultations_testreading r\n                        JOIN consultations_patchtest t ON t.id = r.patch_test_id\n                        WHERE t.patient_id = NEW.patient_id AND r.result = 'negative' AND t.given_at > since\n                            AND t.search_id IS NULL AND gate_codes(NEW.id) <@ t.component_codes::text[]\n                            AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)\n                            AND NOT EXISTS (\n                                SELECT 1 FROM consultations_enteredinerror e\n                                WHERE e.reading_id = r.id OR e.patch_test_id = t.id\n                            )\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_resume_cleared', MESSAGE = 'After an allergic reaction a plan waits for a new test.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='0bccfee179c9f644eaa0e861837427c67082bd46', operation='UPDATE OF "status"', pgid='pgtrigger_plan_resume_cleared_472d8', table='consultations_plan', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='causefinding',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cause_findings', to='clinic.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='causefinding',
            name='signed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='found by'),
        ),
        migrations.AddField(
            model_name='causefindingevent',
            name='patient',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinic.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='causefindingevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='causefindingevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='consultations.causefinding'),
        ),
        migrations.AddField(
            model_name='causefindingevent',
            name='signed_by',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='found by'),
        ),
        migrations.AddField(
            model_name='causesearch',
            name='patch_test',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='cause_search', to='consultations.patchtest', verbose_name='the positive test'),
        ),
        migrations.AddField(
            model_name='causesearch',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cause_searches', to='clinic.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='causesearch',
            name='signed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='causefindingevent',
            name='search',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.causesearch', verbose_name='search for the cause'),
        ),
        migrations.AddField(
            model_name='causefinding',
            name='search',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='consultations.causesearch', verbose_name='search for the cause'),
        ),
        migrations.AddField(
            model_name='patchtest',
            name='search',
            field=models.ForeignKey(blank=True, help_text='Only of a test of one component alone, after a positive test of several.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='component_tests', to='consultations.causesearch', verbose_name='search for the cause'),
        ),
        migrations.AddField(
            model_name='patchtestevent',
            name='search',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text='Only of a test of one component alone, after a positive test of several.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.causesearch', verbose_name='search for the cause'),
        ),
        migrations.AddConstraint(
            model_name='patchtest',
            constraint=models.CheckConstraint(condition=models.Q(('search', None), ('component_codes__len', 1), _connector='OR'), name='patch_test_component_alone', violation_error_message='Looking for the cause, each component is tested alone.'),
        ),
        migrations.AddField(
            model_name='causesearchevent',
            name='patch_test',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.patchtest', verbose_name='the positive test'),
        ),
        migrations.AddField(
            model_name='causesearchevent',
            name='patient',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinic.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='causesearchevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='causesearchevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='consultations.causesearch'),
        ),
        migrations.AddField(
            model_name='causesearchevent',
            name='signed_by',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddConstraint(
            model_name='causesearch',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='cause_search_reasoned', violation_error_message='Say why the components are tested.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearch',
            trigger=pgtrigger.compiler.Trigger(name='cause_search_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_search_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='ccdd41d0e3bc0a27fa89b77b0a980818de4aeec4', operation='UPDATE OR DELETE', pgid='pgtrigger_cause_search_append_only_dd833', table='consultations_causesearch', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearch',
            trigger=pgtrigger.compiler.Trigger(name='cause_search_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_search_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='f34560336cd30fe66b6ef8f68ce706fc6070ac2c', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_cause_search_no_truncate_f22e8', table='consultations_causesearch', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearch',
            trigger=pgtrigger.compiler.Trigger(name='cause_search_of_positive', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM consultations_patchtest t\n                        JOIN consultations_testreading r ON r.patch_test_id = t.id\n                        WHERE t.id = NEW.patch_test_id AND t.patient_id = NEW.patient_id AND t.search_id IS NULL\n                            AND cardinality(t.component_codes) > 1 AND r.result = 'positive'\n                            AND r.signed_at <= NEW.signed_at\n                    ) OR EXISTS (\n                        SELECT 1 FROM consultations_testreading r WHERE r.patch_test_id = NEW.patch_test_id\n                            AND (r.systemic_sign OR r.grade = 'pos3')\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_search_of_positive', MESSAGE = 'The cause is looked for after a positive test of several components of this patient, not after a strong reaction.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='51b37bd31aab4db3139b353199462126a49cfd84', operation='INSERT', pgid='pgtrigger_cause_search_of_positive_7fd1f', table='consultations_causesearch', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearch',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_causesearchevent" ("content_hash", "id", "patch_test_id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "signed_at", "signed_by_id") VALUES (NEW."content_hash", NEW."id", NEW."patch_test_id", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."signed_at", NEW."signed_by_id"); RETURN NULL;', hash='24d77c7fd8ffca03fe0159e70b1a8d37164743e2', operation='INSERT', pgid='pgtrigger_insert_insert_89afa', table='consultations_causesearch', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearch',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_causesearchevent" ("content_hash", "id", "patch_test_id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "signed_at", "signed_by_id") VALUES (NEW."content_hash", NEW."id", NEW."patch_test_id", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."signed_at", NEW."signed_by_id"); RETURN NULL;', hash='5c0bcda4f3cdb0e99d7fd21d8bc2335fb5e1a613', operation='UPDATE', pgid='pgtrigger_update_update_007a5', table='consultations_causesearch', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearch',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_causesearchevent" ("content_hash", "id", "patch_test_id", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "signed_at", "signed_by_id") VALUES (OLD."content_hash", OLD."id", OLD."patch_test_id", OLD."patient_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reason", OLD."signed_at", OLD."signed_by_id"); RETURN NULL;', hash='a99a4264271c3ba4f6c82e531fa2be8b1c2bcc4c', operation='DELETE', pgid='pgtrigger_delete_delete_68699', table='consultations_causesearch', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefindingevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='12c83b6e1695cd6fa87d15280ccb63ee68a70a3f', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_09500', table='consultations_causefindingevent', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='causefinding',
            constraint=models.UniqueConstraint(fields=('search', 'signed_at'), name='cause_finding_one_at_a_time', violation_error_message='The cause was recorded at this very moment already.'),
        ),
        migrations.AddConstraint(
            model_name='causefinding',
            constraint=models.CheckConstraint(condition=models.Q(('words', ''), _negated=True), name='cause_finding_worded', violation_error_message='Say what you conclude.'),
        ),
        migrations.AddConstraint(
            model_name='causefinding',
            constraint=models.CheckConstraint(condition=models.Q(('opened_codes', []), models.Q(('cause_codes', []), _negated=True), _connector='OR'), name='cause_finding_opens', violation_error_message='Without a cause nothing opens again.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefinding',
            trigger=pgtrigger.compiler.Trigger(name='cause_finding_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_finding_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='506d1f1f514aabfe9561aa6068bfffb9af5c4567', operation='UPDATE OR DELETE', pgid='pgtrigger_cause_finding_append_only_4003e', table='consultations_causefinding', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefinding',
            trigger=pgtrigger.compiler.Trigger(name='cause_finding_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_finding_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='49f79da7da2eb5cde1ed1f0fc38631305f9f8baf', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_cause_finding_no_truncate_dd919', table='consultations_causefinding', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefinding',
            trigger=pgtrigger.compiler.Trigger(name='cause_finding_grounded', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM consultations_causesearch s\n                        WHERE s.id = NEW.search_id AND s.patient_id = NEW.patient_id AND s.signed_at <= NEW.signed_at\n                    ) OR EXISTS (\n                        SELECT 1 FROM unnest(NEW.cause_codes::text[]) code\n                        WHERE NOT EXISTS (\n        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id\n        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = 'positive'\n            AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_enteredinerror e\n                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.confirmed_at IS NOT NULL\n            )\n    )\n                    ) OR EXISTS (\n                        SELECT 1 FROM unnest(NEW.opened_codes::text[]) code\n                        WHERE NOT EXISTS (\n        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id\n        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = 'negative'\n            AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_enteredinerror e\n                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) \n            )\n    )\n                            OR EXISTS (\n        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id\n        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = 'positive'\n            AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_enteredinerror e\n                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.confirmed_at IS NOT NULL\n            )\n    )\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_finding_grounded', MESSAGE = 'A cause reacted in a test of its own, and what opens again was tested alone without reaction.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='4eaea4222f1b904be38b31d392ff474cb2402ee2', operation='INSERT', pgid='pgtrigger_cause_finding_grounded_ac781', table='consultations_causefinding', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefinding',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_causefindingevent" ("cause_codes", "content_hash", "id", "opened_codes", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "search_id", "signed_at", "signed_by_id", "words") VALUES (NEW."cause_codes", NEW."content_hash", NEW."id", NEW."opened_codes", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."search_id", NEW."signed_at", NEW."signed_by_id", NEW."words"); RETURN NULL;', hash='f3dac059edde4c6d265a28fb21b7a4abb5e4095a', operation='INSERT', pgid='pgtrigger_insert_insert_709e8', table='consultations_causefinding', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefinding',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_causefindingevent" ("cause_codes", "content_hash", "id", "opened_codes", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "search_id", "signed_at", "signed_by_id", "words") VALUES (NEW."cause_codes", NEW."content_hash", NEW."id", NEW."opened_codes", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."search_id", NEW."signed_at", NEW."signed_by_id", NEW."words"); RETURN NULL;', hash='8324d722d735051b0ec4d2d135b69b3ecca621c0', operation='UPDATE', pgid='pgtrigger_update_update_5a697', table='consultations_causefinding', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefinding',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_causefindingevent" ("cause_codes", "content_hash", "id", "opened_codes", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "search_id", "signed_at", "signed_by_id", "words") VALUES (OLD."cause_codes", OLD."content_hash", OLD."id", OLD."opened_codes", OLD."patient_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."search_id", OLD."signed_at", OLD."signed_by_id", OLD."words"); RETURN NULL;', hash='a48992e061cb840ef450135dfa0372c9f8cacac5', operation='DELETE', pgid='pgtrigger_delete_delete_51ee1', table='consultations_causefinding', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearchevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2a154a5993d72292f00a7f2bbf556342f7b1481a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_cfe87', table='consultations_causesearchevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtest',
            trigger=pgtrigger.compiler.Trigger(name='patch_test_cleared', sql=pgtrigger.compiler.UpsertTriggerSql(declare="DECLARE refusal text; known_by timestamptz := 'infinity';", func="\n        PERFORM 1 FROM clinic_patient WHERE id = NEW.patient_id FOR NO KEY UPDATE;\n        \n    IF TG_OP = 'UPDATE' THEN\n        IF (OLD.plan_id, OLD.patient_id, OLD.deviation_id, OLD.given_at, OLD.search_id, OLD.component_codes) IS NOT DISTINCT FROM (NEW.plan_id, NEW.patient_id, NEW.deviation_id, NEW.given_at, NEW.search_id, NEW.component_codes)  THEN\n            known_by := NEW.given_at;\n        END IF;\n    END IF;\n\n        IF NEW.search_id IS NULL THEN\n            refusal := pathway_refusal(NEW.plan_id, NEW.patient_id, NEW.given_at, 'test', NULL, known_by);\n        ELSE\n            refusal := component_test_refusal(\n                NEW.plan_id, NEW.patient_id, NEW.given_at, NEW.search_id, NEW.component_codes::text[], known_by\n            );\n        END IF;\n        IF refusal IS NOT NULL AND (NEW.deviation_id IS NULL OR refusal IN ('other_patient', 'no_search')) THEN\n            \n    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_cleared', DETAIL = refusal,\n        MESSAGE = 'The pathway does not allow this: ' || refusal;\n\n        END IF;\n        IF NEW.appointment_id IS NOT NULL AND NOT EXISTS (\n            SELECT 1 FROM clinic_appointment WHERE id = NEW.appointment_id AND patient_id = NEW.patient_id\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_cleared', MESSAGE = 'The visit belongs to a different patient.';\n        END IF;\n        IF NOT EXISTS (\n            SELECT 1 FROM consultations_plan WHERE id = NEW.plan_id AND formula_id = NEW.formula_id\n        ) OR NOT NEW.component_codes::text[] <@ (\n            SELECT array_agg(c.code::text) FROM consultations_formulapart part\n            JOIN consultations_component c ON c.id = part.component_id WHERE part.formula_id = NEW.formula_id\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_cleared', MESSAGE = 'A test is of the plan''s formula and of components that are in it.';\n        END IF;\n        \n    IF NEW.deviation_id IS NOT NULL AND NOT EXISTS (\n        SELECT 1 FROM consultations_deviation\n        WHERE id = NEW.deviation_id AND plan_id = NEW.plan_id AND patient_id = NEW.patient_id\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_cleared', MESSAGE = 'The deviation was recorded for another plan.';\n    END IF;\n\n        \n    IF NEW.deviation_id IS NULL AND EXISTS (\n        SELECT 1 FROM consultations_patchtestlot used JOIN consultations_lot l ON l.id = used.lot_id\n        WHERE used.patch_test_id = NEW.id AND (\n            least(l.expires_on, l.opened_until) < clinic_day(NEW.given_at) OR l.used_up_on < clinic_day(NEW.given_at)\n            OR l.quarantined_at <= NEW.given_at\n            OR lot_of_other_strength(l.id, NEW.formula_id, NEW.given_at)\n            OR lot_meets_allergy(l.id, NEW.patient_id, NEW.given_at)\n        )\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_cleared', MESSAGE = 'A lot was expired, quarantined, used up, of another strength than the recipe or closed by an allergy at that time.';\n    END IF;\n\n        IF NEW.signed_at IS NOT NULL AND NEW.deviation_id IS NULL AND EXISTS (\n            SELECT 1 FROM consultations_formulapart part JOIN consultations_component c ON c.id = part.component_id\n            WHERE part.formula_id = NEW.formula_id\n                AND (NEW.search_id IS NULL OR c.code = ANY(NEW.component_codes)) AND NOT EXISTS (\n                SELECT 1 FROM consultations_patchtestlot used\n                JOIN consultations_lot l ON l.id = used.lot_id JOIN consultations_component lc ON lc.id = l.component_id\n                WHERE used.patch_test_id = NEW.id AND lc.code = c.code\n            )\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_cleared', MESSAGE = 'Name the lot of every component before signing.';\n        END IF;\n        RETURN NEW;\n    ", hash='349d10acf0e8cc9fff3e668372c161f8174a1c1c', operation='INSERT OR UPDATE OF "plan_id", "patient_id", "formula_id", "component_codes", "given_at", "signed_at", "deviation_id", "search_id"', pgid='pgtrigger_patch_test_cleared_b3cd8', table='consultations_patchtest', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtest',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_patchtestevent" ("antihistamine_last_on", "appointment_id", "arm", "component_codes", "content_hash", "created_at", "deviation_id", "formula_id", "given_at", "histamine_control", "id", "method", "note", "observed_until", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id", "policy_id", "practitioner_id", "saline_control", "search_id", "signed_at", "signed_by_id", "site", "steroid_last_on", "version", "volume_ml") VALUES (NEW."antihistamine_last_on", NEW."appointment_id", NEW."arm", NEW."component_codes", NEW."content_hash", NEW."created_at", NEW."deviation_id", NEW."formula_id", NEW."given_at", NEW."histamine_control", NEW."id", NEW."method", NEW."note", NEW."observed_until", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."plan_id", NEW."policy_id", NEW."practitioner_id", NEW."saline_control", NEW."search_id", NEW."signed_at", NEW."signed_by_id", NEW."site", NEW."steroid_last_on", NEW."version", NEW."volume_ml"); RETURN NULL;', hash='363e877caf6ff59c274aa9b34b4214866ff99519', operation='INSERT', pgid='pgtrigger_insert_insert_d7580', table='consultations_patchtest', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtest',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_patchtestevent" ("antihistamine_last_on", "appointment_id", "arm", "component_codes", "content_hash", "created_at", "deviation_id", "formula_id", "given_at", "histamine_control", "id", "method", "note", "observed_until", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id", "policy_id", "practitioner_id", "saline_control", "search_id", "signed_at", "signed_by_id", "site", "steroid_last_on", "version", "volume_ml") VALUES (NEW."antihistamine_last_on", NEW."appointment_id", NEW."arm", NEW."component_codes", NEW."content_hash", NEW."created_at", NEW."deviation_id", NEW."formula_id", NEW."given_at", NEW."histamine_control", NEW."id", NEW."method", NEW."note", NEW."observed_until", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."plan_id", NEW."policy_id", NEW."practitioner_id", NEW."saline_control", NEW."search_id", NEW."signed_at", NEW."signed_by_id", NEW."site", NEW."steroid_last_on", NEW."version", NEW."volume_ml"); RETURN NULL;', hash='bdfafeb0f99bf8e2c6e9b382d940fc7145bcd884', operation='UPDATE', pgid='pgtrigger_update_update_f7eff', table='consultations_patchtest', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtest',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_patchtestevent" ("antihistamine_last_on", "appointment_id", "arm", "component_codes", "content_hash", "created_at", "deviation_id", "formula_id", "given_at", "histamine_control", "id", "method", "note", "observed_until", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id", "policy_id", "practitioner_id", "saline_control", "search_id", "signed_at", "signed_by_id", "site", "steroid_last_on", "version", "volume_ml") VALUES (OLD."antihistamine_last_on", OLD."appointment_id", OLD."arm", OLD."component_codes", OLD."content_hash", OLD."created_at", OLD."deviation_id", OLD."formula_id", OLD."given_at", OLD."histamine_control", OLD."id", OLD."method", OLD."note", OLD."observed_until", OLD."patient_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."plan_id", OLD."policy_id", OLD."practitioner_id", OLD."saline_control", OLD."search_id", OLD."signed_at", OLD."signed_by_id", OLD."site", OLD."steroid_last_on", OLD."version", OLD."volume_ml"); RETURN NULL;', hash='9f075bb05a9584d178acc7b4b82094670d17bea0', operation='DELETE', pgid='pgtrigger_delete_delete_4047d', table='consultations_patchtest', when='AFTER')),
        ),
        migrations.RunSQL(OPENED_CODES, "DROP FUNCTION opened_codes"),
        migrations.RunSQL(MEETS_POSITIVE, "DROP FUNCTION meets_positive"),
        migrations.RunSQL(MEETS_ALLERGY, "DROP FUNCTION meets_allergy"),
        _replaced("gate_positive", GATE_POSITIVE, _PARTS.PARTS["gate_positive"]),
        _replaced("gate_allergies", GATE_ALLERGIES, _HOLDS.GATE_ALLERGIES),
        migrations.RunSQL(COMPONENT_TEST_REFUSAL, "DROP FUNCTION component_test_refusal"),
        migrations.RunSQL(_RETESTS._gate_test(GATE_TEST), _RETESTS._gate_test(_UNCLEAR.GATE_TEST)),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
    ]
