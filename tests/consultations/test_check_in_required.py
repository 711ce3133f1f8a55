"""The clinic may have sessions wait for the answers of their check-in: at the desk, at the record and in the database."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.actions import visits
from clinic.enums import AppointmentStatus, Readiness
from clinic.errors import NotCleared
from clinic.models import Appointment, Practitioner, User
from clinic.readiness import Verdict, Visit
from consultations import purposes
from consultations.actions import check_ins as actions
from consultations.actions import sessions
from consultations.models import CheckInQuestion, Plan
from consultations.pathway import ClinicalPathway
from consultations.queries import facts_of_one
from consultations.rules import visits as rules
from consultations.rules.visits import begin_missing
from consultations.worklists.check_ins import to_settle
from consultations.worklists.notices import notices
from tests.consultations.policies import decided
from tests.consultations.test_check_ins import answered, start
from tests.consultations.test_confirmations import session_visit
from tests.factories import AppointmentFactory, AppointmentTypeFactory, CheckInFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def plan() -> Plan:
    return cleared_plan()


@pytest.fixture
def visit(plan: Plan, doctor: Practitioner) -> Appointment:
    return session_visit(plan, doctor, AppointmentStatus.BOOKED)


@pytest.fixture
def required() -> None:
    decided(ago(days=1), check_in_required=True)


def missing(plan: Plan, on: Any = CLINIC_NOW) -> list[str]:
    planned = plan.planned_sessions.get(ordinal=1)
    return [each.code for each in begin_missing(facts_of_one(plan), planned, on=on)]


def test_as_it_ships_nobody_has_to_answer(plan: Plan, visit: Appointment, reception: User) -> None:
    visits.arrive(appointment=visit, by=reception, at=CLINIC_NOW)
    assert (missing(plan), start(visit, reception)) == ([], "")


@pytest.mark.usefixtures("required")
def test_a_session_of_another_day_starts_with_the_answers_of_its_own_day(plan: Plan) -> None:
    purpose = purposes.session_of(plan.planned_sessions.get(ordinal=1))
    tomorrow = ahead(days=1)
    AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=tomorrow)
    begun = Visit(plan.patient, purpose, tomorrow)
    verdict = rules.verdict(
        begun, purposes.parse(purpose), facts_of_one(plan), together=rules.Together(), starting=True
    )
    assert [each.code for each in verdict.conditions] == ["answers_missing"]


@pytest.mark.usefixtures("required")
class TestWhereTheClinicAsksForIt:
    def test_the_visit_begins_once_the_patient_has_answered(
        self, plan: Plan, visit: Appointment, reception: User
    ) -> None:
        visits.arrive(appointment=visit, by=reception, at=CLINIC_NOW)
        assert (missing(plan), start(visit, reception)) == (["answers_missing"], "answers_missing")
        answered(visit, reception)
        assert (missing(plan), start(visit, reception)) == ([], "")

    def test_what_a_practitioner_asked_and_noted_counts_too(
        self, plan: Plan, visit: Appointment, reception: User, doctor: Practitioner
    ) -> None:
        check_in = actions.ask(appointment=visit, by=reception, at=CLINIC_NOW)
        actions.review(check_in=check_in, note="Asked: none.", by=doctor.user, at=CLINIC_NOW)
        assert missing(plan) == []

    def test_the_session_is_not_begun_either(
        self, plan: Plan, visit: Appointment, reception: User, doctor: Practitioner
    ) -> None:
        planned = plan.planned_sessions.get(ordinal=1)
        begin: Any = {"planned": planned, "appointment": visit, "by": doctor.user, "at": CLINIC_NOW}
        with pytest.raises(NotCleared) as refused:
            sessions.begin(**begin)
        assert refused.value.code == "answers_missing"
        answered(visit, reception)
        assert sessions.begin(**begin).planned == planned

    def test_it_is_not_asked_when_the_visit_is_booked(self, plan: Plan, visit: Appointment) -> None:
        wish = Visit(visit.patient, visit.purpose, visit.starts_at, visit)
        (verdict,) = ClinicalPathway().judge([wish], at=CLINIC_NOW)
        assert verdict == Verdict(Readiness.CLEAR)

    def test_what_waits_and_for_whom_is_said(self, plan: Plan, visit: Appointment, reception: User) -> None:
        """The questions have been handed over, and nobody has answered."""
        actions.ask(appointment=visit, by=reception, at=CLINIC_NOW)
        planned = plan.planned_sessions.get(ordinal=1)
        (condition,) = begin_missing(facts_of_one(plan), planned, on=CLINIC_NOW)
        assert (condition.code, condition.who) == ("answers_missing", "the desk")
        assert condition.what.startswith("The patient has to answer the check-in questions")

    def test_a_visit_of_tomorrow_keeps_nobody_waiting_today(self, plan: Plan) -> None:
        purpose = purposes.session_of(plan.planned_sessions.get(ordinal=1))
        AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=ahead(days=1))
        assert (missing(plan), missing(plan, on=ahead(days=1))) == ([], ["answers_missing"])

    def test_another_days_visit_and_a_session_without_one_wait_for_nothing(
        self, plan: Plan, visit: Appointment
    ) -> None:
        assert missing(plan, on=ahead(days=1)) == []
        assert missing(cleared_plan()) == []

    def test_where_nothing_is_asked_nothing_is_waited_for(self, plan: Plan, visit: Appointment) -> None:
        CheckInQuestion.objects.current().update(retired_at=ago(minutes=1))
        assert missing(plan) == []

    def test_the_page_says_so_until_it_is_answered(
        self, reception_client: Client, visit: Appointment, reception: User
    ) -> None:
        page = reverse("consultations:check_in", args=[visit.pk])
        assert "The session waits for these answers" in reception_client.get(page).content.decode()
        answered(visit, reception)
        assert "The session waits for these answers" not in reception_client.get(page).content.decode()


class TestNeedsSomeone:
    def counts(self, user: User) -> dict[str, int]:
        return {each.label: each.count for each in notices(user=user, at=CLINIC_NOW)}

    def test_the_desk_counts_who_is_here_and_not_settled(
        self, visit: Appointment, reception: User, reception_client: Client
    ) -> None:
        assert self.counts(reception)["Check-ins to settle"] == 0
        visits.arrive(appointment=visit, by=reception, at=CLINIC_NOW)
        assert self.counts(reception)["Check-in to settle"] == 1
        page = unescape(reception_client.get(reverse("consultations:late")).content.decode())
        assert reverse("consultations:check_in", args=[visit.pk]) in page and "not asked yet" in page
        answered(visit, reception)
        assert self.counts(reception)["Check-ins to settle"] == 0

    def test_an_answer_that_waits_is_counted_by_both(
        self, visit: Appointment, reception: User, practitioner_user: User
    ) -> None:
        visits.arrive(appointment=visit, by=reception, at=CLINIC_NOW)
        CheckInFactory(appointment=visit, open=True)
        assert self.counts(reception)["Check-in to settle"] == 1
        assert self.counts(practitioner_user)["Check-in answer to look at"] == 1

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_list_is_one_query(self, django_assert_num_queries: Any, count: int) -> None:
        kind = AppointmentTypeFactory(session=True)
        for _each in range(count):
            purpose = purposes.session_of(cleared_plan().planned_sessions.first())
            AppointmentFactory(
                type=kind, purpose=purpose, status=AppointmentStatus.ARRIVED, starts_at=ahead(hours=1)
            )
        with django_assert_num_queries(1):
            found = [(str(each.patient), str(each.practitioner)) for each in to_settle(at=CLINIC_NOW)]
        assert len(found) == count
