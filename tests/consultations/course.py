"""Walks a patient along the pathway through the actions, with the reference data that ships with the product."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from clinic.models import Patient, User
from consultations.actions import consents, consultations, patch_tests, reviews, sessions
from consultations.enums import (
    Answer,
    CapDecision,
    Grade,
    Outcome,
    ReviewDecision,
    SessionOutcome,
    Signer,
)
from consultations.models import (
    BodyZone,
    ContraindicationQuestion,
    DoseCap,
    Formula,
    Indication,
    Leaflet,
    Lot,
    PatchTest,
    Plan,
    PlanTemplate,
    ReactionType,
    Review,
    ReviewRule,
    Scale,
    Session,
    Technique,
)
from consultations.rules import consent_texts
from tests.factories import PatientFactory, lots_of
from tests.factories.reference import PUBLISHED

_DISCUSSED = ("technique", "visits", "alternatives", "aftercare", "expectations")


def decide_caps() -> None:
    """The clinic decides every open cap: none, as the demo clinic does."""
    for cap in DoseCap.objects.current().filter(decision=CapDecision.UNSET):
        DoseCap.objects.filter(pk=cap.pk).update(retired_at=PUBLISHED)
        same = {
            name: getattr(cap, name) for name in ("code", "name", "component_code", "formula_code", "measure")
        }
        DoseCap.objects.create(
            **same, version=cap.version + 1, decision=CapDecision.NONE, published_at=PUBLISHED
        )


def agreed(
    template_code: str,
    *,
    by: User,
    at: datetime,
    patient: Patient | None = None,
    starts_on: date | None = None,
    formula: Formula | None = None,
) -> Plan:
    """A signed consultation that ends with the template's plan, with its formula or another."""
    template = PlanTemplate.objects.current().get(code=template_code)
    proposal = consultations.Proposal(
        Technique.objects.current().get(code=template.technique_code),
        formula or Formula.objects.current().get(code=template.formula_code),
        template,
        starts_on,
    )
    draft = consultations.begin(patient=patient or PatientFactory(), appointment=None, by=by, at=at)
    details: dict[str, Any] = {
        "indication": Indication.objects.current().get(code=template.indication_code),
        "outcome": Outcome.ELIGIBLE,
        "leaflet": Leaflet.objects.current().first(),
    }
    consultations.save(
        consultation=draft,
        details=details | {f"discussed_{name}": True for name in _DISCUSSED},
        replies=[
            consultations.Reply(question, Answer.NO)
            for question in ContraindicationQuestion.objects.current()
        ],
        risks=list(ReactionType.objects.current().filter(is_discussed=True)),
        proposal=proposal,
        version=None,
        by=by,
        at=at,
    )
    consultations.sign(consultation=draft, proposal=proposal, version=None, by=by, at=at)
    return Plan.objects.get(consultation=draft)


def consented(plan: Plan, *, by: User, at: datetime) -> Plan:
    """With the patient's signature."""
    text = consent_texts.text_for(plan)
    assert text is not None
    consents.sign(
        plan=plan,
        text=text,
        signer=Signer.PATIENT,
        signer_name="Jeanne Moreau",
        agreed=True,
        words_read=consent_texts.seal_of(consent_texts.wording(plan, text)),
        by=by,
        at=at,
    )
    return plan


def tested(plan: Plan, *, by: User, at: datetime) -> PatchTest:
    """A test injection without an immediate reaction."""
    policy = plan.test_policy
    seen_until = at + timedelta(minutes=policy.observe_minutes)
    details = {"given_at": at, "method": policy.method, "site": policy.site, "volume_ml": policy.volume_ml}
    return patch_tests.give(
        plan=plan,
        appointment=None,
        details=details | {"observed_until": seen_until},
        lots=lots_of(plan.formula),
        immediate={"wheal_start_mm": Decimal(5), "wheal_end_mm": Decimal(5)},
        by=by,
        at=seen_until,
    )


def cleared(
    template_code: str,
    *,
    by: User,
    at: datetime,
    starts_on: date | None = None,
    patient: Patient | None = None,
) -> Plan:
    """Agreed nine days before `at`, consented, tested and read three days later without a reaction."""
    decide_caps()
    plan = agreed(template_code, by=by, at=at - timedelta(days=9), starts_on=starts_on, patient=patient)
    consented(plan, by=by, at=at - timedelta(days=8))
    test = tested(plan, by=by, at=at - timedelta(days=7))
    read_at = at - timedelta(days=4)
    patch_tests.read(test=test, details={"read_at": read_at, "grade": Grade.NEGATIVE}, by=by, at=read_at)
    return plan


def zones(*rows: tuple[int, str]) -> list[sessions.Zone]:
    """Points and ml per point, one body zone each, on a grid of one centimetre."""
    places = BodyZone.objects.current()[: len(rows)]
    return [
        sessions.Zone(place, points, Decimal(each), points * Decimal(each), Decimal(points))
        for place, (points, each) in zip(places, rows, strict=True)
    ]


def written(
    session: Session,
    rows: Sequence[sessions.Zone],
    *,
    by: User,
    at: datetime,
    lots: Iterable[Lot] | None = None,
    **details: Any,
) -> Session:
    """The draft with everything a signature asks for; `details` change the session's own fields."""
    usual = {
        "outcome": SessionOutcome.COMPLETE,
        "needle": "30G 4 mm",
        "depth_mm": session.technique.depth_min_mm,
        "aftercare_given": True,
    }
    used = lots_of(session.formula) if lots is None else list(lots)
    return sessions.save(
        session=session,
        details={**usual, **details},
        contents=sessions.Contents(zones=rows, lots=used),
        version=None,
        by=by,
        at=at,
    )


def given(
    plan: Plan, ordinal: int, *, rows: Sequence[sessions.Zone], by: User, at: datetime, **details: Any
) -> Session:
    """A session begun, written and signed half an hour later."""
    planned = plan.planned_sessions.get(ordinal=ordinal)
    session = sessions.begin(planned=planned, appointment=None, by=by, at=at)
    written(session, rows, by=by, at=at, **details)
    return sessions.sign(session=session, version=None, by=by, at=at + timedelta(minutes=30))


def reviewed(plan: Plan, code: str, *, by: User, at: datetime, **scores: str) -> Review:
    """A signed review for the rule, with a value for each scale; the plan goes on."""
    rule = ReviewRule.objects.current().get(code=code)
    draft = reviews.begin(plan=plan, rule=rule, appointment=None, by=by, at=at)
    taken = [
        reviews.Score(Scale.objects.current().get(code=name), Decimal(value))
        for name, value in scores.items()
    ]
    reviews.save(
        review=draft, words="", decision=ReviewDecision.GO_ON, scores=taken, version=None, by=by, at=at
    )
    return reviews.sign(review=draft, version=None, by=by, at=at)
