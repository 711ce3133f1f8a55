"""Plans through their actions: agreed with a consultation, held, resumed, stopped, completed."""

import pytest

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed, NotCleared
from clinic.models import Practitioner, User
from consultations import purposes
from consultations.actions import plans, sessions
from consultations.enums import PlanStatus
from consultations.models import Consultation, Formula, PatchTestPolicy, Plan, PlanTemplate, Technique
from tests.consultations import course
from tests.factories import AppointmentFactory, ConsultationFactory, PlanFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = pytest.mark.django_db


@pytest.fixture
def by(doctor: Practitioner, practitioner_user: User) -> User:
    """The practitioner who acts."""
    return practitioner_user


def test_an_eligible_consultation_ends_with_an_active_plan_of_the_template(by: User) -> None:
    plan = course.agreed("HAIR-DUT", by=by, at=ago(days=1), starts_on=TODAY)
    planned = [
        (each.ordinal, each.interval, each.unit, each.min_gap_days) for each in plan.planned_sessions.all()
    ]
    assert (plan.status, plan.starts_on, plan.test_policy.requirement) == (
        PlanStatus.ACTIVE,
        TODAY,
        "required",
    )
    assert planned == [
        (1, 1, "weeks", 6),
        (2, 1, "weeks", 6),
        (3, 1, "weeks", 6),
        (4, 1, "weeks", 6),
        (5, 2, "weeks", 12),
        (6, 2, "weeks", 12),
        (7, 4, "weeks", 23),
    ]


def test_a_plan_on_hold_stops_sessions_until_it_is_resumed(by: User) -> None:
    plan = cleared_plan()
    first = plan.planned_sessions.get(ordinal=1)
    visit = AppointmentFactory(
        patient=plan.patient, purpose=purposes.session_of(first), starts_at=ahead(days=1)
    )
    plans.hold(plan=plan, reason="infection", by=by, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.PROVISIONAL
    with pytest.raises(NotCleared) as refused:
        sessions.begin(planned=first, appointment=None, by=by, at=CLINIC_NOW)
    assert refused.value.code == "plan_on_hold"
    plans.resume(plan=plan, reason="healed", by=by, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED
    assert sessions.begin(planned=first, appointment=None, by=by, at=CLINIC_NOW).planned == first


def test_every_change_keeps_its_reason_and_its_author(by: User) -> None:
    plan = PlanFactory()
    plans.hold(plan=plan, reason="holiday", by=by, at=ago(days=2))
    plans.resume(plan=plan, reason="back", by=by, at=ago(days=1))
    plans.stop(plan=plan, reason="moved away", by=by, at=CLINIC_NOW)
    changes = [(each.status, each.reason, each.changed_by) for each in plan.status_changes.all()]
    assert changes == [
        (PlanStatus.STOPPED, "moved away", by),
        (PlanStatus.ACTIVE, "back", by),
        (PlanStatus.ON_HOLD, "holiday", by),
    ]


def test_a_stopped_plan_is_never_reopened(by: User) -> None:
    plan = PlanFactory()
    plans.stop(plan=plan, reason="moved away", by=by, at=CLINIC_NOW)
    for change in (plans.resume, plans.hold, plans.complete):
        with pytest.raises(DomainError) as refused:
            change(plan=plan, reason="again", by=by, at=CLINIC_NOW)
        assert refused.value.code == "wrong_state"


def test_a_change_without_a_reason_changes_nothing(by: User) -> None:
    plan = PlanFactory()
    with pytest.raises(DomainError) as refused:
        plans.hold(plan=plan, reason=" ", by=by, at=CLINIC_NOW)
    plan.refresh_from_db()
    assert (refused.value.field, plan.status, plan.status_changes.count()) == ("reason", PlanStatus.ACTIVE, 0)


def test_only_practitioners_change_plans(reception: User, admin: User) -> None:
    plan = PlanFactory()
    for user in (reception, admin):
        with pytest.raises(NotAllowed):
            plans.stop(plan=plan, reason="x", by=user, at=CLINIC_NOW)


def test_no_plan_is_proposed_without_an_indication_or_a_test_policy(by: User) -> None:
    template = PlanTemplate.objects.current().get(code="HAIR-DUT")
    proposal = plans.Proposal(
        Technique.objects.current().get(code=template.technique_code),
        Formula.objects.current().get(code=template.formula_code),
        template,
    )

    def refusal(draft: Consultation) -> tuple[str, str | None]:
        with pytest.raises(DomainError) as refused:
            plans.propose(consultation=draft, proposal=proposal, by=by, at=CLINIC_NOW)
        assert not Plan.objects.exists()
        return refused.value.code, refused.value.field

    draft = ConsultationFactory()
    PatchTestPolicy.objects.current().update(retired_at=CLINIC_NOW)
    assert refusal(ConsultationFactory(indication=None)) == ("indication_missing", "indication")
    assert refusal(draft) == ("no_policy", "formula")
