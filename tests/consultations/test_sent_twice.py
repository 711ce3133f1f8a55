"""A form that is sent twice (a double click, a page sent again) leaves one record, and says that it is there."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from clinic.errors import DomainError
from clinic.models import Practitioner
from consultations.actions import events, patch_tests
from consultations.enums import EventOutcome, PlanStatus
from consultations.models import AdverseEvent, Allergy, ClinicalReport, PatchTest, Plan, ReactionType, Session
from consultations.rules import adverse_events as event_rules
from consultations.rules import patch_test as test_rules
from tests.clinic.test_races import race
from tests.consultations import course
from tests.consultations.test_patch_test_pages import give_url, moment, typed
from tests.factories import (
    AlertFactory,
    AllergyFactory,
    EnteredInErrorFactory,
    PatchTestFactory,
    PractitionerFactory,
    cleared_plan,
    consented_plan,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW, ago

INJECTED = "This injection is on record already, with this time and place."
ALLERGIC = "This allergy is on record already. Say what is different, if it is another one."
NOT_GIVEN = "This is on record already today, with this reason. Say what is different, if it is new."
HAPPENED = "This event is on record already, in these words. Follow it up there, or say what is different."


@pytest.fixture
def plan(clinic_now: Any, doctor: Practitioner) -> Plan:
    """Its test injection may be given."""
    made = consented_plan()
    lots_of(made.formula)
    return made


@pytest.mark.django_db
class TestAnInjection:
    def test_an_injection_is_on_record_once_and_the_second_form_keeps_what_was_typed(
        self, practitioner_client: Client, plan: Plan
    ) -> None:
        first = practitioner_client.post(give_url(plan), typed(plan))
        second = practitioner_client.post(give_url(plan), typed(plan))
        assert (first.status_code, second.status_code, PatchTest.objects.count()) == (302, 422, 1)
        assert second.context["form"].errors == {"given_at": [INJECTED]}
        assert second.context["form"]["site"].value() == "left forearm"

    @pytest.mark.parametrize("again", ["left forearm", "Left forearm"])
    def test_a_page_opened_anew_means_the_same_minute(
        self, practitioner_client: Client, plan: Plan, again: str
    ) -> None:
        """The page's own minute is its very moment; the same minute typed later is the full one."""
        opened = ago(minutes=30) + timedelta(seconds=20)
        seen = moment("observed_until", ago(minutes=9))
        practitioner_client.post(give_url(plan), typed(plan) | seen | {"opened_at": opened.isoformat()})
        assert PatchTest.objects.get().given_at == opened
        answer = practitioner_client.post(give_url(plan), typed(plan, site=again))
        assert answer.context["form"].errors == {"given_at": [INJECTED]}

    def test_the_whole_minute_counts_whatever_its_seconds(self, plan: Plan) -> None:
        given = PatchTestFactory(plan=plan, given_at=ago(minutes=30))
        later = given.given_at + timedelta(seconds=20, microseconds=500)
        again = PatchTest(plan=plan, given_at=later, arm=given.arm, site=given.site)
        with pytest.raises(DomainError, match="on record already"):
            test_rules.check_given_once(again)

    @pytest.mark.parametrize(
        "other",
        [
            {"arm": "right"},
            {"site": "left upper arm"},
            {"given_at": ago(minutes=31)},
            {"given_at": ago(minutes=29)},
            {"plan": None},
        ],
    )
    def test_another_place_minute_or_plan_makes_it_another_one(
        self, plan: Plan, other: dict[str, Any]
    ) -> None:
        given = PatchTestFactory(plan=plan, given_at=ago(minutes=30))
        if "plan" in other:
            other = {"plan": consented_plan(patient=plan.patient, formula=plan.formula)}
        same: dict[str, Any] = {"plan": plan, "given_at": given.given_at, "arm": given.arm}
        test_rules.check_given_once(PatchTest(**same | {"site": given.site} | other))

    @pytest.mark.parametrize(
        "other",
        [
            {"arm": "right"},
            {"site": "left upper arm"},
            moment("given_at", ago(minutes=31)),
            moment("given_at", ago(minutes=29)) | moment("observed_until", ago(minutes=1)),
        ],
    )
    def test_at_another_place_or_minute_it_is_another_one(
        self, practitioner_client: Client, plan: Plan, other: dict[str, str]
    ) -> None:
        practitioner_client.post(give_url(plan), typed(plan))
        practitioner_client.post(give_url(plan), typed(plan) | other)
        assert PatchTest.objects.count() == 2

    def test_that_of_another_plan_is_another_one(self, practitioner_client: Client, plan: Plan) -> None:
        other = consented_plan(patient=plan.patient, formula=plan.formula)
        practitioner_client.post(give_url(plan), typed(plan))
        practitioner_client.post(give_url(other), typed(other))
        assert PatchTest.objects.count() == 2

    def test_one_that_was_called_an_error_is_recorded_anew(
        self, practitioner_client: Client, plan: Plan
    ) -> None:
        practitioner_client.post(give_url(plan), typed(plan))
        EnteredInErrorFactory(patch_test=PatchTest.objects.get())
        practitioner_client.post(give_url(plan), typed(plan))
        assert PatchTest.objects.count() == 2

    def test_outside_the_rules_too_it_is_given_once(self, practitioner_client: Client, plan: Plan) -> None:
        told = typed(plan) | {"deviation_reason": "The patient had come a long way."}
        practitioner_client.post(give_url(plan), told)
        answer = practitioner_client.post(give_url(plan), told)
        assert answer.context["form"].errors == {"given_at": [INJECTED]}


@pytest.mark.django_db
class TestAnAllergy:
    SAID = {"words": "soy", "group_code": "", "reaction": "swollen lips"}

    def sent(self, client: Client, plan: Plan, **changes: str) -> Any:
        url = reverse("consultations:allergy_new", args=[plan.patient_id])
        return client.post(url, self.SAID | changes)

    def test_it_is_on_record_once_whoever_says_it_and_the_second_form_keeps_what_was_typed(
        self, reception_client: Client, practitioner_client: Client, plan: Plan
    ) -> None:
        assert self.sent(reception_client, plan).status_code == 302
        for client, words in ((reception_client, "soy"), (practitioner_client, "Soy")):
            second = self.sent(client, plan, words=words)
            assert (second.status_code, Allergy.objects.count()) == (422, 1)
            assert second.context["form"].errors == {"words": [ALLERGIC]}
            assert second.context["form"]["reaction"].value() == "swollen lips"

    @pytest.mark.parametrize("other", [{"words": "nuts"}, {"reaction": "a rash"}])
    def test_what_differs_is_another_one(
        self, reception_client: Client, plan: Plan, other: dict[str, str]
    ) -> None:
        self.sent(reception_client, plan)
        assert self.sent(reception_client, plan, **other).status_code == 302
        assert Allergy.objects.count() == 2

    def test_one_that_a_practitioner_has_refuted_is_recorded_anew(
        self, reception_client: Client, plan: Plan
    ) -> None:
        AllergyFactory(patient=plan.patient, refuted=True, **self.SAID)
        AllergyFactory(**self.SAID)  # of somebody else
        assert self.sent(reception_client, plan).status_code == 302

    def test_an_alert_shows_once_and_again_after_it_was_lifted(
        self, practitioner_client: Client, plan: Plan
    ) -> None:
        url = reverse("consultations:alert_new", args=[plan.patient_id])
        AlertFactory(text="Faints")  # of somebody else
        first, second = (practitioner_client.post(url, {"text": text}) for text in ("Faints", "faints"))
        assert (first.status_code, second.status_code) == (302, 422)
        assert second.context["form"].errors == {"text": ["This alert shows in every header already."]}
        lifted = {"lifted_at": CLINIC_NOW, "lifted_by": plan.patient.alerts.get().raised_by}
        plan.patient.alerts.update(**lifted)
        assert practitioner_client.post(url, {"text": "Faints"}).status_code == 302


@pytest.mark.django_db
class TestAReport:
    CALL = {"words": "It itches.", "call_back": "", "red_flag": "on"}

    def test_the_second_form_says_once_more_what_to_do_now(
        self, reception_client: Client, plan: Plan
    ) -> None:
        url = reverse("consultations:report_new", args=[plan.patient_id])
        first, second = (reception_client.post(url, self.CALL) for _ in range(2))
        assert (first["Location"], ClinicalReport.objects.count()) == (second["Location"], 1)
        assert second["Location"].endswith("?taken=red")

    @pytest.mark.parametrize("other", [{"words": "It burns."}, {"red_flag": ""}, {"call_back": "+33 6 1"}])
    def test_what_differs_is_another_one(
        self, reception_client: Client, plan: Plan, other: dict[str, str]
    ) -> None:
        url = reverse("consultations:report_new", args=[plan.patient_id])
        for said in (self.CALL, self.CALL | other):
            reception_client.post(url, said)
        assert ClinicalReport.objects.count() == 2

    def test_what_somebody_else_heard_or_was_looked_at_is_another_one(
        self, reception_client: Client, practitioner_client: Client, plan: Plan, doctor: Practitioner
    ) -> None:
        url = reverse("consultations:report_new", args=[plan.patient_id])
        for client in (reception_client, practitioner_client):
            client.post(url, self.CALL)
        assert ClinicalReport.objects.count() == 2
        looked = {"triaged_at": CLINIC_NOW, "triaged_by": doctor.user, "outcome": "no_action", "note": "seen"}
        ClinicalReport.objects.update(**looked)
        reception_client.post(url, self.CALL)
        assert ClinicalReport.objects.count() == 3


@pytest.mark.django_db
class TestASessionNotGiven:
    def sent(self, client: Client, plan: Plan, reason: str = "fever") -> Any:
        url = reverse("consultations:session_not_given", args=[plan.planned_sessions.first().pk])
        return client.post(url, {"reason": reason})

    def test_it_is_on_record_once_a_day_with_its_reason(
        self, practitioner_client: Client, plan: Plan
    ) -> None:
        first, second = (self.sent(practitioner_client, plan) for _ in range(2))
        assert (first.status_code, second.status_code, Session.objects.count()) == (302, 422, 1)
        assert second.context["form"].errors == {"reason": [NOT_GIVEN]}
        assert second.context["form"]["reason"].value() == "fever"
        assert self.sent(practitioner_client, plan, "fever again in the afternoon").status_code == 302


@pytest.mark.django_db
class TestAnEvent:
    def test_an_event_is_on_record_once_and_the_second_form_keeps_what_was_typed(
        self, practitioner_client: Client, plan: Plan
    ) -> None:
        first, second = (happened(practitioner_client, plan) for _ in range(2))
        assert (first.status_code, second.status_code, AdverseEvent.objects.count()) == (302, 422, 1)
        assert second.context["form"].errors == {"words": [HAPPENED]}
        assert second.context["form"]["words"].value() == "swollen since the evening"

    def test_what_it_does_to_a_plan_is_done_once(
        self, practitioner_client: Client, doctor: Practitioner, clinic_now: Any
    ) -> None:
        plan = cleared_plan()
        told = {"reaction": "swelling", "grade": 2, "sure": "yes"}
        told["after"] = f"test-{plan.patch_tests.get().pk}"
        first, second = (happened(practitioner_client, plan, **told) for _ in range(2))
        plan.refresh_from_db()
        assert (first.status_code, second.context["form"].errors) == (302, {"words": [HAPPENED]})
        assert (plan.status, AdverseEvent.objects.get().plan_changes.count()) == (PlanStatus.ON_HOLD, 1)

    @pytest.mark.parametrize(
        "other", [{"words": "swollen, and warm now"}, {"grade": 2}, {"reaction": "swelling"}]
    )
    def test_what_differs_is_another_one(
        self, practitioner_client: Client, plan: Plan, other: dict[str, Any]
    ) -> None:
        happened(practitioner_client, plan)
        happened(practitioner_client, plan, **other)
        assert AdverseEvent.objects.count() == 2

    def test_one_that_was_called_an_error_is_recorded_anew(
        self, practitioner_client: Client, plan: Plan
    ) -> None:
        happened(practitioner_client, plan)
        EnteredInErrorFactory(adverse_event=AdverseEvent.objects.get())
        happened(practitioner_client, plan)
        assert AdverseEvent.objects.count() == 2

    def test_followed_up_it_is_on_record_all_the_same(
        self, practitioner_client: Client, plan: Plan, doctor: Practitioner
    ) -> None:
        happened(practitioner_client, plan)
        event = AdverseEvent.objects.get()
        later = {"grade": 1, "words": "gone", "onset_at": event.onset_at, "outcome": EventOutcome.RESOLVED}
        judged = {"causality": "possible", "seriousness": "not_serious"}
        events.follow(event=event, details=later | judged, by=doctor.user, at=CLINIC_NOW)
        assert happened(practitioner_client, plan).context["form"].errors == {"words": [HAPPENED]}

    def test_a_colleague_writes_down_what_they_saw_themselves(self, plan: Plan, doctor: Practitioner) -> None:
        for who in (doctor, PractitionerFactory(signs_in=True)):
            recorder(plan, who)()
        assert AdverseEvent.objects.count() == 2

    def test_how_one_went_on_is_no_form_that_was_sent(self, plan: Plan, doctor: Practitioner) -> None:
        recorder(plan, doctor)()
        event = AdverseEvent.objects.get()
        later = {"grade": 1, "words": "gone", "onset_at": event.onset_at, "outcome": EventOutcome.RESOLVED}
        later |= {"causality": "possible", "seriousness": "not_serious"}
        events.follow(event=event, details=later, by=doctor.user, at=CLINIC_NOW)
        anew = later | {"reaction": event.reaction}
        events.record(patient=plan.patient, details=anew, by=doctor.user, at=CLINIC_NOW)
        assert AdverseEvent.objects.filter(words="gone").count() == 2


def kind(code: str) -> ReactionType:
    return ReactionType.objects.current().get(code=code)


def happened(client: Client, plan: Plan, **more: Any) -> HttpResponse:
    told = {
        "reaction": "bruising",
        "grade": 1,
        **moment("onset_at", ago(hours=2)),
        "words": "swollen since the evening",
        "causality": "probable",
        "seriousness": "not_serious",
        "outcome": "ongoing",
    }
    told |= more
    told["reaction"] = kind(told["reaction"]).pk
    return client.post(reverse("consultations:event_new", args=[plan.patient_id]), told)


# --- At the same moment, and the controls ------------------------------------------------------------------------------


@pytest.fixture
def wanted(committed_db: str) -> tuple[Plan, Practitioner]:
    """As above, for desks of which each has a connection of its own."""
    made = consented_plan()
    lots_of(made.formula)
    return made, PractitionerFactory(signs_in=True)


def giver(plan: Plan, who: Practitioner) -> Callable[[], object]:
    return lambda: course.tested(plan, by=who.user, at=ago(minutes=30))


def recorder(plan: Plan, who: Practitioner) -> Callable[[], object]:
    told = {"reaction": kind("bruising"), "grade": 1, "onset_at": ago(hours=2), "words": "swollen"}
    judged = {"causality": "possible", "seriousness": "not_serious", "outcome": "ongoing"}
    return lambda: events.record(patient=plan.patient, details=told | judged, by=who.user, at=CLINIC_NOW)


BOTH = pytest.mark.parametrize(
    ("sender", "action", "rules", "check", "model", "code"),
    [
        (giver, patch_tests, test_rules, "check_given_once", PatchTest, "given_already"),
        (recorder, events, event_rules, "check_recorded_once", AdverseEvent, "recorded_already"),
    ],
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sender", "code", "field"),
    [(giver, "given_already", "given_at"), (recorder, "recorded_already", "words")],
)
def test_the_refusal_names_itself_and_the_field(
    plan: Plan, doctor: Practitioner, sender: Any, code: str, field: str
) -> None:
    sender(plan, doctor)()
    with pytest.raises(DomainError) as refusal:
        sender(plan, doctor)()
    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.race
@BOTH
def test_who_clicks_twice_leaves_one(
    wanted: tuple[Plan, Practitioner], sender: Any, action: Any, rules: Any, check: str, model: Any, code: str
) -> None:
    outcomes = race([sender(*wanted)] * 3)
    assert model.objects.count() == 1
    assert [each.code for each in outcomes if isinstance(each, DomainError)] == [code] * 2


@pytest.mark.race
@BOTH
def test_without_the_patients_lock_two_are_left(
    wanted: tuple[Plan, Practitioner],
    monkeypatch: pytest.MonkeyPatch,
    sender: Any,
    action: Any,
    rules: Any,
    check: str,
    model: Any,
    code: str,
) -> None:
    both_have_looked, look = Barrier(2), getattr(rules, check)

    def looked(record: Any) -> None:
        look(record)
        both_have_looked.wait(timeout=20)

    monkeypatch.setattr(action, "hold_still", lambda patient_id: None)
    monkeypatch.setattr(rules, check, looked)
    race([sender(*wanted)] * 2)
    assert model.objects.count() == 2
