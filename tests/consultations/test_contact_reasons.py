"""What the pathway puts on the contact list: a positive test, an overdue reading, a recall; and never a finding."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.enums import ContactReason
from clinic.errors import DomainError, NotAllowed
from clinic.models import ContactEntry, Practitioner, User
from consultations.actions import lots, patch_tests
from consultations.enums import Grade
from consultations.models import Lot, PatchTest
from tests.factories import (
    LotFactory,
    PatchTestFactory,
    SessionFactory,
    cleared_plan,
    consented_plan,
    lots_of,
)
from tests.factories.clock import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
LATE = "/late/"
FINDINGS = ("positive", "reaction", "strong", "allerg")


def unread(**given: Any) -> PatchTest:
    """A test that nobody has read; ten days are past every window."""
    return PatchTestFactory(plan=consented_plan(), given_at=ago(**(given or {"days": 10})))


def read(test: PatchTest, grade: Grade, *, by: User, at: datetime) -> None:
    details = {"read_at": at, "grade": grade, "note": "seen by daylight"}
    patch_tests.read(test=test, details=details, by=by, at=at)


class TestAPositiveTest:
    def test_the_patient_has_to_be_called_without_saying_what_was_found(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        test = unread(hours=50)
        read(test, Grade.STRONG, by=doctor.user, at=clinic_now)
        entry = ContactEntry.objects.get()
        assert (entry.patient, entry.reason) == (test.patient, ContactReason.POSITIVE_TEST)
        assert entry.text == "Please call: Dr Silva wants to speak to you about your test visits."

    def test_reception_reads_no_finding_anywhere_on_the_list(
        self, doctor: Practitioner, clinic_now: datetime, reception_client: Client
    ) -> None:
        read(unread(hours=50), Grade.STRONG, by=doctor.user, at=clinic_now)
        shown = reception_client.get("/contacts/").content.decode().lower()
        assert "about the test visits" in shown
        assert [word for word in FINDINGS if word in shown] == []

    def test_a_test_without_reaction_is_nobody_to_call(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        read(unread(hours=50), Grade.NEGATIVE, by=doctor.user, at=clinic_now)
        assert not ContactEntry.objects.exists()


class TestAnOverdueReading:
    def test_one_click_puts_the_patient_on_the_list(self, reception_client: Client) -> None:
        test = unread()
        address = reverse("consultations:late_call", args=[test.pk])
        assert address in reception_client.get(LATE).content.decode()
        assert reception_client.post(address)["Location"] == LATE
        entry = ContactEntry.objects.get()
        assert (entry.patient, entry.reason) == (test.patient, ContactReason.OVERDUE_READING)
        after = reception_client.get(LATE).content.decode()
        assert "On the call list" in after and address not in after

    def test_a_reading_that_is_due_is_booked_not_called_about(self, reception_client: Client) -> None:
        address = reverse("consultations:late_call", args=[unread(hours=50).pk])
        assert address not in reception_client.get(LATE).content.decode()
        assert reception_client.post(address).status_code == 404
        assert not ContactEntry.objects.exists()

    def test_an_admin_reads_and_does_not_call(self, admin_client: Client) -> None:
        address = reverse("consultations:late_call", args=[unread().pk])
        assert address not in admin_client.get(LATE).content.decode()
        assert admin_client.post(address).status_code == 403

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_page_asks_a_fixed_number_of_questions(
        self, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
    ) -> None:
        for _ in range(count):
            unread()
        with django_assert_num_queries(22):
            assert reception_client.get(LATE).status_code == 200


class TestARecall:
    @pytest.fixture
    def lot(self, doctor: Practitioner, clinic_now: datetime) -> Lot:
        """In quarantine; used for one patient's test and session."""
        plan = cleared_plan()
        SessionFactory(plan=plan, signed=True)
        lot = lots_of(plan.formula)[0]
        lots.quarantine(lot=lot, reason="recalled by the maker", by=doctor.user, at=clinic_now)
        lot.refresh_from_db()
        return lot

    def test_everybody_it_was_used_for_has_to_be_called_once(
        self, lot: Lot, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        used_for = {PatchTest.objects.get(used_lots__lot=lot).patient_id}
        asked = lots.recall(lot=lot, by=doctor.user, at=clinic_now)
        lots.recall(lot=lot, by=doctor.user, at=clinic_now)
        assert {each.pk for each in asked} == used_for
        entries = ContactEntry.objects.all()
        assert {each.patient_id for each in entries} == used_for and len(entries) == len(used_for)
        assert {each.text for each in entries} == {
            "Please call: Dr Silva wants to speak to you about what was used at one of your visits."
        }

    def test_one_click_on_the_lots_page_leads_to_the_list(
        self, lot: Lot, practitioner_client: Client
    ) -> None:
        address = reverse("consultations:lot_recall", args=[lot.pk])
        assert address in practitioner_client.get(f"/lots/?lot={lot.pk}").content.decode()
        answer = practitioner_client.post(address, follow=True)
        assert answer.redirect_chain == [("/contacts/", 302)]
        assert "1 patient is on the list of those to call." in answer.content.decode()

    def test_a_lot_in_use_is_put_aside_first(
        self, practitioner_client: Client, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        lot = PatchTestFactory().lots.first()
        address = reverse("consultations:lot_recall", args=[lot.pk])
        assert address not in practitioner_client.get(f"/lots/?lot={lot.pk}").content.decode()
        with pytest.raises(DomainError) as refusal:
            lots.recall(lot=lot, by=doctor.user, at=clinic_now)
        assert refusal.value.code == "not_quarantined"

    def test_nobody_but_a_practitioner_recalls(self, lot: Lot, reception: User, clinic_now: datetime) -> None:
        with pytest.raises(NotAllowed):
            lots.recall(lot=lot, by=reception, at=clinic_now)

    def test_a_lot_that_was_never_used_is_nobody_to_call(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        lot = LotFactory()
        lots.quarantine(lot=lot, reason="broken seal", by=doctor.user, at=clinic_now)
        lot.refresh_from_db()
        assert lots.recall(lot=lot, by=doctor.user, at=clinic_now) == []
