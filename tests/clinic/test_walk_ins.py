"""Somebody at the counter without an appointment: noted, placed, or gone home."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.actions import walk_ins
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed
from clinic.models import User, WalkIn
from tests.factories import AppointmentFactory, PatientFactory, WalkInFactory
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
NOTE = "/walk-ins/"
NOBODY = "0b5b1c8e-6f0f-4a2d-8f3f-6f6a0f1d2c3b"


def note(by: User, **changes: Any) -> WalkIn:
    said = {
        "patient_id": PatientFactory().pk,
        "wants": "a consultation",
        "by": by,
        "at": CLINIC_NOW,
        **changes,
    }
    return walk_ins.note(**said)


class TestActions:
    def test_a_walk_in_waits_with_what_they_want_and_who_noted_it(self, reception: User) -> None:
        row = note(reception)
        assert list(WalkIn.objects.waiting()) == [row]
        assert (row.wants, row.came_at, row.noted_by) == ("a consultation", CLINIC_NOW, reception)

    def test_the_longest_wait_comes_first(self) -> None:
        late, early = WalkInFactory(came_at=ago(minutes=5)), WalkInFactory(came_at=ago(minutes=50))
        assert list(WalkIn.objects.waiting()) == [early, late]

    def test_a_patient_waits_once(self, reception: User) -> None:
        row = note(reception)
        with pytest.raises(DomainError) as refusal:
            note(reception, patient_id=row.patient_id)
        assert refusal.value.code == "walk_in_waits_once"
        assert WalkIn.objects.count() == 1

    def test_a_patient_who_left_may_come_again(self, reception: User) -> None:
        row = note(reception)
        walk_ins.leave(walk_in=row, by=reception, at=CLINIC_NOW)
        assert note(reception, patient_id=row.patient_id).left_at is None

    def test_placed_means_arrived_and_no_longer_waiting(self, reception: User) -> None:
        row = WalkInFactory()
        visit = AppointmentFactory(patient=row.patient, starts_at=ahead(minutes=15))
        arrived = walk_ins.place(walk_in=row, appointment=visit, by=reception, at=CLINIC_NOW)
        assert (arrived.status, arrived.arrived_at) == (AppointmentStatus.ARRIVED, CLINIC_NOW)
        assert list(WalkIn.objects.waiting()) == []

    def test_what_has_been_dealt_with_is_not_dealt_with_again(self, reception: User) -> None:
        row = WalkInFactory()
        walk_ins.leave(walk_in=row, by=reception, at=CLINIC_NOW)
        visit = AppointmentFactory(patient=row.patient)
        again = (
            lambda: walk_ins.leave(walk_in=row, by=reception, at=CLINIC_NOW),
            lambda: walk_ins.place(walk_in=row, appointment=visit, by=reception, at=CLINIC_NOW),
        )
        for action in again:
            with pytest.raises(DomainError) as refusal:
                action()
            assert refusal.value.code == "walk_in_closed"

    def test_is_refused_to_an_admin(self, admin: User) -> None:
        with pytest.raises(NotAllowed):
            note(admin)
        with pytest.raises(NotAllowed):
            walk_ins.leave(walk_in=WalkInFactory(), by=admin, at=CLINIC_NOW)


class TestNotePage:
    def test_asks_what_the_patient_wants_before_noting(self, reception_client: Client) -> None:
        patient = PatientFactory()
        response = reception_client.post(NOTE, {"patient": str(patient.pk)})
        assert (response.status_code, WalkIn.objects.count()) == (200, 0)
        assert "What does the patient want?" in response.text

    def test_notes_and_goes_back_to_the_diary(self, reception_client: Client, reception: User) -> None:
        patient = PatientFactory()
        response = reception_client.post(NOTE, {"patient": str(patient.pk), "wants": "a look"})
        row = WalkIn.objects.get()
        assert response["Location"] == reverse("clinic:diary")
        assert (row.patient, row.wants, row.came_at, row.noted_by) == (
            patient,
            "a look",
            CLINIC_NOW,
            reception,
        )

    def test_goes_where_the_form_says_if_that_is_here(self, reception_client: Client) -> None:
        places = [("/my-day/", "/my-day/"), ("https://elsewhere.example/", reverse("clinic:diary"))]
        for wanted, got in places:
            sent = {"patient": str(PatientFactory().pk), "wants": "a look", "next": wanted}
            assert reception_client.post(NOTE, sent)["Location"] == got

    @pytest.mark.parametrize("wants", ["", "  ", "x" * 201, "a\x00b"])
    def test_bad_input_is_refused_and_changes_nothing(self, reception_client: Client, wants: str) -> None:
        response = reception_client.post(NOTE, {"patient": str(PatientFactory().pk), "wants": wants})
        assert (response.status_code, list(response.context["form"].errors)) == (422, ["wants"])
        assert WalkIn.objects.count() == 0

    def test_a_patient_who_waits_already_is_said_so(self, reception_client: Client) -> None:
        row = WalkInFactory()
        response = reception_client.post(NOTE, {"patient": str(row.patient_id), "wants": "again"})
        assert response.status_code == 422
        assert "This patient is on the waiting list already." in response.text

    @pytest.mark.parametrize("patient", ["", "x", NOBODY])
    def test_an_unknown_patient_is_404(self, reception_client: Client, patient: str) -> None:
        assert reception_client.post(NOTE, {"patient": patient, "wants": "x"}).status_code == 404

    def test_a_merged_record_is_404(self, reception_client: Client) -> None:
        gone = PatientFactory(merged_into=PatientFactory())
        assert reception_client.post(NOTE, {"patient": str(gone.pk), "wants": "x"}).status_code == 404

    def test_opened_by_address_it_sends_one_to_find_the_patient(self, reception_client: Client) -> None:
        assert reception_client.get(NOTE)["Location"] == reverse("clinic:patients")

    def test_is_refused_to_an_admin(self, admin_client: Client) -> None:
        response = admin_client.post(NOTE, {"patient": str(PatientFactory().pk), "wants": "x"})
        assert (response.status_code, WalkIn.objects.count()) == (403, 0)


class TestLeft:
    def url(self, row: WalkIn) -> str:
        return reverse("clinic:walk_in_left", args=[row.pk])

    def test_is_noted_with_who_and_when(self, reception_client: Client, reception: User) -> None:
        row = WalkInFactory()
        assert reception_client.post(self.url(row))["Location"] == reverse("clinic:diary")
        row.refresh_from_db()
        assert (row.left_at, row.left_noted_by) == (CLINIC_NOW, reception)

    def test_twice_is_harmless(self, reception_client: Client) -> None:
        row = WalkInFactory()
        for _ in range(2):
            assert reception_client.post(self.url(row)).status_code == 302
        assert WalkIn.objects.get().left_at == CLINIC_NOW

    def test_needs_a_post_a_role_and_a_walk_in(self, reception_client: Client, admin_client: Client) -> None:
        row = WalkInFactory()
        assert reception_client.get(self.url(row)).status_code == 405
        assert admin_client.post(self.url(row)).status_code == 403
        assert reception_client.post(reverse("clinic:walk_in_left", args=[NOBODY])).status_code == 404
        assert WalkIn.objects.get().left_at is None
