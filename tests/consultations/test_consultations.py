"""The consultation's actions: begun, saved with its proposal, signed with its plan, taken no further than the rules."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from clinic.errors import DomainError, NotAllowed, Stale
from clinic.models import Practitioner, User
from consultations.actions import consultations as actions
from consultations.actions.consultations import Reply
from consultations.actions.plans import Proposal
from consultations.enums import Answer, Decision, Outcome, PlanStatus
from consultations.models import (
    Consultation,
    ContraindicationQuestion,
    Formula,
    Indication,
    Leaflet,
    LeafletHandout,
    Plan,
    PlanTemplate,
    ReactionType,
    Technique,
)
from consultations.queries import facts_of_one
from consultations.rules import clearance
from tests.factories import (
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    PatientFactory,
    PractitionerFactory,
    UserFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY

pytestmark = pytest.mark.django_db
DISCUSSED = {
    f"discussed_{name}": True for name in ("technique", "visits", "alternatives", "aftercare", "expectations")
}


def _begun(user: User) -> Consultation:
    return actions.begin(patient=PatientFactory(), appointment=None, by=user, at=CLINIC_NOW)


def _proposal(code: str = "FACE-AMIN", **other: Any) -> Proposal:
    template = PlanTemplate.objects.current().get(code=code)
    usual = {
        "technique": Technique.objects.current().get(code=template.technique_code),
        "formula": Formula.objects.current().get(code=template.formula_code),
        "template": template,
        "starts_on": TODAY + timedelta(days=7),
    }
    return Proposal(**{**usual, **other})


def _replies(**yes: dict[str, Any]) -> list[Reply]:
    """No to every question, except those given with what was said."""
    return [
        Reply(question, Answer.YES, **yes[question.code])
        if question.code in yes
        else Reply(question, Answer.NO)
        for question in ContraindicationQuestion.objects.current()
    ]


def _save(draft: Consultation, user: User, *, indication: str = "wrinkles", **other: Any) -> Consultation:
    details = {
        "indication": Indication.objects.current().filter(code=indication).first()
        or Indication.objects.current().filter(group="face").first(),
        "outcome": Outcome.ELIGIBLE,
        "leaflet": Leaflet.objects.current().first(),
        **DISCUSSED,
        **other.pop("details", {}),
    }
    usual = {
        "replies": _replies(),
        "risks": list(ReactionType.objects.current().filter(is_discussed=True)),
        "proposal": _proposal(),
        "version": draft.version,
    }
    return actions.save(consultation=draft, details=details, by=user, at=CLINIC_NOW, **{**usual, **other})


def _sign(draft: Consultation, user: User, **other: Any) -> Consultation:
    usual = {"proposal": _proposal(), "version": draft.version}
    return actions.sign(consultation=draft, by=user, at=CLINIC_NOW, **{**usual, **other})


def test_only_a_practitioner_begins(reception: User, admin: User) -> None:
    for user in (reception, admin, UserFactory(practitioner=True)):
        with pytest.raises(NotAllowed):
            _begun(user)
    assert Consultation.objects.count() == 0


def test_a_draft_belongs_to_the_visit_of_its_own_patient(
    doctor: Practitioner, practitioner_user: User
) -> None:
    visit = AppointmentFactory()
    with pytest.raises(DomainError) as refused:
        actions.begin(patient=PatientFactory(), appointment=visit, by=practitioner_user, at=CLINIC_NOW)
    assert refused.value.code == "other_patient"


def test_a_saved_draft_keeps_its_proposal_and_the_plan_is_not_in_force(
    doctor: Practitioner, practitioner_user: User
) -> None:
    saved = _save(_begun(practitioner_user), practitioner_user)
    plan = Plan.objects.get(consultation=saved)
    assert (plan.status, plan.starts_on, plan.planned_sessions.count()) == (
        PlanStatus.PROPOSED,
        TODAY + timedelta(days=7),
        4,
    )


def test_saving_the_same_proposal_again_keeps_the_plan_and_another_one_replaces_it(
    doctor: Practitioner, practitioner_user: User
) -> None:
    saved = _save(_begun(practitioner_user), practitioner_user)
    first = saved.plan
    again = _save(saved, practitioner_user)
    assert Plan.objects.get(consultation=again) == first
    other = _save(again, practitioner_user, proposal=_proposal(starts_on=None))
    assert Plan.objects.get(consultation=other).starts_on is None
    gone = _save(other, practitioner_user, proposal=None)
    assert Plan.objects.filter(consultation=gone).count() == 0


def test_signing_brings_the_saved_plan_into_force(doctor: Practitioner, practitioner_user: User) -> None:
    saved = _save(_begun(practitioner_user), practitioner_user)
    signed = _sign(saved, practitioner_user)
    plan = Plan.objects.get(consultation=signed)
    assert (signed.signed_by, signed.signed_at, plan.status) == (
        practitioner_user,
        CLINIC_NOW,
        PlanStatus.ACTIVE,
    )
    assert len(signed.content_hash) == 64


@pytest.mark.parametrize("with_leaflet", [True, False])
def test_a_patient_who_is_not_suitable_ends_without_a_plan(
    doctor: Practitioner, practitioner_user: User, with_leaflet: bool
) -> None:
    """A leaflet that nobody chose is not handed out."""
    reason = {"outcome": Outcome.NOT_ELIGIBLE, "outcome_reason": "pregnant"}
    reason |= {} if with_leaflet else {"leaflet": None}
    saved = _save(_begun(practitioner_user), practitioner_user, details=reason)
    signed = _sign(saved, practitioner_user, proposal=None)
    assert signed.is_signed
    assert Plan.objects.filter(consultation=signed).count() == 0
    assert LeafletHandout.objects.filter(consultation=signed).exists() is with_leaflet


def test_answers_carry_the_decision_for_what_is_planned(
    doctor: Practitioner, practitioner_user: User
) -> None:
    yes: dict[str, dict[str, Any]] = {
        "infection_site": {},
        "keloid": {"override_reason": "small"},
        "age_max": {},
    }
    saved = _save(_begun(practitioner_user), practitioner_user, replies=_replies(**yes))
    decided = {
        answer.question.code: (answer.decision, answer.defer_until)
        for answer in saved.answers.exclude(decision="")
    }
    assert decided == {
        "infection_site": (Decision.DEFER, TODAY + timedelta(days=7)),
        "keloid": (Decision.OVERRIDE, None),
        "age_max": (Decision.ASK, None),
    }


@pytest.mark.parametrize("event", [TODAY - timedelta(days=10), TODAY, TODAY + timedelta(days=20)])
def test_a_wait_counts_from_the_day_of_the_event(
    doctor: Practitioner, practitioner_user: User, event: date
) -> None:
    """An antibiotic that ended ten days ago waits four more; one until the 22nd waits from then."""
    typed = _replies(infection_systemic={"event_on": event}, covid_vaccine_recent={"event_on": event})
    saved = _save(_begun(practitioner_user), practitioner_user, replies=typed)
    answers = saved.answers.exclude(answer=Answer.NO)
    assert [(each.event_on, each.defer_until) for each in answers] == [
        (event, event + timedelta(days=14))
    ] * 2


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({}, "event_missing"),
        ({"defer_until": date(2026, 4, 1)}, "event_missing"),
        ({"event_on": TODAY}, None),
        ({"event_unknown": True}, None),
    ],
    ids=["no day", "only the end of the wait", "its day", "nobody knows"],
)
def test_a_yes_that_makes_treatment_wait_is_signed_with_its_day_or_that_nobody_knows_it(
    doctor: Practitioner, practitioner_user: User, said: dict[str, Any], refused: str | None
) -> None:
    draft = _save(_begun(practitioner_user), practitioner_user, replies=_replies(infection_systemic=said))
    if refused is None:
        signed = _sign(draft, practitioner_user)
        wait = signed.answers.get(question__code="infection_systemic")
        assert (wait.event_unknown, wait.defer_until) == (
            "event_unknown" in said,
            TODAY + timedelta(days=14),
        )
        return
    with pytest.raises(DomainError) as refusal:
        _sign(draft, practitioner_user)
    assert (refusal.value.code, refusal.value.field) == (refused, "event_infection_systemic")
    assert not Consultation.objects.signed().exists()


@pytest.mark.parametrize(("day", "code"), [(13, "deferred"), (14, None), (15, None)])
def test_every_later_date_is_held_against_it(
    doctor: Practitioner, practitioner_user: User, day: int, code: str | None
) -> None:
    event = TODAY + timedelta(days=20)
    typed = _replies(infection_systemic={"event_on": event})
    saved = _save(_begun(practitioner_user), practitioner_user, replies=typed)
    signed = _sign(saved, practitioner_user)
    wanted = CLINIC_NOW + timedelta(days=20 + day)
    judged = clearance.judge(facts_of_one(signed.plan), gate=clearance.Gate.TEST, on=wanted)
    assert next((each.code for each in judged.conditions if each.code == "deferred"), None) == code


def test_a_no_keeps_no_day(doctor: Practitioner, practitioner_user: User) -> None:
    replies = [
        replace(each, event_on=TODAY) if each.question.code == "laser_recent" else each for each in _replies()
    ]
    saved = _save(_begun(practitioner_user), practitioner_user, replies=replies)
    assert saved.answers.get(question__code="laser_recent").event_on is None


def test_a_date_that_was_typed_is_kept(doctor: Practitioner, practitioner_user: User) -> None:
    typed = _replies(infection_site={"defer_until": date(2026, 4, 1)})
    saved = _save(_begun(practitioner_user), practitioner_user, replies=typed)
    assert saved.answers.get(question__code="infection_site").defer_until == date(2026, 4, 1)


def test_cancer_blocks_a_face_and_is_a_named_decision_for_lymphoedema(
    doctor: Practitioner, practitioner_user: User
) -> None:
    decisions = []
    for indication in ("wrinkles", "lymphoedema"):
        saved = _save(
            _begun(practitioner_user),
            practitioner_user,
            indication=indication,
            replies=_replies(cancer_active={}),
        )
        decisions.append(saved.answers.get(question__code="cancer_active").decision)
    assert decisions == [Decision.BLOCK, Decision.OVERRIDE]


def test_a_plan_proposed_only_at_signing_is_judged_like_a_saved_one(
    doctor: Practitioner, practitioner_user: User
) -> None:
    """Otherwise a formula swapped in at the last moment would escape its own contraindications."""
    saved = _save(_begun(practitioner_user), practitioner_user, replies=_replies(no_contraception={}))
    assert saved.answers.get(question__code="no_contraception").decision == Decision.ASK
    dutasteride = FormulaFactory(
        parts=[(ComponentFactory(code="dutasteride", version=99, published_at=None), 1)]
    )
    with pytest.raises(DomainError) as refused:
        _sign(saved, practitioner_user, proposal=_proposal(formula=dutasteride))
    assert (refused.value.code, refused.value.field) == ("contraindicated", "answer_no_contraception")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"risks": []}, "risks_open"),
        ({"details": {"leaflet": None}}, "leaflet_missing"),
        ({"details": {"discussed_visits": False}}, "not_discussed"),
        ({"replies": []}, "questions_open"),
        ({"replies": _replies}, "override_reason_missing"),
    ],
)
def test_what_stands_open_refuses_the_signature_and_changes_nothing(
    doctor: Practitioner, practitioner_user: User, change: dict[str, Any], code: str
) -> None:
    if change.get("replies") is _replies:
        change = {"replies": _replies(keloid={})}
    saved = _save(_begun(practitioner_user), practitioner_user, **change)
    with pytest.raises(DomainError) as refused:
        _sign(saved, practitioner_user)
    assert refused.value.code == code
    saved.refresh_from_db()
    assert not saved.is_signed
    assert saved.plan.status == PlanStatus.PROPOSED


def test_a_stale_page_neither_saves_nor_signs(doctor: Practitioner, practitioner_user: User) -> None:
    draft = _begun(practitioner_user)
    _save(draft, practitioner_user)
    with pytest.raises(Stale):
        _save(draft, practitioner_user, version=1, details={"history": "late"})
    with pytest.raises(Stale):
        _sign(draft, practitioner_user, version=1)
    draft.refresh_from_db()
    assert (draft.history, draft.is_signed) == ("", False)


def test_a_colleague_neither_saves_nor_signs_before_taking_over(
    doctor: Practitioner, practitioner_user: User
) -> None:
    draft = _save(_begun(practitioner_user), practitioner_user)
    colleague = PractitionerFactory(signs_in=True).user
    for act in (_save, _sign):
        with pytest.raises(NotAllowed) as refused:
            act(draft, colleague)
        assert refused.value.code == "other_author"


def test_a_signed_consultation_is_not_saved_again(doctor: Practitioner, practitioner_user: User) -> None:
    signed = _sign(_save(_begun(practitioner_user), practitioner_user), practitioner_user)
    with pytest.raises(DomainError) as refused:
        _save(signed, practitioner_user)
    assert refused.value.code == "signed"
