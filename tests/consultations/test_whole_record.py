"""A patient's whole record as a file: what stands in it, what does not, and that nothing of a patient is forgotten."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import DecimalField, Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import visits
from clinic.dates import moment_in_words
from clinic.enums import AppointmentStatus, ContactReason, Reading
from clinic.models import Appointment, ContactTry, Patient, Practitioner, RecordOpened, User
from clinic.models.people import PSEUDONYM
from consultations.models import Consultation, Photo, Session
from consultations.whole_record import archive, as_data, as_page, rows, tables
from consultations.whole_record.tables import LEFT_OUT, TABLES
from consultations.whole_record.values import spoken, unit_of
from tests import marks
from tests.factories import (
    AppointmentFactory,
    ConsentFactory,
    ConsultationFactory,
    ContactEntryFactory,
    LeafletHandoutFactory,
    PatientFactory,
    PhotoFactory,
    PhotoRemovalFactory,
    ReviewFactory,
    ScaleFactory,
    SessionFactory,
    SessionScoreFactory,
    cleared_plan,
)
from tests.factories.clock import ago, ahead
from tests.guards import without
from tests.things import Things

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

ASKED = {"wanted": "access", "whom": "the patient in person"}


def file_of(patient: Patient) -> ZipFile:
    record = rows.read(patient, at=ago())
    return ZipFile(BytesIO(b"".join(archive.sent(record, why="the patient asks for it"))))


def data_of(patient: Patient) -> dict:
    return json.loads(file_of(patient).read("record.json"))


def url(patient: Patient) -> str:
    return reverse("consultations:whole_record", args=[patient.pk])


def forgotten() -> set[str]:
    """Tables that lead to a patient, about which nothing is said."""
    said = {table.model for table in TABLES} | set(LEFT_OUT)
    return {model.__name__ for model in tables.of_patients() - said} | {
        model.__name__
        for model in apps.get_models(include_auto_created=True)
        if model._meta.auto_created
        and {field.related_model for field in model._meta.fields} & tables.of_patients()
        and not {each for table in TABLES for each in tables.listed(table.model)}
        & {each for each in model._meta.auto_created._meta.many_to_many if each.remote_field.through is model}
    }


class TestNothingIsForgotten:
    def test_every_table_that_leads_to_a_patient_is_in_the_record_or_says_why_not(self) -> None:
        assert forgotten() == set()
        assert set(LEFT_OUT) & {table.model for table in TABLES} == set()
        assert len({table.code for table in TABLES}) == len(TABLES)

    @pytest.mark.parametrize("model", [Consultation, ContactTry])
    def test_a_table_that_is_in_no_list_would_be_found(
        self, model: type[Model], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rest = tuple(table for table in TABLES if table.model is not model)
        monkeypatch.setattr("tests.consultations.test_whole_record.TABLES", rest)
        assert forgotten() == {model.__name__}

    def test_every_key_of_a_row_that_is_shown_inside_another_leads_to_a_table_of_its_chapter(self) -> None:
        for section in tables.SECTIONS:
            here = {table.model for table in section.tables if not table.inside}
            for table in section.tables:
                if table.inside:
                    assert table.model._meta.get_field(table.inside).related_model in here, table.code

    def test_every_figure_has_its_unit(self) -> None:
        row = SimpleNamespace(unit="mg", scale=SimpleNamespace(unit="cm"))
        units = {
            f"{table.code}.{column.name}": unit_of(column, row)
            for table in TABLES
            for column in table.columns()
            if isinstance(column, DecimalField)
        }
        assert units["session_zone.ml_per_point"] == "ml"
        assert units["session_dose.strength"] == "mg/ml"
        assert units["session_score.value"] == "cm"

    def test_a_figure_without_a_unit_is_told_to_who_adds_one(self) -> None:
        with pytest.raises(LookupError, match=r"Session\.speed has no unit"):
            unit_of(SimpleNamespace(name="speed", model=Session), SimpleNamespace())

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("2026-03-05T13:30:00+00:00", "Thu 5 Mar 2026, 14:30"),
            ("2026-03-05T00:00:00", "5 Mar 2026"),
            ("2026-03-05T, or later", "2026-03-05T, or later"),
            ("sauna", "sauna"),
        ],
    )
    def test_a_moment_that_is_kept_as_text_is_read_as_one(self, written: str, words: str) -> None:
        assert spoken([["Sauna", written]]) == f"Sauna: {words}"

    def test_every_text_of_a_patient_stands_in_the_data_and_on_the_page(self, doctor: Practitioner) -> None:
        Things.built_for(doctor)
        kept = Patient.objects.exclude(merged_from=None).get()  # into whom somebody was merged already
        Patient.objects.current().exclude(pk=kept.pk).update(merged_into=kept)
        marks.mark_everything()
        exported = {table.model: {column.name for column in table.columns()} for table in TABLES}
        wanted = {
            name
            for number, (name, (model, field)) in enumerate(zip(marks.NAMES, marks.TEXTS, strict=True))
            if field.name in exported.get(model, ())
            and model._default_manager.filter(**{f"{field.name}__contains": f"zqx{number}xqz"}).exists()
        }
        file = file_of(kept)
        data, page = marks_in(file, "record.json"), marks_in(file, "record.html")
        assert wanted - data == {"Photo.note"}  # of a picture that was called an error
        assert wanted - page == {"Photo.note"}
        assert len(wanted) > 50
        # Nothing of the clinic's people but the names of practitioners.
        assert {name for name in data | page if name.startswith("User.")} == set()


def marks_in(file: ZipFile, name: str) -> set[str]:
    return marks.marks_in(file.read(name).decode())


@pytest.fixture
def patient() -> Iterator[Patient]:
    """With a course, a visit, a photograph and a call."""
    plan = cleared_plan()
    AppointmentFactory(patient=plan.patient)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
    PhotoFactory(patient=plan.patient, consent__patient=plan.patient, with_file=True)
    ContactEntryFactory(patient=plan.patient)
    yield plan.patient


class TestTheFile:
    def test_holds_page_data_photographs_and_their_checksums(self, patient: Patient) -> None:
        file, photo = file_of(patient), Photo.objects.get()
        names = file.namelist()
        assert names[:2] == ["record.html", "record.json"] and names[-1] == "checksums.txt"
        assert len(names) == 4 and re.fullmatch(r"photos/\d{4}-\d\d-\d\d-[\w-]+-1\.jpg", names[2])
        sums = dict(reversed(line.split("  ")) for line in file.read("checksums.txt").decode().splitlines())
        assert sums == {name: hashlib.sha256(file.read(name)).hexdigest() for name in names[:3]}
        assert sums[names[2]] == photo.sha256
        said = json.loads(file.read("record.json"))
        assert [each["file"] for each in said["tables"]["photo"]] == [names[2]]
        assert f'src="{names[2]}"' in file.read("record.html").decode()

    def test_the_data_has_codes_units_and_moments_with_their_offset(self, patient: Patient) -> None:
        said = data_of(patient)
        assert (said["schema"], said["schema_version"]) == ("mesoclinic-whole-record", as_data.VERSION)
        assert set(said["columns"]) == set(said["tables"]) == {table.code for table in TABLES}
        session = said["tables"]["session"][0]
        assert datetime.fromisoformat(session["started_at"]).utcoffset() is not None
        assert session["plan"] == {"ref": said["tables"]["plan"][0]["ref"]}
        assert session["outcome"] in said["columns"]["session"]["outcome"]["codes"]
        test = said["tables"]["patch_test"][0]
        assert test["volume_ml"]["unit"] == "ml" and isinstance(test["volume_ml"]["value"], str)

    def test_the_page_lists_every_score_scale_by_scale(self, patient: Patient) -> None:
        plan, pain = patient.plans.get(), ScaleFactory(name="Pain", unit="of 10")
        waist = ScaleFactory(name="Waist", unit="cm", maximum=200)
        SessionScoreFactory(session=SessionFactory(plan=plan), scale=pain)
        scores = [
            {"scale": waist, "landmark": "navel", "value": Decimal("84.5")},
            {"scale": pain, "value": None, "not_taken_reason": "asleep"},
        ]
        review = ReviewFactory(plan=plan, scores=scores)
        found = as_page.outcomes(rows.read(patient, at=ago()))
        assert found.heads == ["Scale", "When", "Where it was taken", "Which", "Score"]
        assert [(line[0].partition(" ")[0], line[3], line[4]) for line in found.lines] == [
            ("Pain", "before", "5 of 10"),
            ("Pain", "", "asleep"),
            ("Waist", "navel", "84.5 cm"),
        ]
        shown = file_of(patient).read("record.html").decode()
        assert "All scores" in shown and f">{moment_in_words(review.created_at)}<" in shown

    def test_a_leaflet_that_was_handed_out_stands_in_it_with_its_words(self, patient: Patient) -> None:
        handed = LeafletHandoutFactory(patient=patient, leaflet__body="Stay out of the sun.")
        (row,) = data_of(patient)["tables"]["leaflet_handout"]
        assert (row["leaflet"]["code"], row["leaflet"]["text"]) == (
            handed.leaflet.code,
            "Stay out of the sun.",
        )

    def test_no_key_of_the_database_stands_in_it(self, patient: Patient) -> None:
        file = file_of(patient)
        whole = b"".join(file.read(name) for name in file.namelist()[:2]).decode()
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", whole)
        assert "<script" not in whole

    def test_a_large_photograph_goes_out_in_pieces(self, patient: Patient) -> None:
        large = b"points" * 100_000
        archive._path(Photo.objects.get()).write_bytes(large)
        pieces = list(archive.sent(rows.read(patient, at=ago()), why=""))
        assert all(pieces) and max(len(piece) for piece in pieces) < len(large) / 4

    def test_of_the_staff_it_names_practitioners_and_of_others_the_role(
        self, patient: Patient, reception: User, doctor: Practitioner
    ) -> None:
        RecordOpened.objects.create(patient=patient, user=doctor.user, at=ago(), page="consultations:plan")
        ConsentFactory(patient=patient, plan=patient.plans.get(), signed_by=doctor.user)
        entry = ContactEntryFactory(patient=patient, asked_by=reception, reason=ContactReason.TREATMENT)
        said = data_of(patient)["tables"]
        assert said["contact_entry"][-1]["asked_by"] == {"role": "reception", "practitioner": None}
        signed_by = [each["signed_by"] for each in said["consent"]]
        assert {"role": "practitioner", "practitioner": doctor.name} in signed_by
        assert said["record_opened"][-1]["user"] == {"role": "practitioner"}
        assert entry.asked_by.get_full_name() not in json.dumps(said)

    def test_a_photograph_that_was_called_an_error_does_not_go_along(self, patient: Patient) -> None:
        PhotoRemovalFactory(photo=Photo.objects.get())
        file = file_of(patient)
        assert [name for name in file.namelist() if name.startswith("photos/")] == []
        row = json.loads(file.read("record.json"))["tables"]["photo"][0]
        assert row["left_out"] is True and "sha256" not in row and "note" not in row

    def test_its_name_says_the_clinics_day(self, patient: Patient) -> None:
        late = datetime(2026, 2, 20, 23, 30, tzinfo=UTC)  # half past midnight on the clinic's clock
        photo = Photo.objects.get()
        PhotoFactory(patient=patient, consent=photo.consent, view=photo.view, taken_at=late)
        assert (
            sorted(row.file[:17] for row in rows.read(patient, at=ago()).photos())[0] == "photos/2026-02-21"
        )

    def test_a_file_missing_from_the_store_is_said(self, patient: Patient) -> None:
        archive._path(Photo.objects.get()).unlink()
        file = file_of(patient)
        assert "missing from the store" in file.read("record.html").decode()
        assert len(file.namelist()) == 3

    def test_no_table_is_joined_that_no_row_names(self, patient: Patient) -> None:
        with CaptureQueriesContext(connection) as asked:
            file_of(patient)
        most = max(asked.captured_queries, key=lambda each: each["sql"].count(" JOIN "))
        assert most["sql"].count(" JOIN ") <= 6, most["sql"][:500]

    def test_what_was_merged_into_the_record_is_in_it_and_nobody_elses(self, patient: Patient) -> None:
        before, other = (
            ConsultationFactory(history="before the merge"),
            ConsultationFactory(history="of somebody else"),
        )
        Patient.objects.filter(pk=before.patient_id).update(merged_into=patient)
        said = json.dumps(data_of(patient))
        assert "before the merge" in said and other.history not in said

    def test_a_visit_tells_every_state_it_came_to(self, reception: User, clinic_now: datetime) -> None:
        visit = AppointmentFactory(starts_at=clinic_now)
        visits.arrive(appointment=visit, version=visit.version, by=reception, at=clinic_now)
        visit.refresh_from_db()
        visit.note = "waits outside"  # neither another state nor another time
        visit.save()
        changes = data_of(visit.patient)["tables"]["appointment"][0]["changes"]
        assert [each["status"] for each in changes] == [AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED]
        assert Appointment.objects.get().status == AppointmentStatus.ARRIVED


class TestThePage:
    def test_sends_the_file_and_writes_down_for_whom_and_why(
        self,
        practitioner_client: Client,
        doctor: Practitioner,
        patient: Patient,
        clinic_now: datetime,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with django_assert_num_queries(60):
            answer = practitioner_client.post(url(patient), ASKED)
            content = b"".join(answer.streaming_content)
        assert (
            answer["Content-Disposition"] == f'attachment; filename="record-{patient.number}-2026-03-02.zip"'
        )
        assert answer["Content-Type"] == "application/zip" and "no-store" in answer["Cache-Control"]
        read = json.loads(ZipFile(BytesIO(content)).read("record.json"))
        why = "the patient asks for it, for the patient in person"
        assert read["made_for"] == why
        row = RecordOpened.objects.get()
        assert (row.patient, row.user, row.at, row.kind, row.page, row.reason) == (
            patient,
            doctor.user,
            clinic_now,
            Reading.EXPORTED,
            "consultations:whole_record",
            why,
        )
        assert [each["reason"] for each in read["tables"]["record_opened"]] == [why]

    def test_asks_as_many_questions_of_a_long_record(
        self, practitioner_client: Client, patient: Patient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for days in (30, 40, 50):
            ConsultationFactory(patient=patient, signed=True)
            AppointmentFactory(patient=patient, starts_at=ahead(days=days))
        with django_assert_num_queries(60):
            b"".join(practitioner_client.post(url(patient), ASKED).streaming_content)

    def test_without_for_whom_nothing_is_made_and_what_was_chosen_stays(
        self, practitioner_client: Client, patient: Patient
    ) -> None:
        answer = practitioner_client.post(url(patient), {"wanted": "clinic", "whom": " "})
        assert answer.status_code == 422 and not answer.streaming
        assert answer.context["form"]["wanted"].value() == "clinic"
        assert not RecordOpened.objects.exists()

    def test_who_reads_no_records_makes_no_file_and_learns_whom_to_ask(
        self, reception_client: Client, admin_client: Client, patient: Patient
    ) -> None:
        for client in (reception_client, admin_client):
            answer = client.post(url(patient), ASKED)
            assert answer.status_code == 403 and "Ask one." in answer.text
        assert not RecordOpened.objects.exists()

    def test_the_way_to_it_stands_on_the_patient_page_and_the_log_says_why(
        self, practitioner_client: Client, admin_client: Client, patient: Patient
    ) -> None:
        assert (
            url(patient) in practitioner_client.get(reverse("consultations:patient", args=[patient.pk])).text
        )
        practitioner_client.post(url(patient), ASKED)
        assert "for the patient in person" in admin_client.get("/review/records-opened/").text

    def test_a_merged_record_leads_to_the_one_that_counts(
        self, practitioner_client: Client, patient: Patient
    ) -> None:
        gone = PatientFactory(merged_into=patient)
        answer = practitioner_client.post(url(gone), ASKED)
        assert answer.status_code == 302 and answer["Location"] == url(patient)

    def test_of_an_erased_record_no_file_is_made(self, practitioner_client: Client, patient: Patient) -> None:
        with without("patient_erased_for_good"):
            Patient.objects.filter(pk=patient.pk).update(**PSEUDONYM, erased_at=ago(days=1))
            answer = practitioner_client.post(url(patient), ASKED)
            assert answer["Location"] == reverse("consultations:patient", args=[patient.pk])
            assert not RecordOpened.objects.exists()
