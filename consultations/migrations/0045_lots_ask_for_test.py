"""A lot that was not in the test that clears, or one of another maker, may ask for a new test: refused at the signature.

`clearing_tests()` are the tests that count for a plan at a moment, as `gate_test()` has them; `lot_asks_for_test()` compares
a lot with theirs. Twin: `consultations.rules.tested_lots`.
"""

from importlib import import_module
from typing import Any

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations
from django.utils import timezone

_GATE_TEST = import_module("consultations.migrations.0041_component_tests").GATE_TEST

_WAITS = "    IF clinic_day(the_time) < waits_until THEN RETURN 'test_wait'; END IF;\n"
_CLEARING = "    IF (\n        WITH clearing AS (\n            SELECT t.component_codes::text[] AS tested\n"
_HEAD, _REST = _GATE_TEST.replace(_WAITS, "").split(_CLEARING)
_TESTS, _JUDGED = _REST.split("        )\n        SELECT CASE\n")
assert _WAITS in _GATE_TEST and _HEAD.count("RETURN 'test'") == 1 and "RETURN NULL" in _JUDGED

# The same conditions as in gate_test(), so that no test clears a plan by one and not by the other.
CLEARING_TESTS = f"""
CREATE FUNCTION clearing_tests(the_plan uuid, the_patient uuid, the_time timestamptz, known_by timestamptz)
RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $${
    _HEAD.replace("RETURN NULL", "RETURN").replace("RETURN 'test'", "RETURN")
}    RETURN QUERY
            SELECT t.id
{_TESTS};
END
$$
"""

# Labels are typed by hand: spaces and capitals make no other maker.
LOT_ASKS_FOR_TEST = """
CREATE FUNCTION lot_asks_for_test(
    the_lot uuid, the_plan uuid, the_patient uuid, the_time timestamptz, known_by timestamptz
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    of_lot boolean;
    of_maker boolean;
BEGIN
    SELECT coalesce(bool_or(what = 'new_lot' AND effect = 'require'), false),
        coalesce(bool_or(what = 'new_maker' AND effect = 'require'), false)
    INTO of_lot, of_maker FROM retests_known(known_by);
    IF NOT of_lot AND NOT of_maker THEN RETURN false; END IF;
    RETURN coalesce((
        SELECT NOT bool_or(tested.id = mine.id) AND (of_lot OR NOT bool_or(
            lower(regexp_replace(btrim(tested.maker), '\\s+', ' ', 'g'))
                = lower(regexp_replace(btrim(mine.maker), '\\s+', ' ', 'g'))
        ))
        FROM consultations_lot mine JOIN consultations_component c ON c.id = mine.component_id
        JOIN consultations_component tc ON tc.code = c.code
        JOIN consultations_lot tested ON tested.component_id = tc.id
        JOIN consultations_patchtestlot used ON used.lot_id = tested.id
        WHERE mine.id = the_lot
            AND used.patch_test_id IN (SELECT clearing_tests(the_plan, the_patient, the_time, known_by))
    ), false);
END
$$
"""


def ask_of_another_maker(apps: Any, schema_editor: Any) -> None:
    """Another maker asks for a new test, where the rule is in force as it was shipped first. Nothing to do before the
    reference data is loaded; a clinic that has its own version keeps it."""
    rules = apps.get_model("consultations", "RetestRule")
    versions = list(rules.objects.filter(code="new-maker"))
    if len(versions) != 1 or versions[0].published_at is None or versions[0].retired_at is not None:
        return
    (old,) = versions
    at = timezone.now()
    rules.objects.filter(pk=old.pk).update(retired_at=at)
    rules.objects.create(
        code=old.code,
        version=old.version + 1,
        name=old.name,
        source="first time with a new product, directlineforbusiness.co.uk",
        to_confirm=True,
        trigger=old.trigger,
        effect="require",
        published_at=at,
    )


class Migration(migrations.Migration):

    dependencies = [
        ("consultations", "0044_lots_not_tested"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="retestrule", name="retest_rule_lot"),
        migrations.RunSQL(CLEARING_TESTS, "DROP FUNCTION clearing_tests"),
        migrations.RunSQL(LOT_ASKS_FOR_TEST, "DROP FUNCTION lot_asks_for_test"),
        pgtrigger.migrations.AddTrigger(
            model_name='session',
            trigger=pgtrigger.compiler.Trigger(name='session_lot_untested', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        IF NEW.signed_at IS NOT NULL AND NEW.outcome <> 'not_given' AND EXISTS (\n            SELECT 1 FROM consultations_sessionlot used\n            WHERE used.session_id = NEW.id AND lot_asks_for_test(\n                used.lot_id, NEW.plan_id, NEW.patient_id, NEW.started_at, NEW.started_at\n            )\n        ) AND NOT EXISTS (\n            SELECT 1 FROM consultations_deviation WHERE id = NEW.deviation_id AND 'lot_not_tested' = ANY(codes)\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_lot_untested', MESSAGE = 'A lot that asks for a new test is signed only with a deviation that names it.';\n        END IF;\n        RETURN NEW;\n    ", hash='588a706edc60c59827ee65ba0e4d754c7f2868ac', operation='UPDATE OF "signed_at"', pgid='pgtrigger_session_lot_untested_d0e10', table='consultations_session', when='BEFORE')),
        ),
        migrations.RunPython(ask_of_another_maker, migrations.RunPython.noop, elidable=False),
    ]
