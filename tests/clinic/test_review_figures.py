"""The review's other figures, against weeks worked out by hand: use by hour, times, lead times, sheets, periods."""

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from clinic.intervals import Interval
from clinic.models import Practitioner, User
from clinic.review import drawings, period, sheets, use
from clinic.review.period import Period
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
from tests.factories.clock import CLINIC_NOW, PARIS, ago
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
USE, TIMES, LISTS = "/review/use/", "/review/times/", "/review/lists/"
MONDAY = date(2026, 3, 2)
WEEK = period.containing(period.WEEK, MONDAY)


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), PARIS)


def cells(user: User, wanted: Period = WEEK, **only: Any) -> dict[tuple[int, int], tuple[int, int, int]]:
    """(weekday, hour) → minutes open, booked, lost."""
    uses = use.read(wanted.span, user=user, at=CLINIC_NOW)
    kind = only.get("kind", use.PRACTITIONER)
    found = use.heat_map([each for each in uses if each.kind == kind], wanted)
    return {(each.weekday, each.hour): (each.opened, each.booked, each.lost) for each in found}


class TestHeatMap:
    def test_a_week_worked_out_by_hand(self, admin: User) -> None:
        """Monday 9:30 to 12; booked 9:45–10:15 and 11:30–12:30, missed 10:30–11, cancelled late 11:00–11:30 and
        given to somebody else from 11:15.
        """
        doctor = PractitionerFactory()
        WorkingHoursFactory(practitioner=doctor, starts=time(9, 30), ends=time(12))
        half, hour = (
            AppointmentTypeFactory(),
            AppointmentTypeFactory(patient_minutes=60, practitioner_until=60, room_until=60),
        )

        def visit(clock: str, **changes: Any) -> None:
            AppointmentFactory(
                **{"practitioner": doctor, "type": half, "starts_at": at(MONDAY, clock)} | changes
            )

        visit("09:45")
        visit("10:30", status="no_show")
        visit("11:00", status="cancelled", cancelled_late=True)
        visit("11:15", type=AppointmentTypeFactory(patient_minutes=15, practitioner_until=15))
        visit("11:30", type=hour)
        assert cells(admin) == {
            (1, 9): (30, 15, 0),
            (1, 10): (60, 15, 30),
            (1, 11): (60, 45, 15),
            (1, 12): (0, 30, 0),
        }

    def test_rooms_and_devices_are_open_with_their_location_and_taken_for_the_rooms_time(
        self, admin: User
    ) -> None:
        place = LocationFactory()
        doctor, room = PractitionerFactory(), RoomFactory(location=place)
        WorkingHoursFactory(practitioner=doctor, location=place, starts=time(9), ends=time(11))
        kind = AppointmentTypeFactory(room_until=75)
        gun = DeviceFactory(location=place)
        AppointmentFactory(
            practitioner=doctor, room=room, device=gun, type=kind, starts_at=at(MONDAY, "09:00")
        )
        expected = {(1, 9): (60, 60, 0), (1, 10): (60, 15, 0)}
        assert cells(admin, kind=use.ROOM) == expected
        assert cells(admin, kind=use.DEVICE) == expected

    @pytest.mark.parametrize(
        ("sunday", "expected"),
        [
            # The clocks go forward at 2: that hour does not exist.
            (date(2026, 3, 29), {(7, 1): (60, 60, 0), (7, 3): (60, 30, 0)}),
            # They go back at 3: the hour from 2 to 3 comes twice.
            (date(2026, 10, 25), {(7, 1): (60, 60, 0), (7, 2): (120, 30, 0), (7, 3): (60, 0, 0)}),
        ],
    )
    def test_the_weeks_in_which_the_clocks_change(
        self, admin: User, sunday: date, expected: dict[tuple[int, int], tuple[int, int, int]]
    ) -> None:
        doctor = PractitionerFactory()
        WorkingHoursFactory(practitioner=doctor, weekday=7, starts=time(1), ends=time(4))
        kind = AppointmentTypeFactory(patient_minutes=90, practitioner_until=90, room_until=90)
        AppointmentFactory(practitioner=doctor, type=kind, starts_at=at(sunday, "01:00"))
        assert cells(admin, period.containing(period.WEEK, sunday)) == expected

    def test_every_minute_is_in_exactly_one_cell(self, admin: User) -> None:
        """A quarter with a clock change in it, around the clock: the cells add up to its length."""
        doctor = PractitionerFactory()
        for weekday in range(1, 8):
            for starts, ends in ((time(0), time(12)), (time(12), time(23, 59))):
                WorkingHoursFactory(practitioner=doctor, weekday=weekday, starts=starts, ends=ends)
        quarter = period.containing(period.QUARTER, MONDAY)
        minutes = quarter.span.duration // timedelta(minutes=1)
        assert sum(opened for opened, _booked, _lost in cells(admin, quarter).values()) == minutes - 90

    def test_nought_and_a_hundred_per_cent_and_more(self, admin_client: Client) -> None:
        doctor = PractitionerFactory()
        WorkingHoursFactory(practitioner=doctor, starts=time(9), ends=time(11))
        full = AppointmentTypeFactory(patient_minutes=60, practitioner_until=60, room_until=60)
        for clock in ("09:00", "11:00"):
            AppointmentFactory(practitioner=doctor, type=full, starts_at=at(MONDAY, clock))
        drawing = admin_client.get(USE).context["drawing"]
        assert [(each.cell.hour, each.cell.share, each.level) for each in drawing.squares] == [
            (9, 100, 5),
            (10, 0, 0),
            (11, None, None),
        ]

    @pytest.mark.parametrize(
        ("booked", "level"), [(0, 0), (1, 1), (24, 1), (25, 2), (50, 3), (75, 4), (99, 4), (100, 5), (140, 5)]
    )
    def test_colours_by_quarters(self, booked: int, level: int) -> None:
        drawn = drawings.heat([use.Cell(1, 9, 100, booked, 0)], [("/", "words")])
        assert drawn.squares[0].level == level

    def test_the_table_and_the_drawing_say_the_same_and_lead_to_the_same_lists(
        self, admin_client: Client
    ) -> None:
        doctor = PractitionerFactory()
        WorkingHoursFactory(practitioner=doctor, starts=time(9), ends=time(12))
        one = AppointmentFactory(practitioner=doctor, starts_at=at(MONDAY, "10:15"))
        context = admin_client.get(USE).context
        drawn = {(each.cell, each.url, each.words) for each in context["drawing"].squares}
        written = {
            (each["cell"], each["url"], each["words"])
            for row in context["rows"]
            for each in row["cells"]
            if each
        }
        assert drawn == written and len(drawn) == 3
        lists = {each[0].hour: admin_client.get(each[1]).context["visits"] for each in drawn}
        assert {hour: [line["visit"] for line in found] for hour, found in lists.items()} == {
            9: [],
            10: [one],
            11: [],
        }

    def test_whose_can_be_chosen(self, admin_client: Client) -> None:
        room = RoomFactory(name="Room 1")
        assert admin_client.get(USE).context["whose"].label == "All practitioners"
        assert admin_client.get(USE, {"kind": "room"}).context["whose"].label == "All rooms"
        assert admin_client.get(USE, {"kind": "nonsense"}).context["whose"].label == "All practitioners"
        assert admin_client.get(USE, {"of": room.pk}).context["whose"].label == "Room 1"
        assert admin_client.get(USE, {"of": "x"}).status_code == 404

    def test_practitioners_may_choose_themselves_only(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        other = PractitionerFactory()
        RoomFactory()
        shown = practitioner_client.get(USE).context["whose"]
        assert [each.resource for each in shown.uses] == [doctor]
        assert [group["kind"] for group in shown.choices] == ["practitioner"]
        assert practitioner_client.get(USE, {"of": other.pk}).status_code == 404

    def test_a_clinic_without_anything_says_what_would_fill_the_pages(self, admin_client: Client) -> None:
        assert "Nothing was open or booked" in admin_client.get(USE).text
        assert "No visit was started in this period" in admin_client.get(TIMES).text
        assert "Nobody to show" in admin_client.get("/review/").text
        assert list(rows(admin_client.get("/review/use.csv")))[1:] == []

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        for number in range(count):
            WorkingHoursFactory()
            AppointmentFactory(starts_at=at(MONDAY, f"{10 + number}:00"))
        with django_assert_num_queries(8):
            assert len(admin_client.get(USE).context["whose"].uses) == 2 * count


def timed(clock: str, arrived: str, started: str, ended: str, **changes: Any) -> Any:
    return AppointmentFactory(
        starts_at=at(MONDAY, clock),
        status="completed",
        arrived_at=at(MONDAY, arrived),
        started_at=at(MONDAY, started),
        ended_at=at(MONDAY, ended),
        **changes,
    )


class TestTimes:
    def lines(self, client: Client) -> dict[str, tuple[int, list[tuple[Any, Any]]]]:
        context = client.get(TIMES).context
        found = [context["every"], *context["people"], *context["weekdays"]]
        return {
            each["label"]: (each["visits"], [(spread.median, spread.most) for spread in each["spreads"]])
            for each in found
        }

    def test_half_and_nine_of_ten_by_practitioner_and_weekday(self, admin_client: Client) -> None:
        """Waited 10, 20, 30; late 0, 5, 10; over 0, 0, 10. Nine of ten lies at 80 % between the second and third."""
        silva, roth = PractitionerFactory(name="Dr Silva"), PractitionerFactory(name="Dr Roth")
        timed("10:00", "09:50", "10:00", "10:30", practitioner=silva)
        timed("11:00", "10:45", "11:05", "11:35", practitioner=silva)
        timed("12:00", "11:40", "12:10", "12:50", practitioner=roth)
        every = (3, [(20, 28), (5, 9), (0, 8)])
        assert self.lines(admin_client) == {
            "All": every,
            "Dr Silva": (2, [(15, 19), (2, 4), (0, 0)]),
            "Dr Roth": (1, [(30, 30), (10, 10), (10, 10)]),
            "Monday": every,
        }

    def test_a_planned_preparation_is_no_waiting_and_early_is_below_nought(
        self, admin_client: Client
    ) -> None:
        """An hour of cream from 10; the practitioner is planned for 11 and comes at 10:55; the patient is done at 11:45."""
        timed("10:00", "09:58", "10:55", "11:40", type=AppointmentTypeFactory(session=True))
        assert self.lines(admin_client)["All"] == (1, [(0, 0), (-5, -5), (0, 0)])

    def test_visits_that_were_not_started_do_not_count(self, admin_client: Client) -> None:
        AppointmentFactory(starts_at=at(MONDAY, "10:00"), status="arrived")
        AppointmentFactory(starts_at=at(MONDAY, "10:00"), status="no_show")
        assert self.lines(admin_client) == {"All": (0, [(None, None)] * 3)}

    def test_one_still_in_progress_has_no_overrun(self, admin_client: Client) -> None:
        AppointmentFactory(starts_at=at(MONDAY, "10:00"), status="in_progress")
        assert self.lines(admin_client)["All"] == (1, [(0, 0), (0, 0), (None, None)])

    def test_each_line_leads_to_its_visits(self, admin_client: Client) -> None:
        one = timed("10:00", "09:50", "10:00", "10:30")
        context = admin_client.get(TIMES).context
        for line in (context["every"], *context["people"], *context["weekdays"]):
            assert [each["visit"] for each in admin_client.get(line["url"]).context["visits"]] == [one]

    def test_practitioners_see_their_own(self, practitioner_client: Client, doctor: Practitioner) -> None:
        timed("10:00", "09:50", "10:10", "10:30", practitioner=doctor)
        timed("12:00", "11:00", "12:30", "12:50")
        assert self.lines(practitioner_client)["All"] == (1, [(20, 20), (10, 10), (-10, -10)])

    def test_lead_times_by_steps_with_their_median(self, admin_client: Client) -> None:
        for hour, days in enumerate([0, 1, 1, 3, 7, 8, 60]):
            AppointmentFactory(
                starts_at=at(MONDAY, f"{10 + hour}:00"), created_at=at(MONDAY, "08:00") - timedelta(days=days)
            )
        AppointmentFactory(starts_at=at(MONDAY, "20:00"), created_at=ago(days=5), status="no_show")
        context = admin_client.get(TIMES).context
        assert {lead["label"]: lead["visits"] for lead in context["leads"]} == {
            "the same day": 1,
            "1 day": 2,
            "2–3 days": 1,
            "4–7 days": 1,
            "8–14 days": 1,
            "15–28 days": 0,
            "29–56 days": 0,
            "57 days or more": 1,
        }
        assert (context["lead_median"], context["booked"]) == (3, 7)
        counts = [len(admin_client.get(lead["url"]).context["visits"]) for lead in context["leads"]]
        assert counts == [lead["visits"] for lead in context["leads"]]

    def test_midnight_divides_the_days_not_24_hours(self, admin_client: Client) -> None:
        night = at(MONDAY, "23:30") - timedelta(days=1)
        AppointmentFactory(starts_at=at(MONDAY, "00:30"), created_at=night)
        leads = admin_client.get(TIMES).context["leads"]
        assert [lead["label"] for lead in leads if lead["visits"]] == ["1 day"]

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        for number in range(count):
            timed(f"{10 + number}:00", "09:00", f"{10 + number}:05", f"{10 + number}:35")
        with django_assert_num_queries(6):
            assert len(admin_client.get(TIMES).context["people"]) == count


class TestPeriods:
    @pytest.mark.parametrize(
        ("asked", "first", "last", "before"),
        [
            ({"month": "2026-02"}, date(2026, 2, 1), date(2026, 2, 28), date(2026, 1, 1)),
            ({"month": "2026-01"}, date(2026, 1, 1), date(2026, 1, 31), date(2025, 12, 1)),
            ({"quarter": "2026-Q1"}, date(2026, 1, 1), date(2026, 3, 31), date(2025, 10, 1)),
            ({"quarter": "2026-Q4"}, date(2026, 10, 1), date(2026, 12, 31), date(2026, 7, 1)),
            (
                {"from": "2026-03-05", "until": "2026-03-07"},
                date(2026, 3, 5),
                date(2026, 3, 7),
                date(2026, 3, 2),
            ),
            (
                {"from": "2024-01-01", "until": "2024-12-31"},
                date(2024, 1, 1),
                date(2024, 12, 31),
                date(2022, 12, 31),
            ),
        ],
    )
    def test_any_period_and_the_one_before(
        self, admin_client: Client, asked: dict[str, str], first: date, last: date, before: date
    ) -> None:
        for address in ("/review/", USE, TIMES):
            shown = admin_client.get(address, asked).context["period"]
            assert (shown.first, shown.last, shown.asked) == (first, last, asked)
        assert shown.shifted(-1).first == before
        assert shown.shifted(-1).shifted(1) == shown

    @pytest.mark.parametrize(
        ("first", "last", "wrong"),
        [
            ("2026-03-07", "2026-03-05", "until"),
            ("2026-01-01", "2027-01-02", "until"),
            ("nonsense", "2026-03-05", "from"),
            ("", "2026-03-05", "from"),
            ("0001-01-01", "2026-03-05", "from"),
        ],
    )
    def test_days_that_make_no_period_are_said_and_kept(
        self, admin_client: Client, first: str, last: str, wrong: str
    ) -> None:
        for address in ("/review/", USE, TIMES, f"{LISTS}visits/"):
            response = admin_client.get(address, {"from": first, "until": last})
            assert (response.status_code, response.context["period"].first) == (422, MONDAY)
        form = admin_client.get("/review/", {"from": first, "until": last}).context["period_form"]
        assert list(form.errors) == [wrong] and form["from"].value() == first

    @pytest.mark.parametrize(
        "asked", ["2026-13", "2026-00", "0000-01", "9999-12", "2026-Q5", "9999-Q4", "x", "2026-1"]
    )
    def test_nonsense_is_this_week(self, admin_client: Client, asked: str) -> None:
        for name in ("month", "quarter"):
            assert admin_client.get("/review/", {name: asked}).context["period"] == WEEK

    def test_a_week_with_a_clock_change_is_an_hour_shorter(self) -> None:
        week = period.containing(period.WEEK, date(2026, 3, 29))
        assert week.span == Interval(at(date(2026, 3, 23), "00:00"), at(date(2026, 3, 30), "00:00"))
        assert week.span.duration == timedelta(hours=7 * 24 - 1)


def rows(response: Any) -> list[list[str]]:
    text = response.getvalue().decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


class TestSheets:
    def test_a_list_has_one_row_a_visit_and_nothing_clinical(self, admin_client: Client) -> None:
        visit = AppointmentFactory(
            starts_at=at(MONDAY, "10:00"), patient=PatientFactory(family_name="Moreau"), note="has a rash"
        )
        response = admin_client.get(f"{LISTS}visits.csv")
        header, row = rows(response)
        assert len(header) == len(row) == 13
        assert row[:4] == [
            "2026-03-02 10:00",
            "2026-03-02 10:30",
            str(visit.patient.number),
            "Moreau, Jeanne",
        ]
        assert "rash" not in str(row)
        assert response.streaming
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="visits-2026-03-02-2026-03-08.csv"'
        assert response["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        "name",
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "=cmd|' /C calc'!A0", "%x", "|x"],
    )
    def test_a_name_cannot_run_in_a_spreadsheet(self, admin_client: Client, name: str) -> None:
        AppointmentFactory(
            starts_at=at(MONDAY, "10:00"), patient__family_name=name, patient__given_names="", type__name=name
        )
        _header, row = rows(admin_client.get(f"{LISTS}visits.csv"))
        assert row[3][0] == row[4][0] == "'"

    def test_numbers_and_harmless_text_stay_as_they_are(self) -> None:
        assert [sheets.safe(each) for each in (-5, 12, "Moreau, J.", "", "a=b")] == [
            -5,
            12,
            "Moreau, J.",
            "",
            "a=b",
        ]

    def test_commas_quotes_and_lines_stay_in_their_cell(self, admin_client: Client) -> None:
        name = 'a,"b"\nc'
        AppointmentFactory(starts_at=at(MONDAY, "10:00"), patient__family_name=name, patient__given_names="")
        assert rows(admin_client.get(f"{LISTS}visits.csv"))[1][3] == name

    def test_the_heat_map_in_minutes(self, admin_client: Client) -> None:
        doctor = PractitionerFactory()
        WorkingHoursFactory(practitioner=doctor, starts=time(9), ends=time(10))
        AppointmentFactory(practitioner=doctor, starts_at=at(MONDAY, "09:45"))
        assert rows(admin_client.get("/review/use.csv"))[1:] == [
            ["Monday", "09:00", "60", "15", "0", "25"],
            ["Monday", "10:00", "0", "15", "0", ""],
        ]


def test_a_bar_that_is_not_nought_is_never_invisible() -> None:
    tall = [bar.height for bar in drawings.bars([0, 1, 10_000], width=96, height=24, gap=2)]
    assert tall == [0, 1.5, 24]


def test_whoever_has_left_reviews_nothing(client: Client) -> None:
    user, _stays = UserFactory(admin=True), UserFactory(admin=True)
    sign_in(client, user)
    user.roles = []
    user.save()
    assert client.get(USE).status_code == 404
