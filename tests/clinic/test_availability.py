"""Free starts: each rule by name, then the whole search against an oracle that looks at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from clinic import availability
from clinic.availability import (
    Gap,
    Obstacle,
    first_free,
    free_starts,
    pairs,
    usage,
    why_none,
    why_not,
)
from clinic.intervals import MINUTE, Interval, local_day
from clinic.models import (
    Absence,
    Appointment,
    AppointmentType,
    ClosedDay,
    Device,
    ExtraOpening,
    Location,
    OutOfService,
    Patient,
    Practitioner,
    Room,
    User,
    WorkingHours,
)
from clinic.search import Candidates, Search

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
MONDAY = date(2026, 11, 23)
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def on(day: date, clock: str) -> datetime:
    """A wall-clock time in the clinic's zone."""
    return datetime.combine(day, time.fromisoformat(clock), PARIS)


def between(first: str, last: str, day: date = MONDAY) -> Interval:
    return Interval(on(day, first), on(day, last))


def clocks(found: list[availability.FreeStart]) -> list[str]:
    return [f"{free.starts_at.astimezone(PARIS):%H:%M}" for free in found]


def visit_type(code: str = "visit", **offsets) -> AppointmentType:
    """Half an hour for everybody, on the half hour, unless told otherwise."""
    defaults = {
        "patient_minutes": 30,
        "practitioner_from": 0,
        "practitioner_until": 30,
        "room_from": 0,
        "room_until": 30,
        "room_kind": "treatment",
        "grid_minutes": 30,
    }
    return AppointmentType.objects.create(code=f"test-{code}", name=code, **{**defaults, **offsets})


@pytest.fixture
def clinic() -> SimpleNamespace:
    """Dr Silva, Mondays 9 to 12, one treatment room, one patient."""
    user = User.objects.create(username="desk")
    location = Location.objects.create(name="Main street")
    silva = Practitioner.objects.create(name="Dr Silva", position=1)
    hours = WorkingHours.objects.create(
        practitioner=silva,
        location=location,
        weekday=1,
        starts=time(9),
        ends=time(12),
        valid_from=date(2026, 1, 1),
    )
    room = Room.objects.create(name="Room 1", kind="treatment", location=location, position=1)
    patient = Patient.objects.create(
        family_name="Moreau", birth_date=date(1984, 3, 12), created_at=AT, created_by=user
    )
    return SimpleNamespace(
        user=user, location=location, silva=silva, hours=hours, room=room, patient=patient, type=visit_type()
    )


def booked(clinic: SimpleNamespace, starts_at: datetime, minutes: int = 30, **changes) -> Appointment:
    """A visit for which everybody is busy for the same time."""
    ends_at = starts_at + minutes * MINUTE
    rows = {
        "patient": clinic.patient,
        "type": clinic.type,
        "practitioner": clinic.silva,
        "room": clinic.room,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "practitioner_from": starts_at,
        "practitioner_until": ends_at,
        "room_from": starts_at,
        "room_until": ends_at,
        "created_by": clinic.user,
        "created_at": AT,
    }
    return Appointment.objects.create(**{**rows, **changes})


def span(clinic: SimpleNamespace, first: str, last: str, day: date = MONDAY) -> dict:
    """The columns of something that lasts."""
    return {
        "starts_at": on(day, first),
        "ends_at": on(day, last),
        "created_by": clinic.user,
        "created_at": AT,
    }


def another_practitioner(clinic: SimpleNamespace, name: str = "Dr Amari", **changes) -> Practitioner:
    amari = Practitioner.objects.create(name=name, **{"position": 2, **changes})
    WorkingHours.objects.create(
        practitioner=amari,
        location=clinic.location,
        weekday=1,
        starts=time(9),
        ends=time(12),
        valid_from=date(2026, 1, 1),
    )
    return amari


def another_patient(clinic: SimpleNamespace) -> Patient:
    return Patient.objects.create(
        family_name="Haddad", birth_date=date(1990, 1, 1), created_at=AT, created_by=clinic.user
    )


def starts(clinic: SimpleNamespace, window: Interval | None = None, **wishes) -> list[str]:
    """The wall-clock times found on Monday."""
    asked = {"type": clinic.type, "window": window or local_day(MONDAY, PARIS), "at": AT, **wishes}
    return clocks(free_starts(**asked))


MORNING = ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]


class TestOpenTime:
    def test_visits_start_and_end_within_working_hours(self, clinic):
        assert starts(clinic) == MORNING

    def test_starts_lie_inside_the_window_end_excluded(self, clinic):
        assert starts(clinic, between("09:30", "10:30")) == ["09:30", "10:00"]

    def test_lunch_is_the_gap_between_two_rows(self, clinic):
        WorkingHours.objects.create(
            practitioner=clinic.silva,
            location=clinic.location,
            weekday=1,
            starts=time(13),
            ends=time(14),
            valid_from=date(2026, 1, 1),
        )
        assert starts(clinic, between("11:00", "23:00")) == ["11:00", "11:30", "13:00", "13:30"]

    @pytest.mark.parametrize(
        ("valid_from", "valid_until", "found"),
        [
            (MONDAY, MONDAY, MORNING),
            (MONDAY + timedelta(days=1), None, []),
            (date(2026, 1, 1), MONDAY - timedelta(days=1), []),
        ],
    )
    def test_hours_hold_from_the_first_to_the_last_day(self, clinic, valid_from, valid_until, found):
        WorkingHours.objects.update(valid_from=valid_from, valid_until=valid_until)
        assert starts(clinic) == found

    def test_closed_day_has_no_starts(self, clinic):
        ClosedDay.objects.create(day=MONDAY, name="Holiday")
        assert starts(clinic) == []

    def test_extra_opening_opens_even_a_closed_day(self, clinic):
        ClosedDay.objects.create(day=MONDAY, name="Holiday")
        ExtraOpening.objects.create(
            practitioner=clinic.silva, location=clinic.location, **span(clinic, "17:00", "18:00")
        )
        assert starts(clinic) == ["17:00", "17:30"]

    def test_absence_ends_hours_and_extra_opening(self, clinic):
        ExtraOpening.objects.create(
            practitioner=clinic.silva, location=clinic.location, **span(clinic, "17:00", "18:00")
        )
        Absence.objects.create(practitioner=clinic.silva, **span(clinic, "10:00", "17:30"))
        assert starts(clinic) == ["09:00", "09:30", "17:30"]

    def test_absences_add_up(self, clinic):
        Absence.objects.create(practitioner=clinic.silva, **span(clinic, "09:00", "10:00"))
        Absence.objects.create(practitioner=clinic.silva, **span(clinic, "11:00", "12:00"))
        assert starts(clinic) == ["10:00", "10:30"]

    def test_hours_are_wall_clock_hours_on_either_side_of_a_clock_change(self, clinic):
        before = free_starts(
            type=clinic.type,
            window=local_day(date(2026, 10, 19), PARIS),
            at=on(MONDAY, "00:00") - timedelta(days=60),
        )
        after = free_starts(
            type=clinic.type,
            window=local_day(date(2026, 10, 26), PARIS),
            at=on(MONDAY, "00:00") - timedelta(days=60),
        )
        assert (clocks(before), clocks(after)) == (MORNING, MORNING)
        assert after[0].starts_at - before[0].starts_at == timedelta(days=7, hours=1)


class TestBusyTime:
    def test_booked_practitioner_is_not_offered(self, clinic):
        booked(clinic, on(MONDAY, "10:00"), patient=another_patient(clinic))
        assert starts(clinic) == ["09:00", "09:30", "10:30", "11:00", "11:30"]

    def test_cancelled_visit_holds_no_time(self, clinic):
        visit = booked(clinic, on(MONDAY, "10:00"))
        visit.status, visit.cancelled_at, visit.cancelled_by = "cancelled", AT, "patient"
        visit.save()
        assert starts(clinic) == MORNING

    def test_ignored_visit_holds_no_time(self, clinic):
        visit = booked(clinic, on(MONDAY, "10:00"))
        assert starts(clinic, ignoring=[visit], patient=clinic.patient) == MORNING

    def test_patient_is_not_in_two_visits(self, clinic):
        amari = another_practitioner(clinic)
        there = Room.objects.create(name="Room 2", kind="treatment", location=clinic.location, position=2)
        booked(clinic, on(MONDAY, "09:00"), 120, practitioner=amari, room=there)
        assert starts(clinic, practitioners=[clinic.silva]) == MORNING
        assert starts(clinic, practitioners=[clinic.silva], patient=clinic.patient) == ["11:00", "11:30"]

    def test_room_is_not_shared(self, clinic):
        booked(clinic, on(MONDAY, "09:00"), 120, practitioner=another_practitioner(clinic))
        assert starts(clinic, practitioners=[clinic.silva]) == ["11:00", "11:30"]

    def test_first_free_room_in_the_clinic_s_order_is_named(self, clinic):
        second = Room.objects.create(name="A room", kind="treatment", location=clinic.location, position=2)
        booked(clinic, on(MONDAY, "09:00"), practitioner=another_practitioner(clinic))
        found = free_starts(
            type=clinic.type, window=between("09:00", "10:00"), at=AT, practitioners=[clinic.silva]
        )
        assert [free.room for free in found] == [second, clinic.room]

    def test_two_rooms_free_for_half_the_visit_are_no_room(self, clinic):
        second = Room.objects.create(name="Room 2", kind="treatment", location=clinic.location, position=2)
        OutOfService.objects.create(room=clinic.room, **span(clinic, "09:00", "10:30"))
        OutOfService.objects.create(room=second, **span(clinic, "10:30", "12:00"))
        long = visit_type("long", patient_minutes=60, practitioner_until=60, room_until=60)
        found = free_starts(type=long, window=local_day(MONDAY, PARIS), at=AT)
        assert [(free.room, clock) for free, clock in zip(found, clocks(found), strict=True)] == [
            (second, "09:00"),
            (second, "09:30"),
            (clinic.room, "10:30"),
            (clinic.room, "11:00"),
        ]

    def test_everybody_is_busy_only_for_their_own_part(self, clinic):
        """An hour of cream, a quarter with the practitioner, and the room prepared and cleaned."""
        cream = visit_type(
            "cream",
            patient_minutes=75,
            practitioner_from=60,
            practitioner_until=75,
            room_from=-15,
            room_until=90,
        )
        booked(clinic, on(MONDAY, "09:00"), 45, patient=another_patient(clinic))
        found = free_starts(type=cream, window=local_day(MONDAY, PARIS), at=AT)
        assert clocks(found) == ["10:00", "10:30"]

    def test_device_of_the_kind_is_named_and_not_shared(self, clinic):
        gun = Device.objects.create(name="Gun", kind="gun", location=clinic.location)
        Device.objects.create(name="Jet", kind="needleless", location=clinic.location)
        OutOfService.objects.create(device=gun, **span(clinic, "09:00", "10:30"))
        with_gun = visit_type("gun", device_kind="gun")
        found = free_starts(type=with_gun, window=local_day(MONDAY, PARIS), at=AT)
        assert [(clock, free.device) for clock, free in zip(clocks(found), found, strict=True)] == [
            ("10:30", gun),
            ("11:00", gun),
            ("11:30", gun),
        ]

    @pytest.mark.parametrize(("due", "found"), [(MONDAY, MORNING), (MONDAY - timedelta(days=1), [])])
    def test_device_is_used_until_the_day_its_service_is_due(self, clinic, due, found):
        Device.objects.create(name="Gun", kind="gun", location=clinic.location, service_due_on=due)
        assert starts(clinic, type=visit_type("gun", device_kind="gun")) == found

    def test_room_and_device_are_at_the_practitioner_s_location(self, clinic):
        elsewhere = Location.objects.create(name="Annexe")
        Room.objects.update(location=elsewhere)
        assert starts(clinic) == []
        WorkingHours.objects.update(location=elsewhere)
        assert starts(clinic) == MORNING
        assert starts(clinic, location=clinic.location) == []


class TestRulesOfTheType:
    def test_notice_counts_from_now(self, clinic):
        clinic.type.minimum_notice_minutes = 60
        assert starts(clinic, at=on(MONDAY, "08:45")) == ["10:00", "10:30", "11:00", "11:30"]

    def test_the_past_is_not_offered(self, clinic):
        assert starts(clinic, at=on(MONDAY, "10:00") + timedelta(seconds=1)) == ["10:30", "11:00", "11:30"]

    @pytest.mark.parametrize(("days", "found"), [(2, []), (3, MORNING)])
    def test_bookable_days_ahead_are_local_days(self, clinic, days, found):
        clinic.type.bookable_days_ahead = days
        assert starts(clinic) == found

    def test_clinic_s_grid_where_the_type_has_none(self, clinic):
        clinic.type.grid_minutes = None
        assert starts(clinic, between("09:00", "10:00")) == ["09:00", "09:15", "09:30", "09:45"]

    def test_only_those_trained_for_it_who_take_patients(self, clinic):
        needle = visit_type("needle", skill="needle")
        amari = another_practitioner(clinic, skills=["gun", "needle"])
        retired = another_practitioner(clinic, name="Dr Roth", skills=["needle"], is_active=False)
        everybody = [clinic.silva, amari, retired]
        for wanted in (None, everybody):
            found = free_starts(type=needle, window=between("09:00", "09:30"), at=AT, practitioners=wanted)
            assert [free.practitioner for free in found] == [amari]

    def test_only_rooms_of_the_kind_in_use(self, clinic):
        Room.objects.update(kind="consultation")
        assert starts(clinic) == []
        Room.objects.update(kind="treatment", is_active=False)
        assert starts(clinic) == []


class TestAnswer:
    def test_by_time_then_in_the_diary_s_order_of_practitioners(self, clinic):
        Room.objects.create(name="Room 2", kind="treatment", location=clinic.location, position=2)
        amari = another_practitioner(clinic, position=0)
        found = free_starts(type=clinic.type, window=between("09:00", "10:00"), at=AT)
        assert [free.practitioner for free in found] == [amari, clinic.silva, amari, clinic.silva]
        assert clocks(found) == ["09:00", "09:00", "09:30", "09:30"]

    @pytest.mark.parametrize("limit", [0, 1, 3, 5, 12, 99])
    def test_limit_keeps_the_earliest(self, clinic, limit):
        another_practitioner(clinic)
        every = free_starts(type=clinic.type, window=local_day(MONDAY, PARIS), at=AT)
        assert len(every) == 12
        assert (
            free_starts(type=clinic.type, window=local_day(MONDAY, PARIS), at=AT, limit=limit)
            == every[:limit]
        )

    def test_number_of_queries_does_not_grow(self, clinic, django_assert_num_queries):
        clinic.type.device_kind = "gun"
        clinic.type.grid_minutes = None
        Device.objects.create(name="Gun", kind="gun", location=clinic.location)
        for number in range(3):
            another_practitioner(clinic, name=f"Dr {number}")
            # Practitioners, rooms, devices; then opening time with the clinic's grid, and bookings.
            with django_assert_num_queries(4):
                free_starts(type=clinic.type, window=local_day(MONDAY, PARIS), at=AT)

    @pytest.mark.parametrize("year", [1900, 9000])
    def test_absurd_window_finds_nothing(self, clinic, year):
        window = Interval(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 100, 1, 1, tzinfo=UTC))
        assert starts(clinic, window) == []


class TestFirstFree:
    def test_looks_further_until_it_has_found_enough(self, clinic):
        found = first_free(type=clinic.type, at=AT, limit=8)
        assert [f"{free.starts_at.astimezone(PARIS):%d %H:%M}" for free in found] == [
            *(f"23 {clock}" for clock in MORNING),
            "30 09:00",
            "30 09:30",
        ]

    def test_begins_at_the_earliest_wanted_moment(self, clinic):
        found = first_free(type=clinic.type, at=AT, earliest=on(date(2026, 12, 7), "10:00"))
        assert [free.starts_at for free in found] == [on(date(2026, 12, 7), "10:00")]

    def test_months_ahead(self, clinic):
        Absence.objects.create(
            practitioner=clinic.silva,
            **span(clinic, "00:00", "00:00") | {"ends_at": on(date(2027, 6, 1), "00:00")},
        )
        assert [free.starts_at for free in first_free(type=clinic.type, at=AT)] == [
            on(date(2027, 6, 7), "09:00")
        ]

    def test_gives_up_where_booking_ends(self, clinic):
        clinic.type.bookable_days_ahead = 2
        assert first_free(type=clinic.type, at=AT) == []
        assert first_free(type=clinic.type, at=AT, earliest=on(date(2999, 1, 1), "09:00")) == []

    def test_a_further_step_costs_one_query(self, clinic, django_assert_num_queries):
        with django_assert_num_queries(2 + 2):  # Monday is found in the second step, the rest of the week
            first_free(type=clinic.type, at=AT)


class TestPairs:
    """A test injection and its reading 48 to 72 hours later."""

    GAP = Gap(timedelta(hours=48), timedelta(hours=48), timedelta(hours=72))

    @pytest.fixture
    def reading(self, clinic) -> AppointmentType:
        for weekday, starts_, ends in ((3, time(10), time(11)), (4, time(9), time(10))):
            WorkingHours.objects.create(
                practitioner=clinic.silva,
                location=clinic.location,
                weekday=weekday,
                starts=starts_,
                ends=ends,
                valid_from=date(2026, 1, 1),
            )
        return visit_type("reading")

    def found(self, clinic, reading, **wishes) -> list[tuple[str, str]]:
        asked = {"first_type": clinic.type, "second_type": reading, "gap": self.GAP, "at": AT, **wishes}
        both = pairs(window=local_day(MONDAY, PARIS), **asked)
        return [tuple(f"{free.starts_at.astimezone(PARIS):%a %H:%M}" for free in pair) for pair in both]

    def test_each_first_gets_the_second_nearest_to_ideal(self, clinic, reading):
        assert self.found(clinic, reading) == [
            ("Mon 09:00", "Wed 10:00"),
            ("Mon 09:30", "Wed 10:00"),
            ("Mon 10:00", "Wed 10:00"),
            ("Mon 10:30", "Wed 10:30"),
            ("Mon 11:00", "Thu 09:00"),
            ("Mon 11:30", "Thu 09:00"),
        ]

    def test_first_without_a_second_is_not_offered(self, clinic, reading):
        Absence.objects.create(
            practitioner=clinic.silva, **span(clinic, "00:00", "10:30", date(2026, 11, 25))
        )
        assert self.found(clinic, reading, limit=2) == [
            ("Mon 09:00", "Wed 10:30"),
            ("Mon 09:30", "Wed 10:30"),
        ]

    def test_first_whose_every_second_is_taken_is_left_out(self, clinic, reading):
        WorkingHours.objects.filter(practitioner=clinic.silva, weekday=4).delete()
        assert self.found(clinic, reading) == [
            ("Mon 09:00", "Wed 10:00"),
            ("Mon 09:30", "Wed 10:00"),
            ("Mon 10:00", "Wed 10:00"),
            ("Mon 10:30", "Wed 10:30"),
        ]

    def test_same_practitioner_between_equals(self, clinic, reading):
        amari = another_practitioner(clinic, position=0)
        WorkingHours.objects.filter(practitioner=amari).update(weekday=3)
        Room.objects.create(name="Room 2", kind="treatment", location=clinic.location, position=2)
        both = pairs(
            first_type=clinic.type, second_type=reading, gap=self.GAP, window=between("10:00", "11:00"), at=AT
        )
        assert [pair.second.practitioner for pair in both] == [clinic.silva, clinic.silva]
        others = pairs(
            first_type=clinic.type,
            second_type=reading,
            gap=self.GAP,
            window=between("10:00", "11:00"),
            at=AT,
            second_practitioners=[amari],
        )
        assert [pair.second.practitioner for pair in others] == [amari, amari]

    def test_no_second_no_pair(self, clinic):
        assert self.found(clinic, visit_type("reading")) == []

    def test_where_no_first_can_be_booked_nothing_is_read(self, clinic, reading, django_assert_num_queries):
        assert self.found(clinic, reading, at=on(MONDAY, "08:00"))
        with django_assert_num_queries(0):
            assert self.found(clinic, reading, at=on(MONDAY, "23:59") + timedelta(minutes=1)) == []

    def test_gap_shorter_than_the_first_visit_is_refused(self, clinic, reading):
        gap = Gap(timedelta(minutes=29), timedelta(minutes=30), timedelta(hours=1))
        with pytest.raises(ValueError, match="after the first has ended"):
            self.found(clinic, reading, gap=gap)


class TestWhyNot:
    def reasons(self, clinic, clock: str = "10:00", day: date = MONDAY, **wishes) -> list[str]:
        asked = {"type": clinic.type, "practitioner": clinic.silva, "at": AT, **wishes}
        return [str(reason) for reason in why_not(starts_at=on(day, clock), **asked)]

    def test_nothing_is_wrong_with_a_free_start(self, clinic):
        assert self.reasons(clinic, patient=clinic.patient) == []

    def test_notice_and_past(self, clinic):
        clinic.type.minimum_notice_minutes = 30
        assert self.reasons(clinic, at=on(MONDAY, "09:30")) == []
        assert self.reasons(clinic, at=on(MONDAY, "09:31")) == ["notice"]
        assert self.reasons(clinic, at=on(MONDAY, "09:30") + timedelta(seconds=1)) == ["notice"]
        assert self.reasons(clinic, at=on(MONDAY, "23:00")) == ["notice"]
        assert self.reasons(clinic, at=on(date(2027, 1, 1), "12:00")) == ["notice"]

    def test_notice_does_not_hide_what_else_is_wrong(self, clinic):
        """Staff may overrule it: the clinic's own rules still count."""
        booked(clinic, on(MONDAY, "10:00"))
        assert self.reasons(clinic, at=on(MONDAY, "10:05")) == [
            "notice",
            "practitioner_busy",
            "room_none_free",
        ]

    def test_too_far(self, clinic):
        clinic.type.bookable_days_ahead = 2
        assert self.reasons(clinic) == ["too_far"]
        assert self.reasons(clinic, day=date(9998, 1, 1)) == ["too_far"]

    def test_off_grid(self, clinic):
        assert self.reasons(clinic, "10:10") == ["off_grid"]
        assert self.reasons(clinic, "10:00:30") == ["off_grid"]

    def test_not_trained(self, clinic):
        assert self.reasons(clinic, type=visit_type("needle", skill="needle")) == ["not_trained"]

    def test_closed_day(self, clinic):
        ClosedDay.objects.create(day=MONDAY, name="Holiday")
        assert self.reasons(clinic) == ["closed_day"]
        assert self.reasons(clinic, "17:00") == ["outside_hours"]

    @pytest.mark.parametrize("clock", ["08:30", "12:00"])
    def test_outside_hours(self, clinic, clock):
        assert self.reasons(clinic, clock) == ["outside_hours"]

    def test_absent(self, clinic):
        Absence.objects.create(practitioner=clinic.silva, **span(clinic, "10:29", "11:00"))
        assert self.reasons(clinic) == ["absent"]

    def test_everything_at_once_is_named(self, clinic):
        booked(clinic, on(MONDAY, "10:00"))
        reasons = self.reasons(clinic, patient=clinic.patient)
        assert reasons == ["practitioner_busy", "patient_busy", "room_none_free"]

    def test_room_and_device(self, clinic):
        OutOfService.objects.create(room=clinic.room, **span(clinic, "09:00", "11:00"))
        clinic.type.device_kind = "gun"
        assert self.reasons(clinic) == ["room_none_free", "device_none_free"]

    def test_service_that_is_due_is_named_before_a_device_that_is_taken(self, clinic):
        clinic.type.device_kind = "gun"
        gun = Device.objects.create(name="Gun", kind="gun", location=clinic.location)
        OutOfService.objects.create(device=gun, **span(clinic, "09:00", "11:00"))
        assert self.reasons(clinic) == ["device_none_free"]
        due = {"kind": "gun", "location": clinic.location, "service_due_on": MONDAY - timedelta(days=1)}
        Device.objects.create(name="Old gun", **due)
        assert self.reasons(clinic) == ["service_due"]

    def test_one_room_asked_for(self, clinic):
        other = Room.objects.create(name="Room 2", kind="treatment", location=clinic.location)
        OutOfService.objects.create(room=other, **span(clinic, "09:00", "11:00"))
        assert self.reasons(clinic, rooms=[clinic.room]) == []
        assert self.reasons(clinic, rooms=[other]) == ["room_none_free"]


class TestWhyNone:
    """Why not Monday?"""

    def reasons(self, clinic, day: date = MONDAY) -> list[Obstacle]:
        return why_none(type=clinic.type, practitioner=clinic.silva, window=local_day(day, PARIS), at=AT)

    def test_nothing_is_wrong_with_a_day_that_has_a_start(self, clinic):
        assert self.reasons(clinic) == []

    def test_day_off(self, clinic):
        assert self.reasons(clinic, MONDAY + timedelta(days=1)) == [Obstacle.OUTSIDE_HOURS]

    def test_day_gone_by(self, clinic):
        assert self.reasons(clinic, date(2026, 11, 16)) == [Obstacle.NOTICE]

    def test_fully_booked(self, clinic):
        booked(
            clinic,
            on(MONDAY, "09:00"),
            180,
            room=Room.objects.create(name="R", kind="treatment", location=clinic.location),
        )
        assert self.reasons(clinic) == [Obstacle.PRACTITIONER_BUSY]

    def test_several_that_only_together_leave_nothing(self, clinic):
        Absence.objects.create(practitioner=clinic.silva, **span(clinic, "09:00", "10:30"))
        OutOfService.objects.create(room=clinic.room, **span(clinic, "10:30", "12:00"))
        assert self.reasons(clinic) == [Obstacle.ABSENT, Obstacle.ROOM_NONE_FREE]


class TestPlace:
    def test_a_start_that_is_free_has_a_room_and_one_that_is_not_has_no_place(self, clinic):
        booked(clinic, on(MONDAY, "10:00"), 30)
        candidates = Candidates.suiting(clinic.type, {"patient": clinic.patient})
        search = Search.load(clinic.type, local_day(MONDAY, PARIS), candidates, at=AT)
        found = search.place(clinic.silva, on(MONDAY, "09:00"))
        assert found is not None and (found.room, found.device) == (clinic.room, None)
        assert search.place(clinic.silva, on(MONDAY, "10:00")) is None
        assert search.place(another_practitioner(clinic), on(MONDAY, "09:00")) is None


class TestUsage:
    def test_open_and_booked_minutes(self, clinic, django_assert_num_queries):
        gun = Device.objects.create(name="Gun", kind="gun", location=clinic.location)
        amari = another_practitioner(clinic)
        Absence.objects.create(practitioner=amari, **span(clinic, "09:00", "11:00"))
        Absence.objects.create(practitioner=clinic.silva, **span(clinic, "09:00", "10:00"))
        OutOfService.objects.create(device=gun, **span(clinic, "11:30", "12:00"))
        booked(clinic, on(MONDAY, "10:00"), 45, room_from=on(MONDAY, "09:45"))
        with django_assert_num_queries(4):
            rows = usage(window=local_day(MONDAY, PARIS), at=AT)
        assert [(each.resource, len(each.opened), len(each.booked)) for each in rows] == [
            (clinic.silva, 120, 45),
            (amari, 60, 0),
            (clinic.room, 120, 60),
            (gun, 90, 0),
        ]

    def test_a_device_is_open_until_its_service_is_due(self, clinic):
        gun = Device.objects.create(name="Gun", kind="gun", location=clinic.location, service_due_on=MONDAY)
        week_later = MONDAY + timedelta(days=7)
        opened = [usage(window=local_day(day, PARIS), at=AT)[-1] for day in (MONDAY, week_later)]
        assert [(each.resource, len(each.opened), len(each.booked)) for each in opened] == [
            (gun, 180, 0),
            (gun, 0, 0),
        ]

    def test_only_the_window_counts(self, clinic):
        booked(clinic, on(MONDAY, "10:00"), 60)
        first = usage(window=between("10:30", "11:30"), at=AT)[0]
        assert (first.resource, len(first.opened), len(first.booked)) == (clinic.silva, 60, 30)
