"""The SQL function behind every gate: the first thing that is missing, or NULL (see consultations/models/gate.py).

`known_by` leaves out what was withdrawn, reported, read or called an error only later; 'infinity' is everything known.
A record that clears stops clearing as soon as somebody calls it an error; one that closes goes on closing until a
second person has confirmed.
"""

from django.db import migrations

PATHWAY_REFUSAL = """
CREATE FUNCTION pathway_refusal(
    the_plan uuid, the_patient uuid, the_time timestamptz, the_gate text, the_planned uuid, known_by timestamptz
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    plan record;
    state text;
    the_day date := clinic_day(the_time);
    codes text[];
    groups text[];
    gap integer;
BEGIN
    SELECT p.*, policy.requirement INTO plan
    FROM consultations_plan p JOIN consultations_patchtestpolicy policy ON policy.id = p.test_policy_id
    WHERE p.id = the_plan;
    IF plan.id IS NULL OR plan.patient_id <> the_patient THEN RETURN 'other_patient'; END IF;
    IF the_time > clock_timestamp() + interval '5 minutes' THEN RETURN 'future'; END IF;

    IF NOT EXISTS (
        SELECT 1 FROM consultations_consultation c
        WHERE c.id = plan.consultation_id AND c.patient_id = the_patient AND c.signed_at <= the_time
            AND c.outcome IN ('eligible', 'eligible_with_conditions')
            AND NOT EXISTS (SELECT 1 FROM consultations_enteredinerror e WHERE e.consultation_id = c.id AND e.requested_at <= known_by)
    ) THEN RETURN 'consultation'; END IF;
    state := plan.status;
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
    IF EXISTS (
        SELECT 1 FROM consultations_contraindicationanswer a
        WHERE a.consultation_id = plan.consultation_id AND a.answer <> 'no' AND a.defer_until > the_day
    ) THEN RETURN 'deferred'; END IF;
    IF EXISTS (
        SELECT 1 FROM consultations_clinicalreport r
        WHERE r.patient_id = the_patient AND r.triaged_at IS NULL AND r.reported_at <= known_by
    ) THEN RETURN 'report_open'; END IF;

    -- A group that the version in force names closes formulas that hold older versions, too.
    SELECT array_agg(DISTINCT c.code), array_agg(DISTINCT g) INTO codes, groups
    FROM consultations_formulapart part JOIN consultations_component c ON c.id = part.component_id
    LEFT JOIN consultations_component newest ON newest.code = c.code
        AND newest.published_at <= known_by AND (newest.retired_at IS NULL OR newest.retired_at > known_by)
    LEFT JOIN LATERAL unnest(c.allergen_groups || coalesce(newest.allergen_groups, '{}')) g ON true
    WHERE part.formula_id = plan.formula_id;
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

    IF NOT EXISTS (
        SELECT 1 FROM consultations_consent c
        WHERE c.plan_id = the_plan AND c.patient_id = the_patient AND c.formula_id = plan.formula_id
            AND c.signed_at <= the_time
            AND NOT EXISTS (
                SELECT 1 FROM consultations_consentwithdrawal w WHERE w.consent_id = c.id AND w.withdrawn_at <= known_by
            )
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.consent_id = c.id AND e.requested_at <= known_by
            )
    ) THEN RETURN 'consent'; END IF;

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
    IF the_gate = 'test' THEN RETURN NULL; END IF;

    IF plan.requirement <> 'not_required' AND (
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
        SELECT CASE plan.requirement
            WHEN 'not_again' THEN NOT coalesce(
                codes <@ (SELECT array_agg(code) FROM clearing, unnest(tested) code), false
            )
            ELSE NOT EXISTS (SELECT 1 FROM clearing WHERE codes <@ tested)
        END
    ) THEN RETURN 'test'; END IF;

    SELECT p.min_gap_days INTO gap FROM consultations_plannedsession p WHERE p.id = the_planned;
    IF gap IS NOT NULL AND EXISTS (
        SELECT 1 FROM consultations_session s JOIN consultations_plannedsession sp ON sp.id = s.planned_id
        WHERE s.plan_id = the_plan AND s.planned_id <> the_planned AND s.outcome IN ('complete', 'partial')
            AND s.signed_at IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.session_id = s.id AND e.confirmed_at <= known_by
            )
            AND abs(clinic_day(s.started_at) - the_day) < gap
    ) THEN RETURN 'too_soon'; END IF;
    RETURN NULL;
END
$$
"""


class Migration(migrations.Migration):
    """Adds pathway_refusal()."""

    dependencies = [("consultations", "0001_initial")]

    operations = [migrations.RunSQL(PATHWAY_REFUSAL, "DROP FUNCTION pathway_refusal")]
