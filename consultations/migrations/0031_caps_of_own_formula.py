"""The gate knows the caps of a session's own formula, beside those of its plan's.

A cap of one formula counts the sessions that were given with it or in a plan of it. Twins: `PlanFacts.in_session` and
`consultations.rules.course_caps`.
"""

from importlib import import_module

from django.db import migrations

_CAPS = import_module("consultations.migrations.0008_caps_over_plans")


def _once(body: str, old: str, new: str) -> str:
    assert body.count(old) == 1, old
    return body.replace(old, new)


CAPS_KNOWN = _once(
    _CAPS.CAPS_KNOWN,
    "caps_known(the_plan uuid, known_by",
    "caps_known(the_plan uuid, the_planned uuid, known_by",
)
CAPS_KNOWN = _once(
    CAPS_KNOWN,
    "JOIN consultations_dosecap cap ON cap.formula_code IN ('', f.code)",
    "LEFT JOIN consultations_plannedsession own ON own.id = the_planned AND own.plan_id = p.id\n"
    "    LEFT JOIN consultations_formula own_formula ON own_formula.id = own.formula_id\n"
    "    JOIN consultations_dosecap cap ON cap.formula_code IN ('', f.code, own_formula.code)",
)

GIVEN_WITH = _once(_CAPS.GIVEN_WITH, "given_on date, formula text", "given_on date, formulas text[]")
GIVEN_WITH = _once(GIVEN_WITH, "f.code::text\n", "array_remove(ARRAY[f.code::text, own.code::text], NULL)\n")
GIVEN_WITH = _once(
    GIVEN_WITH,
    "JOIN consultations_formula f ON f.id = p.formula_id\n",
    "JOIN consultations_formula f ON f.id = p.formula_id\n"
    "    JOIN consultations_plannedsession planned ON planned.id = s.planned_id\n"
    "    LEFT JOIN consultations_formula own ON own.id = planned.formula_id\n",
)

_OLD_CALL, _NEW_CALL = "caps_known(the_plan, known_by)", "caps_known(the_plan, the_planned, known_by)"
GATE_CAPS = _once(
    _CAPS.GATE_CAPS.replace(_OLD_CALL, _NEW_CALL),
    "WHERE cap.formula IN ('', given.formula)",
    "WHERE cap.formula = '' OR cap.formula = ANY(given.formulas)",
)
GATE_INTERVAL = _once(_CAPS.GATE_INTERVAL, _OLD_CALL, _NEW_CALL)


def _gate_caps(body: str) -> str:
    head = f"CREATE OR REPLACE FUNCTION gate_caps({_CAPS._ASKED})"
    return f"{head} RETURNS text LANGUAGE plpgsql STABLE AS $${body}$$"


class Migration(migrations.Migration):
    dependencies = [("consultations", "0030_unclear_tests_hold")]

    operations = [
        migrations.RunSQL("DROP FUNCTION caps_known(uuid, timestamptz)", _CAPS.CAPS_KNOWN),
        migrations.RunSQL(CAPS_KNOWN, "DROP FUNCTION caps_known(uuid, uuid, timestamptz)"),
        migrations.RunSQL("DROP FUNCTION given_with(uuid, text, timestamptz)", _CAPS.GIVEN_WITH),
        migrations.RunSQL(GIVEN_WITH, "DROP FUNCTION given_with(uuid, text, timestamptz)"),
        migrations.RunSQL(_gate_caps(GATE_CAPS), _gate_caps(_CAPS.GATE_CAPS)),
        migrations.RunSQL(_CAPS._interval(GATE_INTERVAL), _CAPS._interval(_CAPS.GATE_INTERVAL)),
    ]
