"""A question answered anew after the consultation: every open plan and every date is judged by it, and it says so."""

from contextlib import nullcontext
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
from clinic.models import Practitioner, User
from consultations.actions import health as actions
from consultations.enums import Answer, AnswerSource, Decision, PlanStatus
from consultations.models import (
    ContraindicationAnswer,
    ContraindicationQuestion,
    HealthAnswer,
    Indication,
    Plan,
    PlanStop,
)
from consultations.queries import facts_of_one
from consultations.rules import clearance, later_answers
from tests.consultations.test_confirmations import session_visit
from tests.consultations.test_gate import refusal
from tests.factories import (
    ConsultationFactory,
    ContraindicationAnswerFactory,
    HealthAnswerFactory,
    PlanFactory,
    PlanStopFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def question(code: str) -> ContraindicationQuestion:
    return ContraindicationQuestion.objects.current().get(code=code)


def answered(plan: Plan, by: User, code: str, said: Answer = Answer.YES, **more: Any) -> HealthAnswer:
    return actions.answer(
        patient=plan.patient,
        question=question(code),
        said=said,
        source=AnswerSource.PHONE,
        by=by,
        at=CLINIC_NOW,
        **more,
    )


def codes(plan: Plan, on: Any = CLINIC_NOW) -> list[str]:
    judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.TEST, on=on)
    return [each.code for each in judged.conditions]


class TestAnAntibioticUntilTheTwentieth:
    EVENT = date(2026, 3, 20)

    def test_every_date_before_the_fourteenth_day_after_it_is_closed(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT)
        days = {TODAY, self.EVENT, date(2026, 4, 2), date(2026, 4, 3), date(2026, 7, 1)}
        closed = {day for day in days if codes(plan, CLINIC_NOW + (day - TODAY)) == ["deferred"]}
        assert closed == {TODAY, self.EVENT, date(2026, 4, 2)}

    def test_the_database_says_so_today(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT)
        assert refusal(plan) == "deferred"

    def test_a_visit_on_the_books_becomes_provisional_and_does_not_start(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        visit = session_visit(plan, doctor, AppointmentStatus.BOOKED)
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT)
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.PROVISIONAL
        visits.arrive(appointment=visit, by=doctor.user, at=CLINIC_NOW)
        with pytest.raises(NotCleared) as refused:
            visits.start(appointment=visit, by=doctor.user, at=ahead(hours=1))
        assert refused.value.code == "deferred"

    def test_taken_back_it_opens_again(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        visit = session_visit(plan, doctor, AppointmentStatus.BOOKED)
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT)
        reason = {"override_reason": "Another patient's tablets"}
        answered(plan, doctor.user, "infection_systemic", Answer.NO, **reason)
        visit.refresh_from_db()
        assert (codes(plan), refusal(plan), visit.status) == ([], None, AppointmentStatus.BOOKED)
        assert PlanStop.objects.get().lift_reason == "Another patient's tablets"

    def test_a_corrected_day_takes_the_place_of_the_first(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT)
        earlier = {"event_on": TODAY - timedelta(days=14), "override_reason": "Read from the prescription"}
        answered(plan, doctor.user, "infection_systemic", **earlier)
        assert codes(plan) == []


def test_pregnancy_closes_every_open_plan_and_no_other_patients(doctor: Practitioner) -> None:
    plan = cleared_plan()
    others = [PlanFactory(patient=plan.patient), PlanFactory(patient=plan.patient, status=PlanStatus.STOPPED)]
    stranger = cleared_plan()
    answered(plan, doctor.user, "pregnancy")
    stopped = set(PlanStop.objects.values_list("plan", "decision"))
    assert stopped == {(plan.pk, Decision.BLOCK), (others[0].pk, Decision.BLOCK)}
    assert (codes(plan), refusal(plan), codes(stranger)) == (["contraindicated"], "contraindicated", [])


@pytest.mark.parametrize(
    ("indication", "reason", "code"),
    [
        ("face_rejuvenation", "oncologist agrees", "contraindicated"),  # rules it out: no reason helps
        ("lymphoedema", "", "contraindicated"),
        ("lymphoedema", "oncologist agrees", None),
    ],
)
def test_what_needs_a_named_decision_goes_on_by_name_only(
    doctor: Practitioner, indication: str, reason: str, code: str | None
) -> None:
    found = Indication.objects.current().get(code=indication)
    plan = cleared_plan(indication=found)
    answered(plan, doctor.user, "cancer_active", override_reason=reason)
    assert refusal(plan) == code


def test_a_plan_that_goes_on_by_name_hides_no_other(doctor: Practitioner) -> None:
    goes_on, ruled_out = (
        cleared_plan(indication=Indication.objects.current().get(code=code))
        for code in ("lymphoedema", "face_rejuvenation")
    )
    asked = question("cancer_active")
    stops = later_answers.stops_of(asked, [goes_on, ruled_out], waits_until=TODAY, by_name=True)
    assert stops == [later_answers.Stop(ruled_out, Decision.BLOCK, None)]


def test_what_only_needs_care_closes_nothing(doctor: Practitioner) -> None:
    plan = cleared_plan()
    answered(plan, doctor.user, "diabetes_other")
    assert (PlanStop.objects.count(), codes(plan)) == (0, [])


def test_a_stop_is_lifted_once_and_with_a_reason(doctor: Practitioner) -> None:
    plan = cleared_plan()
    stop = PlanStopFactory(plan=plan)
    with pytest.raises(DomainError) as refused:
        actions.lift(stop=stop, reason=" ", by=doctor.user, at=CLINIC_NOW)
    assert (refused.value.code, refused.value.field) == ("reason_missing", "reason")
    assert codes(plan) == ["contraindicated"]
    actions.lift(stop=stop, reason="Letter of the oncologist", by=doctor.user, at=CLINIC_NOW)
    assert (codes(plan), refusal(plan)) == ([], None)
    with pytest.raises(DomainError) as again:
        actions.lift(stop=stop, reason="Twice", by=doctor.user, at=CLINIC_NOW)
    assert again.value.code == "lifted_already"


def test_only_a_practitioner_decides(reception: User) -> None:
    plan = cleared_plan()
    with pytest.raises(NotAllowed):
        answered(plan, reception, "pregnancy")
    with pytest.raises(NotAllowed):
        actions.lift(stop=PlanStopFactory(plan=plan), reason="x", by=reception, at=CLINIC_NOW)
    assert not HealthAnswer.objects.filter(recorded_by=reception).exists()


class TestTheDay:
    """A wait counts from the day of the event, or openly from today."""

    def test_a_yes_that_makes_a_plan_wait_asks_for_its_day(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        with pytest.raises(DomainError) as refused:
            answered(plan, doctor.user, "infection_systemic")
        assert (refused.value.code, refused.value.field) == ("event_missing", "event_on")
        assert (HealthAnswer.objects.count(), codes(plan)) == (0, [])

    def test_a_day_that_nobody_knows_counts_from_today_and_says_so(
        self, doctor: Practitioner, practitioner_client: Client
    ) -> None:
        plan = cleared_plan()
        row = answered(plan, doctor.user, "infection_systemic", event_unknown=True)
        assert PlanStop.objects.get().defer_until == TODAY + timedelta(days=14)
        shown = practitioner_client.get(
            reverse("consultations:health_answer", args=[row.pk])
        ).content.decode()
        assert "Nobody knows the day: a wait counts from Mon 2 Mar 2026." in shown

    def test_a_day_and_not_known_are_not_both_true(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        with pytest.raises(DomainError) as refused:
            answered(plan, doctor.user, "infection_systemic", event_on=TODAY, event_unknown=True)
        assert (refused.value.code, refused.value.field) == ("event_or_unknown", "event_unknown")

    def test_what_makes_nothing_wait_and_what_is_not_known_at_all_ask_for_no_day(
        self, doctor: Practitioner
    ) -> None:
        plan = cleared_plan()
        answered(plan, doctor.user, "diabetes_other")
        answered(plan, doctor.user, "infection_systemic", Answer.UNKNOWN)
        assert PlanStop.objects.get().defer_until == TODAY + timedelta(days=14)

    def test_the_page_keeps_what_was_typed_and_asks(self, practitioner_client: Client) -> None:
        plan = cleared_plan()
        address = reverse("consultations:health_answer_new", args=[plan.patient_id])
        typed = {
            "question": question("infection_systemic").pk,
            "said": "yes",
            "source": "phone",
            "note": "by her",
        }
        refused = practitioner_client.post(address, typed)
        shown = unescape(refused.content.decode())
        assert refused.status_code == 422
        assert "enter the day it was or ends, or tick that nobody knows it" in shown
        assert 'value="by her"' in shown
        assert practitioner_client.post(address, typed | {"event_unknown": "on"}).status_code == 302
        assert HealthAnswer.objects.get().event_unknown


class TestOpeningByAnAnswer:
    """A later answer that opens what an earlier one closed is a practitioner's decision with its reason."""

    EVENT = date(2026, 3, 20)

    @pytest.mark.parametrize(
        ("said", "more"),
        [(Answer.NO, {}), (Answer.YES, {"event_on": TODAY}), (Answer.UNKNOWN, {})],
        ids=["a no", "a shorter wait", "not known, from today"],
    )
    def test_it_is_not_opened_in_silence(
        self, doctor: Practitioner, said: Answer, more: dict[str, Any]
    ) -> None:
        plan = cleared_plan()
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT)
        with pytest.raises(DomainError) as refused:
            answered(plan, doctor.user, "infection_systemic", said, **more)
        assert (refused.value.code, refused.value.field) == ("reason_missing", "override_reason")
        assert (HealthAnswer.objects.count(), codes(plan), refusal(plan)) == (1, ["deferred"], "deferred")

    @pytest.mark.parametrize(
        ("earlier", "now", "opens"),
        [
            (EVENT, EVENT - timedelta(days=1), True),
            (EVENT, EVENT, False),
            (EVENT, None, False),
            (None, None, False),
            (None, EVENT, True),
        ],
    )
    def test_only_a_sooner_day_opens(self, earlier: date | None, now: date | None, opens: bool) -> None:
        """A stop without a day rules out until somebody lifts it."""
        plan = Plan()
        stop = later_answers.Stop(plan, Decision.DEFER if now else Decision.BLOCK, now)
        standing = [PlanStop(plan=plan, defer_until=earlier)]
        with pytest.raises(DomainError) if opens else nullcontext():
            later_answers.check_opens_with_reason(standing, [stop], reason=" ")

    def test_a_wait_that_grows_longer_needs_no_reason(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT)
        answered(plan, doctor.user, "infection_systemic", event_on=self.EVENT + timedelta(days=1))
        assert PlanStop.objects.standing().get().defer_until == date(2026, 4, 4)

    def test_what_rules_out_is_not_softened_to_nothing_by_a_no(self, doctor: Practitioner) -> None:
        plan = cleared_plan()
        answered(plan, doctor.user, "pregnancy")
        with pytest.raises(DomainError):
            answered(plan, doctor.user, "pregnancy", Answer.NO)
        answered(plan, doctor.user, "pregnancy", Answer.NO, override_reason="Test negative, seen")
        assert (codes(plan), PlanStop.objects.get().lift_reason) == ([], "Test negative, seen")

    def test_the_consultations_own_wait_stays_and_the_page_says_so(
        self, doctor: Practitioner, practitioner_client: Client
    ) -> None:
        plan = cleared_plan()
        ContraindicationAnswerFactory(
            consultation=ConsultationFactory(patient=plan.patient),
            question=question("infection_systemic"),
            answer=Answer.YES,
            decision=Decision.DEFER,
            defer_until=TODAY + timedelta(days=5),
        )
        wait = ContraindicationAnswer.objects.get(question__code="infection_systemic")
        plan = PlanFactory(patient=plan.patient, consultation=wait.consultation)
        stranger = ContraindicationAnswerFactory(
            consultation=ConsultationFactory(),
            question=wait.question,
            answer=Answer.YES,
            decision=Decision.DEFER,
            defer_until=TODAY + timedelta(days=9),
        )
        PlanFactory(consultation=stranger.consultation)
        row = answered(plan, doctor.user, "infection_systemic", Answer.NO)
        other = HealthAnswerFactory(patient=plan.patient, question=question("pregnancy"))
        days = (4, 5)  # the last day of the wait and the first after it
        stay = [later_answers.waits_that_stay(row, on=TODAY + timedelta(days=day)) for day in days]
        assert [list(each) for each in stay] == [[wait], []]
        assert not later_answers.waits_that_stay(other, on=TODAY).exists()
        shown = practitioner_client.get(
            reverse("consultations:health_answer", args=[row.pk])
        ).content.decode()
        assert "wait until Sat 7 Mar 2026 stays: only a new consultation changes it." in unescape(shown)
        wait.refresh_from_db()
        assert wait.defer_until == TODAY + timedelta(days=5)


class TestThePages:
    def test_the_answer_says_what_it_closed_and_from_when_it_is_possible(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        plan = cleared_plan()
        session_visit(plan, doctor, AppointmentStatus.BOOKED)
        address = reverse("consultations:health_answer_new", args=[plan.patient_id])
        typed = {
            "question": question("infection_systemic").pk,
            "said": "yes",
            "source": "phone",
            "event_on": "2026-03-20",
        }
        shown = unescape(practitioner_client.post(address, typed, follow=True).content.decode())
        assert "not before Fri 3 Apr 2026" in shown
        assert "Visits on the books that are not cleared now" in shown
        page = reverse("consultations:patient", args=[plan.patient_id])
        assert "Answered since:" in unescape(practitioner_client.get(page).content.decode())

    def test_what_is_missing_is_said_and_what_was_typed_stays(self, practitioner_client: Client) -> None:
        plan = cleared_plan()
        address = reverse("consultations:health_answer_new", args=[plan.patient_id])
        answer = practitioner_client.post(address, {"note": "called at noon"})
        assert answer.status_code == 422
        assert 'value="called at noon"' in unescape(answer.content.decode())
        assert not HealthAnswer.objects.exists()

    def test_a_stop_is_lifted_on_its_page(self, practitioner_client: Client) -> None:
        stop = PlanStopFactory(plan=cleared_plan())
        address = reverse("consultations:plan_stop_lift", args=[stop.pk])
        refused = practitioner_client.post(address, {"reason": ""})
        assert (refused.status_code, "Give your reason for going on." in refused.content.decode()) == (
            422,
            True,
        )
        answer = practitioner_client.post(address, {"reason": "A mistake"})
        assert answer["Location"] == reverse("consultations:health_answer", args=[stop.answer_id])
        assert "lifted by" in practitioner_client.get(answer["Location"]).content.decode()

    def test_the_desk_reads_no_answer(self, reception_client: Client) -> None:
        plan = cleared_plan()
        row = HealthAnswerFactory(
            patient=plan.patient, note="marker-of-the-answer", question__name="marker-of-the-question"
        )
        PlanStopFactory(plan=plan, answer=row)
        page = reception_client.get(reverse("consultations:patient", args=[plan.patient_id]))
        shown = page.content.decode()
        assert "marker-of-the-answer" not in shown and row.question.name not in shown

    def test_the_page_asks_a_fixed_number_of_queries(
        self,
        practitioner_client: Client,
        doctor: Practitioner,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        plan = cleared_plan()
        row = HealthAnswerFactory(patient=plan.patient)
        for _round in range(2):
            PlanStopFactory(answer=row, plan=PlanFactory(patient=plan.patient))
            with django_assert_num_queries(PAGE_QUERIES):
                practitioner_client.get(reverse("consultations:health_answer", args=[row.pk]))


PAGE_QUERIES = 13
