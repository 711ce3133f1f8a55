"""One more part of the gate: no session after the one that a required review follows, as long as nobody has signed it.

Its twin is `consultations/rules/gates/review.py`. A requirement that is in force now counts from its publication on; one
that was withdrawn since is held against nobody.
"""

from importlib import import_module

from django.db import migrations

before = import_module("consultations.migrations.0004_gate_in_parts")

REVIEW = """
DECLARE
    wanted integer := (SELECT ordinal FROM consultations_plannedsession WHERE id = the_planned);
    given integer := (
        SELECT max(planned.ordinal) FROM consultations_session s
        JOIN consultations_plannedsession planned ON planned.id = s.planned_id
        WHERE s.plan_id = the_plan AND s.outcome IN ('complete', 'partial') AND s.signed_at IS NOT NULL
            AND s.started_at <= the_time
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.session_id = s.id AND e.confirmed_at <= known_by
            )
    );
BEGIN
    IF EXISTS (
        SELECT 1 FROM consultations_plan p JOIN consultations_plantemplate t ON t.id = p.template_id
        JOIN consultations_reviewrule r ON r.template_code = t.code
        WHERE p.id = the_plan AND r.is_required AND r.published_at <= known_by AND r.retired_at IS NULL
            AND r.session <= given AND r.session < wanted
            AND NOT EXISTS (
                SELECT 1 FROM consultations_review held JOIN consultations_reviewrule its ON its.id = held.rule_id
                WHERE held.plan_id = the_plan AND its.code = r.code AND held.signed_at <= least(the_time, known_by)
                    AND NOT EXISTS (
                        SELECT 1 FROM consultations_enteredinerror e
                        WHERE e.review_id = held.id AND e.requested_at <= known_by
                    )
            )
    ) THEN RETURN 'review_due'; END IF;
    RETURN NULL;
END
"""
_LAST = "gate_interval(the_plan, the_patient, the_time, the_planned, known_by)"
WITH_REVIEW = before.IN_PARTS.replace(_LAST, f"{_LAST},\n            {_LAST.replace('interval', 'review')}")


class Migration(migrations.Migration):
    """Adds gate_review() and has pathway_refusal() ask it last."""

    dependencies = [("consultations", "0006_outcomes")]

    operations = [
        before.part("gate_review", REVIEW),
        migrations.RunSQL(WITH_REVIEW, before.IN_PARTS),
    ]
