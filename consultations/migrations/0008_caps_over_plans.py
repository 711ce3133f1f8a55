"""Caps of the whole course in the gate: the components' own intervals, undecided caps, and the number of sessions.

They count over all plans of the patient, as `consultations.rules.course_caps` does. `caps_known()` is the twin of
`rules.knowledge` where it knows caps.
"""

from importlib import import_module

from django.db import migrations

parts = import_module("consultations.migrations.0004_gate_in_parts")
_ASKED = parts._ASKED

CAPS_KNOWN = """
CREATE FUNCTION caps_known(the_plan uuid, known_by timestamptz) RETURNS TABLE (
    cap_code text, component text, formula text, measure text, decision text, ceiling numeric
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT cap.code::text, cap.component_code::text, cap.formula_code::text, cap.measure::text, cap.decision::text,
        cap."limit"
    FROM consultations_plan p JOIN consultations_formula f ON f.id = p.formula_id
    JOIN consultations_dosecap cap ON cap.formula_code IN ('', f.code)
        AND cap.component_code = ANY(gate_codes(the_plan))
    WHERE p.id = the_plan AND cap.published_at IS NOT NULL
        AND (cap.retired_at IS NULL OR cap.retired_at > known_by)
        AND (cap.published_at <= known_by OR NOT EXISTS (
            -- Nothing was decided by then: the first version, as for the policy of the pathway.
            SELECT 1 FROM consultations_dosecap earlier
            WHERE earlier.code = cap.code AND earlier.published_at IS NOT NULL
                AND (earlier.published_at, earlier.version) < (cap.published_at, cap.version)
        ));
END
$$
"""

GIVEN_WITH = """
CREATE FUNCTION given_with(the_patient uuid, the_component text, known_by timestamptz) RETURNS TABLE (
    given_on date, formula text
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT clinic_day(s.started_at), f.code::text
    FROM consultations_session s
    JOIN consultations_plan p ON p.id = s.plan_id JOIN consultations_formula f ON f.id = p.formula_id
    WHERE s.patient_id = the_patient AND s.signed_at IS NOT NULL AND s.outcome IN ('complete', 'partial')
        AND EXISTS (
            SELECT 1 FROM consultations_sessiondose d JOIN consultations_component c ON c.id = d.component_id
            WHERE d.session_id = s.id AND c.code = the_component
        )
        AND NOT EXISTS (
            SELECT 1 FROM consultations_enteredinerror e WHERE e.session_id = s.id AND e.confirmed_at <= known_by
        );
END
$$
"""

GATE_CAPS = """
DECLARE
    given_here integer;
BEGIN
    IF EXISTS (
        SELECT 1 FROM caps_known(the_plan, known_by) cap
        WHERE cap.decision = 'unset' AND NOT (cap.formula = '' AND EXISTS (
            SELECT 1 FROM caps_known(the_plan, known_by) own
            WHERE own.component = cap.component AND own.measure = cap.measure AND own.formula <> ''
                AND own.decision <> 'unset'
        ))
    ) THEN RETURN 'cap_undecided'; END IF;
    IF the_planned IS NULL THEN RETURN NULL; END IF;
    SELECT count(*) INTO given_here FROM consultations_session s
    WHERE s.plan_id = the_plan AND s.signed_at IS NOT NULL AND s.outcome IN ('complete', 'partial')
        AND NOT EXISTS (
            SELECT 1 FROM consultations_enteredinerror e WHERE e.session_id = s.id AND e.confirmed_at <= known_by
        );
    IF EXISTS (
        SELECT 1 FROM caps_known(the_plan, known_by) cap
        WHERE (cap.measure = 'sessions_per_plan' AND given_here >= cap.ceiling)
            OR (cap.measure = 'sessions_per_patient' AND cap.ceiling <= (
                SELECT count(*) FROM given_with(the_patient, cap.component, known_by) given
                WHERE cap.formula IN ('', given.formula)
            ))
    ) THEN RETURN 'course_full'; END IF;
    RETURN NULL;
END
"""

_BY_PLAN = parts.PARTS["gate_interval"]
GATE_INTERVAL = _BY_PLAN.replace(
    "    RETURN NULL;\n",
    """    IF EXISTS (
        SELECT 1 FROM caps_known(the_plan, known_by) cap
        CROSS JOIN LATERAL given_with(the_patient, cap.component, known_by) given
        WHERE cap.measure IN ('min_interval_days', 'min_interval_months')
            AND given.given_on <= clinic_day(the_time)
            AND clinic_day(the_time) < CASE cap.measure
                WHEN 'min_interval_months' THEN (given.given_on + make_interval(months => cap.ceiling::integer))::date
                ELSE given.given_on + cap.ceiling::integer
            END
    ) THEN RETURN 'too_soon'; END IF;
    RETURN NULL;
""",
)

_REVIEW_CALL = "gate_review(the_plan, the_patient, the_time, the_planned, known_by)"
_CAPS_CALL = "gate_caps(the_plan, the_patient, the_time, the_planned, known_by)"
WITHOUT_CAPS = import_module("consultations.migrations.0007_gate_review").WITH_REVIEW
WITH_CAPS = WITHOUT_CAPS.replace(_REVIEW_CALL, f"{_REVIEW_CALL},\n            {_CAPS_CALL}")


def _interval(body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION gate_interval({_ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${body}$$"


class Migration(migrations.Migration):
    """The gate knows the caps of the course; backwards it does not."""

    dependencies = [("consultations", "0007_gate_review")]

    operations = [
        migrations.RunSQL(CAPS_KNOWN, "DROP FUNCTION caps_known"),
        migrations.RunSQL(GIVEN_WITH, "DROP FUNCTION given_with"),
        migrations.RunSQL(_interval(GATE_INTERVAL), _interval(_BY_PLAN)),
        parts.part("gate_caps", GATE_CAPS),
        migrations.RunSQL(WITH_CAPS, WITHOUT_CAPS),
    ]
