"""Who opened whose record: the log and what narrows it."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from clinic.enums import Reading
from clinic.models import Practitioner, RecordOpened, User
from clinic.readiness import connect
from consultations.pathway import ClinicalPathway
from tests.factories import PatientFactory, UserFactory
from tests.factories.clock import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
OPENED = "/review/records-opened/"


class TestRecordsOpened:
    def opened(self, by: User, **changes: Any) -> RecordOpened:
        said = {
            "patient": PatientFactory(),
            "page": "Patient page",
            "user": by,
            "at": ago(hours=1),
            **changes,
        }
        return RecordOpened.objects.create(**said)

    def shown(self, response: Any) -> list[RecordOpened]:
        return [entry["row"] for entry in response.context["entries"]]

    def test_newest_first_with_who_whose_and_which_page(
        self, admin_client: Client, doctor: Practitioner
    ) -> None:
        old = self.opened(doctor.user, at=ago(days=2))
        new = self.opened(doctor.user)
        response = admin_client.get(OPENED)
        assert self.shown(response) == [new, old]
        for words in ("Rui Silva", new.patient.name, "Patient page", "Mon 2 Mar 2026, 08:00"):
            assert words in response.text

    def test_narrows_to_a_patient_or_a_person(self, admin_client: Client, doctor: Practitioner) -> None:
        mine, other = self.opened(doctor.user), self.opened(UserFactory(practitioner=True))
        assert self.shown(admin_client.get(OPENED, {"user": doctor.user.pk})) == [mine]
        assert self.shown(admin_client.get(OPENED, {"patient": other.patient_id})) == [other]
        both = {"patient": other.patient_id, "user": doctor.user.pk}
        assert self.shown(admin_client.get(OPENED, both)) == []

    def test_says_what_was_done_and_the_page_in_words(
        self, admin_client: Client, doctor: Practitioner
    ) -> None:
        for kind in Reading:
            self.opened(doctor.user, kind=kind, page="consultations:patch_test_read")
        connect(ClinicalPathway())
        text = admin_client.get(OPENED).text
        assert text.count("Reading of a test injection") == 3
        assert [text.count(f">{kind.label}</td>") for kind in Reading] == [1, 1, 1]

    def test_what_one_person_read_last_week(self, admin_client: Client, doctor: Practitioner) -> None:
        """By the clinic's own days, both included: it is Monday 2 March, 09:00."""
        staff = {"user": doctor.user.pk}
        before, first, last, after = (
            self.opened(doctor.user, at=ago(days=days, hours=hours))
            for days, hours in [(7, 9.1), (7, 8.9), (1, -14.9), (0, 9)]
        )
        self.opened(UserFactory(practitioner=True), at=ago(days=3))
        week = {"from": "2026-02-23", "until": "2026-03-01"}
        assert self.shown(admin_client.get(OPENED, staff | week)) == [last, first]
        assert self.shown(admin_client.get(OPENED, staff | {"from": "2026-02-23"})) == [after, last, first]
        assert self.shown(admin_client.get(OPENED, staff | {"until": "2026-03-01"})) == [last, first, before]
        mine = {"patient": first.patient_id, "user": "", "from": "", "until": ""}
        assert self.shown(admin_client.get(OPENED, mine)) == [first]

    @pytest.mark.parametrize(
        ("days", "field"),
        [
            ({"from": "2026-03-01", "until": "2026-02-23"}, "until"),
            ({"from": "yesterday"}, "from"),
            ({"until": "9999-12-31"}, "until"),
        ],
    )
    def test_days_that_make_no_sense_show_nothing_and_say_so(
        self, admin_client: Client, doctor: Practitioner, days: dict[str, str], field: str
    ) -> None:
        self.opened(doctor.user)
        response = admin_client.get(OPENED, days)
        assert (response.status_code, list(response.context["narrowing"].errors)) == (422, [field])
        assert self.shown(response) == []

    def test_a_clinic_number_is_posted_and_leads_to_the_patient(
        self, admin_client: Client, doctor: Practitioner
    ) -> None:
        row = self.opened(doctor.user)
        response = admin_client.post(OPENED, {"number": str(row.patient.number)})
        assert response["Location"] == f"{OPENED}?patient={row.patient_id}"

    @pytest.mark.parametrize("number", ["", "x", "0", "999999", "9" * 30, "1\x00"])
    def test_an_unknown_number_is_said_so(self, admin_client: Client, number: str) -> None:
        response = admin_client.post(OPENED, {"number": number})
        assert (response.status_code, list(response.context["form"].errors)) == (422, ["number"])

    @pytest.mark.parametrize(
        "asked", [{"patient": "x"}, {"user": "x"}, {"patient": uuid4()}, {"user": uuid4()}]
    )
    def test_unknown_ids_are_404(self, admin_client: Client, asked: dict[str, Any]) -> None:
        assert admin_client.get(OPENED, asked).status_code == 404

    @pytest.mark.parametrize("client_name", ["reception_client", "practitioner_client"])
    def test_exists_for_admins_only(self, request: pytest.FixtureRequest, client_name: str) -> None:
        assert request.getfixturevalue(client_name).get(OPENED).status_code == 404

    def test_is_paged(self, admin_client: Client, doctor: Practitioner) -> None:
        patient = PatientFactory()
        for minutes in range(26):
            self.opened(doctor.user, patient=patient, at=ago(minutes=minutes))
        first = admin_client.get(OPENED)
        second = admin_client.get(OPENED + first.context["older_url"])
        assert [len(self.shown(page)) for page in (first, second)] == [25, 1]

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count):
            self.opened(UserFactory(practitioner=True))
        with django_assert_num_queries(5):  # session, user, the staff to choose from, the page
            assert len(self.shown(admin_client.get(OPENED))) == count
