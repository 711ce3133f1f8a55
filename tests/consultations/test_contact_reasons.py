"""What the pathway puts on the contact list: a positive test, an overdue reading, a recall; and never a finding."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.enums import ContactReason
from clinic.models import ContactEntry, Practitioner, User
from consultations.actions import patch_tests
from consultations.enums import Grade
from consultations.models import PatchTest
from tests.factories import (
    PatchTestFactory,
    consented_plan,
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
