"""Adverse events: recorded, with what they do in the same transaction; what a held plan waits for; the pages."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.enums import ContactReason
from clinic.errors import DomainError, NotAllowed
from clinic.models import ContactEntry, Patient, Practitioner, RecordOpened, User
from consultations import offers, purposes
from consultations.actions import allergies, events, patch_tests, plans, sessions
from consultations.enums import AllergyStatus, PlanStatus
from consultations.models import (
    AdverseEvent,
    Allergy,
    Plan,
    ReactionType,
    Session,
)
from consultations.queries import facts_of_one
from consultations.rules import clearance
from consultations.rules.plans import next_to_give
from tests.consultations import course
from tests.factories import (
    AdverseEventFactory,
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    PatchTestFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def by(doctor: Practitioner, practitioner_user: User) -> User:
    """The practitioner who acts."""
    return practitioner_user


def kind(code: str) -> ReactionType:
    return ReactionType.objects.current().get(code=code)


def details(code: str, grade: int, **more: Any) -> dict[str, Any]:
    return {
        "reaction": kind(code),
        "grade": grade,
        "onset_at": ago(hours=2),
        "words": "seen on the phone picture",
        "causality": "possible",
        "seriousness": "not_serious",
        "outcome": "ongoing",
    } | more


def after(
    plan: Plan, code: str, grade: int, by: User, at: datetime = CLINIC_NOW, **more: Any
) -> AdverseEvent:
    trace = {"plan": plan, "component_codes": plan.formula.component_codes}
    return events.record(patient=plan.patient, details=details(code, grade, **trace | more), by=by, at=at)


def status(plan: Plan) -> str:
    plan.refresh_from_db()
    return plan.status


def codes_missing(plan: Plan, gate: clearance.Gate = clearance.Gate.SESSION) -> list[str]:
    facts = facts_of_one(plan)
    planned = next_to_give(facts) if gate == clearance.Gate.SESSION else None
    judged = clearance.judge(facts, gate=gate, on=CLINIC_NOW, planned=planned)
    return [condition.code for condition in judged.conditions]


class TestRecording:
    def test_a_slight_bruise_changes_nothing(self, by: User) -> None:
        plan = cleared_plan()
        event = after(plan, "bruising", 1, by)
        assert (status(plan), codes_missing(plan), event.plan_effect) == (PlanStatus.ACTIVE, [], "none")

    def test_a_second_grade_swelling_holds_its_plan_with_the_event_as_the_cause(self, by: User) -> None:
        plan = cleared_plan()
        event = after(plan, "swelling", 2, by)
        change = plan.status_changes.get()
        assert (status(plan), change.adverse_event) == (PlanStatus.ON_HOLD, event)
        assert change.reason == "Adverse event: Swelling, grade 2."
        assert codes_missing(plan) == ["plan_on_hold"]

    def test_a_third_grade_stops_the_plan(self, by: User) -> None:
        plan = cleared_plan()
        after(plan, "bruising", 3, by)
        assert status(plan) == PlanStatus.STOPPED

    def test_the_desk_reads_whom_to_ask_and_nothing_of_what_was_found(self, by: User) -> None:
        plan = cleared_plan()
        visit = AppointmentFactory(
            patient=plan.patient,
            starts_at=ahead(days=2),
            purpose=purposes.session_of(plan.planned_sessions.first()),
        )
        after(plan, "swelling", 2, by)
        entry = ContactEntry.objects.get(patient=plan.patient)
        assert entry.reason == ContactReason.TREATMENT
        words = [condition.what for condition in _conditions(plan)]
        assert words == [f"Not cleared: ask {plan.consultation.practitioner}."]
        for finding in ("welling", "grade", "seen on"):
            assert finding not in entry.text
        assert visit.holds_time

    def test_what_cannot_be_is_refused_and_changes_nothing(self, by: User) -> None:
        plan = cleared_plan()
        session = SessionFactory(plan=plan, signed=True)
        wrong = {
            "grade_floor": ("anaphylaxis", 2, {}),
            "future": ("swelling", 3, {"onset_at": ahead(hours=1)}),
            "ends_before": ("swelling", 3, {"ended_at": ago(days=1)}),
            "words_missing": ("swelling", 3, {"words": " "}),
            "before_session": ("swelling", 3, {"session": session, "onset_at": ago(days=3)}),
        }
        for code, (reaction, grade, more) in wrong.items():
            with pytest.raises(DomainError) as refused:
                after(plan, reaction, grade, by, **more)
            assert refused.value.code == code
        assert (AdverseEvent.objects.count(), status(plan)) == (0, PlanStatus.ACTIVE)

    def test_only_practitioners_record(self, reception: User, admin: User) -> None:
        for user in (reception, admin):
            with pytest.raises(NotAllowed):
                after(cleared_plan(), "bruising", 1, user)

    def test_how_it_went_on_supersedes_and_is_judged_anew(self, by: User) -> None:
        plan = cleared_plan()
        first = after(plan, "swelling", 1, by)
        worse = details("swelling", 2)
        del worse["reaction"]
        second = events.follow(event=first, details=worse, by=by, at=CLINIC_NOW)
        assert (second.supersedes, second.plan, second.reaction) == (first, plan, first.reaction)
        assert status(plan) == PlanStatus.ON_HOLD
        assert list(AdverseEvent.objects.in_force()) == [second]
        with pytest.raises(DomainError) as refused:
            events.follow(event=first, details=worse, by=by, at=CLINIC_NOW)
        assert refused.value.code == "followed"


def _conditions(plan: Plan) -> list[Any]:
    facts = facts_of_one(plan)
    return clearance.judge(
        facts, gate=clearance.Gate.SESSION, on=CLINIC_NOW, planned=next_to_give(facts)
    ).conditions


class TestAllergic:
    def test_the_second_grade_stops_the_formula_and_closes_what_shares_a_component(self, by: User) -> None:
        plan = cleared_plan()
        other = cleared_plan(patient=plan.patient, formula=plan.formula)
        after(plan, "allergy_local", 2, by)
        allergy = Allergy.objects.get(patient=plan.patient)
        assert (allergy.status, allergy.component_codes) == (
            AllergyStatus.REPORTED,
            sorted(plan.formula.component_codes),
        )
        assert (status(plan), status(other)) == (PlanStatus.STOPPED, PlanStatus.STOPPED)
        assert "allergy" in codes_missing(plan)
        assert "allergy_unassessed" not in codes_missing(plan)

    def test_a_plan_without_the_component_goes_on(self, by: User) -> None:
        plan = cleared_plan()
        other = cleared_plan(patient=plan.patient)
        after(plan, "allergy_local", 2, by)
        assert (status(other), codes_missing(other)) == (PlanStatus.ACTIVE, [])

    def test_where_no_component_is_known_everything_waits_for_an_assessment(self, by: User) -> None:
        plan = cleared_plan()
        events.record(patient=plan.patient, details=details("allergy_local", 2), by=by, at=CLINIC_NOW)
        assert "allergy_unassessed" in codes_missing(plan)

    def test_an_allergy_that_was_refuted_opens_the_component(self, by: User) -> None:
        plan = cleared_plan()
        other = cleared_plan(patient=plan.patient)
        after(plan, "allergy_local", 2, by, component_codes=other.formula.component_codes)
        assert "allergy" in codes_missing(other)
        allergies.assess(
            allergy=Allergy.objects.get(),
            status=AllergyStatus.REFUTED,
            group_code="",
            assessment="provocation without reaction",
            by=by,
            at=CLINIC_NOW,
        )
        assert "allergy" not in codes_missing(other)

    def test_a_hold_for_an_allergic_event_needs_a_note_and_a_new_test_without_reaction(
        self, by: User
    ) -> None:
        plan = cleared_plan()
        after(plan, "allergy_local", 1, by, onset_at=ago(days=4))
        assert status(plan) == PlanStatus.ON_HOLD
        with pytest.raises(DomainError) as refused:
            plans.resume(plan=plan, reason="better", by=by, at=CLINIC_NOW)
        assert refused.value.code == "new_test_missing"
        assert codes_missing(plan, clearance.Gate.TEST) == []  # the test that it waits for
        retest = PatchTestFactory(plan=plan, given_at=ago(days=3))
        TestReadingFactory(patch_test=retest, read_at=ago(days=1))
        with pytest.raises(DomainError) as refused:
            plans.resume(plan=plan, reason=" ", by=by, at=CLINIC_NOW)
        assert refused.value.code == "reason_missing"
        plans.resume(plan=plan, reason="no reaction to the new test", by=by, at=CLINIC_NOW)
        assert (status(plan), codes_missing(plan)) == (PlanStatus.ACTIVE, [])

    def test_the_new_test_is_offered_although_the_one_before_is_still_valid(self, by: User) -> None:
        plan = cleared_plan()
        wanted = purposes.test_of(plan)
        assert wanted not in {offer.purpose for offer in offers.for_patient(plan.patient, at=CLINIC_NOW)}
        after(plan, "allergy_local", 1, by)
        (offer,) = [
            each for each in offers.for_patient(plan.patient, at=CLINIC_NOW) if each.purpose == wanted
        ]
        assert offer.conditions == ()

    def test_a_second_allergic_event_under_a_hold_asks_for_a_newer_test(self, by: User) -> None:
        plan = cleared_plan()
        after(plan, "allergy_local", 1, by, onset_at=ago(days=5))
        retest = PatchTestFactory(plan=plan, given_at=ago(days=4))
        TestReadingFactory(patch_test=retest, read_at=ago(days=2))
        after(plan, "urticaria", 1, by, onset_at=ago(days=1))
        with pytest.raises(DomainError) as refused:
            plans.resume(plan=plan, reason="better", by=by, at=CLINIC_NOW)
        assert refused.value.code == "new_test_missing"

    def test_a_hold_for_something_else_needs_only_the_note_and_admits_no_test(self, by: User) -> None:
        plan = cleared_plan()
        after(plan, "swelling", 2, by)
        assert codes_missing(plan, clearance.Gate.TEST) == ["plan_on_hold"]
        plans.resume(plan=plan, reason="gone", by=by, at=CLINIC_NOW)
        assert status(plan) == PlanStatus.ACTIVE


class TestAtASession:
    def _signed(self, plan: Plan, code: str, grade: int, by: User) -> Session:
        planned = next_to_give(facts_of_one(plan))
        session = sessions.begin(planned=planned, appointment=None, by=by, at=ago(hours=1))
        course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
        session.reactions.create(reaction=kind(code), grade=grade, note="at the forearm")
        return sessions.sign(session=session, version=None, by=by, at=CLINIC_NOW)

    def test_a_reaction_becomes_an_event_with_its_whole_trace(self, by: User) -> None:
        plan = cleared_plan()
        session = self._signed(plan, "bruising", 1, by)
        event = AdverseEvent.objects.get()
        assert (event.session, event.plan, event.practitioner) == (session, plan, session.practitioner)
        assert (event.words, event.grade) == ("at the forearm", 1)
        assert {used.lot for used in event.used_lots.all()} == {used.lot for used in session.used_lots.all()}

    def test_only_what_was_injected_is_suspected_where_a_session_has_a_formula_of_its_own(
        self, by: User
    ) -> None:
        whole = FormulaFactory(parts=[(ComponentFactory(), 10), (ComponentFactory(), 5)])
        kept, left_out = (part.component for part in whole.parts.order_by("pk"))
        plan = cleared_plan(formula=whole, own_formula=FormulaFactory(parts=[(kept, 10)]))
        self._signed(plan, "allergy_local", 2, by)
        assert AdverseEvent.objects.get().component_codes == [kept.code]
        assert Allergy.objects.get().component_codes == [kept.code]
        spared = cleared_plan(patient=plan.patient, formula=FormulaFactory(parts=[(left_out, 5)]))
        assert codes_missing(spared) == []

    def test_a_severe_reaction_is_signed_and_stops_the_plan_at_once(self, by: User) -> None:
        plan = cleared_plan()
        session = self._signed(plan, "tissue_damage", 3, by)
        assert (session.is_signed, status(plan)) == (True, PlanStatus.STOPPED)

    def test_the_last_session_with_an_allergic_reaction_holds_instead_of_completing(self, by: User) -> None:
        plan = cleared_plan(sessions=1)
        self._signed(plan, "allergy_local", 1, by)
        assert status(plan) == PlanStatus.ON_HOLD

    def test_a_grade_that_cannot_be_keeps_the_session_unsigned(self, by: User) -> None:
        plan = cleared_plan()
        with pytest.raises(DomainError) as refused:
            self._signed(plan, "anaphylaxis", 1, by)
        assert refused.value.code == "grade_floor"
        assert not Session.objects.get().is_signed

    def test_a_session_already_begun_is_signed_although_an_event_holds_the_plan(self, by: User) -> None:
        plan = cleared_plan()
        planned = next_to_give(facts_of_one(plan))
        session = sessions.begin(planned=planned, appointment=None, by=by, at=ago(hours=1))
        course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
        after(plan, "swelling", 2, by)
        assert sessions.sign(session=session, version=None, by=by, at=CLINIC_NOW).is_signed
        assert status(plan) == PlanStatus.ON_HOLD


def test_a_positive_reading_stops_the_plans_that_share_a_component(by: User) -> None:
    plan = cleared_plan()
    same = cleared_plan(patient=plan.patient, formula=plan.formula)
    other = cleared_plan(patient=plan.patient)
    patch_tests.report_reaction(
        test=plan.patch_tests.get(), details={"read_at": ago(hours=1), "grade": "pos1"}, by=by, at=CLINIC_NOW
    )
    assert [status(each) for each in (plan, same, other)] == ["stopped", "stopped", "active"]
    allergy = Allergy.objects.get()
    assert (allergy.status, allergy.component_codes) == ("reported", plan.formula.component_codes)


class TestPages:
    def _typed(self, plan: Plan, code: str, grade: int, **more: Any) -> dict[str, Any]:
        local = ago(hours=2) + timedelta(hours=1)  # the clinic's clock in winter
        return {
            "reaction": kind(code).pk,
            "grade": grade,
            "onset_at_0": f"{local:%Y-%m-%d}",
            "onset_at_1": f"{local:%H:%M}",
            "after": f"session-{plan.sessions.get().pk}",
            "words": "swollen since the evening",
            "causality": "probable",
            "seriousness": "not_serious",
            "outcome": "ongoing",
        } | more

    def _typed_later(self, **more: Any) -> dict[str, Any]:
        """How it went on."""
        usual = {
            "words": "worse",
            "causality": "probable",
            "seriousness": "not_serious",
            "outcome": "ongoing",
        }
        return usual | more

    def _url(self, patient: Patient) -> str:
        return reverse("consultations:event_new", args=[patient.pk])

    def test_what_changes_nothing_is_recorded_at_once_with_its_trace(
        self, practitioner_client: Client
    ) -> None:
        plan = cleared_plan()
        session = SessionFactory(plan=plan, signed=True, started_at=ago(hours=4))
        practitioner_client.post(self._url(plan.patient), self._typed(plan, "bruising", 1))
        event = AdverseEvent.objects.get()
        assert (event.plan, event.session, event.practitioner) == (plan, session, session.practitioner)
        assert event.used_lots.count() == session.used_lots.count()
        assert event.component_codes == plan.formula.component_codes

    def test_the_components_of_a_session_are_those_of_its_own_formula(
        self, practitioner_client: Client
    ) -> None:
        whole = FormulaFactory(parts=[(ComponentFactory(), 10), (ComponentFactory(), 5)])
        lean = FormulaFactory(parts=[(whole.parts.first().component, 10)])
        plan = cleared_plan(formula=whole, own_formula=lean)
        SessionFactory(
            plan=plan, signed=True, started_at=ago(hours=4), lots=lots_of(lean), doses=list(lean.parts.all())
        )
        practitioner_client.post(self._url(plan.patient), self._typed(plan, "bruising", 1))
        assert AdverseEvent.objects.get().component_codes == lean.component_codes

    def test_after_a_test_injection_the_trace_is_that_of_the_test(self, practitioner_client: Client) -> None:
        plan = cleared_plan()
        test = plan.patch_tests.get()
        SessionFactory(plan=plan, signed=True, started_at=ago(hours=4))
        typed = self._typed(plan, "bruising", 1, after=f"test-{test.pk}")
        practitioner_client.post(self._url(plan.patient), typed)
        event = AdverseEvent.objects.get()
        assert (event.patch_test, event.session, event.practitioner) == (test, None, test.practitioner)
        assert [used.lot for used in event.used_lots.all()] == [used.lot for used in test.used_lots.all()]
        assert event.component_codes == test.component_codes

    def test_how_it_went_on_asks_once_more_where_it_now_stops_a_plan(
        self, by: User, practitioner_client: Client
    ) -> None:
        plan = cleared_plan()
        event = after(plan, "bruising", 1, by)
        typed = self._typed_later(grade=3)
        url = reverse("consultations:event_follow", args=[event.pk])
        question = practitioner_client.post(url, typed)
        assert question.context["plans"] == [plan]
        assert (AdverseEvent.objects.count(), status(plan)) == (1, PlanStatus.ACTIVE)
        sent = {each["name"]: each["value"] for each in question.context["fields"]}
        practitioner_client.post(url, sent)
        assert (AdverseEvent.objects.count(), status(plan)) == (2, PlanStatus.STOPPED)

    def test_a_hold_is_said_first_and_done_only_when_it_is_confirmed(
        self, practitioner_client: Client
    ) -> None:
        plan = cleared_plan()
        SessionFactory(plan=plan, signed=True, started_at=ago(hours=4))
        typed = self._typed(plan, "swelling", 2)
        question = practitioner_client.post(self._url(plan.patient), typed)
        assert question.context["plans"] == [plan]
        assert (AdverseEvent.objects.count(), status(plan)) == (0, PlanStatus.ACTIVE)
        again = practitioner_client.post(self._url(plan.patient), typed | {"again": "yes"})
        assert again.context["form"]["words"].value() == "swollen since the evening"
        sent = {each["name"]: each["value"] for each in question.context["fields"]}
        practitioner_client.post(self._url(plan.patient), sent)
        assert status(plan) == PlanStatus.ON_HOLD

    def test_a_refusal_keeps_what_was_typed(self, practitioner_client: Client) -> None:
        plan = cleared_plan()
        SessionFactory(plan=plan, signed=True, started_at=ago(hours=4))
        page = practitioner_client.post(self._url(plan.patient), self._typed(plan, "anaphylaxis", 2))
        assert page.status_code == 422
        assert "graded from 3 to 5" in str(page.context["form"].errors["grade"])
        assert page.context["form"]["words"].value() == "swollen since the evening"

    def test_another_patients_session_cannot_be_named(self, practitioner_client: Client) -> None:
        plan, other = cleared_plan(), cleared_plan()
        SessionFactory(plan=other, signed=True, started_at=ago(hours=4))
        page = practitioner_client.post(self._url(plan.patient), self._typed(other, "bruising", 1))
        assert page.status_code == 422
        assert AdverseEvent.objects.count() == 0

    @pytest.mark.parametrize("rows", [1, 3])
    def test_the_list_costs_the_same_however_long(
        self, rows: int, by: User, practitioner_client: Client, django_assert_num_queries: Any
    ) -> None:
        for _ in range(rows):
            plan = cleared_plan()
            SessionFactory(plan=plan, signed=True, started_at=ago(hours=4))
            after(plan, "nodule", 1, by, session=plan.sessions.get())
        practitioner_client.get(reverse("consultations:events"))
        with django_assert_num_queries(9):
            page = practitioner_client.get(reverse("consultations:events"))
        assert len(page.context["events"]) == rows
        (rate,) = page.context["rates"]
        assert (rate.patients, rate.treated) == (rows, rows)

    def test_an_infection_stands_on_the_worklist_until_it_is_told_how_it_went_on(
        self, by: User, practitioner_client: Client
    ) -> None:
        event = after(cleared_plan(), "infection_bact", 1, by)
        after(cleared_plan(), "bruising", 1, by)

        def waiting() -> list[Patient]:
            page = practitioner_client.get(reverse("consultations:worklists"))
            (found,) = [each for each in page.context["sections"] if each.key == "events"]
            return [row.patient for row in found.rows]

        assert waiting() == [event.patient]
        over = details("infection_bact", 1, outcome="resolved", ended_at=ago(minutes=30))
        del over["reaction"]
        events.follow(event=event, details=over, by=by, at=CLINIC_NOW)
        assert waiting() == []

    def test_a_red_flag_and_what_is_overdue_are_told_apart_from_the_rest(
        self, practitioner_client: Client
    ) -> None:
        late = AdverseEventFactory(review_by=ago(minutes=1))
        red = AdverseEventFactory(review_by=ahead(hours=1), is_red_flag=True)
        rest = AdverseEventFactory(review_by=ahead(hours=2))
        page = practitioner_client.get(reverse("consultations:worklists"))
        (found,) = [each for each in page.context["sections"] if each.key == "events"]
        assert [(row.patient, row.chip, row.tone) for row in found.rows] == [
            (late.patient, "overdue", "bad"),
            (red.patient, "red flag", "bad"),
            (rest.patient, "", "warn"),
        ]

    def test_a_browser_that_only_asks_whether_a_page_is_there_opens_no_record(
        self, practitioner_client: Client
    ) -> None:
        url = reverse("consultations:event", args=[AdverseEventFactory().pk])
        assert practitioner_client.head(url).status_code == 200
        assert RecordOpened.objects.count() == 0
        practitioner_client.get(url)
        assert RecordOpened.objects.count() == 1

    def test_the_sheet_holds_the_rates_and_no_name(self, by: User, practitioner_client: Client) -> None:
        plan = cleared_plan()
        SessionFactory(plan=plan, signed=True, started_at=ago(hours=4))
        after(plan, "nodule", 1, by, session=plan.sessions.get())
        answer = practitioner_client.get(reverse("consultations:events_sheet"))
        lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
        assert lines == [
            "Reaction,Patients,Patients treated,Per cent,Highest grade",
            "Tender nodules,1,1,100.0,1",
        ]
