"""Who opens more records than a person can read is stopped, told until when, and seen by admins; nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from clinic.actions import readings
from clinic.enums import Reading, SignInEventKind
from clinic.errors import TooMuch
from clinic.models import Patient, Practitioner, RecordOpened, SignInEvent, User
from tests.factories import EmergencyOpeningFactory, PatientFactory, UserFactory
from tests.factories.clock import CLINIC_NOW
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture(autouse=True)
def few(settings: Any) -> Iterator[None]:
    settings.RECORDS_AN_HOUR, settings.RECORDS_A_DAY = 3, 5
    yield


@pytest.fixture
def patients() -> list[Patient]:
    return PatientFactory.create_batch(6)


def opens(client: Client, patient: Patient, **headers: str) -> Any:
    return client.get(f"/patients/{patient.pk}/", headers=headers)


def statuses(client: Client, patients: list[Patient], **headers: str) -> list[int]:
    return [opens(client, each, **headers).status_code for each in patients]


class TestAMachine:
    def test_that_walks_the_patients_is_stopped_and_told_until_when(
        self, practitioner_client: Client, doctor: Practitioner, admin_client: Client, patients: list[Patient]
    ) -> None:
        assert statuses(practitioner_client, patients[:3]) == [200] * 3
        refused = opens(practitioner_client, patients[3])
        assert (refused.status_code, refused["Retry-After"]) == (429, "3601")
        assert (
            "others from Mon 2 Mar 2026, 10:00 on" in refused.text
            and patients[3].family_name not in refused.text
        )
        assert RecordOpened.objects.count() == 3
        # The records of who is being treated stay open.
        assert statuses(practitioner_client, patients[:3]) == [200] * 3

        statuses(practitioner_client, patients[3:])  # it goes on asking, and is written down once
        seen = SignInEvent.objects.get(kind=SignInEventKind.RECORDS_STOPPED)
        assert (seen.user, seen.address) == (doctor.user, "127.0.0.1")
        page = admin_client.get("/review/who-signed-in/", {"kind": SignInEventKind.RECORDS_STOPPED})
        assert page.context["entries"] == [seen] and "opened too many records" in page.text

    @pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"X-Unattended": "yes"}])
    def test_nor_by_asking_for_parts_of_pages(
        self, practitioner_client: Client, patients: list[Patient], headers: dict[str, str]
    ) -> None:
        assert statuses(practitioner_client, patients[:4], **headers) == [200, 200, 200, 429]
        assert RecordOpened.objects.count() == 3

    def test_nor_by_sending_forms_that_come_back_with_the_page(
        self, practitioner_client: Client, patients: list[Patient]
    ) -> None:
        for _again in range(2):
            sent = [practitioner_client.post(f"/patients/{each.pk}/answers/new/") for each in patients[:4]]
            assert [each.status_code for each in sent] == [422, 422, 422, 429]
        assert RecordOpened.objects.count() == 3

    def test_nor_by_signing_in_once_more(
        self, practitioner_client: Client, doctor: Practitioner, patients: list[Patient]
    ) -> None:
        statuses(practitioner_client, patients[:3])
        assert opens(sign_in(Client(), doctor.user), patients[3]).status_code == 429

    def test_nor_by_taking_whole_records(self, practitioner_client: Client, patients: list[Patient]) -> None:
        typed = {"whom": "the patient", "wanted": "access"}
        answers = [
            practitioner_client.post(f"/patients/{each.pk}/whole-record/", typed) for each in patients[:4]
        ]
        for answer in answers[:3]:
            b"".join(answer.streaming_content)
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]

    def test_nor_slowly_all_day(
        self, practitioner_client: Client, doctor: Practitioner, patients: list[Patient]
    ) -> None:
        """Two an hour: the fifth of the day is the last."""
        found = []
        for number, patient in enumerate(patients):
            with time_machine.travel(CLINIC_NOW + timedelta(minutes=31 * number), tick=False):
                found.append(opens(sign_in(Client(), doctor.user), patient))
        assert [each.status_code for each in found] == [200] * 5 + [429]
        assert "Tue 3 Mar 2026, 09:00" in found[-1].text

    def test_without_the_limit_it_reads_them_all(
        self, practitioner_client: Client, patients: list[Patient], settings: Any
    ) -> None:
        settings.RECORDS_AN_HOUR = settings.RECORDS_A_DAY = 10_000
        assert statuses(practitioner_client, patients) == [200] * 6


class TestPeople:
    def test_an_hour_later_the_next_record_opens(
        self, practitioner_client: Client, doctor: Practitioner, patients: list[Patient]
    ) -> None:
        statuses(practitioner_client, patients[:4])
        with time_machine.travel(CLINIC_NOW + timedelta(seconds=3601), tick=False):
            assert opens(sign_in(Client(), doctor.user), patients[3]).status_code == 200

    def test_nobody_is_stopped_by_what_somebody_else_reads(
        self, practitioner_client: Client, patients: list[Patient]
    ) -> None:
        statuses(practitioner_client, patients[:4])
        other = sign_in(Client(), UserFactory(practitioner=True))
        assert opens(other, patients[3]).status_code == 200

    def test_an_emergency_is_counted_apart(self, doctor: Practitioner, patients: list[Patient]) -> None:
        by, said = doctor.user, {"page": "x", "by": doctor.user, "at": CLINIC_NOW}
        for patient in patients[:3]:
            readings.note_opened(patient=patient, **said)
        with pytest.raises(TooMuch):
            readings.note_opened(patient=patients[3], **said)
        for patient in patients[3:]:
            emergency = EmergencyOpeningFactory(opened_by=by, patient=patient).pk
            readings.note_opened(patient=patient, emergency=emergency, **said)
        with pytest.raises(TooMuch):
            readings.note_opened(patient=patients[0], emergency=emergency, **said)

    def test_lists_of_names_and_printing_do_not_count(
        self, doctor: Practitioner, patients: list[Patient]
    ) -> None:
        said = {"page": "x", "by": doctor.user, "at": CLINIC_NOW}
        readings.note_exported(patients=patients, **said)
        for patient in patients:
            readings.note_printed(patient=patient, **said)
        readings.note_opened(patient=patients[0], **said)
        assert RecordOpened.objects.filter(kind=Reading.OPENED).count() == 1

    def test_it_costs_the_page_no_statement_and_reads_one_persons_day_by_index(
        self, doctor: Practitioner, patients: list[Patient]
    ) -> None:
        others = UserFactory.create_batch(4, practitioner=True)
        RecordOpened.objects.bulk_create(
            RecordOpened(
                at=CLINIC_NOW - timedelta(hours=n), user=others[n % 4], patient=patients[n % 6], page="x"
            )
            for n in range(4000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE clinic_recordopened")
        with CaptureQueriesContext(connection) as queries:
            readings.note_opened(patient=patients[0], page="x", by=others[0], at=CLINIC_NOW)
        (asked,) = queries
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {asked['sql'].partition('; ')[2] or asked['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "record_opened_user" in plan and "Seq Scan on clinic_recordopened" not in plan


def test_the_limits_as_shipped_are_far_above_a_day_at_the_desk_and_far_below_a_clinic(doctor: User) -> None:
    """A practitioner sees some twelve patients an hour; the clinics of the benchmarks have thousands."""
    from clinic import settings as shipped  # as shipped, not as the fixture makes them

    assert (shipped.RECORDS_AN_HOUR, shipped.RECORDS_A_DAY) == (120, 400)
