"""Asked again on the day: the patient answers, the desk sees only that, and a practitioner looks before it begins."""

from __future__ import annotations

from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import visits
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed, NotCleared
from clinic.models import Appointment, Practitioner, User
from consultations import purposes
from consultations.actions import check_ins as actions
from consultations.enums import Answer, AnswerSource, Decision
from consultations.models import (
    CheckIn,
    CheckInQuestion,
    ContraindicationQuestion,
    HealthAnswer,
    PathwayPolicy,
    Plan,
    PlanStop,
)
from consultations.queries import facts_of_one
from consultations.rules import check_ins, clearance
from consultations.rules.check_ins import Said
from tests.consultations.test_confirmations import session_visit
from tests.consultations.test_gate import refusal
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    CheckInFactory,
    PlanFactory,
    PlanStopFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ahead
from tests.factories.users import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def plan() -> Plan:
    return cleared_plan()


@pytest.fixture
def visit(plan: Plan, doctor: Practitioner) -> Appointment:
    return session_visit(plan, doctor, AppointmentStatus.BOOKED)


def said(**answers: Any) -> list[Said]:
    """No to every question but those named."""
    return [
        Said(each, *answers.get(each.code, (Answer.NO, None))) for each in CheckInQuestion.objects.current()
    ]


def answered(visit: Appointment, by: User, **answers: Any) -> CheckIn:
    check_in = actions.ask(appointment=visit, by=by, at=CLINIC_NOW)
    return actions.answer(check_in=check_in, said=said(**answers), by=by, at=CLINIC_NOW)


def codes(plan: Plan, on: Any = CLINIC_NOW) -> list[str]:
    judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.TEST, on=on)
    return [each.code for each in judged.conditions]


def start(visit: Appointment, by: User) -> str:
    """The code of the refusal; empty where the visit begins."""
    visit.refresh_from_db()
    try:
        visits.start(appointment=visit, by=by, at=ahead(hours=1))
    except NotCleared as refused:
        return refused.code
    return ""


def test_every_question_that_comes_and_goes_is_asked_again_in_the_patients_words() -> None:
    asked = dict(CheckInQuestion.objects.current().values_list("question_code", "words"))
    assert set(asked) == {
        "pregnancy",
        "breastfeeding",
        "infection_systemic",
        "infection_site",
        "covid_vaccine_recent",
        "aspirin_nsaid",
        "laser_recent",
        "retinoid",
    }
    assert all(words.endswith("?") for words in asked.values())


def test_nothing_but_no_lets_the_visit_begin(plan: Plan, visit: Appointment, reception: User) -> None:
    visits.arrive(appointment=visit, by=reception, at=CLINIC_NOW)
    check_in = answered(visit, reception)
    assert (check_in.needs_review, codes(plan), refusal(plan)) == (False, [], None)
    assert not HealthAnswer.objects.exists()
    assert start(visit, reception) == ""


@pytest.mark.parametrize("answer", [(Answer.UNKNOWN, None), (None, None)])
def test_what_is_not_known_or_left_open_waits_for_a_practitioner_and_stops_no_plan(
    plan: Plan, visit: Appointment, reception: User, doctor: Practitioner, answer: Any
) -> None:
    visits.arrive(appointment=visit, by=reception, at=CLINIC_NOW)
    check_in = answered(visit, reception, painkiller=answer)
    assert (codes(plan), refusal(plan), start(visit, reception)) == (
        ["answer_open"],
        "answer_open",
        "answer_open",
    )
    actions.review(check_in=check_in, note="Asked: none.", by=doctor.user, at=CLINIC_NOW)
    assert (PlanStop.objects.count(), codes(plan), start(visit, reception)) == (0, [], "")


def test_it_is_asked_before_injections_alone_on_their_own_day_and_before_sessions_waited_for(
    plan: Plan, visit: Appointment
) -> None:
    wanted = (visit.purpose, purposes.test_of(plan), purposes.reading_of(plan), "")
    visits = [Appointment(purpose=purpose) for purpose in wanted]
    assert [check_ins.is_asked(each) for each in visits] == [True, True, False, False]
    policy = PathwayPolicy(check_in_required=True)
    assert [check_ins.is_required(each, policy) for each in visits] == [True, False, False, False]
    asked = CheckInQuestion.objects.current()
    tomorrow = AppointmentFactory(purpose=visit.purpose, starts_at=ahead(days=1))
    may = [check_ins.may_ask(tomorrow, asked, None, at=at) for at in (CLINIC_NOW, ahead(days=1))]
    assert may == [False, True]


def test_only_a_yes_becomes_quiet_with_time() -> None:
    asked = CheckInQuestion(quiet_after_days=7)
    days = {answer: Said(asked, answer, TODAY - timedelta(days=300)) for answer in Answer}
    open_ones = {answer for answer, each in days.items() if check_ins.needs_review([each], on=TODAY)}
    assert open_ones == {Answer.UNKNOWN}
    kept = Said(asked, None).as_kept()
    assert (kept["answer"], kept["event_on"]) == ("", "")


def test_whose_visit_it_is_is_asked(plan: Plan, visit: Appointment, reception: User) -> None:
    answered(visit, reception, laser=(Answer.UNKNOWN, None))
    (condition,) = clearance.judge(facts_of_one(plan), gate=clearance.Gate.TEST, on=CLINIC_NOW).conditions
    assert condition.who == str(visit.practitioner)


def test_handed_over_and_not_answered_waits_too(plan: Plan, visit: Appointment, reception: User) -> None:
    visits.arrive(appointment=visit, by=reception, at=CLINIC_NOW)
    first = actions.ask(appointment=visit, by=reception, at=CLINIC_NOW)
    assert start(visit, reception) == "answer_open"
    assert actions.ask(appointment=visit, by=reception, at=ahead(minutes=1)) == first


class TestAnAntibioticAnsweredAtCheckIn:
    EVENT = date(2026, 3, 20)

    def answer(self, visit: Appointment, by: User) -> CheckIn:
        return answered(visit, by, fever_or_antibiotics=(Answer.YES, self.EVENT))

    def test_it_closes_every_date_until_the_fourteenth_day_after_it(
        self, plan: Plan, visit: Appointment, reception: User, doctor: Practitioner
    ) -> None:
        actions.review(
            check_in=self.answer(visit, reception), note="Amoxicillin.", by=doctor.user, at=CLINIC_NOW
        )
        days = {TODAY, self.EVENT, date(2026, 4, 2), date(2026, 4, 3), date(2026, 7, 1)}
        closed = {day for day in days if codes(plan, CLINIC_NOW + (day - TODAY)) == ["deferred"]}
        assert closed == {TODAY, self.EVENT, date(2026, 4, 2)}
        assert refusal(plan) == "deferred"

    def test_the_visits_on_the_books_are_judged_anew(self, visit: Appointment, reception: User) -> None:
        self.answer(visit, reception)
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.PROVISIONAL

    def test_the_answer_stays_as_it_was_given_with_who_handed_the_screen_over(
        self, visit: Appointment, reception: User
    ) -> None:
        check_in = self.answer(visit, reception)
        kept = [each for each in check_in.said if each["answer"] == "yes"]
        assert kept == [
            {
                "question": "infection_systemic",
                "words": CheckInQuestion.objects.current().get(code="fever_or_antibiotics").words,
                "answer": "yes",
                "event_on": "2026-03-20",
            }
        ]
        row = HealthAnswer.objects.get()
        assert (row.source, row.check_in, row.event_on, row.recorded_by) == (
            AnswerSource.CHECK_IN,
            check_in,
            self.EVENT,
            reception,
        )


def test_pregnancy_closes_every_open_plan(plan: Plan, visit: Appointment, reception: User) -> None:
    answered(visit, reception, pregnancy=(Answer.YES, None))
    assert list(PlanStop.objects.values_list("plan", "decision")) == [(plan.pk, Decision.BLOCK)]
    assert codes(plan) == ["contraindicated", "answer_open"]


@pytest.mark.parametrize(
    ("taken_on", "waits"),
    [
        (TODAY, True),
        (TODAY - timedelta(days=1), True),
        (TODAY - timedelta(days=2), False),
        (TODAY - timedelta(days=6), False),
        (None, True),
    ],
)
def test_a_painkiller_waits_for_eyes_only_in_the_days_the_question_says_and_stops_nothing(
    plan: Plan, visit: Appointment, reception: User, taken_on: date | None, waits: bool
) -> None:
    answered(visit, reception, painkiller=(Answer.YES, taken_on))
    assert (PlanStop.objects.count(), codes(plan)) == (0, ["answer_open"] if waits else [])
    assert HealthAnswer.objects.get().event_on == taken_on


@pytest.mark.parametrize("now", [Answer.NO, Answer.YES])
def test_the_patient_opens_nothing_that_a_practitioner_closed(
    plan: Plan, visit: Appointment, reception: User, now: Answer
) -> None:
    question = ContraindicationQuestion.objects.current().get(code="infection_systemic")
    until = TODAY + timedelta(days=90)
    PlanStopFactory(plan=plan, decision=Decision.DEFER, defer_until=until, answer__question=question)
    answered(visit, reception, fever_or_antibiotics=(now, TODAY - timedelta(days=60)))
    assert "deferred" in codes(plan, CLINIC_NOW + timedelta(days=89))


class TestWhoAndWhen:
    @pytest.mark.parametrize("status", AppointmentStatus)
    def test_only_before_it_begins(self, status: AppointmentStatus) -> None:
        visit = Appointment(status=status, starts_at=CLINIC_NOW + timedelta(hours=1))
        may = check_ins.may_ask(visit, [CheckInQuestion()], None, at=CLINIC_NOW)
        assert may == (status in ("provisional", "booked", "confirmed", "arrived"))

    def test_only_on_the_day(self, plan: Plan, doctor: Practitioner, reception: User) -> None:
        visit = session_visit(plan, doctor, AppointmentStatus.BOOKED)
        with pytest.raises(DomainError) as refused:
            actions.ask(appointment=visit, by=reception, at=CLINIC_NOW - timedelta(days=1))
        assert refused.value.code == "not_the_day"

    def test_only_once(self, visit: Appointment, reception: User) -> None:
        check_in = answered(visit, reception)
        for again in (
            lambda: actions.ask(appointment=visit, by=reception, at=CLINIC_NOW),
            lambda: actions.answer(check_in=check_in, said=said(), by=reception, at=CLINIC_NOW),
        ):
            with pytest.raises(DomainError) as refused:
                again()
            assert refused.value.code == "answered_already"

    def test_only_before_injections(self, plan: Plan, doctor: Practitioner, reception: User) -> None:
        kind = AppointmentTypeFactory(purpose="review")
        visit = AppointmentFactory(
            patient=plan.patient, type=kind, purpose=purposes.review_of(plan), starts_at=ahead(hours=1)
        )
        with pytest.raises(DomainError) as refused:
            actions.ask(appointment=visit, by=reception, at=CLINIC_NOW)
        assert refused.value.code == "nothing_asked"

    def test_the_clinic_decides_before_which_visits(self, plan: Plan, visit: Appointment) -> None:
        CheckInQuestion.objects.update(retired_at=CLINIC_NOW)
        rows = [
            CheckInQuestion(code="a", before_sessions=True, before_tests=False),
            CheckInQuestion(code="b", before_sessions=False, before_tests=True),
        ]
        assert [each.code for each in check_ins.questions_for(visit, rows)] == ["a"]
        visit.purpose = purposes.test_of(plan)
        assert [each.code for each in check_ins.questions_for(visit, rows)] == ["b"]

    def test_admins_hand_nothing_over_and_reception_reviews_nothing(
        self, visit: Appointment, reception: User, admin: User
    ) -> None:
        with pytest.raises(NotAllowed):
            actions.ask(appointment=visit, by=admin, at=CLINIC_NOW)
        check_in = answered(visit, reception, pregnancy=(Answer.UNKNOWN, None))
        with pytest.raises(NotAllowed):
            actions.review(check_in=check_in, note="x", by=reception, at=CLINIC_NOW)

    @pytest.mark.parametrize(
        ("state", "note", "code"),
        [
            ({"answered": True}, "x", "nothing_open"),
            ({"open": True, "reviewed": True}, "x", "reviewed_already"),
            ({"open": True}, " ", "note_missing"),
        ],
    )
    def test_only_what_waits_is_reviewed_and_with_a_note(
        self, doctor: Practitioner, state: dict[str, bool], note: str, code: str
    ) -> None:
        with pytest.raises(DomainError) as refused:
            actions.review(check_in=CheckInFactory(**state), note=note, by=doctor.user, at=CLINIC_NOW)
        assert (refused.value.code, refused.value.field) == (code, "note" if code == "note_missing" else None)


class TestThePages:
    MARKER = "2026-03-09"

    def handed(self, client: Client, visit: Appointment) -> str:
        """Hands the screen over; returns the patient's page."""
        return client.post(reverse("consultations:check_in", args=[visit.pk]))["Location"]

    def yes(self) -> dict[str, str]:
        """No to all, and yes with a day to the antibiotic."""
        typed = {f"answer_{each.code}": "no" for each in CheckInQuestion.objects.current()}
        return typed | {"answer_fever_or_antibiotics": "yes", "event_fever_or_antibiotics": self.MARKER}

    def test_the_patient_answers_and_the_desk_sees_only_whom_to_ask(
        self, reception_client: Client, visit: Appointment, doctor: Practitioner
    ) -> None:
        page = self.handed(reception_client, visit)
        assert reception_client.post(page, self.yes())["Location"] == "/take-back/"
        back = reception_client.post("/take-back/", {"password": PASSWORD})["Location"]
        shown = unescape(reception_client.get(back).content.decode())
        assert f"Ask {doctor}" in shown
        pages = [
            back,
            reverse("clinic:appointment", args=[visit.pk]),
            reverse("consultations:patient", args=[visit.patient_id]),
            "/diary/",
        ]
        question = CheckInQuestion.objects.current().get(code="fever_or_antibiotics")
        for address in pages:
            shown = unescape(reception_client.get(address).content.decode())
            assert [
                word for word in (question.words, "9 Mar 2026", self.MARKER, "ntibiotic") if word in shown
            ] == []

    def test_nothing_but_no_reads_answered(self, reception_client: Client, visit: Appointment) -> None:
        CheckInFactory(appointment=visit, answered=True)
        shown = reception_client.get(reverse("consultations:check_in", args=[visit.pk])).content.decode()
        assert "Answered" in shown and "Ask " not in shown and "Hand the screen over" not in shown

    def test_what_was_typed_wrong_stays_and_nothing_is_kept(
        self, reception_client: Client, visit: Appointment
    ) -> None:
        page = self.handed(reception_client, visit)
        typed = self.yes() | {"event_fever_or_antibiotics": "0026-03-09", "answer_laser": "unknown"}
        answer = reception_client.post(page, typed)
        shown = unescape(answer.content.decode())
        assert (answer.status_code, "Choose a date between" in shown) == (422, True)
        assert 'value="unknown" class="btn-check" id="id_answer_laser_2" checked' in shown
        assert CheckIn.objects.get().answered_at is None

    def test_the_practitioner_reads_what_was_said_what_it_closed_and_reviews_it(
        self, practitioner_client: Client, visit: Appointment, reception: User
    ) -> None:
        check_in = answered(visit, reception, fever_or_antibiotics=(Answer.YES, date(2026, 3, 20)))
        worklist = unescape(practitioner_client.get("/worklists/").content.decode())
        page = reverse("consultations:check_in_review", args=[check_in.pk])
        assert page in worklist
        shown = unescape(practitioner_client.get(page).content.decode())
        assert "not before Fri 3 Apr 2026" in shown
        refused = practitioner_client.post(page, {"note": ""})
        assert (refused.status_code, "Say what came of it." in refused.content.decode()) == (422, True)
        practitioner_client.post(page, {"note": "Amoxicillin until the 20th."})
        shown = unescape(practitioner_client.get(page).content.decode())
        assert "Amoxicillin until the 20th." in shown and "I have looked at it" not in shown
        assert page not in practitioner_client.get("/worklists/").content.decode()

    def test_the_pages_ask_a_fixed_number_of_queries(
        self,
        practitioner_client: Client,
        visit: Appointment,
        reception: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        PlanFactory(patient=visit.patient)
        check_in = answered(
            visit, reception, fever_or_antibiotics=(Answer.YES, TODAY), pregnancy=(Answer.YES, None)
        )
        review = reverse("consultations:check_in_review", args=[check_in.pk])
        for _round in range(2):
            with django_assert_num_queries(REVIEW_QUERIES):
                practitioner_client.get(review)
            PlanStopFactory(plan=PlanFactory(patient=visit.patient), answer=check_in.answers.first())
        with django_assert_num_queries(DESK_QUERIES):
            practitioner_client.get(reverse("consultations:check_in", args=[visit.pk]))


REVIEW_QUERIES, DESK_QUERIES = 15, 11
