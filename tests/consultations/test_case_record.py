"""What a case file opens: one patient's record to one person, as it stood."""

from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from clinic.actions import case_files
from clinic.enums import Reading
from clinic.models import CaseFile, Patient, RecordOpened, User
from consultations.as_it_stood import record
from consultations.models import Allergy, Lot, SessionDose
from tests.factories import (
    AddendumFactory,
    AdverseEventFactory,
    AllergyFactory,
    CaseFileFactory,
    ConsultationFactory,
    EnteredInErrorFactory,
    PatientFactory,
    SessionFactory,
    UserFactory,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead
from tests.factories.history import written
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def case(patient: Patient, as_of: datetime, by: User | None = None) -> CaseFile:
    said = {"opened_by": by} if by else {}
    return CaseFileFactory(patient=patient, as_of=as_of, opened_at=max(as_of, ago(hours=1)), **said)


def shown(case_file: CaseFile) -> list[record.Entry]:
    return record.entries(case_file, offset=0, limit=50)


def said(entries: list[record.Entry]) -> str:
    """Everything the entries say."""
    facts = [f"{fact['label']}: {fact['value']}" for entry in entries for fact in entry.facts]
    parts = [line for entry in entries for _title, lines in entry.parts for line in lines]
    return "\n".join([*facts, *parts, *(f"{entry.signed} {entry.error}" for entry in entries)])


class TestAsItStood:
    def test_a_draft_shows_what_it_said_then_and_not_what_was_written_afterwards(self) -> None:
        draft = ConsultationFactory(history="Asthma as a child")
        written(ago(days=10))
        draft.history = "No asthma"
        draft.save()
        written(ago(days=2))
        then, now = (case(draft.patient, ago(days=days)) for days in (5, 1))
        assert "Asthma as a child" in said(shown(then)) and "No asthma" not in said(shown(then))
        assert "No asthma" in said(shown(now)) and "Asthma as a child" not in said(shown(now))

    def test_what_did_not_exist_yet_is_not_there_and_what_was_removed_later_still_is(self) -> None:
        session = SessionFactory(doses=[])
        session.doses.create(**dose(session))
        written(ago(days=10))
        SessionDose.objects.all().delete()
        AdverseEventFactory(patient=session.patient)
        written(ago(days=2))
        then, now = (shown(case(session.patient, ago(days=days))) for days in (5, 1))
        before = shown(case(session.patient, ago(days=11)))
        assert titles_of(before) == []
        assert "Session" in titles_of(then) and "Adverse event" not in titles_of(then)
        assert "dose: 20" in said(then) and "dose: 20" not in said(now)
        assert "Adverse event" in titles_of(now)

    def test_a_session_comes_with_zones_lots_and_doses_and_a_test_with_its_reading(self) -> None:
        session = SessionFactory(signed=True)
        AddendumFactory(consultation=None, session=session, text="Left cheek first", written_at=ago(hours=2))
        AddendumFactory(consultation=None, session=session, text="Written too late", written_at=CLINIC_NOW)
        written(ago(days=10))
        words = said(found := shown(case(session.patient, ago(hours=1))))
        lot = Lot.objects.filter(session_uses__session=session).first()
        assert lot is not None and lot.number in words and lot.maker in words
        assert str(session.zones.get().zone) in words and "dose:" in words
        assert "Left cheek first" in words and "Written too late" not in words
        assert {"Session", "Consent", "Consultation", "Plan", "Test injection", "Reading"} <= set(
            titles_of(found)
        )
        assert "signed by" in words and f"Plan: {session.plan}" in words

    def test_what_was_called_an_error_says_why_and_whether_a_second_person_had_confirmed_it(self) -> None:
        session = SessionFactory(signed=True)
        written(ago(days=10))
        entry = EnteredInErrorFactory(session=session, reason="another patient")
        written(ago(days=5))
        entry.confirmed_by, entry.confirmed_at = UserFactory(practitioner=True), ago(hours=1)
        entry.save()
        written(ago(days=2))

        def error(days: int) -> dict[str, str]:
            return {each.title: each.error for each in shown(case(session.patient, ago(days=days)))}

        assert [error(days)["Session"] for days in (9, 4, 1)] == [
            "",
            "Entered in error: another patient",
            "Entered in error, confirmed: another patient",
        ]
        assert error(1)["Plan"] == ""

    def test_identity_and_allergies_are_those_of_then(self) -> None:
        patient = PatientFactory(family_name="Moreau")
        allergy = AllergyFactory(patient=patient, words="Penicillin")
        written(ago(days=10))
        Patient.objects.filter(pk=patient.pk).update(family_name="Duval")
        Allergy.objects.filter(pk=allergy.pk).update(words="Latex")
        written(ago(days=2))
        then = record.beside(case(patient, ago(days=5)))
        assert "Moreau" in str(then.identity) and "Duval" not in str(then.identity)
        assert [words.split(" (")[0] for words in then.allergies] == ["Penicillin"]

    def test_another_patients_rows_are_not_among_them(self) -> None:
        session, other = SessionFactory(signed=True), SessionFactory(signed=True)
        written(ago(days=10))
        rows = {entry.row.patient_id for entry in shown(case(session.patient, ago(days=1)))}
        assert rows == {session.patient_id} and other.patient_id not in rows


def titles_of(entries: list[record.Entry]) -> list[str]:
    return [entry.title for entry in entries]


def dose(session: Any) -> dict[str, Any]:
    part = session.plan.formula.parts.first()
    return {"component": part.component, "strength": 10, "amount": 20, "unit": "mg"}


class TestWhoReads:
    @pytest.fixture
    def own(self, admin: User) -> CaseFile:
        session = SessionFactory(signed=True, note="Bled a little at the chin")
        written(ago(days=10))
        return case(session.patient, ago(days=1), by=admin)

    def address(self, case_file: CaseFile) -> str:
        return f"/case-files/{case_file.pk}/record/"

    def test_the_owner_does_and_each_opening_and_printing_is_written_down_with_the_case(
        self, admin_client: Client, admin: User, own: CaseFile
    ) -> None:
        answer = admin_client.get(self.address(own))
        assert "Bled a little at the chin" in answer.text and "Not put together again" in answer.text
        admin_client.post("/records/printed/", {"opened": answer.context["reading_token"]})
        log = RecordOpened.objects.filter(case_file=own).order_by("pk")
        assert [(row.user, row.patient, row.kind) for row in log] == [
            (admin, own.patient, Reading.OPENED),
            (admin, own.patient, Reading.PRINTED),
        ]
        assert own.title in admin_client.get("/review/records-opened/").text
        assert len(admin_client.get(f"/case-files/{own.pk}/").context["readings"]) == 2

    def test_nobody_else_does_whatever_their_role(
        self, reception_client: Client, practitioner_client: Client, own: CaseFile
    ) -> None:
        another = Client()
        sign_in(another, UserFactory(admin=True))
        for client in (another, reception_client, practitioner_client):
            assert client.get(self.address(own)).status_code == 404
        assert not RecordOpened.objects.filter(case_file=own).exists()

    def test_closing_ends_it_on_the_next_request(
        self, admin_client: Client, admin: User, own: CaseFile
    ) -> None:
        assert admin_client.get(self.address(own)).status_code == 200
        case_files.close(case_file=own, outcome="Answered", by=admin, at=CLINIC_NOW)
        assert admin_client.get(self.address(own)).status_code == 404

    def test_its_end_ends_it_and_without_the_look_at_the_clock_it_would_not(
        self, admin_client: Client, own: CaseFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The negative control: the period's end is what keeps the page closed."""
        with time_machine.travel(ahead(days=31), tick=False):
            sign_in(admin_client, own.opened_by)
            assert admin_client.get(self.address(own)).status_code == 404
            periods = "clinic.models.case_file.CaseFilePeriodQuerySet.running"
            monkeypatch.setattr(periods, lambda self, at: self)
            assert admin_client.get(self.address(own)).status_code == 200

    def test_the_way_there_is_shown_to_the_owner_alone(self, admin_client: Client, own: CaseFile) -> None:
        other = CaseFileFactory()
        assert self.address(own) in admin_client.get(f"/case-files/{own.pk}/").text
        assert self.address(other) not in admin_client.get(f"/case-files/{other.pk}/").text

    def test_who_treats_and_who_receives_the_patient_sees_that_a_case_is_open(
        self, reception_client: Client, practitioner_client: Client, own: CaseFile
    ) -> None:
        for client in (reception_client, practitioner_client):
            text = client.get(f"/patients/{own.patient_id}/").text
            assert f"A case file is open: complaint, {own.title}" in text
            assert f"{own.opened_by} may read this record until" in text

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, own: CaseFile, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count - 1):
            ConsultationFactory(patient=own.patient)
        written(ago(days=10))
        with django_assert_num_queries(38):
            admin_client.get(self.address(own))
