"""The schedule review's overview and lists: booked of open, trends, what is not ready next, and the visits behind."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from clinic import readiness
from clinic.enums import CancelledBy, Readiness
from clinic.models import Practitioner
from tests.factories import (
    AbsenceFactory,
    AppointmentFactory,
    AppointmentTypeFactory,
    ClosedDayFactory,
    DeviceFactory,
    LocationFactory,
    OutOfServiceFactory,
    PractitionerFactory,
    RoomFactory,
    WorkingHoursFactory,
)
from tests.factories.clock import PARIS, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
REVIEW, LISTS, OPENED = "/review/", "/review/lists/", "/review/records-opened/"
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
        visit(status="cancelled", cancelled_late=True, cancelled_by=CancelledBy.CLINIC)
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
        period = admin_client.get(REVIEW, {"week": asked}).context["period"]
        assert (period.kind, period.first, (period.last - period.first).days) == ("week", monday, 6)

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
        with django_assert_num_queries(12):
            response = admin_client.get(REVIEW)
        assert response.context["board"].visits == count


def open_visit(day: date = MONDAY, clock: str = "10:00", **changes: Any) -> Any:
    """A visit in opening time."""
    made = visit(day, clock, **changes)
    place = {"practitioner": made.practitioner, "location": made.room.location}
    WorkingHoursFactory(weekday=day.isoweekday(), starts=time(7), ends=time(22), **place)
    return made


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
        open_visit(clock="17:00", purpose="session:1")  # today
        ready = open_visit(date(2026, 3, 5), "10:00")
        waits = open_visit(date(2026, 3, 5), "11:00", purpose="session:1")
        open_visit(date(2026, 3, 6), purpose="session:1")
        response = admin_client.get(REVIEW)
        shown = response.context["board"]
        assert (shown.day, shown.visits, shown.not_ready) == (date(2026, 3, 5), 2, 1)
        assert {who: [each.visit for each in rows] for who, rows in shown.by_who.items()} == {
            "Dr Silva": [waits]
        }
        assert ready.patient.name not in response.text
        for words in ("Is Thu 5 Mar ready?", "1 of 2 not ready", "The consent is not signed.", "Dr Silva"):
            assert words in response.text

    def test_a_day_without_gaps_says_so(self, admin_client: Client) -> None:
        open_visit(date(2026, 3, 3))
        assert "Every visit is ready" in admin_client.get(REVIEW).text

    def test_practitioners_see_their_own_visits_only(
        self, practitioner_client: Client, doctor: Practitioner, desk_alone: Any
    ) -> None:
        self.refuse(desk_alone, "session:1")
        mine = open_visit(date(2026, 3, 4), practitioner=doctor, purpose="session:1")
        open_visit(date(2026, 3, 3), purpose="session:1")
        shown = practitioner_client.get(REVIEW).context["board"]
        assert [each.visit for rows in shown.by_who.values() for each in rows] == [mine]

    def test_problems_stand_under_whoever_can_fix_them(self, admin_client: Client, desk_alone: Any) -> None:
        """Two conditions of one visit are two lines; the desk adds what it knows itself."""
        missing = (
            readiness.Condition("consent", "The consent is not signed.", "Dr Silva"),
            readiness.Condition("lot", "No lot is in date.", "Nurse"),
        )
        verdict = readiness.Verdict(Readiness.REFUSED, missing)
        desk_alone.said_badges["session:1"] = readiness.Badge("Session 2 of 6", verdict)
        day = date(2026, 3, 5)
        two = open_visit(day, "09:00", purpose="session:1")
        away, broken, fine = (open_visit(day, clock) for clock in ("10:00", "11:00", "12:00"))
        AbsenceFactory(practitioner=away.practitioner, starts_at=at(day, "10:15"), ends_at=at(day, "12:00"))
        AbsenceFactory(practitioner=fine.practitioner, starts_at=at(day, "12:30"), ends_at=at(day, "13:00"))
        OutOfServiceFactory(room=broken.room, starts_at=at(day, "08:00"), ends_at=at(day, "18:00"))
        shown = admin_client.get(REVIEW).context["board"]
        assert {who: [each.visit for each in rows] for who, rows in shown.by_who.items()} == {
            "Dr Silva": [two],
            "Nurse": [two],
            "Reception": [away, broken],
        }
        assert (shown.visits, shown.not_ready) == (4, 3)

    def test_what_is_not_cleared_for_no_reason_given_is_anybodys(
        self, admin_client: Client, desk_alone: Any
    ) -> None:
        verdict = readiness.Verdict(Readiness.PROVISIONAL)
        desk_alone.said_badges["session:1"] = readiness.Badge("Session 2 of 6", verdict)
        waits = open_visit(date(2026, 3, 5), purpose="session:1")
        shown = admin_client.get(REVIEW).context["board"]
        assert (shown.visits, shown.not_ready, list(shown.by_who)) == (1, 1, ["Anybody"])
        (problem,) = shown.by_who["Anybody"]
        said = (problem.visit, problem.label, problem.what, problem.state)
        assert said == (waits, "Session 2 of 6", "Provisional", Readiness.PROVISIONAL)

    def test_a_closed_day_and_a_missing_device_are_the_desks_to_fix(self, admin_client: Client) -> None:
        day = date(2026, 3, 5)
        kind = AppointmentTypeFactory(device_kind="gun")
        open_visit(day, type=kind, device=None)
        ClosedDayFactory(day=day)
        shown = admin_client.get(REVIEW).context["board"]
        assert [each.what for each in shown.by_who["Reception"]] == [
            "The clinic is closed on this day. Move it.",
            "This kind of visit needs a device now. Move it.",
        ]


class TestTrends:
    def test_eight_weeks_side_by_side_the_week_itself_last(self, admin_client: Client) -> None:
        for weeks, count in [(0, 2), (1, 1), (7, 3), (8, 5)]:
            for number in range(count):
                visit(MONDAY - timedelta(weeks=weeks), f"{10 + number}:00")
        spark = admin_client.get(REVIEW).context["figures"][1]
        assert spark["trend"] == "3, 0, 0, 0, 0, 0, 1, 2"
        assert [bar.value for bar in spark["spark"]] == [3, 0, 0, 0, 0, 0, 1, 2]

    def test_the_share_of_the_week_before_stands_beside(self, admin_client: Client) -> None:
        doctor = PractitionerFactory()
        WorkingHoursFactory(practitioner=doctor, starts=time(9), ends=time(11))
        visit(practitioner=doctor)
        for clock in ("09:00", "10:00", "10:30"):
            visit(MONDAY - timedelta(weeks=1), clock, practitioner=doctor)
        assert figures(admin_client.get(REVIEW))["Booked share"] == ("25 %", "75 %")

    def test_a_hold_counts_as_long_as_it_holds(self, admin_client: Client) -> None:
        visit(clock="10:00", status="held", held_until=ahead(hours=1))
        visit(clock="11:00", status="held", held_until=ago(minutes=1))
        assert figures(admin_client.get(REVIEW))["Visits"] == (1, 0)

    def test_lost_is_open_time_that_nobody_else_was_given(self, admin_client: Client) -> None:
        doctor = PractitionerFactory(name="Dr Roth")
        WorkingHoursFactory(practitioner=doctor, starts=time(9), ends=time(12))
        visit(clock="09:00", practitioner=doctor, status="no_show")
        visit(clock="10:00", practitioner=doctor, status="cancelled", cancelled_late=True)
        visit(clock="10:15", practitioner=doctor)  # given to somebody else, from 10:15
        visit(clock="11:00", practitioner=doctor, status="cancelled")  # in good time
        visit(clock="11:45", practitioner=doctor, status="no_show")  # half of it after hours
        (row,) = [each for each in admin_client.get(REVIEW).context["usage"] if each["name"] == "Dr Roth"]
        assert (row["lost_words"], row["booked_words"], row["open_words"]) == ("1 h 00", "0 h 30", "3 h 00")
        behind = admin_client.get(row["lost_url"]).context["visits"]
        assert [f"{each['visit'].starts_at.astimezone(PARIS):%H:%M}" for each in behind] == [
            "09:00",
            "10:00",
            "11:45",
        ]


class TestLists:
    def shown(self, client: Client, name: str = "visits", **asked: Any) -> list[Any]:
        return [line["visit"] for line in client.get(f"{LISTS}{name}/", asked).context["visits"]]

    def test_every_figure_leads_to_its_visits(self, admin_client: Client) -> None:
        kept, missed = visit(), visit(clock="11:00", status="no_show")
        late = visit(clock="12:00", status="cancelled", cancelled_late=True)
        links = [each["url"] for each in admin_client.get(REVIEW).context["figures"][1:]]
        assert [[line["visit"] for line in admin_client.get(link).context["visits"]] for link in links] == [
            [kept],
            [missed],
            [late],
        ]

    def test_lists_keep_the_period(self, admin_client: Client) -> None:
        march, april = visit(date(2026, 3, 31)), visit(date(2026, 4, 1))
        for asked, expected in [
            ({"month": "2026-03"}, [march]),
            ({"quarter": "2026-Q1"}, [march]),
            ({"quarter": "2026-Q2"}, [april]),
            ({"from": "2026-03-31", "until": "2026-04-01"}, [march, april]),
        ]:
            url = admin_client.get(REVIEW, asked).context["figures"][1]["url"]
            page = admin_client.get(url)
            assert [line["visit"] for line in page.context["visits"]] == expected
            assert page.context["period"].asked == asked

    def test_a_resource_narrows_the_list(self, admin_client: Client) -> None:
        one = visit(device=DeviceFactory())
        visit(clock="12:00")
        for resource in (one.practitioner, one.room, one.device):
            assert self.shown(admin_client, of=resource.pk) == [one]

    def test_an_hour_of_a_weekday_narrows_it(self, admin_client: Client) -> None:
        kind = AppointmentTypeFactory(
            session=True
        )  # cream from 9:30, practitioner 10:30 to 11, room to 11:25
        one = visit(clock="09:30", type=kind)
        visit(MONDAY + timedelta(days=1), "09:30", type=kind)
        found = {
            whose: [
                hour
                for hour in range(8, 13)
                if self.shown(admin_client, weekday=1, hour=hour, kind=whose) == [one]
            ]
            for whose in ("practitioner", "room", "device")
        }
        assert found == {"practitioner": [10], "room": [9, 10, 11], "device": []}

    def test_an_hour_after_midnight_belongs_to_the_next_day(self, admin_client: Client) -> None:
        late = visit(clock="23:45")
        for weekday, hour, expected in [(1, 23, [late]), (2, 0, [late]), (1, 0, []), (2, 23, [])]:
            asked = {"weekday": weekday, "hour": hour, "kind": "practitioner"}
            assert self.shown(admin_client, **asked) == expected

    def test_how_long_before_it_was_booked_narrows_it(self, admin_client: Client) -> None:
        same, later = visit(created_at=at(MONDAY, "08:00")), visit(clock="11:00", created_at=ago(days=3))
        after = visit(clock="12:00", created_at=at(MONDAY, "15:00") + timedelta(days=1))
        assert self.shown(admin_client, lead=0) == [same, after]
        assert self.shown(admin_client, lead=2) == [later]

    def test_the_list_of_times_says_what_really_happened(self, admin_client: Client) -> None:
        visit(
            status="completed",
            arrived_at=at(MONDAY, "09:50"),
            started_at=at(MONDAY, "10:05"),
            ended_at=at(MONDAY, "10:45"),
        )
        begun = {"arrived_at": at(MONDAY, "11:00"), "started_at": at(MONDAY, "11:20")}
        visit(clock="11:00", status="in_progress", **begun)
        visit(clock="12:00")
        lines = admin_client.get(f"{LISTS}times/").context["visits"]
        assert [line["times"] for line in lines] == [
            [("waited", 15), ("late", 5), ("over", 10)],
            [("waited", 20), ("late", 20)],
        ]

    def test_practitioners_cannot_list_a_colleagues_visits(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        other = visit()
        assert self.shown(practitioner_client, of=other.practitioner_id) == []
        assert other.patient.name not in practitioner_client.get(f"{LISTS}visits.csv").getvalue().decode()

    @pytest.mark.parametrize("name", ["visits", "no-shows", "late-cancellations", "times"])
    def test_no_list_exists_for_reception(self, reception_client: Client, name: str) -> None:
        for address in (f"{LISTS}{name}/", f"{LISTS}{name}.csv", "/review/use.csv", "/review/use/"):
            assert reception_client.get(address).status_code == 404

    @pytest.mark.parametrize(
        "asked",
        [
            {"of": "x"},
            {"kind": "x"},
            {"weekday": "0"},
            {"weekday": "8"},
            {"hour": "24"},
            {"hour": "-1"},
            {"hour": "²"},
            {"hour": "1" * 5000},
            {"lead": "8"},
        ],
    )
    def test_nonsense_is_404(self, admin_client: Client, asked: dict[str, str]) -> None:
        assert admin_client.get(f"{LISTS}visits/", asked).status_code == 404

    def test_an_unknown_list_is_404(self, admin_client: Client) -> None:
        assert admin_client.get(f"{LISTS}x/").status_code == 404
        assert admin_client.get(f"{LISTS}x.csv").status_code == 404

    def test_a_long_list_is_paged(self, admin_client: Client) -> None:
        for minutes in range(27):
            AppointmentFactory(starts_at=ahead(hours=1, minutes=minutes))
        first = admin_client.get(f"{LISTS}visits/")
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
            assert len(self.shown(admin_client)) == count
