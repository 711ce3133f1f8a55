"""Who changed what, from what to what: the history as admins read it."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin as django_admin
from django.test import Client
from django.urls import reverse

from clinic.changes import kept_tables
from clinic.changes.worded import may_read_values
from clinic.models import Appointment, Patient, Practitioner, RecordOpened, Room, User
from consultations.models import Allergy, SessionZone
from tests.factories import (
    AllergyFactory,
    AppointmentFactory,
    ContactTryFactory,
    LotFactory,
    PatientFactory,
    RoomFactory,
    SessionZoneFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW
from tests.guards import sql

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
PAGE = "/review/who-changed/"
SECRET = "zebra-finding"


def lines(response: Any) -> list[str]:
    """The rows of the table as one reads them, without the time."""
    rows = re.findall(r"<tr>\s*<th scope=\"row\".*?</th>(.*?)</tr>", response.text, re.S)
    arrows = [re.sub(r"<svg[^>]*aria-label=\"to\".*?</svg>", "→", row, flags=re.S) for row in rows]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in arrows]


def of_row(client: Client, row: Any, **more: Any) -> Any:
    return client.get(PAGE, {"table": row._meta.db_table, "key": row.pk, **more})


def test_a_change_on_a_page_says_who_and_from_what_to_what(
    admin_client: Client, reception_client: Client, reception: User
) -> None:
    patient = PatientFactory(family_name="Moreau", given_names="Jeanne")
    page = reception_client.get(f"/patients/{patient.pk}/edit/")
    typed = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    reception_client.post(f"/patients/{patient.pk}/edit/", typed | {"family_name": "Moreau-Petit"})
    changed, added = lines(of_row(admin_client, patient))
    assert changed.startswith(f"{reception} Patient changed Moreau-Petit, Jeanne")
    assert "Family name: Moreau → Moreau-Petit" in changed and "Given names" not in changed
    assert added.startswith("not by a page Patient added")
    assert "Family name: Moreau" in added and "→" not in added


def test_what_is_written_in_bulk_or_in_sql_is_there_and_said_not_to_come_from_a_page(
    admin_client: Client,
) -> None:
    visit = AppointmentFactory(note="as told")
    Appointment.objects.filter(pk=visit.pk).update(note="in bulk")
    sql("UPDATE clinic_appointment SET note = 'in SQL' WHERE id = %s", visit.pk)()
    in_sql, in_bulk, _added = lines(of_row(admin_client, visit))
    assert "not by a page" in in_sql and "Note: in bulk → in SQL" in in_sql
    assert "not by a page" in in_bulk and "Note: as told → in bulk" in in_bulk


def test_words_are_the_clinics_own(admin_client: Client, doctor: Practitioner) -> None:
    """States, people, rooms, days and yes or no as people say them, not as tables keep them."""
    room, other = RoomFactory(name="Blue room"), RoomFactory(name="Green room")
    visit = AppointmentFactory(practitioner=doctor, room=room, status="booked")
    Appointment.objects.filter(pk=visit.pk).update(room=other, status="confirmed")
    Practitioner.objects.filter(pk=doctor.pk).update(is_active=False)
    moved, added = lines(of_row(admin_client, visit))
    assert "Room: Blue room → Green room" in moved and "Status: booked → confirmed" in moved
    assert "Practitioner: Dr Silva" in added and str(visit.pk) not in added
    left, _made = lines(of_row(admin_client, doctor))
    assert "yes → no" in left


def test_figures_are_said_without_the_places_that_a_column_keeps(admin_client: Client) -> None:
    lot = LotFactory(label_amount=Decimal("20.0000"), label_ml=Decimal("0.500"))
    (added,) = lines(of_row(admin_client, lot))
    assert "Amount on the label: 20 " in added and "20.0" not in added
    assert "0.5" in added and "0.50" not in added


def test_a_row_that_is_gone_still_has_its_history(admin_client: Client) -> None:
    zone = SessionZoneFactory(session__plan=cleared_plan())
    key = zone.pk
    SessionZone.objects.filter(pk=key).delete()
    removed, *_rest = lines(admin_client.get(PAGE, {"table": "consultations_sessionzone", "key": key}))
    assert " removed " in removed


def test_of_a_patient_it_lists_all_that_is_kept_of_them_and_of_nobody_else(admin_client: Client) -> None:
    zone = SessionZoneFactory(session__plan=cleared_plan())
    session = zone.session
    entry = ContactTryFactory(entry__patient=session.patient)
    other = SessionZoneFactory(session__plan=cleared_plan())
    pages = [admin_client.get(PAGE, {"patient": session.patient_id, "page": page}) for page in (1, 2, 3)]
    found = [change for page in pages for change in page.context["changes"]]
    kinds = {change.table for change in found}
    assert {
        "clinic_patient",
        "consultations_session",
        "consultations_plan",
        "consultations_sessionzone",
    } <= kinds
    assert {"clinic_contactentry", "clinic_contacttry", "consultations_plannedsession"} <= kinds
    rows = {(change.table, change.key) for change in found}

    def told(*some: Any) -> list[bool]:
        return [(row._meta.db_table, str(row.pk)) in rows for row in some]

    assert told(session, entry, zone) == [True] * 3
    assert told(other.session, other.session.patient, other) == [False] * 3


def test_of_a_person_it_lists_what_they_did(
    admin_client: Client, reception_client: Client, reception: User
) -> None:
    visit = AppointmentFactory()
    AppointmentFactory()
    reception_client.post(f"/appointments/{visit.pk}/confirm/", {"version": visit.version})
    assert [change.key for change in admin_client.get(PAGE, {"user": reception.pk}).context["changes"]] == [
        str(visit.pk)
    ]
    assert lines(admin_client.get(PAGE, {"user": UserFactory().pk})) == []


class TestWhatIsNotTold:
    def test_of_clinical_rows_the_field_is_named_and_its_value_is_not(self, admin_client: Client) -> None:
        allergy = AllergyFactory(words=SECRET)
        Allergy.objects.filter(pk=allergy.pk).update(words=f"{SECRET} and more")
        response = of_row(admin_client, allergy)
        changed, _added = lines(response)
        assert "changed" in changed and "what they say is not shown here" in changed
        assert [detail.label for detail in response.context["changes"][0].details] == [
            "In the patient's words"
        ]
        assert SECRET not in response.text
        assert SECRET not in admin_client.get(PAGE).text

    def test_the_marker_would_be_found_if_values_were_shown(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allergy = AllergyFactory(words=SECRET)
        monkeypatch.setattr("clinic.changes.worded.may_read_values", lambda *_args: True)
        assert SECRET in of_row(admin_client, allergy).text

    def test_every_table_is_judged_and_those_about_treatment_are_closed(self, admin: User) -> None:
        """A new table of the pathway is closed until the admin's pages show it; this list is what is open of the desk."""
        opened = {
            event.pgh_tracked_model._meta.label
            for event in kept_tables().values()
            if may_read_values(event.pgh_tracked_model, admin)
        }
        registered = {model._meta.label for model in django_admin.site._registry}
        assert opened - registered == {
            "clinic.CalendarFeed",
            "clinic.CaseFile",  # opened and closed by admins
            "clinic.ContactEntry",
            "clinic.EmergencyOpening",  # reviewed by admins
            "clinic.Erasure",  # decided and withdrawn by admins
            "clinic.Invitation",  # made and withdrawn by admins
            "clinic.Patient",
            "clinic.PatientMerge",
            "clinic.WaitlistEntry",
            "clinic.WaitlistOffer",
            "clinic.WalkIn",
        }
        about_patients = {
            event.pgh_tracked_model._meta.label
            for event in kept_tables().values()
            if event._meta.app_label != "clinic" and any(f.name == "patient" for f in event._meta.fields)
        }
        assert about_patients and not about_patients & opened

    def test_while_names_are_hidden_no_value_of_a_patients_row_is_shown(self, admin_client: Client) -> None:
        patient = PatientFactory(family_name="Moreau")
        visit = AppointmentFactory(patient=patient, note=SECRET)
        room = RoomFactory(name="Blue room")
        assert SECRET in admin_client.get(PAGE).text
        admin_client.post("/privacy/")
        text = admin_client.get(PAGE).text
        assert "Moreau" not in text and SECRET not in text and str(patient.number) in text
        assert "Blue room" in text and str(visit.pk) in text and str(room.pk) in text

    @pytest.mark.parametrize("client_name", ["reception_client", "practitioner_client"])
    def test_the_page_exists_for_admins_only(self, request: pytest.FixtureRequest, client_name: str) -> None:
        assert request.getfixturevalue(client_name).get(PAGE).status_code == 404


class TestTheWayThere:
    def test_from_a_visit_and_from_a_patient(self, admin_client: Client, reception_client: Client) -> None:
        visit = AppointmentFactory()
        for address, there in [
            (f"/appointments/{visit.pk}/", f"{PAGE}?table=clinic_appointment&amp;key={visit.pk}"),
            (f"/patients/{visit.patient_id}/", f"{PAGE}?patient={visit.patient_id}"),
            ("/review/", PAGE),
        ]:
            assert f'href="{there}"' in admin_client.get(address).text
            assert PAGE not in reception_client.get(address).text

    def test_the_admins_history_of_a_reference_row_is_this_one(self, admin_client: Client) -> None:
        room = RoomFactory(name="Blue room")
        Room.objects.filter(pk=room.pk).update(name="Red room")
        address = reverse("admin:clinic_room_history", args=[room.pk])
        there = admin_client.get(address)["Location"]
        assert "Name: Blue room → Red room" in lines(admin_client.get(there))[0]
        assert admin_client.get(reverse("admin:clinic_room_history", args=[uuid4()])).status_code == 302

    def test_of_a_row_without_a_history_the_admin_shows_its_own(
        self, admin_client: Client, admin: User
    ) -> None:
        opened = RecordOpened.objects.create(user=admin, patient=PatientFactory(), page="x", at=CLINIC_NOW)
        address = reverse("admin:clinic_recordopened_history", args=[opened.pk])
        assert admin_client.get(address).status_code == 200

    def test_a_clinic_number_is_posted_and_leads_to_the_patient(self, admin_client: Client) -> None:
        patient = PatientFactory()
        assert (
            admin_client.post(PAGE, {"number": patient.number})["Location"] == f"{PAGE}?patient={patient.pk}"
        )

    @pytest.mark.parametrize("number", ["", "x", "0", "999999", "9" * 30])
    def test_an_unknown_number_is_said_so(self, admin_client: Client, number: str) -> None:
        response = admin_client.post(PAGE, {"number": number})
        assert (response.status_code, list(response.context["form"].errors)) == (422, ["number"])

    @pytest.mark.parametrize(
        "asked",
        [
            {"patient": "x"},
            {"patient": uuid4()},
            {"user": "x"},
            {"user": uuid4()},
            {"table": "clinic_patient"},
            {"table": "clinic_patient", "key": "x"},
            {"table": "consultations_sessionzone", "key": "9" * 30},
            {"table": "pg_shadow", "key": 1},
            {"table": "clinic_patient; --", "key": uuid4()},
        ],
    )
    def test_what_is_unknown_is_404(self, admin_client: Client, asked: dict[str, Any]) -> None:
        assert admin_client.get(PAGE, asked).status_code == 404


class TestTheList:
    def test_it_is_paged_and_nothing_is_lost_or_told_twice(self, admin_client: Client) -> None:
        patient = PatientFactory()
        for number in range(26):
            Patient.objects.filter(pk=patient.pk).update(desk_note=f"note {number}")
        first = of_row(admin_client, patient)
        second = admin_client.get(PAGE + first.context["older_url"])
        pages = [
            [lines(page) for page in (first, second)],
            first.context["newer_url"],
            second.context["older_url"],
        ]
        assert [len(page) for page in pages[0]] == [25, 2] and pages[1:] == ["", ""]
        notes = [re.findall(r"note (\d+)$", line.split("→")[-1]) for page in pages[0] for line in page]
        assert [int(note[0]) for note in notes[:26]] == list(range(25, -1, -1))

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        visit = AppointmentFactory()
        for number in range(count):
            Appointment.objects.filter(pk=visit.pk).update(note=f"note {number}", room=RoomFactory())
        admin_client.get(PAGE)
        # session, user; places, events; patients, users, and the four kinds of things that a visit names
        with django_assert_num_queries(10):
            assert len(of_row(admin_client, visit).context["changes"]) == count + 1
