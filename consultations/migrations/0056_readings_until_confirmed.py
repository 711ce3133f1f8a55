"""A reading that one person calls an error goes on closing until a second person has confirmed that: an unclear one too.

Sessions wait for the repeat of an unclear test until two people have called it an error. What the search for a cause opens
rests on readings that nobody calls an error, and what closes a search on readings that two people have not taken back.
Twins: `consultations.rules.retest.in_doubt`, `consultations.rules.causes`. No row is changed.
"""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

_RETESTS = import_module("consultations.migrations.0020_retest_rules")
_ALONE = import_module("consultations.migrations.0041_component_tests")
_LOTS = import_module("consultations.migrations.0045_lots_ask_for_test")


def _instead(body: str, *pairs: tuple[str, str]) -> str:
    """The body with each text, which it holds once, in place of another."""
    for before, after in pairs:
        assert body.count(before) == 1, before
        body = body.replace(before, after)
    return body


TEST_REACTED = """
CREATE FUNCTION test_reacted(the_test uuid, strongly boolean, known_by timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- Until a second person has confirmed an error. Strongly: by its grade, or by a sign beyond the test site.
    RETURN EXISTS (
        SELECT 1 FROM consultations_testreading r
        WHERE r.patch_test_id = the_test AND r.result = 'positive' AND r.signed_at <= known_by
            AND (NOT strongly OR r.systemic_sign OR r.grade = 'pos3')
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE (e.reading_id = r.id OR e.patch_test_id = the_test) AND e.confirmed_at <= known_by
            )
    );
END
$$
"""

_UNCLEAR = """r.result = 'equivocal' AND t.component_codes::text[] && codes
            AND r.signed_at <= known_by
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.{moment} <= known_by
            )
"""
_OPENED_SINCE = "f.signed_at <= known_by AND f.opened_codes::text[] && codes\n"
GATE_TEST = _instead(
    _ALONE.GATE_TEST,
    (_UNCLEAR.format(moment="requested_at"), _UNCLEAR.format(moment="confirmed_at")),
    # Where the positive test was an error, nothing was ever closed that a finding could open.
    (
        _OPENED_SINCE,
        f"""{_OPENED_SINCE}        AND EXISTS (
            SELECT 1 FROM consultations_causesearch s
            WHERE s.id = f.search_id AND test_reacted(s.patch_test_id, false, known_by)
        )
""",
    ),
)

# The tests that clear by it, as 0045 takes them from the gate.
_HEAD, _REST = GATE_TEST.replace(_LOTS._WAITS, "").split(_LOTS._CLEARING)
_TESTS = _REST.split("        )\n        SELECT CASE\n")[0]
_HEAD = _HEAD.replace("RETURN NULL", "RETURN").replace("RETURN 'test'", "RETURN")
_SIGNATURE = _LOTS.CLEARING_TESTS.split("AS $$")[0]
CLEARING_TESTS = f"{_SIGNATURE}AS $${_HEAD}    RETURN QUERY\n            SELECT t.id\n{_TESTS};\nEND\n$$\n"

_FOUND = "    IF opened IS NULL OR found_at < since THEN RETURN '{}'; END IF;\n"
OPENED_CODES = _instead(
    _ALONE.OPENED_CODES,
    ("    opened text[];\n", "    opened text[];\n    causes text[];\n"),
    ("SELECT f.opened_codes::text[], f.signed_at INTO opened, found_at", "SELECT f.opened_codes::text[], f.cause_codes::text[], f.signed_at INTO opened, causes, found_at"),
    (
        _FOUND,
        f"""{_FOUND}    -- Without a cause nothing opens: one of the reactions that were found as it still stands.
    IF NOT EXISTS (
        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id
        WHERE t.search_id = the_search AND t.component_codes::text[] && causes AND r.result = 'positive'
            AND r.signed_at <= found_at
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.requested_at <= known_by
            )
    ) THEN RETURN '{{}}'; END IF;
""",
    ),
)

# The search is over where the positive test was an error, or reacted strongly after all.
_SOUGHT = "    IF searched IS NULL THEN RETURN 'no_search'; END IF;\n"
COMPONENT_TEST_REFUSAL = _instead(
    _ALONE.COMPONENT_TEST_REFUSAL,
    (
        _SOUGHT,
        f"""{_SOUGHT}    IF NOT test_reacted(searched, false, known_by) OR test_reacted(searched, true, known_by) THEN
        RETURN 'search_over';
    END IF;
""",
    ),
)


def _function(after: str, before: str) -> migrations.RunSQL:
    """One function in place of the one before it, both as they were created."""
    anew = (each.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1) for each in (after, before))
    return migrations.RunSQL(*anew)


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0055_named_lots_stay'),
    ]

    operations = [
        migrations.RunSQL(TEST_REACTED, "DROP FUNCTION test_reacted"),
        pgtrigger.migrations.RemoveTrigger(
            model_name='causefinding',
            name='cause_finding_grounded',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='causesearch',
            name='cause_search_of_positive',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causefinding',
            trigger=pgtrigger.compiler.Trigger(name='cause_finding_grounded', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM consultations_causesearch s\n                        WHERE s.id = NEW.search_id AND s.patient_id = NEW.patient_id AND s.signed_at <= NEW.signed_at\n                    ) OR EXISTS (\n                        SELECT 1 FROM unnest(NEW.cause_codes::text[]) code\n                        WHERE NOT EXISTS (\n        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id\n        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = 'positive'\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_enteredinerror e\n                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.confirmed_at IS NOT NULL\n            )\n    )\n                    ) OR NEW.opened_codes <> '{}' AND NEW.cause_codes <> '{}' AND NOT EXISTS (\n                        SELECT 1 FROM unnest(NEW.cause_codes::text[]) code WHERE EXISTS (\n        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id\n        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = 'positive'\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_enteredinerror e\n                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) \n            )\n    )\n                    ) OR EXISTS (\n                        SELECT 1 FROM unnest(NEW.opened_codes::text[]) code\n                        WHERE NOT EXISTS (\n        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id\n        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = 'negative'\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_enteredinerror e\n                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) \n            )\n            AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_patchtest dt JOIN consultations_testreading d ON d.patch_test_id = dt.id\n                WHERE dt.search_id = NEW.search_id AND code = ANY(dt.component_codes::text[])\n                    AND d.result = 'equivocal' AND dt.given_at >= t.given_at\n                    AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = d.id)\n                    AND NOT EXISTS (\n                        SELECT 1 FROM consultations_enteredinerror e\n                        WHERE (e.reading_id = d.id OR e.patch_test_id = dt.id) AND e.confirmed_at IS NOT NULL\n                    )\n            )\n    ) OR EXISTS (\n        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id\n        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = 'positive'\n            AND NOT EXISTS (\n                SELECT 1 FROM consultations_enteredinerror e\n                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.confirmed_at IS NOT NULL\n            )\n    )\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_finding_grounded', MESSAGE = 'A cause reacted in a test of its own, and what opens again was tested alone without reaction.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='1eba4ffc3df4bf60c0b90b90ead29e26059a52c3', operation='INSERT', pgid='pgtrigger_cause_finding_grounded_ac781', table='consultations_causefinding', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='causesearch',
            trigger=pgtrigger.compiler.Trigger(name='cause_search_of_positive', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM consultations_patchtest t\n                        JOIN consultations_testreading r ON r.patch_test_id = t.id\n                        WHERE t.id = NEW.patch_test_id AND t.patient_id = NEW.patient_id AND t.search_id IS NULL\n                            AND cardinality(t.component_codes) > 1 AND r.result = 'positive'\n                            AND r.signed_at <= NEW.signed_at AND NOT EXISTS (\n                                SELECT 1 FROM consultations_enteredinerror e\n                                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.confirmed_at IS NOT NULL\n                            )\n                    ) OR test_reacted(NEW.patch_test_id, true, 'infinity') THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'cause_search_of_positive', MESSAGE = 'The cause is looked for after a positive test of several components of this patient, not after a strong reaction.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='4f3bc7a36a39930a646fa2a0dcd20f2505cfec4e', operation='INSERT', pgid='pgtrigger_cause_search_of_positive_7fd1f', table='consultations_causesearch', when='BEFORE')),
        ),
        migrations.RunSQL(_RETESTS._gate_test(GATE_TEST), _RETESTS._gate_test(_ALONE.GATE_TEST)),
        _function(CLEARING_TESTS, _LOTS.CLEARING_TESTS),
        _function(OPENED_CODES, _ALONE.OPENED_CODES),
        _function(COMPONENT_TEST_REFUSAL, _ALONE.COMPONENT_TEST_REFUSAL),
    ]
