"""A plan held for an allergic event: what it waits for, and what it admits meanwhile; allergies that name components.

`plan_allergic_since()` is the onset of the latest allergic event among the holds since the plan was last active. While
there is one, `gate_plan()` admits the new test (a test asks without a planned session), and the trigger
`plan_resume_cleared` wants it read without reaction.
"""

from importlib import import_module

from django.db import migrations

_PARTS = import_module("consultations.migrations.0004_gate_in_parts").PARTS
_ASKED = "the_plan uuid, the_patient uuid, the_time timestamptz, the_planned uuid, known_by timestamptz"

ALLERGIC_SINCE = """
CREATE FUNCTION plan_allergic_since(the_plan uuid) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT max(event.onset_at) FROM consultations_planstatuschange change
        JOIN consultations_adverseevent event ON event.id = change.adverse_event_id
        WHERE change.plan_id = the_plan AND change.status = 'on_hold' AND event.is_allergic
            AND NOT EXISTS (
                SELECT 1 FROM consultations_planstatuschange later
                WHERE later.plan_id = the_plan AND later.id > change.id AND later.status <> 'on_hold'
            )
    );
END
$$
"""

GATE_PLAN = _PARTS["gate_plan"].replace(
    "IF state <> 'active' THEN",
    """IF state = 'on_hold' AND the_planned IS NULL AND plan_allergic_since(the_plan) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    IF state <> 'active' THEN""",
)

GATE_ALLERGIES = (
    _PARTS["gate_allergies"]
    .replace(
        "a.group_code = ANY(groups)",
        "(a.group_code = ANY(groups) OR a.component_codes::text[] && gate_codes(the_plan))",
    )
    .replace("a.group_code = ''", "a.group_code = '' AND a.component_codes = '{}'")
)


def _replace(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}({_ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${body}$$"


class Migration(migrations.Migration):
    """Replaces two parts of the gate; backwards they are what they were."""

    dependencies = [("consultations", "0017_adverse_events")]

    operations = [
        migrations.RunSQL(ALLERGIC_SINCE, "DROP FUNCTION plan_allergic_since"),
        migrations.RunSQL(_replace("gate_plan", GATE_PLAN), _replace("gate_plan", _PARTS["gate_plan"])),
        migrations.RunSQL(
            _replace("gate_allergies", GATE_ALLERGIES), _replace("gate_allergies", _PARTS["gate_allergies"])
        ),
    ]
