"""An adverse event entered in error: it goes on closing until a second person confirms, then only its own goes back."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from clinic.errors import DomainError, NotAllowed
from clinic.models import Practitioner, User
from consultations.actions import allergies, events, plans, records
from consultations.enums import AllergyStatus, PlanStatus
from consultations.models import AdverseEvent, Alert, Allergy, Plan, ReactionType
from consultations.queries import facts_of_one
from consultations.rules import clearance
from consultations.rules.event_errors import undone_by
from tests.factories import AdverseEventFactory, FormulaFactory, UserFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, ago
from tests.guards import check_deferred, sql

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
NOTE = "The adverse event behind it was entered in error."


@pytest.fixture
def by(doctor: Practitioner, practitioner_user: User) -> User:
    """The practitioner who records and calls it an error."""
    return practitioner_user


def after(plan: Plan, code: str, grade: int, by: User, words: str = "seen") -> AdverseEvent:
    details = {
        "reaction": ReactionType.objects.current().get(code=code),
        "grade": grade,
        "onset_at": ago(hours=2),
        "words": words,
        "causality": "possible",
        "seriousness": "not_serious",
        "outcome": "ongoing",
        "plan": plan,
        "component_codes": plan.formula.component_codes,
    }
    return events.record(patient=plan.patient, details=details, by=by, at=CLINIC_NOW)


def later(event: AdverseEvent, by: User, **more: Any) -> AdverseEvent:
    details = {
        "grade": event.grade,
        "onset_at": event.onset_at,
        "words": "still there",
        "causality": "possible",
        "seriousness": "not_serious",
        "outcome": "ongoing",
    }
    return events.follow(event=event, details=details | more, by=by, at=CLINIC_NOW)


def called_an_error(event: AdverseEvent, by: User) -> Any:
    return records.call_error(record=event, reason="another patient", by=by, at=CLINIC_NOW)


def confirmed(event: AdverseEvent, by: User) -> None:
    """By an admin, who sees nothing of the record."""
    second = UserFactory(admin=True)
    records.confirm_error(entry=called_an_error(event, by), by=second, at=CLINIC_NOW)


def status(plan: Plan) -> str:
    plan.refresh_from_db()
    return plan.status


def test_it_goes_on_holding_until_a_second_person_confirms(by: User) -> None:
    plan = cleared_plan()
    event = after(plan, "swelling", 2, by)
    entry = called_an_error(event, by)
    assert (status(plan), AdverseEvent.objects.in_force().get()) == (PlanStatus.ON_HOLD, event)
    with pytest.raises(NotAllowed) as refused:
        records.confirm_error(entry=entry, by=by, at=CLINIC_NOW)
    assert (refused.value.code, status(plan)) == ("second_person", PlanStatus.ON_HOLD)
    second = UserFactory(admin=True)
    records.confirm_error(entry=entry, by=second, at=CLINIC_NOW)
    change = plan.status_changes.order_by("-pk").first()
    assert (status(plan), change.reason, change.changed_by) == (PlanStatus.ACTIVE, NOTE, second)
    assert not AdverseEvent.objects.in_force().exists()


def test_an_allergic_hold_goes_without_a_new_test(by: User) -> None:
    plan = cleared_plan()
    confirmed(after(plan, "allergy_local", 1, by), by)
    assert (status(plan), facts_of_one(plan).allergic_since) == (PlanStatus.ACTIVE, None)


def test_a_plan_that_something_else_holds_stays_on_hold(by: User) -> None:
    plan = cleared_plan()
    event = after(plan, "allergy_local", 1, by)
    after(plan, "swelling", 2, by)
    confirmed(event, by)
    assert status(plan) == PlanStatus.ON_HOLD
    plans.resume(
        plan=plan, reason="the swelling is gone", by=by, at=CLINIC_NOW
    )  # and no new test for the error
    assert status(plan) == PlanStatus.ACTIVE


def test_a_hold_that_was_taken_back_before_it_holds_nothing_now(by: User) -> None:
    plan = cleared_plan()
    plans.hold(plan=plan, reason="on a journey", by=by, at=CLINIC_NOW)
    plans.resume(plan=plan, reason="is back", by=by, at=CLINIC_NOW)
    confirmed(after(plan, "swelling", 2, by), by)
    assert status(plan) == PlanStatus.ACTIVE


def test_nothing_goes_back_of_another_event_of_a_person_or_of_another_patient(by: User) -> None:
    plan = cleared_plan()
    stopped = cleared_plan(patient=plan.patient)
    plans.stop(plan=stopped, reason="has moved away", by=by, at=CLINIC_NOW)
    after(cleared_plan(), "allergy_local", 2, by)
    event = after(plan, "allergy_local", 2, by)
    alert, allergy = Alert.objects.get(adverse_event=event), Allergy.objects.get(adverse_event=event)
    # held for this event by mistake: nothing says that it is this patient's, and nothing opens it
    plans.hold(plan=cleared_plan(), reason="a slip", because_of=event, by=by, at=CLINIC_NOW)
    undone = undone_by(event)
    assert (undone.alerts, undone.allergies, undone.stopped, undone.plans) == ([alert], [allergy], [plan], [])
    allergies.lift_alert(alert=alert, by=by, at=CLINIC_NOW)
    decided = {"status": AllergyStatus.CONFIRMED, "group_code": allergy.group_code, "assessment": "seen"}
    allergies.assess(allergy=allergy, **decided, by=by, at=CLINIC_NOW)
    assert (undone_by(event).alerts, undone_by(event).allergies) == ([], [])


def test_a_hold_by_hand_stays(by: User) -> None:
    plan = cleared_plan()
    plans.hold(plan=plan, reason="on a journey", by=by, at=CLINIC_NOW)
    confirmed(after(plan, "swelling", 2, by), by)
    assert status(plan) == PlanStatus.ON_HOLD


def test_two_events_in_error_let_the_plan_go_when_the_second_is_confirmed(by: User) -> None:
    plan = cleared_plan()
    first = after(plan, "swelling", 2, by)
    second = after(plan, "swelling", 2, by, words="the other cheek, too")
    confirmed(first, by)
    assert status(plan) == PlanStatus.ON_HOLD
    confirmed(second, by)
    assert status(plan) == PlanStatus.ACTIVE


def test_a_stopped_plan_stays_stopped(by: User) -> None:
    plan = cleared_plan()
    confirmed(after(plan, "bruising", 3, by), by)
    assert status(plan) == PlanStatus.STOPPED


def test_the_allergy_is_refuted_and_the_alert_lifted_with_a_note(by: User) -> None:
    plan = cleared_plan()
    other = Allergy.objects.create(
        patient=plan.patient, words="soy", group_code="soy", reported_at=CLINIC_NOW, reported_by=by
    )
    event = after(plan, "allergy_local", 2, by)
    assert (Alert.objects.in_force().count(), Allergy.objects.in_force().count()) == (1, 2)
    confirmed(event, by)
    allergy = Allergy.objects.get(adverse_event=event)
    assert (allergy.status, allergy.assessment) == (AllergyStatus.REFUTED, NOTE)
    assert list(Allergy.objects.in_force()) == [other]
    assert not Alert.objects.in_force().exists()


def test_an_assessed_allergy_stays(by: User) -> None:
    event = after(cleared_plan(), "allergy_local", 2, by)
    allergies.assess(
        allergy=Allergy.objects.get(),
        status=AllergyStatus.CONFIRMED,
        group_code="",
        assessment="prick test",
        by=by,
        at=CLINIC_NOW,
    )
    confirmed(event, by)
    assert Allergy.objects.get().status == AllergyStatus.CONFIRMED


class TestAnEventToldInSeveralWords:
    def test_only_the_latest_word_is_called_an_error(self, by: User) -> None:
        first = after(cleared_plan(), "swelling", 1, by)
        later(first, by)
        with pytest.raises(DomainError) as refused:
            called_an_error(first, by)
        assert refused.value.code == "followed"

    def test_it_stands_for_every_word_before_it(self, by: User) -> None:
        plan = cleared_plan()
        first = after(plan, "allergy_local", 1, by)
        last = later(first, by)
        confirmed(last, by)
        assert (status(plan), facts_of_one(plan).allergic_since) == (PlanStatus.ACTIVE, None)
        assert not AdverseEvent.objects.in_force().exists()

    def test_what_was_called_an_error_is_not_followed_up(self, by: User) -> None:
        event = after(cleared_plan(), "swelling", 1, by)
        called_an_error(event, by)
        with pytest.raises(DomainError) as refused:
            later(event, by)
        assert refused.value.code == "in_error_already"


def test_without_the_database_function_an_error_would_keep_the_new_test_waiting(by: User) -> None:
    """The negative control of `event_in_error()`: answered with no, the confirmed error counts as a reaction."""
    plan = cleared_plan()
    event = after(plan, "allergy_local", 1, by)
    after(plan, "swelling", 2, by)
    confirmed(event, by)
    check_deferred()
    assert facts_of_one(plan).allergic_since is None
    sql(
        "CREATE OR REPLACE FUNCTION event_in_error(the_event uuid) RETURNS boolean LANGUAGE sql STABLE"
        " AS 'SELECT false'"
    )()
    assert facts_of_one(plan).allergic_since == event.onset_at
    with pytest.raises(DomainError) as refused:
        plans.resume(plan=plan, reason="the swelling is gone", by=by, at=CLINIC_NOW)
    assert refused.value.code == "new_test_missing"


class TestPages:
    def test_the_event_says_what_would_go_back_before_anybody_calls_it_an_error(
        self, by: User, practitioner_client: Client
    ) -> None:
        event = after(cleared_plan(), "allergy_local", 2, by)
        page = practitioner_client.get(reverse("consultations:event", args=[event.pk]))
        shown = page.content.decode()
        assert "What it closed as a reported allergy opens." in shown
        assert "One plan stays stopped: a new one needs a new consultation." in shown
        assert reverse("consultations:entered_in_error", args=["event", event.pk]) in shown

    def test_an_admin_confirms_by_counts_and_reads_no_finding(self, by: User, admin_client: Client) -> None:
        plan = cleared_plan()
        entry = called_an_error(after(plan, "swelling", 2, by), by)
        address = reverse("consultations:error_confirm", args=[entry.pk])
        shown = admin_client.get(address).content.decode()
        assert "One plan on hold goes on." in shown
        assert "welling" not in shown and str(plan.formula) not in shown
        admin_client.post(address)
        assert status(plan) == PlanStatus.ACTIVE

    def test_the_record_says_that_it_was_an_error_and_takes_no_further_word(
        self, by: User, practitioner_client: Client
    ) -> None:
        event = after(cleared_plan(), "bruising", 1, by)
        confirmed(event, by)
        shown = practitioner_client.get(reverse("consultations:event", args=[event.pk])).content.decode()
        assert "Entered in error, confirmed by a second person" in shown
        assert reverse("consultations:event_follow", args=[event.pk]) not in shown

    def test_an_addendum_stands_below_the_event(self, by: User, practitioner_client: Client) -> None:
        event = AdverseEventFactory()
        address = reverse("consultations:addendum", args=["event", event.pk])
        practitioner_client.post(address, {"text": "The culture was negative."})
        shown = practitioner_client.get(reverse("consultations:event", args=[event.pk])).content.decode()
        assert "The culture was negative." in shown


def test_an_allergic_event_in_error_asks_for_no_new_test_in_the_rules_and_the_database(by: User) -> None:
    other = cleared_plan(formula=FormulaFactory())
    plan = cleared_plan(patient=other.patient)
    event = AdverseEventFactory(
        patient=plan.patient,
        is_allergic=True,
        component_codes=plan.formula.component_codes,
        onset_at=ago(hours=2),
    )
    assert [gates(plan), gates(other)] == [({"test"}, "test"), (set(), None)]
    confirmed(event, by)
    assert gates(plan) == (set(), None)


def gates(plan: Plan) -> tuple[set[str], str | None]:
    """What the session gate misses now, by the rules and by the database."""
    first = plan.planned_sessions.get(ordinal=1)
    facts = facts_of_one(Plan.objects.get(pk=plan.pk))
    judged = clearance.judge(facts, gate=clearance.Gate.SESSION, on=CLINIC_NOW, planned=first)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pathway_refusal(%s, %s, %s, 'session', %s, 'infinity')",
            [plan.pk, plan.patient_id, CLINIC_NOW, first.pk],
        )
        return {each.code for each in judged.conditions}, cursor.fetchone()[0]
