"""The schedule review: what was booked of what was open, what is not ready, and who opened records."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from clinic import readiness
from clinic.enums import Readiness
from clinic.models import Practitioner, RecordOpened, User
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    DeviceFactory,
    LocationFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    UserFactory,
    WorkingHoursFactory,
)
from tests.factories.clock import PARIS, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
REVIEW, OPENED = "/review/", "/review/records-opened/"
MONDAY = date(2026, 3, 2)


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), PARIS)


def visit(day: date = MONDAY, clock: str = "10:00", **changes: Any) -> Any:
    return AppointmentFactory(starts_at=at(day, clock), **changes)


def usage(response: Any) -> dict[str, tuple[str, str, int | None]]:
    return {
        row["name"]: (row["booked_words"], row["open_words"], row["share"])
        for row in response.context["usage"]
    }


def figures(response: Any) -> dict[str, tuple[Any, Any]]:
    return {each["label"]: (each["value"], each["before"]) for each in response.context["figures"]}


class TestWeek:
    def test_booked_against_open_by_practitioner_room_and_device(self, admin_client: Client) -> None:
        place = LocationFactory()
        silva, room = PractitionerFactory(name="Dr Silva"), RoomFactory(name="Room 1", location=place)
        device = DeviceFactory(name="Gun 1", location=place)
        WorkingHoursFactory(practitioner=silva, location=place, starts=time(9), ends=time(12))
        kind = AppointmentTypeFactory(patient_minutes=60, practitioner_until=45, room_until=60)
        visit(practitioner=silva, room=room, device=device, type=kind)
        assert usage(admin_client.get(REVIEW)) == {
            "Dr Silva": ("0 h 45", "3 h 00", 25),
            "Room 1": ("1 h 00", "3 h 00", 33),
            "Gun 1": ("1 h 00", "3 h 00", 33),
        }

    def test_who_does_not_work_is_closed_not_at_nought_per_cent(self, admin_client: Client) -> None:
        PractitionerFactory(name="Dr Roth")
        response = admin_client.get(REVIEW)
        assert usage(response) == {"Dr Roth": ("0 h 00", "0 h 00", None)}
        assert "closed" in response.text

    def test_counts_this_week_beside_the_week_before(self, admin_client: Client) -> None:
        sunday, next_monday, last_week = date(2026, 3, 8), date(2026, 3, 9), date(2026, 2, 24)
        visit()
        visit(sunday, "23:00")
        visit(next_monday, "00:00")
        visit(last_week)
        visit(status="no_show")
        visit(last_week, status="no_show")
        visit(status="cancelled", cancelled_late=True)
        visit(status="cancelled")
        assert figures(admin_client.get(REVIEW)) == {
            "Booked share": ("–", None),
            "Visits": (2, 1),
            "Did not come": (1, 1),
            "Cancelled late": (1, 0),
        }

    @pytest.mark.parametrize(
        ("asked", "monday"),
        [
            ("2026-W11", date(2026, 3, 9)),
            ("2026-W09", date(2026, 2, 23)),
            ("2026-W53", date(2026, 12, 28)),
            ("2025-W53", MONDAY),
            ("", MONDAY),
            ("nonsense", MONDAY),
            ("9999-W52", MONDAY),
            ("0001-W01", MONDAY),
        ],
    )
    def test_another_week_is_an_address_and_nonsense_is_this_week(
        self, admin_client: Client, asked: str, monday: date
    ) -> None:
        assert admin_client.get(REVIEW, {"week": asked}).context["week"].monday == monday

    def test_the_week_of_the_clock_change_has_one_hour_less(self, admin_client: Client) -> None:
        WorkingHoursFactory(weekday=7, starts=time(0), ends=time(4))
        (row,) = usage(admin_client.get(REVIEW, {"week": "2026-W13"})).values()
        assert row == ("0 h 00", "3 h 00", 0)

    def test_practitioners_see_their_own_figures_only(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        visit(practitioner=doctor)
        visit(clock="12:00", status="no_show")
        response = practitioner_client.get(REVIEW)
        assert list(usage(response)) == ["Dr Silva"]
        assert figures(response)["Visits"] == (1, 0)
        assert figures(response)["Did not come"] == (0, 0)
        assert OPENED not in response.text

    def test_does_not_exist_for_reception(self, reception_client: Client) -> None:
        assert reception_client.get(REVIEW).status_code == 404

    def test_what_needs_someone_comes_from_the_pathway(self, admin_client: Client, desk_alone: Any) -> None:
        desk_alone.said_notices = [readiness.Notice("overdue readings", 2, "/somewhere/", "eye", True)]
        page = admin_client.get(REVIEW).text
        assert 'href="/somewhere/">overdue readings' in page

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        for number in range(count):
            visit(MONDAY + timedelta(days=1), f"{10 + number}:00", status="booked")
            WorkingHoursFactory()
            DeviceFactory()
        with django_assert_num_queries(11):
            response = admin_client.get(REVIEW)
        assert response.context["not_ready"]["all"] == count


class TestNotReady:
    def refuse(self, desk_alone: Any, purpose: str) -> None:
        missing = readiness.Condition("consent", "The consent is not signed.", "Dr Silva")
        desk_alone.said_badges[purpose] = readiness.Badge(
            "Session 2 of 6", readiness.Verdict(Readiness.REFUSED, (missing,))
        )

    def test_lists_what_and_who_for_the_next_day_that_has_visits(
        self, admin_client: Client, desk_alone: Any
    ) -> None:
        self.refuse(desk_alone, "session:1")
        visit(clock="17:00", purpose="session:1")  # today
        ready = visit(date(2026, 3, 5), "10:00")
        waits = visit(date(2026, 3, 5), "11:00", purpose="session:1")
        visit(date(2026, 3, 6), purpose="session:1")
        response = admin_client.get(REVIEW)
        shown = response.context["not_ready"]
        assert (shown["day"], shown["all"], [row["visit"] for row in shown["rows"]]) == (
            date(2026, 3, 5),
            2,
            [waits],
        )
        assert ready.patient.name not in response.text
        for words in ("Is Thu 5 Mar ready?", "1 of 2 not ready", "The consent is not signed.", "Dr Silva"):
            assert words in response.text

    def test_a_day_without_gaps_says_so(self, admin_client: Client) -> None:
        visit(date(2026, 3, 3))
        assert "Every visit is ready" in admin_client.get(REVIEW).text

    def test_practitioners_see_their_own_visits_only(
        self, practitioner_client: Client, doctor: Practitioner, desk_alone: Any
    ) -> None:
        self.refuse(desk_alone, "session:1")
        mine = visit(date(2026, 3, 4), practitioner=doctor, purpose="session:1")
        visit(date(2026, 3, 3), purpose="session:1")
        shown = practitioner_client.get(REVIEW).context["not_ready"]
        assert [row["visit"] for row in shown["rows"]] == [mine]


class TestLists:
    def shown(self, client: Client, **asked: Any) -> list[Any]:
        return list(client.get(REVIEW, asked).context["visits"])

    def test_every_figure_leads_to_its_visits(self, admin_client: Client) -> None:
        kept, missed = visit(), visit(clock="11:00", status="no_show")
        late = visit(clock="12:00", status="cancelled", cancelled_late=True)
        links = [each["url"] for each in admin_client.get(REVIEW).context["figures"][1:]]
        assert [list(admin_client.get(link).context["visits"]) for link in links] == [
            [kept],
            [missed],
            [late],
        ]

    def test_a_resource_narrows_the_list(self, admin_client: Client) -> None:
        one = visit(device=DeviceFactory())
        visit(clock="12:00")
        for resource in (one.practitioner, one.room, one.device):
            assert self.shown(admin_client, list="visits", of=resource.pk) == [one]

    def test_practitioners_cannot_list_a_colleagues_visits(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        other = visit()
        assert self.shown(practitioner_client, list="visits", of=other.practitioner_id) == []

    def test_nonsense_for_a_resource_is_404_and_for_a_list_the_week(self, admin_client: Client) -> None:
        assert admin_client.get(REVIEW, {"list": "visits", "of": "x"}).status_code == 404
        assert "usage" in admin_client.get(REVIEW, {"list": "x"}).context

    def test_a_long_list_is_paged(self, admin_client: Client) -> None:
        for minutes in range(27):
            AppointmentFactory(starts_at=ahead(hours=1, minutes=minutes))
        first = admin_client.get(REVIEW, {"list": "visits"})
        second = admin_client.get(first.context["older_url"])
        assert [len(page.context["visits"]) for page in (first, second)] == [25, 2]
        assert second.context["older_url"] == ""

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        for hour in range(count):
            visit(clock=f"{10 + hour}:00", device=DeviceFactory())
        with django_assert_num_queries(4):
            assert len(self.shown(admin_client, list="visits")) == count


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
        return list(response.context["entries"])

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
        with django_assert_num_queries(4):
            assert len(self.shown(admin_client.get(OPENED))) == count
