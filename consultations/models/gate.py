"""The database's own gate. It refuses an injection whatever code path asks for it: page, admin, bulk call, raw SQL.

`pathway_refusal(plan, patient, time, gate, planned session, known by)` (SQL function, made by a migration) returns the
code of the first thing that is missing, or NULL; it asks one function per thing, `gate_suitable()` and its kin, whose
twins are the modules of `consultations.rules.gates`. `consultations.rules.clearance` says the same in sentences; a test
holds the two against each other. Caps are read in Python; here, that every dose is there and none is above the cap that
it was judged by without a deviation that says so.
"""

import pgtrigger

from clinic.db import guard, refuse
from clinic.enums import HOLDS_TIME, AppointmentStatus
from consultations.models.gate_lots import FORMULA_OF_SESSION, LOT_PAST_USE, LOT_UNFIT, PAST_USE, UNFIT

_ON_THE_BOOKS = "({})".format(
    ", ".join(f"'{each}'" for each in sorted(HOLDS_TIME) if each != AppointmentStatus.HELD)
)

_REFUSE_WITH_CODE = """
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = '{name}', DETAIL = refusal,
        MESSAGE = 'The pathway does not allow this: ' || refusal;
"""

# An injection that was admitted when it was given can be signed whatever closed since: a row that stays what it was is
# judged by what was known then. A new row, or one that becomes another injection, is judged by everything known now,
# so that a time in the past dodges no stop.
_KNOWN_BY = ("known_by", "timestamptz := 'infinity'")
_STAYS_WHAT_IT_WAS = """
    IF TG_OP = 'UPDATE' THEN
        IF ({old}) IS NOT DISTINCT FROM ({new}) {and_more} THEN
            known_by := NEW.{time};
        END IF;
    END IF;
"""


def _known_by(time: str, *others: str, and_more: str = "") -> str:
    """Sets `known_by` to the row's own time when neither it nor what the injection is has changed."""
    columns = ("plan_id", "patient_id", "deviation_id", time, *others)
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return _STAYS_WHAT_IT_WAS.format(old=old, new=new, time=time, and_more=and_more)


_OF_ANOTHER_PLAN = "The deviation was recorded for another plan."
_OTHERS_DEVIATION = """
    IF NEW.deviation_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM consultations_deviation
        WHERE id = NEW.deviation_id AND plan_id = NEW.plan_id AND patient_id = NEW.patient_id
    ) THEN
        {refusal}
    END IF;
"""

GATE_ON_TEST = guard(
    "patch_test_cleared",
    operation=pgtrigger.Insert
    | pgtrigger.UpdateOf(
        "plan_id",
        "patient_id",
        "formula_id",
        "component_codes",
        "given_at",
        "signed_at",
        "deviation_id",
        "search_id",
    ),
    declare=[("refusal", "text"), _KNOWN_BY],
    func=f"""
        PERFORM 1 FROM clinic_patient WHERE id = NEW.patient_id FOR NO KEY UPDATE;
        {_known_by("given_at", "search_id", "component_codes")}
        IF NEW.search_id IS NULL THEN
            refusal := pathway_refusal(NEW.plan_id, NEW.patient_id, NEW.given_at, 'test', NULL, known_by);
        ELSE
            refusal := component_test_refusal(
                NEW.plan_id, NEW.patient_id, NEW.given_at, NEW.search_id, NEW.component_codes::text[], known_by
            );
        END IF;
        IF refusal IS NOT NULL AND (NEW.deviation_id IS NULL OR refusal IN ('other_patient', 'no_search')) THEN
            {_REFUSE_WITH_CODE.format(name="patch_test_cleared")}
        END IF;
        IF NEW.appointment_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM clinic_appointment WHERE id = NEW.appointment_id AND patient_id = NEW.patient_id
        ) THEN
            {refuse("patch_test_cleared", "The visit belongs to a different patient.")}
        END IF;
        IF NOT EXISTS (
            SELECT 1 FROM consultations_plan WHERE id = NEW.plan_id AND formula_id = NEW.formula_id
        ) OR NOT NEW.component_codes::text[] <@ (
            SELECT array_agg(c.code::text) FROM consultations_formulapart part
            JOIN consultations_component c ON c.id = part.component_id WHERE part.formula_id = NEW.formula_id
        ) THEN
            {
        refuse("patch_test_cleared", "A test is of the plan's formula and of components that are in it.")
    }
        END IF;
        {_OTHERS_DEVIATION.format(refusal=refuse("patch_test_cleared", _OF_ANOTHER_PLAN))}
        {
        LOT_PAST_USE.format(
            uses="consultations_patchtestlot",
            key="patch_test_id",
            time="given_at",
            formula="NEW.formula_id",
            refusal=refuse("patch_test_cleared", PAST_USE),
        )
    }
        IF NEW.signed_at IS NOT NULL AND NEW.deviation_id IS NULL AND EXISTS (
            SELECT 1 FROM consultations_formulapart part JOIN consultations_component c ON c.id = part.component_id
            WHERE part.formula_id = NEW.formula_id
                AND (NEW.search_id IS NULL OR c.code = ANY(NEW.component_codes)) AND NOT EXISTS (
                SELECT 1 FROM consultations_patchtestlot used
                JOIN consultations_lot l ON l.id = used.lot_id JOIN consultations_component lc ON lc.id = l.component_id
                WHERE used.patch_test_id = NEW.id AND lc.code = c.code
            )
        ) THEN
            {refuse("patch_test_cleared", "Name the lot of every component before signing.")}
        END IF;
        RETURN NEW;
    """,
)

READING_OF_SIGNED_TEST = guard(
    "test_reading_of_signed_test",
    operation=pgtrigger.Insert,
    func=f"""
        IF NOT EXISTS (
            SELECT 1 FROM consultations_patchtest
            WHERE id = NEW.patch_test_id AND patient_id = NEW.patient_id
                AND signed_at IS NOT NULL AND given_at <= NEW.read_at
        ) THEN
            {refuse("test_reading_of_signed_test", "A reading follows a signed test of the same patient.")}
        END IF;
        RETURN NEW;
    """,
)

# Whole days of the clinic. What shows after them, or without a policy that asks, is a reaction that was reported later.
LATE_READING_IN_WINDOW = guard(
    "test_reading_late_window",
    operation=pgtrigger.Insert,
    func=f"""
        IF NEW.kind = 'late' AND NOT EXISTS (
            SELECT 1 FROM consultations_patchtest t
            JOIN consultations_patchtestpolicy policy ON policy.id = t.policy_id
            JOIN consultations_testreading r ON r.patch_test_id = t.id
            WHERE t.id = NEW.patch_test_id AND r.result = 'negative'
                AND r.id = coalesce(NEW.supersedes_id, r.id) AND r.signed_at <= NEW.signed_at
                AND clinic_day(NEW.read_at) BETWEEN clinic_day(t.given_at) + policy.late_reading_from_days
                    AND clinic_day(t.given_at) + policy.late_reading_until_days
                AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_enteredinerror e WHERE e.reading_id = r.id OR e.patch_test_id = t.id
                )
        ) THEN
            {
        refuse(
            "test_reading_late_window",
            "A late reading is of a test read without reaction, in the days of its policy.",
        )
    }
        END IF;
        RETURN NEW;
    """,
)

# The technique's rule that is in force says so (`TechniqueRule`).
_INJECTS_NOTHING = """EXISTS (
                SELECT 1 FROM consultations_techniquerule rule
                JOIN consultations_technique technique ON technique.code = rule.technique_code
                WHERE technique.id = {row}.technique_id AND rule.injects_nothing
                    AND rule.published_at IS NOT NULL AND rule.retired_at IS NULL
            )"""

GATE_ON_SESSION_ZONE = guard(
    "session_zone_volume",
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        IF EXISTS (
            SELECT 1 FROM consultations_session s
            WHERE s.id = NEW.session_id
                AND (CASE WHEN {
        _INJECTS_NOTHING.format(row="s")
    } THEN NEW.volume_ml > 0 ELSE NEW.volume_ml = 0 END)
        ) THEN
            {
        refuse(
            "session_zone_volume",
            "A zone has a volume, unless the technique injects nothing: then it has none.",
        )
    }
        END IF;
        RETURN NEW;
    """,
)

# A session cannot become one that injects nothing, and needs no lot and no dose, while its zones hold a volume.
GATE_ON_SESSION_TECHNIQUE = guard(
    "session_technique_of_zones",
    operation=pgtrigger.UpdateOf("technique_id", "signed_at"),
    func=f"""
        IF EXISTS (SELECT 1 FROM consultations_sessionzone WHERE session_id = NEW.id AND volume_ml > 0)
            AND {_INJECTS_NOTHING.format(row="NEW")} THEN
            {
        refuse(
            "session_technique_of_zones",
            "A technique that injects nothing has no volume in its zones.",
        )
    }
        END IF;
        RETURN NEW;
    """,
)

GATE_ON_SESSION = guard(
    "session_cleared",
    operation=pgtrigger.Insert
    | pgtrigger.UpdateOf(
        "plan_id",
        "planned_id",
        "patient_id",
        "started_at",
        "outcome",
        "signed_at",
        "deviation_id",
    ),
    declare=[("refusal", "text"), _KNOWN_BY],
    func=f"""
        PERFORM 1 FROM clinic_patient WHERE id = NEW.patient_id FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT 1 FROM consultations_plannedsession p JOIN consultations_plan plan ON plan.id = p.plan_id
            WHERE p.id = NEW.planned_id AND plan.id = NEW.plan_id AND plan.patient_id = NEW.patient_id
        ) OR (NEW.appointment_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM clinic_appointment WHERE id = NEW.appointment_id AND patient_id = NEW.patient_id
        )) THEN
            {refuse("session_cleared", "Plan, visit and session belong to different patients.")}
        END IF;
        IF NEW.outcome = 'not_given' THEN
            IF EXISTS (SELECT 1 FROM consultations_sessionzone WHERE session_id = NEW.id) THEN
                {refuse("session_cleared", "A session that was not given has no injected zones.")}
            END IF;
            RETURN NEW;
        END IF;
        IF EXISTS (
            SELECT 1 FROM consultations_session other
            WHERE other.planned_id = NEW.planned_id AND other.id <> NEW.id AND other.outcome <> 'not_given'
                AND NOT EXISTS (
                    SELECT 1 FROM consultations_enteredinerror e
                    WHERE e.session_id = other.id AND e.confirmed_at IS NOT NULL
                )
        ) THEN
            {refuse("session_cleared", "This session of the plan is on record already.")}
        END IF;
        {_OTHERS_DEVIATION.format(refusal=refuse("session_cleared", _OF_ANOTHER_PLAN))}
        {
        LOT_UNFIT.format(
            uses="consultations_sessionlot",
            key="session_id",
            time="started_at",
            formula=FORMULA_OF_SESSION.format(row="NEW"),
            refusal=refuse("session_cleared", UNFIT),
        )
    }
        {_known_by("started_at", "planned_id", and_more="AND OLD.outcome <> 'not_given'")}
        refusal := pathway_refusal(
            NEW.plan_id, NEW.patient_id, NEW.started_at, 'session', NEW.planned_id, known_by
        );
        IF refusal IS NOT NULL AND NEW.deviation_id IS NULL THEN
            {_REFUSE_WITH_CODE.format(name="session_cleared")}
        END IF;
        IF NEW.signed_at IS NOT NULL AND (
            NOT EXISTS (SELECT 1 FROM consultations_sessionzone WHERE session_id = NEW.id)
            OR NOT {_INJECTS_NOTHING.format(row="NEW")} AND EXISTS (
                SELECT 1 FROM consultations_formulapart part
                JOIN consultations_component c ON c.id = part.component_id
                WHERE part.formula_id = {FORMULA_OF_SESSION.format(row="NEW")} AND (
                    NOT EXISTS (
                        SELECT 1 FROM consultations_sessionlot used
                        JOIN consultations_lot l ON l.id = used.lot_id
                        JOIN consultations_component lc ON lc.id = l.component_id
                        WHERE used.session_id = NEW.id AND lc.code = c.code
                    )
                    OR NOT EXISTS (
                        SELECT 1 FROM consultations_sessiondose d JOIN consultations_component dc ON dc.id = d.component_id
                        WHERE d.session_id = NEW.id AND dc.code = c.code
                    )
                )
            )
        ) THEN
            {
        refuse("session_cleared", "A signed session names its zones and the lot and dose of every component.")
    }
        END IF;
        RETURN NEW;
    """,
)

# Where the policy of the moment has sessions wait for them, the answers of the session's own visit of the day are there:
# given by the patient, or asked and reviewed by a practitioner. `rules.check_ins.unanswered` says the same in words.
GATE_ON_SESSION_CHECK_IN = guard(
    "session_check_in",
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("planned_id", "outcome", "deviation_id"),
    func=f"""
        IF TG_OP = 'UPDATE' THEN
            IF (OLD.planned_id, OLD.deviation_id) IS NOT DISTINCT FROM (NEW.planned_id, NEW.deviation_id)
                AND OLD.outcome IS DISTINCT FROM 'not_given' THEN
                RETURN NEW;
            END IF;
        END IF;
        IF NEW.outcome IS DISTINCT FROM 'not_given' AND NEW.deviation_id IS NULL AND EXISTS (
            SELECT 1 FROM consultations_pathwaypolicy policy
            WHERE policy.code = 'default' AND policy.check_in_required AND policy.published_at <= NEW.started_at
                AND (policy.retired_at IS NULL OR policy.retired_at > NEW.started_at)
        ) AND EXISTS (
            SELECT 1 FROM consultations_checkinquestion question
            WHERE question.before_sessions AND question.published_at IS NOT NULL AND question.retired_at IS NULL
        ) AND EXISTS (
            SELECT 1 FROM clinic_appointment visit
            WHERE visit.purpose = 'session:' || NEW.planned_id AND visit.patient_id = NEW.patient_id
                AND visit.status IN {_ON_THE_BOOKS} AND clinic_day(visit.starts_at) = clinic_day(NEW.started_at)
        ) AND NOT EXISTS (
            SELECT 1 FROM consultations_checkin asked JOIN clinic_appointment visit ON visit.id = asked.appointment_id
            WHERE visit.purpose = 'session:' || NEW.planned_id AND visit.status IN {_ON_THE_BOOKS}
                AND clinic_day(visit.starts_at) = clinic_day(NEW.started_at)
                AND (asked.answered_at IS NOT NULL OR asked.reviewed_at IS NOT NULL)
        ) THEN
            {refuse("session_check_in", "The check-in questions of this visit have to be answered first.")}
        END IF;
        RETURN NEW;
    """,
)

# What the Python rules count with it too: signed sessions and test injections of the same clinic day. The cap is the one
# that they judged by; a cap is never tighter here, so that a tie is no refusal.
_INJECTED_THAT_DAY = """
    coalesce((
        SELECT sum(other.amount) FROM consultations_sessiondose other
        JOIN consultations_component oc ON oc.id = other.component_id AND oc.code = c.code
        JOIN consultations_session os ON os.id = other.session_id
        WHERE os.patient_id = NEW.patient_id AND os.id <> NEW.id AND os.signed_at IS NOT NULL
            AND os.outcome <> 'not_given' AND clinic_day(os.started_at) = clinic_day(NEW.started_at)
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE e.session_id = os.id AND e.confirmed_at IS NOT NULL
            )
    ), 0) + coalesce((
        SELECT sum(trunc(t.volume_ml * part.strength, 3)) FROM consultations_patchtest t
        JOIN consultations_formulapart part ON part.formula_id = t.formula_id
        JOIN consultations_component tc ON tc.id = part.component_id AND tc.code = c.code
        WHERE t.patient_id = NEW.patient_id AND t.signed_at IS NOT NULL AND c.code = ANY(t.component_codes)
            AND clinic_day(t.given_at) = clinic_day(NEW.started_at)
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE e.patch_test_id = t.id AND e.confirmed_at IS NOT NULL
            )
    ), 0)
"""

# After `session_cleared` (triggers run in the order of their names), which has locked the patient: of two that sign at
# once the second sees the doses of the first.
GATE_ON_SESSION_DOSES = guard(
    "session_over_cap",
    operation=pgtrigger.UpdateOf("signed_at"),
    func=f"""
        IF NEW.signed_at IS NOT NULL AND NEW.outcome <> 'not_given' AND EXISTS (
            SELECT 1 FROM consultations_sessiondose d
            JOIN consultations_component c ON c.id = d.component_id
            WHERE d.session_id = NEW.id AND d.amount + {_INJECTED_THAT_DAY} > d.cap_amount
        ) AND NOT EXISTS (
            SELECT 1 FROM consultations_deviation WHERE id = NEW.deviation_id AND 'over_cap' = ANY(codes)
        ) THEN
            {refuse("session_over_cap", "A dose above its cap is signed only with a deviation that names it.")}
        END IF;
        RETURN NEW;
    """,
)
