"""A consultation that is older than the clinic allows: asked again, confirmed, and what waited for it is cleared."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import visits
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed, NotCleared
from clinic.models import Appointment, Practitioner, User
from consultations import purposes
from consultations.actions import confirmations as actions
from consultations.models import ConsultationConfirmation, EnteredInError, Plan
from consultations.next_steps import next_of
from consultations.queries import facts_of_one
from consultations.rules import clearance
from consultations.rules.knowledge import as_known
from consultations.steppers import steps_of
from tests.consultations.policies import decided
from tests.consultations.rules.test_validity import gate as sql_gate
from tests.consultations.test_gate import refusal
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    ConsultationFactory,
    EnteredInErrorFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def expired_plan() -> Plan:
    """Consulted 30 days ago, where the clinic has a consultation hold for one month; all the rest is there."""
    plan = cleared_plan()
    decided(ago(days=1), consultation_valid_months=1)
    return plan


def session_visit(plan: Plan, doctor: Practitioner, status: AppointmentStatus) -> Appointment:
    planned = plan.planned_sessions.get(ordinal=1)
    visit = AppointmentFactory(
        patient=plan.patient,
        practitioner=doctor,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(planned),
        status=status,
        starts_at=ahead(hours=1),
    )
    planned.appointment = visit
    planned.save()
    return visit


def address(plan: Plan) -> str:
    return reverse("consultations:consultation_confirm", args=[plan.consultation_id])


def test_what_waits_for_it_is_booked_provisionally_does_not_start_and_is_cleared_by_it(
    doctor: Practitioner,
) -> None:
    plan = expired_plan()
    visit = session_visit(plan, doctor, AppointmentStatus.PROVISIONAL)
    visits.arrive(appointment=visit, by=doctor.user, at=CLINIC_NOW)
    with pytest.raises(NotCleared) as refused:
        visits.start(appointment=visit, by=doctor.user, at=ahead(hours=1))
    assert refused.value.code == "consultation_expired"
    actions.confirm(consultation=plan.consultation, asked_again=True, note="", by=doctor.user, at=CLINIC_NOW)
    visit.refresh_from_db()
    visits.start(appointment=visit, by=doctor.user, at=ahead(hours=1))
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.IN_PROGRESS


def test_a_visit_on_the_books_becomes_certain_again(doctor: Practitioner) -> None:
    plan = expired_plan()
    visit = session_visit(plan, doctor, AppointmentStatus.PROVISIONAL)
    actions.confirm(consultation=plan.consultation, asked_again=True, note="", by=doctor.user, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED


@pytest.mark.parametrize(
    ("consultation", "asked_again", "refusal"),
    [
        ({}, True, ("not_confirmable", None)),
        (
            {"signed": True, "outcome": "not_eligible", "outcome_reason": "pregnant"},
            True,
            ("not_confirmable", None),
        ),
        ({"signed": True}, False, ("not_asked_again", "asked_again")),
    ],
)
def test_only_what_found_the_patient_suitable_is_confirmed_and_by_asking_again(
    doctor: Practitioner, consultation: dict[str, object], asked_again: bool, refusal: tuple[str, str | None]
) -> None:
    row = ConsultationFactory(**consultation)
    with pytest.raises(DomainError) as refused:
        actions.confirm(consultation=row, asked_again=asked_again, note="", by=doctor.user, at=CLINIC_NOW)
    assert (refused.value.code, refused.value.field) == refusal


def test_a_consultation_entered_in_error_is_not_confirmed(doctor: Practitioner) -> None:
    row = ConsultationFactory(signed=True)
    EnteredInErrorFactory(consultation=row)
    with pytest.raises(DomainError) as refused:
        actions.confirm(consultation=row, asked_again=True, note="", by=doctor.user, at=CLINIC_NOW)
    assert refused.value.code == "not_confirmable"


def test_reception_confirms_nothing(reception: User) -> None:
    row = ConsultationFactory(signed=True)
    with pytest.raises(NotAllowed):
        actions.confirm(consultation=row, asked_again=True, note="", by=reception, at=CLINIC_NOW)


def test_nothing_is_asked_anew_of_a_plan_whose_sessions_were_all_given() -> None:
    plan = cleared_plan(sessions=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=2))
    decided(ago(days=1), consultation_valid_months=1, consent_valid_months=1)
    facts = facts_of_one(plan)
    later = ahead(days=90)
    assert [next_of(facts, at=later).what, steps_of(facts, at=later)[0].state] == [
        "Review the outcome.",
        "done",
    ]
    assert steps_of(facts, at=later)[1].state == "done"


class TestEnteredInError:
    """A confirmation of the wrong consultation clears nothing from the moment on at which somebody says so."""

    def _confirmed(self, plan: Plan, by: User) -> ConsultationConfirmation:
        return actions.confirm(
            consultation=plan.consultation, asked_again=True, note="", by=by, at=ago(hours=2)
        )

    def _say_so(self, client: Client, row: ConsultationConfirmation, reason: str = "her sister's"):
        return client.post(reverse("consultations:confirmation_error", args=[row.pk]), {"reason": reason})

    def test_it_clears_nothing_at_once_and_the_visit_on_the_books_is_provisional_again(
        self, doctor: Practitioner, practitioner_client: Client
    ) -> None:
        plan = expired_plan()
        visit = session_visit(plan, doctor, AppointmentStatus.PROVISIONAL)
        row = self._confirmed(plan, doctor.user)
        visit.refresh_from_db()
        assert (visit.status, refusal(plan)) == (AppointmentStatus.BOOKED, None)
        answer = self._say_so(practitioner_client, row)
        assert answer["Location"] == reverse("consultations:consultation", args=[plan.consultation_id])
        visit.refresh_from_db()
        assert (visit.status, refusal(plan)) == (AppointmentStatus.PROVISIONAL, "consultation_expired")
        judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=CLINIC_NOW)
        assert "consultation_expired" in [each.code for each in judged.conditions]

    def test_what_was_given_before_somebody_said_so_is_judged_by_what_was_known(
        self, doctor: Practitioner
    ) -> None:
        plan = expired_plan()
        EnteredInErrorFactory(confirmation=self._confirmed(plan, doctor.user), requested_at=CLINIC_NOW)
        facts = facts_of_one(plan)
        before, after = ago(hours=1), ahead(hours=1)
        assert [len(as_known(facts, each).confirmed) for each in (before, after)] == [1, 0]
        assert [sql_gate("gate_suitable", plan, CLINIC_NOW, each) for each in (before, after)] == [
            None,
            "consultation_expired",
        ]

    def test_it_stays_on_the_page_of_the_consultation_and_a_second_person_confirms(
        self, doctor: Practitioner, practitioner_client: Client, admin_client: Client
    ) -> None:
        plan = expired_plan()
        row = self._confirmed(plan, doctor.user)
        self._say_so(practitioner_client, row)
        page = reverse("consultations:consultation", args=[plan.consultation_id])
        shown = unescape(practitioner_client.get(page).content.decode())
        assert "Entered in error; a second person has to confirm" in shown
        assert "her sister's" in shown
        assert "Every question asked again by" in shown
        listed = admin_client.get(reverse("consultations:incidents")).content.decode()
        assert "Confirmation of a consultation" in listed
        entry = EnteredInError.objects.get()
        admin_client.post(reverse("consultations:error_confirm", args=[entry.pk]))
        entry.refresh_from_db()
        assert entry.confirmed_at is not None
        assert "Entered in error, confirmed by a second person" in unescape(
            practitioner_client.get(page).content.decode()
        )
        assert refusal(plan) == "consultation_expired"

    def test_it_is_called_so_once_and_with_a_reason(
        self, doctor: Practitioner, practitioner_client: Client
    ) -> None:
        row = self._confirmed(expired_plan(), doctor.user)
        assert self._say_so(practitioner_client, row, "").status_code == 422
        assert not EnteredInError.objects.exists()
        self._say_so(practitioner_client, row)
        self._say_so(practitioner_client, row)
        assert EnteredInError.objects.get().reason == "her sister's"

    def test_the_desk_finds_no_such_thing(self, doctor: Practitioner, reception_client: Client) -> None:
        row = self._confirmed(expired_plan(), doctor.user)
        assert self._say_so(reception_client, row).status_code == 404
        assert not EnteredInError.objects.exists()


class TestThePage:
    def test_it_shows_the_answers_and_asks_for_the_tick(self, practitioner_client: Client) -> None:
        plan = expired_plan()
        refused = practitioner_client.post(address(plan), {"note": "called"})
        assert refused.status_code == 422
        shown = unescape(refused.content.decode())
        assert "Ask every question again before you confirm" in shown
        assert 'value="called"' in shown
        assert not ConsultationConfirmation.objects.exists()

    def test_confirmed_it_stands_in_the_record(
        self, practitioner_client: Client, practitioner_user: User
    ) -> None:
        plan = expired_plan()
        page = reverse("consultations:patient", args=[plan.patient_id])
        assert "Ask again and confirm the consultation." in unescape(
            practitioner_client.get(page).content.decode()
        )
        answer = practitioner_client.post(address(plan), {"asked_again": "on", "note": "by phone"})
        assert answer["Location"] == page
        made = ConsultationConfirmation.objects.get()
        assert (made.confirmed_at, made.confirmed_by, made.note) == (
            CLINIC_NOW,
            practitioner_user,
            "by phone",
        )
        shown = unescape(practitioner_client.get(page).content.decode())
        assert "Ask again and confirm the consultation." not in shown
        assert "Consultation confirmed: nothing has changed" in shown

    def test_it_asks_a_fixed_number_of_queries(
        self, practitioner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        one, three = expired_plan(), ConsultationFactory(signed=True, answers=[{}, {}, {}])
        with django_assert_num_queries(PAGE_QUERIES):
            practitioner_client.get(address(one))
        with django_assert_num_queries(PAGE_QUERIES):
            practitioner_client.get(reverse("consultations:consultation_confirm", args=[three.pk]))


PAGE_QUERIES = 11
