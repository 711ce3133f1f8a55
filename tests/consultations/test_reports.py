"""Reports from the desk: taken down by anyone who answers, standing in the way until a practitioner has looked."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed
from clinic.models import ClinicSettings, Practitioner, RecordOpened, User
from consultations import purposes
from consultations.actions import adverse_events
from consultations.enums import PlanStatus, TriageOutcome
from consultations.models import ClinicalReport, Plan
from consultations.queries import facts_of_one
from consultations.rules import clearance
from consultations.worklists.reports import report_waiting_since
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    ClinicalReportFactory,
    PatientFactory,
    PlanFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

CALL = {"words": "It itches and is red.", "call_back": "+33 6 00 00 00 01"}


def new_url(patient) -> str:
    return reverse("consultations:report_new", args=[patient.pk])


def triage_url(report: ClinicalReport) -> str:
    return reverse("consultations:report_triage", args=[report.pk])


def taken(patient, by: User, at: datetime, **details) -> ClinicalReport:
    words = {"words": "red and warm", "call_back": "", "red_flag": False, **details}
    return adverse_events.report(patient=patient, **words, by=by, at=at)


class TestTakingOneDown:
    def test_the_page_prefills_the_patients_phone(self, reception_client: Client) -> None:
        patient = PatientFactory(phone="+33 6 99 88 77 66")
        page = reception_client.get(new_url(patient))
        assert page.context["form"]["call_back"].value() == "+33 6 99 88 77 66"

    def test_a_child_without_a_phone_is_called_back_through_the_representative(
        self, reception_client: Client
    ) -> None:
        patient = PatientFactory(minor=True, phone="")
        page = reception_client.get(new_url(patient))
        assert page.context["form"]["call_back"].value() == "+33 6 12 00 44 72"

    def test_the_page_names_the_signs_and_the_emergency_number(self, reception_client: Client) -> None:
        ClinicSettings.objects.update(emergency_number="15")
        page = reception_client.get(new_url(PatientFactory()))
        signs = [
            "wheeze or trouble breathing",
            "swelling of the face, lips or throat",
            "collapse, or feeling about to",
            "redness that spreads, with fever",
            "skin that blanches, or severe pain",
            "any change of vision",
        ]
        assert [str(sign) for sign in page.context["signs"]] == signs
        for sign in signs:
            assert f"<li>{sign}</li>" in page.content.decode()
        assert "call the emergency number <strong>15</strong> now" in page.content.decode()

    @pytest.mark.parametrize("role", ["reception_client", "practitioner_client"])
    def test_reception_and_practitioners_write_it_down(
        self, role: str, request: pytest.FixtureRequest, clinic_now: datetime
    ) -> None:
        client, patient = request.getfixturevalue(role), PatientFactory()
        answer = client.post(new_url(patient), CALL | {"red_flag": "on"})
        assert (answer.status_code, answer["Location"]) == (302, f"{new_url(patient)}?taken=red")
        row = ClinicalReport.objects.get()
        assert (row.patient, row.words, row.call_back, row.red_flag, row.reported_at, row.triaged_at) == (
            patient,
            CALL["words"],
            CALL["call_back"],
            True,
            clinic_now,
            None,
        )
        assert str(row.reported_by.pk) == client.session["_auth_user_id"]

    def test_afterwards_the_page_says_what_happens_now(self, reception_client: Client) -> None:
        patient = PatientFactory()
        page = reception_client.post(new_url(patient), CALL, follow=True)
        assert "No session starts until a practitioner has looked." in page.content.decode()
        assert CALL["words"] not in page.content.decode()

    def test_without_a_waiting_report_nothing_claims_to_have_been_taken_down(
        self, reception_client: Client
    ) -> None:
        page = reception_client.get(f"{new_url(PatientFactory())}?taken=yes")
        assert "consultations/report_new.html" in [template.name for template in page.templates]

    def test_the_desk_sees_that_a_report_waits_but_not_what_it_says(self, reception_client: Client) -> None:
        report = ClinicalReportFactory(words="a very private matter")
        page = reception_client.get(new_url(report.patient)).content.decode()
        assert "An earlier report waits since Mon 2 Mar 2026, 07:00." in page
        assert "a very private matter" not in page

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ({"words": ""}, "Please fill this in."),
            ({"words": "   "}, "Please fill this in."),
            ({"words": "x" * 5001}, "Write at most 5000 characters (these are 5001)."),
            ({"words": "red\x00 skin"}, "This contained an invisible character that cannot be stored"),
            ({"call_back": "1" * 41}, "Write at most 40 characters (these are 41)."),
        ],
    )
    def test_bad_input_is_named_kept_and_changes_nothing(
        self, reception_client: Client, typed: dict[str, str], sentence: str
    ) -> None:
        patient = PatientFactory()
        sent = CALL | {"red_flag": "on"} | typed
        page = reception_client.post(new_url(patient), sent)
        assert page.status_code == 422
        assert sentence in page.content.decode()
        kept = {name: page.context["form"][name].value() for name in CALL}
        assert kept == {name: sent[name].replace("\x00", "") for name in CALL}
        assert not ClinicalReport.objects.exists()

    def test_an_admin_is_told_who_does_this(self, admin_client: Client) -> None:
        patient = PatientFactory()
        for answer in (admin_client.get(new_url(patient)), admin_client.post(new_url(patient), CALL)):
            assert answer.status_code == 403
            assert "Reports are taken by reception or a practitioner." in answer.content.decode()
        assert not ClinicalReport.objects.exists()

    def test_the_action_refuses_an_admin_too(self, admin: User, clinic_now: datetime) -> None:
        with pytest.raises(NotAllowed) as refusal:
            taken(PatientFactory(), admin, clinic_now)
        assert refusal.value.code == "report_not_allowed"

    def test_the_action_refuses_empty_words(self, reception: User, clinic_now: datetime) -> None:
        with pytest.raises(DomainError) as refusal:
            taken(PatientFactory(), reception, clinic_now, words=" ")
        assert (refusal.value.code, refusal.value.field) == ("words_missing", "words")


class TestUntilSomebodyHasLooked:
    def test_no_session_is_cleared(self, reception: User, clinic_now: datetime) -> None:
        plan = cleared_plan()
        assert self.missing(plan, clinic_now) == []
        taken(plan.patient, reception, clinic_now)
        assert self.missing(plan, clinic_now) == ["report_open"]

    def test_a_look_that_needs_no_action_clears_again(
        self, reception: User, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        plan = cleared_plan()
        entry = taken(plan.patient, reception, clinic_now)
        adverse_events.triage(
            entry=entry, outcome=TriageOutcome.NO_ACTION, note="", by=doctor.user, at=clinic_now
        )
        assert self.missing(plan, clinic_now) == []

    def test_a_booked_session_becomes_provisional_and_comes_back(
        self, reception: User, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        plan = cleared_plan()
        planned = plan.planned_sessions.first()
        visit = AppointmentFactory(
            patient=plan.patient,
            type=AppointmentTypeFactory(session=True, skill="needle"),
            purpose=purposes.session_of(planned),
        )
        planned.appointment = visit
        planned.save(update_fields=["appointment"])
        entry = taken(plan.patient, reception, clinic_now)
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.PROVISIONAL
        adverse_events.triage(
            entry=entry, outcome=TriageOutcome.ADVICE, note="Cool it.", by=doctor.user, at=clinic_now
        )
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.BOOKED

    def test_the_oldest_waiting_report_counts(self) -> None:
        patient = PatientFactory()
        assert report_waiting_since(patient) is None
        ClinicalReportFactory(patient=patient, triaged=True, reported_at=ago(days=9))
        ClinicalReportFactory(patient=patient, reported_at=ago(hours=1))
        ClinicalReportFactory(patient=patient, reported_at=ago(hours=5))
        assert report_waiting_since(patient) == ago(hours=5)

    def missing(self, plan: Plan, at: datetime) -> list[str]:
        judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=at)
        return [each.code for each in judged.conditions]


class TestLooking:
    @pytest.fixture
    def report(self, reception: User, clinic_now: datetime) -> ClinicalReport:
        plan = PlanFactory()
        return taken(plan.patient, reception, clinic_now - timedelta(hours=1), words="hot\nand swollen")

    def test_the_page_shows_the_words_and_where_to_call_back(self, practitioner_client: Client) -> None:
        report = ClinicalReportFactory(words="hot and swollen", call_back="+33 6 55", red_flag=True)
        page = practitioner_client.get(triage_url(report)).content.decode()
        assert "hot and swollen" in page
        assert "<strong>+33 6 55</strong>" in page
        assert "Red flag" in page

    @pytest.mark.parametrize("role", ["reception_client", "admin_client"])
    def test_it_does_not_exist_for_the_others(
        self, role: str, request: pytest.FixtureRequest, report: ClinicalReport
    ) -> None:
        client = request.getfixturevalue(role)
        answers = [client.get(triage_url(report)), client.post(triage_url(report), {"outcome": "no_action"})]
        assert [answer.status_code for answer in answers] == [404, 404]
        report.refresh_from_db()
        assert report.triaged_at is None

    def test_opening_is_written_down_and_saving_is_not(
        self, practitioner_client: Client, report: ClinicalReport
    ) -> None:
        practitioner_client.get(triage_url(report))
        practitioner_client.post(triage_url(report), {"outcome": "no_action", "note": ""})
        assert list(RecordOpened.objects.values_list("patient", "page")) == [
            (report.patient_id, "consultations:report_triage")
        ]

    def test_advice_is_recorded_with_who_and_when(
        self,
        practitioner_client: Client,
        practitioner_user: User,
        report: ClinicalReport,
        clinic_now: datetime,
    ) -> None:
        answer = practitioner_client.post(triage_url(report), {"outcome": "advice", "note": "Cool it."})
        assert answer["Location"] == f"{reverse('consultations:worklists')}#reports"
        report.refresh_from_db()
        assert (report.outcome, report.note, report.triaged_by, report.triaged_at) == (
            TriageOutcome.ADVICE,
            "Cool it.",
            practitioner_user,
            clinic_now,
        )
        assert Plan.objects.get(patient=report.patient).status == PlanStatus.ACTIVE

    @pytest.mark.parametrize(
        ("outcome", "question", "status"),
        [
            ("hold", "Put this plan on hold?", PlanStatus.ON_HOLD),
            ("stop", "Stop this plan for good?", PlanStatus.STOPPED),
        ],
    )
    def test_holding_and_stopping_say_the_effect_before_it_happens(
        self,
        practitioner_client: Client,
        report: ClinicalReport,
        outcome: str,
        question: str,
        status: PlanStatus,
    ) -> None:
        plan, answer = (
            Plan.objects.get(patient=report.patient),
            {"outcome": outcome, "note": "It has spread."},
        )
        page = practitioner_client.post(triage_url(report), answer)
        assert (page.status_code, question in page.content.decode()) == (200, True)
        plan.refresh_from_db()
        assert plan.status == PlanStatus.ACTIVE
        practitioner_client.post(triage_url(report), answer | {"sure": "yes"})
        plan.refresh_from_db()
        report.refresh_from_db()
        assert (plan.status, report.outcome, report.note) == (status, outcome, "It has spread.")

    def test_choosing_again_keeps_what_was_written(
        self, practitioner_client: Client, report: ClinicalReport
    ) -> None:
        sent = {"outcome": "stop", "note": "It has spread.", "sure": "yes", "again": "yes"}
        page = practitioner_client.post(triage_url(report), sent)
        kept = {name: page.context["form"][name].value() for name in ("outcome", "note")}
        assert (page.status_code, kept) == (200, {"outcome": "stop", "note": "It has spread."})
        report.refresh_from_db()
        assert report.triaged_at is None

    def test_stopping_stops_what_is_on_hold_too(self, doctor: Practitioner, clinic_now: datetime) -> None:
        plan = PlanFactory(status=PlanStatus.ON_HOLD)
        entry = ClinicalReportFactory(patient=plan.patient)
        adverse_events.triage(
            entry=entry, outcome=TriageOutcome.STOP, note="Abscess.", by=doctor.user, at=clinic_now
        )
        plan.refresh_from_db()
        assert plan.status == PlanStatus.STOPPED

    def test_holding_leaves_other_patients_and_held_plans_alone(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        held, others = PlanFactory(status=PlanStatus.ON_HOLD), PlanFactory()
        active = PlanFactory(patient=held.patient)
        entry = ClinicalReportFactory(patient=held.patient)
        adverse_events.triage(
            entry=entry, outcome=TriageOutcome.HOLD, note="Wait.", by=doctor.user, at=clinic_now
        )
        found = dict(Plan.objects.values_list("pk", "status"))
        assert found == {
            held.pk: PlanStatus.ON_HOLD,
            active.pk: PlanStatus.ON_HOLD,
            others.pk: PlanStatus.ACTIVE,
        }

    @pytest.mark.parametrize(
        ("sent", "field", "sentence"),
        [
            ({"outcome": "", "note": "kept"}, "outcome", "Please choose."),
            ({"outcome": "hold", "note": ""}, "note", "Say why, for those who read this later."),
            ({"outcome": "stop", "note": "  "}, "note", "Say why, for those who read this later."),
            ({"outcome": "cure", "note": "kept"}, "outcome", "This is not offered, or not any more."),
        ],
    )
    def test_bad_input_is_named_kept_and_changes_nothing(
        self,
        practitioner_client: Client,
        report: ClinicalReport,
        sent: dict[str, str],
        field: str,
        sentence: str,
    ) -> None:
        page = practitioner_client.post(triage_url(report), sent)
        assert page.status_code == 422
        assert page.context["form"].errors[field][0].startswith(sentence)
        assert page.context["form"]["note"].value() == sent["note"]
        report.refresh_from_db()
        assert report.triaged_at is None

    def test_a_second_look_is_refused_and_the_first_stays(
        self, practitioner_client: Client, report: ClinicalReport
    ) -> None:
        practitioner_client.post(triage_url(report), {"outcome": "no_action", "note": "first"})
        page = practitioner_client.post(triage_url(report), {"outcome": "advice", "note": "second"})
        assert page.status_code == 422
        assert "Somebody has looked at this report already." in page.content.decode()
        report.refresh_from_db()
        assert (report.outcome, report.note) == ("no_action", "first")

    def test_a_practitioners_role_without_a_practitioner_writes_nothing(
        self, report: ClinicalReport, clinic_now: datetime
    ) -> None:
        nobody = UserFactory(practitioner=True)
        with pytest.raises(NotAllowed):
            adverse_events.triage(
                entry=report, outcome=TriageOutcome.NO_ACTION, note="", by=nobody, at=clinic_now
            )

    def test_booked_clinical_visits_are_shown_and_others_are_not(
        self, practitioner_client: Client, report: ClinicalReport
    ) -> None:
        session = AppointmentFactory(
            patient=report.patient, purpose="session:00000000-0000-0000-0000-000000000001"
        )
        AppointmentFactory(patient=report.patient, starts_at=ahead(days=2), purpose="")
        page = practitioner_client.get(triage_url(report))
        assert page.context["booked"] == [session]
