"""Checks after sessions: the worklist, the desk's calls, the answer, and the event that something noticed leads to."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.actions import contacts
from clinic.enums import ContactOutcome, ContactReason
from clinic.errors import DomainError, NotAllowed
from clinic.models import ContactEntry, Practitioner, User
from consultations import timeline
from consultations.actions import follow_ups
from consultations.enums import FollowUpAnswer, PlanStatus
from consultations.models import (
    AdverseEvent,
    ClinicalReport,
    FollowUp,
    FollowUpRule,
    Plan,
    ReactionType,
    Session,
)
from consultations.rules.follow_ups import Told
from consultations.worklists.follow_ups import due, of_patient
from tests.factories import (
    AdverseEventFactory,
    ClinicalReportFactory,
    ConsentFactory,
    ConsultationFactory,
    EnteredInErrorFactory,
    FollowUpFactory,
    FollowUpRuleFactory,
    PatientFactory,
    PlanFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
NOTHING = Told(FollowUpAnswer.NOTHING)
LUMP = Told(FollowUpAnswer.SOMETHING, "a lump that grows")


@pytest.fixture
def by(doctor: Practitioner, practitioner_user: User) -> User:
    """The practitioner who asks."""
    return practitioner_user


def plan_of(days: int, **plan: Any) -> Plan:
    """A plan cleared for a session so many days ago."""
    consulted = ago(days=days + 20)
    consultation = ConsultationFactory(signed=True, signed_at=consulted, created_at=consulted)
    made = PlanFactory(consultation=consultation, **plan)
    ConsentFactory(plan=made, signed_at=ago(days=days + 15))
    tested = {"patch_test__given_at": ago(days=days + 10), "read_at": ago(days=days + 8)}
    TestReadingFactory(patch_test__plan=made, **tested)
    return made


def given(days: int = 2, plan: Plan | None = None) -> Session:
    """A session given so many days ago."""
    return SessionFactory(plan=plan or plan_of(days), signed=True, started_at=ago(days=days))


def rule(code: str = "day_1") -> FollowUpRule:
    return FollowUpRule.objects.current().get(code=code)


def waiting(at: Any = CLINIC_NOW) -> list[tuple[Session, str]]:
    return [(each, each.rule_code) for each in due(at=at)[:50]]


def url(session: Session, code: str = "day_1") -> str:
    return reverse("consultations:follow_up", args=[session.pk, code])


class TestWhatIsDue:
    def test_each_plan_has_the_check_that_its_days_ask_for(self) -> None:
        found = {days: given(days) for days in (0, 1, 7, 21, 28, 84, 126)}
        assert dict(waiting()) == {
            found[1]: "day_1",
            found[7]: "week_1",
            found[28]: "week_4",
            found[84]: "week_12",
        }

    def test_the_longest_due_comes_first(self) -> None:
        young, old = given(29), given(33)
        other = given(4)
        assert [each for each, _code in waiting()] == [old, other, young]

    def test_a_later_session_of_the_plan_takes_the_checks_over(self) -> None:
        plan = plan_of(28, min_gap_days=1)
        given(28, plan=plan)
        later = given(7, plan=plan)
        assert waiting() == [(later, "week_1")]

    def test_a_later_session_of_another_plan_changes_nothing(self) -> None:
        first = given(28)
        second = given(8, plan=cleared_plan(patient=first.patient))
        assert waiting() == [(second, "week_1"), (first, "week_4")]

    def test_a_stopped_plan_is_checked_all_the_same(self) -> None:
        session = given()
        Plan.objects.filter(pk=session.plan_id).update(status=PlanStatus.STOPPED)
        assert waiting() == [(session, "day_1")]

    def test_what_was_made_is_due_no_more_and_the_next_comes_by_itself(self, by: User) -> None:
        session = given(2)
        follow_ups.record(session=session, rule=rule(), told=NOTHING, by=by, at=CLINIC_NOW)
        assert waiting() == []
        assert waiting(ahead(days=5)) == [(session, "week_1")]

    def test_a_new_version_of_the_rule_does_not_ask_again(self, by: User) -> None:
        session = given(2)
        FollowUpFactory(session=session)
        FollowUpRule.objects.filter(code="day_1").update(retired_at=CLINIC_NOW)
        FollowUpRuleFactory(code="day_1", version=2, days=1, open_days=6)
        assert waiting() == []
        with pytest.raises(DomainError) as refused:
            follow_ups.record(session=session, rule=rule(), told=NOTHING, by=by, at=CLINIC_NOW)
        assert refused.value.code == "done_already"

    def test_a_draft_and_a_session_of_two_peoples_error_are_not_asked_about(self) -> None:
        SessionFactory(plan=cleared_plan(), started_at=ago(days=2))
        EnteredInErrorFactory(session=given(), confirmed=True)
        assert waiting() == []

    def test_the_family_of_somebody_who_died_is_not_called(self) -> None:
        session = given()
        AdverseEventFactory(patient=session.patient, grade=5, outcome="fatal")
        assert waiting() == []

    def test_days_are_the_clinics_calendar_days(self) -> None:
        late = SessionFactory(
            plan=cleared_plan(), signed=True, started_at=ago(hours=10)
        )  # 23:00 the day before
        assert waiting() == [(late, "day_1")]
        assert waiting(CLINIC_NOW - timedelta(hours=9, minutes=1)) == []

    def test_the_patients_page_says_what_is_due_and_what_comes_next(self) -> None:
        session = given(2)
        (check,) = of_patient(session.patient, at=CLINIC_NOW)
        assert (check.rule.code, check.is_due, str(check.due_on)) == ("day_1", True, "2026-03-01")
        FollowUpFactory(session=session)
        (check,) = of_patient(session.patient, at=CLINIC_NOW)
        assert (check.rule.code, check.is_due, str(check.due_on)) == ("week_1", False, "2026-03-07")
        assert of_patient(PatientFactory(), at=CLINIC_NOW) == []


class TestTheAnswer:
    def test_it_is_kept_with_who_asked_and_when(self, by: User) -> None:
        session = given()
        made = follow_ups.record(session=session, rule=rule(), told=LUMP, by=by, at=CLINIC_NOW)
        kept = FollowUp.objects.get()
        assert (kept.answer, kept.words, kept.done_by, kept.done_at) == (
            "something",
            "a lump that grows",
            by,
            CLINIC_NOW,
        )
        assert str(made.due_on) == "2026-03-01"

    def test_only_practitioners_write_it_down(self, reception: User, admin: User) -> None:
        for user in (reception, admin):
            with pytest.raises(NotAllowed):
                follow_ups.record(session=given(), rule=rule(), told=NOTHING, by=user, at=CLINIC_NOW)
        assert not FollowUp.objects.exists()

    @pytest.mark.parametrize(
        ("answer", "told"),
        [(FollowUpAnswer.NOTHING, True), (FollowUpAnswer.NOT_REACHED, False)],
    )
    def test_nobody_has_to_call_about_it_any_more(self, by: User, answer: FollowUpAnswer, told: bool) -> None:
        session = given()
        follow_ups.ask_to_call(session=session, by=by, at=CLINIC_NOW)
        follow_ups.record(session=session, rule=rule(), told=Told(answer), by=by, at=CLINIC_NOW)
        entry = ContactEntry.objects.get()
        assert (entry.is_open, entry.told, entry.close_reason) == (False, told, "The check was made.")

    def test_what_the_patient_is_called_about_otherwise_stays(self, by: User) -> None:
        session = given()
        contacts.ask(
            patient=session.patient, reason=ContactReason.TREATMENT, text="Please call.", by=by, at=CLINIC_NOW
        )
        follow_ups.record(session=session, rule=rule(), told=NOTHING, by=by, at=CLINIC_NOW)
        assert ContactEntry.objects.get().is_open

    def test_bad_input_is_said_and_kept_and_changes_nothing(self, practitioner_client: Client) -> None:
        session = given()
        page = practitioner_client.post(url(session), {"answer": "something", "words": " "})
        assert page.status_code == 422
        assert "Write down what the patient noticed." in page.content.decode()
        page = practitioner_client.post(url(session), {"answer": "perhaps", "words": "a lump"})
        assert (page.status_code, page.context["form"]["words"].value()) == (422, "a lump")
        assert not FollowUp.objects.exists()

    def test_where_nothing_was_noticed_it_leads_back_to_the_list(self, practitioner_client: Client) -> None:
        answer = practitioner_client.post(url(given()), {"answer": "nothing"}, follow=True)
        assert answer.redirect_chain[0][0] == f"{reverse('consultations:worklists')}#checks"
        assert "The check is on record: nothing noticed." in answer.content.decode()
        assert FollowUp.objects.get().answer == FollowUpAnswer.NOTHING

    def test_a_check_made_meanwhile_is_shown_with_what_was_not_saved(
        self, practitioner_client: Client
    ) -> None:
        made = FollowUpFactory(words="all well")
        page = practitioner_client.post(url(made.session), {"answer": "something", "words": "a lump"})
        shown = page.content.decode()
        assert page.status_code == 422
        assert "Somebody has made this check already." in shown
        assert "all well" in shown and "a lump" in shown

    def test_the_timeline_tells_it(self, by: User) -> None:
        made = FollowUpFactory()
        wanted = {"kind": timeline.Kind.SESSION, "at": CLINIC_NOW, "offset": 0, "limit": 9}
        titles = [each.title for each in timeline.entries(made.patient, user=by, **wanted)]
        assert titles[0] == "Check after a session: The day after, nothing noticed"


class TestSomethingNoticed:
    def test_it_leads_to_the_event_with_session_lots_and_words(self, practitioner_client: Client) -> None:
        session = given(28)
        answer = practitioner_client.post(
            url(session, "week_4"), {"answer": "something", "words": "a lump that grows"}
        )
        page = practitioner_client.get(answer["Location"])
        form = page.context["form"]
        assert (form["after"].value(), form["words"].value()) == (
            f"session-{session.pk}",
            "a lump that grows",
        )
        question = practitioner_client.post(
            answer["Location"], _typed("nodule", days=9, after=form["after"].value())
        )
        assert question.context["effect"].is_red_flag
        sent = {each["name"]: each["value"] for each in question.context["fields"]}
        practitioner_client.post(answer["Location"], sent)
        event = AdverseEvent.objects.get()
        assert (event.session, event.follow_up, event.is_red_flag) == (session, FollowUp.objects.get(), True)
        assert {used.lot for used in event.used_lots.all()} == {used.lot for used in session.used_lots.all()}
        assert Plan.objects.get(pk=session.plan_id).status == PlanStatus.ON_HOLD

    def test_the_check_and_the_event_point_at_each_other(self, practitioner_client: Client) -> None:
        made = FollowUpFactory(answer="something", words="a bruise")
        event = AdverseEventFactory(patient=made.patient, follow_up=made)
        check = practitioner_client.get(url(made.session)).content.decode()
        assert reverse("consultations:event", args=[event.pk]) in check
        shown = practitioner_client.get(reverse("consultations:event", args=[event.pk])).content.decode()
        assert url(made.session) in shown

    def test_somebody_elses_check_cannot_be_named(self, practitioner_client: Client) -> None:
        new = reverse("consultations:event_new", args=[PatientFactory().pk])
        for query in (
            f"follow_up={FollowUpFactory().pk}",
            f"report={ClinicalReportFactory().pk}",
            "report=x",
        ):
            assert practitioner_client.get(f"{new}?{query}").status_code == 404


def _typed(code: str, *, days: int, after: str = "") -> dict[str, Any]:
    return {
        "reaction": ReactionType.objects.current().get(code=code).pk,
        "grade": 1,
        "onset_at_0": f"{ago(days=days):%Y-%m-%d}",
        "onset_at_1": "08:00",
        "after": after,
        "words": "a lump that grows",
        "causality": "possible",
        "seriousness": "not_serious",
        "outcome": "ongoing",
    }


class TestAReportBecomesAnEvent:
    @pytest.fixture
    def report(self) -> ClinicalReport:
        """Of a patient with a session ten days ago."""
        return ClinicalReportFactory(patient=given(10).patient, words="a hard lump, larger each day")

    def test_the_event_carries_the_report_its_words_and_the_last_session(
        self, report: ClinicalReport, practitioner_client: Client
    ) -> None:
        triage = reverse("consultations:report_triage", args=[report.pk])
        address = practitioner_client.get(triage).context["record_url"]
        assert address in practitioner_client.get(triage).content.decode().replace("&amp;", "&")
        form = practitioner_client.get(address).context["form"]
        session = Session.objects.get(patient=report.patient)
        assert (form["after"].value(), form["words"].value()) == (f"session-{session.pk}", report.words)
        answer = practitioner_client.post(address, _typed("bruising", days=9, after=form["after"].value()))
        assert answer["Location"] == triage
        event = AdverseEvent.objects.get()
        assert (event.report, event.session) == (report, session)
        shown = reverse("consultations:event", args=[event.pk])
        assert shown in practitioner_client.get(triage).content.decode()
        assert triage in practitioner_client.get(shown).content.decode()

    def test_the_report_still_waits_until_somebody_says_what_comes_of_it(
        self, report: ClinicalReport, practitioner_client: Client
    ) -> None:
        new = reverse("consultations:event_new", args=[report.patient_id])
        practitioner_client.post(f"{new}?report={report.pk}", _typed("bruising", days=9))
        assert ClinicalReport.objects.untriaged().get() == report

    def test_how_it_went_on_keeps_the_link(self, report: ClinicalReport, practitioner_client: Client) -> None:
        first = AdverseEventFactory(patient=report.patient, report=report)
        typed = _typed("bruising", days=9) | {"words": "gone", "outcome": "recovering"}
        practitioner_client.post(reverse("consultations:event_follow", args=[first.pk]), typed)
        assert AdverseEvent.objects.in_force().get().report == report


class TestWhoSeesWhat:
    def test_the_desk_reads_whom_to_call_and_neither_question_nor_answer(
        self, reception_client: Client
    ) -> None:
        session = given()
        FollowUpFactory(answer="something", words="a lump that oozes")
        page = reception_client.get(reverse("consultations:late"))
        shown = page.content.decode()
        assert [each.pk for each in page.context["checks"]] == [session.pk]
        assert "Please call" in shown
        patient = reception_client.get(reverse("consultations:patient", args=[session.patient_id]))
        for hidden in (rule().question, rule().name, "lump", "noticed"):
            assert hidden not in shown + patient.content.decode()

    def test_one_click_puts_the_patient_on_the_call_list_without_a_finding(
        self, reception_client: Client
    ) -> None:
        session = given()
        address = reverse("consultations:follow_up_call", args=[session.pk])
        assert address in reception_client.get(reverse("consultations:late")).content.decode()
        assert reception_client.post(address)["Location"] == reverse("consultations:late")
        entry = ContactEntry.objects.get()
        who = session.practitioner
        assert (entry.reason, entry.text) == (
            ContactReason.FOLLOW_UP,
            f"Please call: {who} would like to know how it has been since the last visit.",
        )
        assert address not in reception_client.get(reverse("consultations:late")).content.decode()

    def test_nobody_is_called_when_no_check_is_due(self, reception_client: Client) -> None:
        address = reverse("consultations:follow_up_call", args=[given(0).pk])
        assert reception_client.post(address).status_code == 404
        assert not ContactEntry.objects.exists()

    def test_the_worklist_tells_the_practitioner_of_the_desks_tries(
        self, practitioner_client: Client, reception: User
    ) -> None:
        session = given()
        entry = follow_ups.ask_to_call(session=session, by=reception, at=CLINIC_NOW)
        contacts.record_try(
            entry=entry, channel="phone", outcome=ContactOutcome.NO_ANSWER, by=reception, at=CLINIC_NOW
        )
        page = practitioner_client.get(reverse("consultations:worklists"))
        (checks,) = [each for each in page.context["sections"] if each.key == "checks"]
        (row,) = checks.rows
        assert (row.patient, row.chip, row.url) == (session.patient, "on the call list", url(session))
        assert row.note == "last try Mon 2 Mar 2026, 09:00: no answer"
        assert row.since == "due since 1 Mar 2026"

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_page_of_a_check_costs_the_same_however_many_tries(
        self, practitioner_client: Client, reception: User, django_assert_num_queries: Any, count: int
    ) -> None:
        session = given()
        entry = follow_ups.ask_to_call(session=session, by=reception, at=CLINIC_NOW)
        for _ in range(count):
            contacts.record_try(
                entry=entry, channel="phone", outcome=ContactOutcome.NO_ANSWER, by=reception, at=CLINIC_NOW
            )
        practitioner_client.get(url(session))
        with django_assert_num_queries(14):
            page = practitioner_client.get(url(session))
        assert len(page.context["tries"]) == count

    def test_the_lists_read_one_page_of_sessions_however_many_are_due(
        self, reception_client: Client, django_assert_num_queries: Any
    ) -> None:
        for _ in range(32):
            given()
        page = reception_client.get(reverse("consultations:late"))
        assert len(page.context["checks"]) == 30
        rest = reception_client.get(reverse("consultations:late"), {"checks": 2})
        assert len(rest.context["checks"]) == 2
        with django_assert_num_queries(2):
            assert len(list(due(at=CLINIC_NOW)[:30])) == 30
