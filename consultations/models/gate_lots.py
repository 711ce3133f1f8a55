"""The database's gate on lots: expired, used up, put aside, of another strength than the recipe, or closed by an allergy.

A test refuses them all when they are entered. The draft of a session holds one that is past use (expired or put aside), since
it may have been injected; the signature refuses it without a deviation that names it (`session_lot_past_use`).
`lot_of_other_strength()` and `lot_meets_allergy()` are SQL functions, made by migrations; their twin is
`consultations.rules.lots`. `lot_asks_for_test()` is the twin of `consultations.rules.tested_lots`.
"""

import pgtrigger

from clinic.db import guard, refuse

# A lot is judged when it is entered; again here, because the time or the deviation may have changed since. A lot that
# was quarantined after the injection was in order when it was used.
PAST_USE = "A lot was expired, quarantined, used up, of another strength than the recipe or closed by an allergy at that time."
_USED_UP = "l.used_up_on < clinic_day(NEW.{time})"
_MISFIT = """lot_of_other_strength(l.id, {formula}, NEW.{time})
            OR lot_meets_allergy(l.id, NEW.patient_id, NEW.{time})"""
# What is signed is judged by what its lots say, and they stay so from then on (`lot_named_stays`): a change that is being
# made at this moment is waited for, and waits.
_REFUSED_WHERE = """
    IF NEW.signed_at IS NOT NULL THEN
        PERFORM 1 FROM {uses} used JOIN consultations_lot l ON l.id = used.lot_id
            WHERE used.{key} = NEW.id ORDER BY l.id FOR SHARE OF l;
    END IF;
    IF NEW.deviation_id IS NULL AND EXISTS (
        SELECT 1 FROM {uses} used JOIN consultations_lot l ON l.id = used.lot_id
        WHERE used.{key} = NEW.id AND (
            {when}
        )
    ) THEN
        {refusal}
    END IF;
"""
LOT_PAST_USE = _REFUSED_WHERE.replace(
    "{when}",
    f"""least(l.expires_on, l.opened_until) < clinic_day(NEW.{{time}}) OR {_USED_UP}
            OR l.quarantined_at <= NEW.{{time}}
            OR {_MISFIT}""",
)
UNFIT = "A lot was used up, of another strength than the recipe or closed by an allergy at that time."
LOT_UNFIT = _REFUSED_WHERE.replace("{when}", f"{_USED_UP} OR {_MISFIT}")

_LOT_IS_USABLE = """
    IF NOT EXISTS (
        SELECT 1 FROM {record} r
        JOIN consultations_formulapart part ON part.formula_id = {formula}
        JOIN consultations_component c ON c.id = part.component_id
        JOIN consultations_lot l ON l.id = NEW.lot_id
        JOIN consultations_component lc ON lc.id = l.component_id AND lc.code = c.code
        WHERE r.id = NEW.{key} AND (
            r.deviation_id IS NOT NULL
            OR (NOT lot_of_other_strength(l.id, {formula}, r.{time})
                AND NOT lot_meets_allergy(l.id, r.patient_id, 'infinity')
                {in_use}
                AND (l.used_up_on IS NULL OR l.used_up_on >= clinic_day(r.{time})))
        )
    ) THEN
        {refusal}
    END IF;
    {then}RETURN NEW;
"""
_IN_USE = "AND least(l.expires_on, l.opened_until) >= clinic_day(r.given_at) AND l.quarantined_at IS NULL"
# Nobody but the trigger says it; once said it stays, so that no second write makes the lot one that was in order.
_WHETHER_PUT_ASIDE = """NEW.in_quarantine := EXISTS (
        SELECT 1 FROM consultations_lot WHERE id = NEW.lot_id AND quarantined_at IS NOT NULL
    );
    IF TG_OP = 'UPDATE' THEN
        NEW.in_quarantine := NEW.in_quarantine OR OLD.in_quarantine;
    END IF;
    """

_LOT_REFUSED = (
    "This lot is expired, quarantined, used up, of another strength than the recipe, closed by an allergy of the patient"
    " or not part of the formula."
)
_LOT_UNFIT = (
    "This lot is used up, of another strength than the recipe, closed by an allergy of the patient or not part of the"
    " formula."
)

GATE_ON_TEST_LOT = guard(
    "patch_test_lot_usable",
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=_LOT_IS_USABLE.format(
        record="consultations_patchtest",
        formula="r.formula_id",
        key="patch_test_id",
        time="given_at",
        in_use=_IN_USE,
        then="",
        refusal=refuse(
            "patch_test_lot_usable",
            _LOT_REFUSED,
        ),
    ),
)

# The planned session's own formula, or the plan's (`Session.formula`).
FORMULA_OF_SESSION = (
    "(SELECT coalesce(planned.formula_id, whole.formula_id) FROM consultations_plannedsession planned"
    " JOIN consultations_plan whole ON whole.id = planned.plan_id WHERE planned.id = {row}.planned_id)"
)

GATE_ON_SESSION_LOT = guard(
    "session_lot_usable",
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=_LOT_IS_USABLE.format(
        record="consultations_session",
        formula=FORMULA_OF_SESSION.format(row="r"),
        key="session_id",
        time="started_at",
        in_use="",
        then=_WHETHER_PUT_ASIDE,
        refusal=refuse(
            "session_lot_usable",
            _LOT_UNFIT,
        ),
    ),
)

# What is past use was in order if it was put aside only after the session began, and after the draft had named it.
# After `session_cleared` (triggers run in the order of their names), which has locked the patient.
GATE_ON_SESSION_LOT_PAST_USE = guard(
    "session_lot_past_use",
    operation=pgtrigger.UpdateOf("signed_at"),
    func=f"""
        IF NEW.signed_at IS NOT NULL AND NEW.outcome <> 'not_given' AND EXISTS (
            SELECT 1 FROM consultations_sessionlot used JOIN consultations_lot l ON l.id = used.lot_id
            WHERE used.session_id = NEW.id AND (
                least(l.expires_on, l.opened_until) < clinic_day(NEW.started_at)
                OR l.quarantined_at <= NEW.started_at
                OR used.in_quarantine AND l.quarantined_at IS NOT NULL
            )
        ) AND NOT EXISTS (
            SELECT 1 FROM consultations_deviation WHERE id = NEW.deviation_id AND 'lot_past_use' = ANY(codes)
        ) THEN
            {
        refuse(
            "session_lot_past_use",
            "A lot that was expired or put aside is signed only with a deviation that names it.",
        )
    }
        END IF;
        RETURN NEW;
    """,
)

# By what was known when the session began, as `rules.tested_lots` has it. After `session_cleared` (triggers run in the
# order of their names), which has locked the patient.
GATE_ON_SESSION_UNTESTED_LOT = guard(
    "session_lot_untested",
    operation=pgtrigger.UpdateOf("signed_at"),
    func=f"""
        IF NEW.signed_at IS NOT NULL AND NEW.outcome <> 'not_given' AND EXISTS (
            SELECT 1 FROM consultations_sessionlot used
            WHERE used.session_id = NEW.id AND lot_asks_for_test(
                used.lot_id, NEW.plan_id, NEW.patient_id, NEW.started_at, NEW.started_at
            )
        ) AND NOT EXISTS (
            SELECT 1 FROM consultations_deviation WHERE id = NEW.deviation_id AND 'lot_not_tested' = ANY(codes)
        ) THEN
            {
        refuse(
            "session_lot_untested",
            "A lot that asks for a new test is signed only with a deviation that names it.",
        )
    }
        END IF;
        RETURN NEW;
    """,
)

# A strength that nobody had noted may be, and an excipient more: both only ever close.
LOT_NAMED_STAYS = guard(
    "lot_named_stays",
    operation=pgtrigger.Update,
    func=f"""
        IF ((NEW.component_id, NEW.maker, NEW.number, NEW.expires_on, NEW.received_on)
                IS DISTINCT FROM (OLD.component_id, OLD.maker, OLD.number, OLD.expires_on, OLD.received_on)
            OR OLD.label_amount IS NOT NULL
                AND (NEW.label_amount, NEW.label_ml) IS DISTINCT FROM (OLD.label_amount, OLD.label_ml)
            OR NOT OLD.allergen_groups <@ NEW.allergen_groups
        ) AND (EXISTS (
            SELECT 1 FROM consultations_sessionlot used JOIN consultations_session r ON r.id = used.session_id
            WHERE used.lot_id = OLD.id AND r.signed_at IS NOT NULL
        ) OR EXISTS (
            SELECT 1 FROM consultations_patchtestlot used JOIN consultations_patchtest r ON r.id = used.patch_test_id
            WHERE used.lot_id = OLD.id AND r.signed_at IS NOT NULL
        ) OR EXISTS (
            SELECT 1 FROM consultations_adverseeventlot named JOIN consultations_adverseevent r ON r.id = named.event_id
            WHERE named.lot_id = OLD.id AND r.signed_at IS NOT NULL
        )) THEN
            {refuse("lot_named_stays", "A signed record names this lot as it is. Put it aside, and add to the record what is wrong.")}
        END IF;
        RETURN NEW;
    """,
)
