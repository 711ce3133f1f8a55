"""The gate in parts: `pathway_refusal()` asks one function per thing that can be missing, in the order of the rules.

Each part is `gate_*(plan, patient, time, planned session, known by)` and returns the code of what is missing, or NULL;
its twin in Python is the module of `consultations/rules/gates/` with the same name. A change of one part replaces that
function alone. What `known_by` means is told in migration 0002.
"""

from importlib import import_module

from django.db import migrations

IN_ONE_PIECE = import_module("consultations.migrations.0002_pathway_gate").PATHWAY_REFUSAL

_ASKED = "the_plan uuid, the_patient uuid, the_time timestamptz, the_planned uuid, known_by timestamptz"

CODES = """
CREATE FUNCTION gate_codes(the_plan uuid) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT array_agg(DISTINCT c.code) FROM consultations_plan p
        JOIN consultations_formulapart part ON part.formula_id = p.formula_id
        JOIN consultations_component c ON c.id = part.component_id
        WHERE p.id = the_plan
    );
END
$$
"""

PARTS = {
    "gate_suitable": """
DECLARE
    the_consultation uuid := (SELECT consultation_id FROM consultations_plan WHERE id = the_plan);
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM consultations_consultation c
        WHERE c.id = the_consultation AND c.patient_id = the_patient AND c.signed_at <= the_time
            AND c.outcome IN ('eligible', 'eligible_with_conditions')
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.consultation_id = c.id AND e.requested_at <= known_by
            )
    ) THEN RETURN 'consultation'; END IF;
    IF EXISTS (
        SELECT 1 FROM consultations_contraindicationanswer a
        WHERE a.consultation_id = the_consultation AND a.answer <> 'no' AND a.defer_until > clinic_day(the_time)
    ) THEN RETURN 'deferred'; END IF;
    RETURN NULL;
END
""",
    "gate_plan": """
DECLARE
    state text := (SELECT status FROM consultations_plan WHERE id = the_plan);
BEGIN
    IF known_by < 'infinity' AND EXISTS (
        SELECT 1 FROM consultations_planstatuschange change WHERE change.plan_id = the_plan
    ) THEN
        -- A plan is agreed without an entry; every later change has one.
        SELECT coalesce((
            SELECT change.status FROM consultations_planstatuschange change
            WHERE change.plan_id = the_plan AND change.changed_at <= known_by
            ORDER BY change.changed_at DESC, change.id DESC LIMIT 1
        ), 'active') INTO state;
    END IF;
    IF state <> 'active' THEN RETURN 'plan_' || state; END IF;
    RETURN NULL;
END
""",
    "gate_stops": """
BEGIN
    IF EXISTS (
        SELECT 1 FROM consultations_clinicalreport r
        WHERE r.patient_id = the_patient AND r.triaged_at IS NULL AND r.reported_at <= known_by
    ) THEN RETURN 'report_open'; END IF;
    RETURN NULL;
END
""",
    "gate_allergies": """
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
    WHERE p.id = the_plan;
    IF EXISTS (
        SELECT 1 FROM consultations_allergy a
        WHERE a.patient_id = the_patient AND a.status <> 'refuted' AND a.group_code = ANY(groups)
            AND a.reported_at <= known_by
    ) THEN RETURN 'allergy'; END IF;
    IF EXISTS (
        SELECT 1 FROM consultations_allergy a
        WHERE a.patient_id = the_patient AND a.status = 'reported' AND a.group_code = ''
            AND a.reported_at <= known_by
    ) THEN RETURN 'allergy_unassessed'; END IF;
    RETURN NULL;
END
""",
    "gate_consent": """
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM consultations_consent c JOIN consultations_plan p ON p.id = c.plan_id
        WHERE c.plan_id = the_plan AND c.patient_id = the_patient AND c.formula_id = p.formula_id
            AND c.signed_at <= the_time
            AND NOT EXISTS (
                SELECT 1 FROM consultations_consentwithdrawal w WHERE w.consent_id = c.id AND w.withdrawn_at <= known_by
            )
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.consent_id = c.id AND e.requested_at <= known_by
            )
    ) THEN RETURN 'consent'; END IF;
    RETURN NULL;
END
""",
    "gate_positive": """
DECLARE
    codes text[] := gate_codes(the_plan);
BEGIN
    -- A positive reading closes every formula that shares a component, until a second person has confirmed an error.
    IF EXISTS (
        SELECT 1 FROM consultations_testreading r JOIN consultations_patchtest t ON t.id = r.patch_test_id
        WHERE t.patient_id = the_patient AND r.result = 'positive' AND t.component_codes::text[] && codes
            AND r.signed_at <= known_by
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.confirmed_at <= known_by
            )
    ) THEN RETURN 'test_positive'; END IF;
    RETURN NULL;
END
""",
    "gate_test": """
DECLARE
    codes text[] := gate_codes(the_plan);
    requirement text := (
        SELECT policy.requirement FROM consultations_plan p
        JOIN consultations_patchtestpolicy policy ON policy.id = p.test_policy_id WHERE p.id = the_plan
    );
BEGIN
    IF requirement <> 'not_required' AND (
        WITH clearing AS (
            SELECT t.component_codes::text[] AS tested
            FROM consultations_testreading r JOIN consultations_patchtest t ON t.id = r.patch_test_id
            WHERE t.patient_id = the_patient AND r.result = 'negative'
                AND r.valid_from <= the_time AND r.valid_until > the_time
                AND r.signed_at <= least(the_time, known_by)
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id AND n.signed_at <= known_by
                )
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_enteredinerror e
                    WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.requested_at <= known_by
                )
        )
        SELECT CASE requirement
            WHEN 'not_again' THEN NOT coalesce(
                codes <@ (SELECT array_agg(code) FROM clearing, unnest(tested) code), false
            )
            ELSE NOT EXISTS (SELECT 1 FROM clearing WHERE codes <@ tested)
        END
    ) THEN RETURN 'test'; END IF;
    RETURN NULL;
END
""",
    "gate_interval": """
DECLARE
    gap integer := (SELECT min_gap_days FROM consultations_plannedsession WHERE id = the_planned);
BEGIN
    IF gap IS NOT NULL AND EXISTS (
        SELECT 1 FROM consultations_session s
        WHERE s.plan_id = the_plan AND s.planned_id <> the_planned AND s.outcome IN ('complete', 'partial')
            AND s.signed_at IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.session_id = s.id AND e.confirmed_at <= known_by
            )
            AND abs(clinic_day(s.started_at) - clinic_day(the_time)) < gap
    ) THEN RETURN 'too_soon'; END IF;
    RETURN NULL;
END
""",
}

IN_PARTS = """
CREATE OR REPLACE FUNCTION pathway_refusal(
    the_plan uuid, the_patient uuid, the_time timestamptz, the_gate text, the_planned uuid, known_by timestamptz
) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM consultations_plan WHERE id = the_plan AND patient_id = the_patient) THEN
        RETURN 'other_patient';
    END IF;
    IF the_time > clock_timestamp() + interval '5 minutes' THEN RETURN 'future'; END IF;
    RETURN coalesce(
        gate_suitable(the_plan, the_patient, the_time, the_planned, known_by),
        gate_plan(the_plan, the_patient, the_time, the_planned, known_by),
        gate_stops(the_plan, the_patient, the_time, the_planned, known_by),
        gate_allergies(the_plan, the_patient, the_time, the_planned, known_by),
        gate_consent(the_plan, the_patient, the_time, the_planned, known_by),
        gate_positive(the_plan, the_patient, the_time, the_planned, known_by),
        CASE WHEN the_gate IS DISTINCT FROM 'test' THEN coalesce(
            gate_test(the_plan, the_patient, the_time, the_planned, known_by),
            gate_interval(the_plan, the_patient, the_time, the_planned, known_by)
        ) END
    );
END
$$
"""


def part(name: str, body: str) -> migrations.RunSQL:
    """Adds one part of the gate."""
    return migrations.RunSQL(
        f"CREATE FUNCTION {name}({_ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${body}$$",
        f"DROP FUNCTION {name}",
    )


class Migration(migrations.Migration):
    """Splits pathway_refusal(); backwards it is one piece again."""

    dependencies = [("consultations", "0003_active_plans")]

    operations = [
        migrations.RunSQL(CODES, "DROP FUNCTION gate_codes"),
        *(part(name, body) for name, body in PARTS.items()),
        migrations.RunSQL(IN_PARTS, IN_ONE_PIECE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)),
    ]
