"""Intervals, sets of minutes and the wall clock, against oracles that look at one minute after the other."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic import intervals
from clinic.intervals import (
    EPOCH,
    MINUTE,
    AmbiguousTime,
    EmptyInterval,
    Interval,
    Minutes,
    NaiveTime,
    NonexistentTime,
    Suits,
    clock_time,
    exact_local,
    local_day,
)

PARIS = ZoneInfo("Europe/Paris")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
CASABLANCA = ZoneInfo("Africa/Casablanca")
HAVANA = ZoneInfo("America/Havana")
ZONES = [PARIS, SAO_PAULO, KATHMANDU, LORD_HOWE, CASABLANCA, HAVANA]

# Days on which something happens: the clocks change, the year has one day more, the year ends.
ODD_DAYS = [
    date(2026, 3, 29),  # Paris 02:00 -> 03:00
    date(2026, 10, 25),  # Paris 03:00 -> 02:00
    date(2018, 11, 4),  # Sao Paulo 00:00 -> 01:00, a day without midnight
    date(2018, 2, 17),  # Sao Paulo, the day before 00:00 -> 23:00
    date(2026, 4, 5),  # Lord Howe 02:00 -> 01:30
    date(2026, 10, 4),  # Lord Howe 02:00 -> 02:30
    date(2026, 2, 15),  # Casablanca 03:00 -> 02:00 (Ramadan)
    date(2026, 3, 22),  # Casablanca 02:00 -> 03:00
    date(2026, 11, 1),  # Havana 01:00 -> 00:00, two midnights
    date(2024, 2, 29),
    date(2026, 12, 31),
]
zones = st.sampled_from(ZONES)
days = st.sampled_from(ODD_DAYS) | st.dates(date(2000, 1, 1), date(2037, 12, 31))


def at(text: str) -> datetime:
    """A UTC instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(first: str, last: str) -> Interval:
    return Interval(at(f"2026-03-02 {first}"), at(f"2026-03-02 {last}"))


BASE = at("2026-03-28 22:00")
WINDOW = Interval(BASE, BASE + 300 * MINUTE)


def near(minute: float) -> datetime:
    return BASE + minute * MINUTE


@st.composite
def around_the_window(draw: st.DrawFn) -> Interval:
    """An interval in, across or outside WINDOW, with seconds."""
    first = draw(st.integers(-60 * 60, 360 * 60))
    return Interval(
        BASE + timedelta(seconds=first), BASE + timedelta(seconds=first + draw(st.integers(1, 9000)))
    )


@st.composite
def whole_minutes(draw: st.DrawFn) -> Interval:
    first = draw(st.integers(0, 60))
    return Interval(near(first), near(first + draw(st.integers(1, 20))))


many = st.lists(whole_minutes(), max_size=8)
masks = st.integers(0, 2**300 - 1).map(lambda bits: Minutes.none(WINDOW)._with(bits))


def seen(found: list[Interval]) -> set[int]:
    """The minutes after BASE that the intervals hold, looked at one by one."""
    return {minute for minute in range(-100, 400) if any(each.contains(near(minute)) for each in found)}


class TestInterval:
    def test_end_is_outside_and_start_inside(self):
        morning = span("09:00", "12:00")
        assert [
            morning.contains(at(f"2026-03-02 {clock}")) for clock in ("08:59", "09:00", "11:59", "12:00")
        ] == [
            False,
            True,
            True,
            False,
        ]

    @pytest.mark.parametrize(
        ("other", "shared"),
        [
            (("08:00", "09:00"), None),
            (("12:00", "13:00"), None),
            (("08:00", "09:01"), ("09:00", "09:01")),
            (("10:00", "11:00"), ("10:00", "11:00")),
            (("08:00", "13:00"), ("09:00", "12:00")),
        ],
    )
    def test_touching_intervals_do_not_overlap(self, other, shared):
        morning = span("09:00", "12:00")
        assert morning.overlaps(span(*other)) is (shared is not None)
        assert morning.intersection(span(*other)) == (span(*shared) if shared else None)

    def test_covers_itself_and_what_lies_inside(self):
        morning = span("09:00", "12:00")
        assert morning.covers(morning)
        assert morning.covers(span("10:00", "12:00"))
        assert not morning.covers(span("08:59", "10:00"))

    def test_naive_time_is_refused(self):
        with pytest.raises(NaiveTime):
            Interval(datetime(2026, 3, 2, 9), at("2026-03-02 10:00"))
        with pytest.raises(NaiveTime):
            span("09:00", "10:00").contains(datetime(2026, 3, 2, 9))

    @pytest.mark.parametrize("last", ["09:00", "08:59"])
    def test_empty_or_reversed_is_refused(self, last):
        with pytest.raises(EmptyInterval):
            span("09:00", last)

    def test_the_repeated_hour_has_a_length(self):
        """Python subtracts datetimes of one zone by wall clock; here that would be an empty interval."""
        first = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
        assert Interval(first, first.replace(fold=1)).duration == timedelta(hours=1)

    def test_equal_in_every_zone(self):
        in_utc = Interval(at("2026-03-02 08:00"), at("2026-03-02 09:00"))
        assert in_utc == Interval(
            datetime(2026, 3, 2, 9, tzinfo=PARIS), datetime(2026, 3, 2, 10, tzinfo=PARIS)
        )

    def test_shift_is_elapsed_time(self):
        before = Interval(
            datetime(2026, 3, 29, 1, 30, tzinfo=PARIS), datetime(2026, 3, 29, 3, 30, tzinfo=PARIS)
        )
        assert before.duration == timedelta(hours=1)
        assert before.shifted(timedelta(days=1)).starts_at.astimezone(PARIS).time() == time(2, 30)


class TestSetAlgebra:
    @given(many)
    def test_merge_holds_the_same_minutes_and_never_touches(self, found):
        merged = intervals.merge(found)
        assert seen(merged) == seen(found)
        assert all(a.ends_at < b.starts_at for a, b in pairwise(merged))


class TestMinutes:
    @given(st.lists(around_the_window(), max_size=8), st.booleans())
    def test_a_minute_counts_when_touched_or_only_when_whole(self, found, outward):
        def counts(minute: int) -> bool:
            this = Interval(near(minute), near(minute + 1))
            if outward:
                return any(this.overlaps(each) for each in found)
            return any(each.covers(this) for each in found)

        minutes = Minutes.from_intervals(WINDOW, found, outward=outward)
        assert list(minutes) == [near(minute) for minute in range(300) if counts(minute)]

    def test_window_is_widened_to_whole_minutes(self):
        window = Interval(at("2026-03-02 09:00:30"), at("2026-03-02 09:02:01"))
        assert list(~Minutes.none(window)) == [at(f"2026-03-02 09:0{minute}") for minute in (0, 1, 2)]

    @given(masks, masks)
    def test_union_intersection_difference_complement(self, left, right):
        ours, theirs = set(left), set(right)
        assert set(left | right) == ours | theirs
        assert set(left & right) == ours & theirs
        assert set(left - right) == ours - theirs
        assert set(~left) == {near(minute) for minute in range(300)} - ours

    def test_sets_of_two_windows_do_not_combine(self):
        with pytest.raises(ValueError, match="within one window"):
            Minutes.none(WINDOW) | Minutes.none(WINDOW.shifted(MINUTE))

    @given(st.lists(whole_minutes(), max_size=8), st.integers(-70, 70), st.integers(1, 40))
    def test_start_serves_when_every_minute_of_the_visit_is_in_the_set(self, found, first, length):
        free = Minutes.from_intervals(WINDOW, found, outward=False)
        open_minutes = {minute for minute in range(300) if near(minute) in free}
        serving = [t for t in range(300) if set(range(t + first, t + first + length)) <= open_minutes]
        assert list(free.starts(first, first + length)) == [near(t) for t in serving]

    @given(masks, masks, st.integers(1, 30))
    def test_all_of_is_the_intersection_of_starts(self, left, right, length):
        assert (left & right).starts(0, length) == left.starts(0, length) & right.starts(0, length)

    def test_any_of_is_no_union_of_free_time(self):
        """Two half hours in two rooms are no hour in a room."""
        window = span("09:00", "10:00")
        rooms = [
            Minutes.from_intervals(window, [half], outward=False)
            for half in (span("09:00", "09:30"), span("09:30", "10:00"))
        ]
        assert not rooms[0].starts(0, 60) | rooms[1].starts(0, 60)
        assert (rooms[0] | rooms[1]).starts(0, 60).first(9) == [at("2026-03-02 09:00")]

    @pytest.mark.parametrize("last", [0, -1])
    def test_visit_without_length_is_refused(self, last):
        with pytest.raises(EmptyInterval):
            Minutes.none(WINDOW).starts(0, last)

    @given(
        days,
        zones,
        st.sampled_from([1, 5, 7, 15, 20, 45, 50, 60]),
        st.integers(0, 1500),
        st.integers(1, 4000),
    )
    def test_grid_is_the_wall_clock_s(self, day, zone, grid, offset, length):
        start = datetime.combine(day, time.min, UTC) + (offset - 1440) * MINUTE
        everything = ~Minutes.none(Interval(start, start + length * MINUTE))

        def shown(instant: datetime) -> int:
            local = instant.astimezone(zone)
            return local.hour * 60 + local.minute

        assert list(everything.on_grid(grid, zone)) == [
            each for each in everything if shown(each) % grid == 0
        ]

    @given(masks, st.integers(0, 10))
    def test_minutes_come_in_order_and_can_be_cut_short(self, minutes, count):
        in_order = [near(minute) for minute in range(300) if minutes.bits >> minute & 1]
        assert list(minutes) == in_order
        assert minutes.first(count) == in_order[:count]
        assert len(minutes) == len(in_order)
        assert bool(minutes) is bool(in_order)

    @given(masks)
    def test_intervals_give_the_set_back(self, minutes):
        found = minutes.intervals()
        assert Minutes.from_intervals(WINDOW, found, outward=False) == minutes
        assert found == intervals.merge(found)

    def test_nothing_outside_the_window_is_in_a_set(self):
        everything = ~Minutes.none(WINDOW)
        assert near(-1) not in everything
        assert near(300) not in everything


def readings(naive: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every UTC minute at which a clock in `zone` shows this wall time, looked for by trying them all (zones here are whole quarters apart)."""
    noon = naive.replace(tzinfo=UTC)
    quarter_hours = (noon + minutes * MINUTE for minutes in range(-16 * 60, 16 * 60, 15))
    return [each for each in quarter_hours if each.astimezone(zone).replace(tzinfo=None) == naive]


class TestWallClock:
    @given(days, zones, st.integers(0, 1439))
    def test_typed_time_means_the_one_instant_that_shows_it(self, day, zone, minute):
        naive = datetime.combine(day, time(minute // 60, minute % 60))
        match readings(naive, zone):
            case [only]:
                assert exact_local(naive, zone) == only
            case [first, second]:
                with pytest.raises(AmbiguousTime) as twice:
                    exact_local(naive, zone)
                assert (twice.value.earlier, twice.value.later) == (first, second)
            case []:
                with pytest.raises(NonexistentTime) as gap:
                    exact_local(naive, zone)
                after = gap.value.next_valid
                assert after.astimezone(zone).replace(tzinfo=None) > naive
                assert (after - MINUTE).astimezone(zone).replace(tzinfo=None) < naive

    @pytest.mark.parametrize(
        ("day", "clock", "zone", "opens", "closes"),
        [
            (date(2026, 3, 29), time(2, 30), PARIS, "2026-03-29 01:00", "2026-03-29 01:00"),
            (date(2026, 10, 25), time(2, 30), PARIS, "2026-10-25 00:30", "2026-10-25 01:30"),
            (date(2018, 11, 4), time(0, 0), SAO_PAULO, "2018-11-04 03:00", "2018-11-04 03:00"),
            (date(2018, 2, 17), time(23, 30), SAO_PAULO, "2018-02-18 01:30", "2018-02-18 02:30"),
            (date(2026, 7, 1), time(9, 0), KATHMANDU, "2026-07-01 03:15", "2026-07-01 03:15"),
            (date(2026, 10, 4), time(2, 10), LORD_HOWE, "2026-10-03 15:30", "2026-10-03 15:30"),
            (date(2026, 4, 5), time(1, 45), LORD_HOWE, "2026-04-04 14:45", "2026-04-04 15:15"),
        ],
    )
    def test_opening_hours_over_a_clock_change(self, day, clock, zone, opens, closes):
        """After the jump where the time is missing; where it comes twice, open from the first to the second."""
        assert clock_time(day, clock, zone) == at(opens)
        assert clock_time(day, clock, zone, later=True) == at(closes)

    @given(days, zones)
    def test_days_tile_and_hold_what_the_calendar_says(self, day, zone):
        today, tomorrow = local_day(day, zone), local_day(day + timedelta(days=1), zone)
        assert today.ends_at == tomorrow.starts_at
        assert today.starts_at.astimezone(zone).date() == day
        assert (today.ends_at - MINUTE).astimezone(zone).date() == day
        assert (today.starts_at - MINUTE).astimezone(zone).date() < day

    @pytest.mark.parametrize(
        ("day", "zone", "hours"),
        [
            (date(2026, 3, 29), PARIS, 23),
            (date(2026, 10, 25), PARIS, 25),
            (date(2018, 11, 4), SAO_PAULO, 23),
            (date(2018, 2, 17), SAO_PAULO, 25),
            (date(2026, 4, 5), LORD_HOWE, 24.5),
            (date(2026, 10, 4), LORD_HOWE, 23.5),
            (date(2026, 2, 15), CASABLANCA, 25),
            (date(2026, 3, 22), CASABLANCA, 23),
            (date(2024, 2, 29), KATHMANDU, 24),
        ],
    )
    def test_length_of_a_day(self, day, zone, hours):
        assert local_day(day, zone).duration == timedelta(hours=hours)

    def test_date_the_zone_skipped_is_no_day(self):
        with pytest.raises(EmptyInterval):
            local_day(date(2011, 12, 30), ZoneInfo("Pacific/Apia"))

    def test_epoch_minutes_round_to_either_side(self):
        moment = EPOCH + timedelta(seconds=90)
        assert (intervals.floor_minute(moment), intervals.ceil_minute(moment)) == (1, 2)
        assert (intervals.floor_minute(EPOCH + MINUTE), intervals.ceil_minute(EPOCH + MINUTE)) == (1, 1)


class TestSuits:
    """When somebody can come: one answer for a set of minutes and for a single one."""

    @pytest.mark.parametrize(
        "day", [date(2026, 11, 24), date(2026, 3, 29), date(2026, 10, 25)], ids=["plain", "short", "long"]
    )
    @pytest.mark.parametrize(
        "suits",
        [
            Suits(),
            Suits(frozenset({2}), time(9), time(12)),
            Suits(frozenset({7}), time(2, 15), time(2, 45)),
            Suits(frozenset({7}), time(1, 30)),
        ],
    )
    def test_each_minute_is_in_the_set_exactly_if_it_suits(self, day: date, suits: Suits) -> None:
        window = local_day(day, PARIS)
        nothing = Minutes.none(window)
        minutes = set(suits.minutes(nothing, PARIS))
        every = [window.starts_at + n * MINUTE for n in range(nothing.length)]
        assert minutes == {instant for instant in every if suits.contains(instant, PARIS)}

    def test_the_end_is_not_included_and_midnight_ends_the_day(self) -> None:
        nothing = Minutes.none(local_day(date(2026, 11, 24), PARIS))
        assert len(Suits(frozenset({2}), time(9), time(12)).minutes(nothing, PARIS)) == 180
        assert len(Suits(frozenset({2}), time(22)).minutes(nothing, PARIS)) == 120
        assert len(Suits(frozenset({3})).minutes(nothing, PARIS)) == 0

    def test_where_an_hour_comes_twice_both_are_meant(self) -> None:
        """From half past one to half past two on the night the clocks go back: two hours pass."""
        nothing = Minutes.none(local_day(date(2026, 10, 25), PARIS))
        assert len(Suits(frozenset({7}), time(1, 30), time(2, 30)).minutes(nothing, PARIS)) == 120
