"""What may be booked, with whom and when: the choices behind the booking panel."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from clinic import chooser
from clinic.chooser import Part, Search, Slot, What
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError
from clinic.intervals import MINUTE, Interval, Suits, local_day
from clinic.models import WorkingHours
from clinic.readiness import Offer, PairOffer
from tests.clinic.desk import MISSING, Desk, ToldPathway, on
from tests.factories.booking import AppointmentFactory, AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW, PARIS
from tests.factories.opening import AbsenceFactory
from tests.factories.people import PatientFactory

TUESDAY = date(2026, 3, 3)


def tuesday(clock: str) -> datetime:
    return on(TUESDAY, clock)


def what(desk: Desk, **changes) -> What:
    return What(**{"key": "visit:", "type": desk.visit, "label": "Check-up", **changes})


def search(desk: Desk, **changes) -> Search:
    return Search(**{"what": what(desk), "patient": desk.patient, "at": CLINIC_NOW, **changes})


def clocks(options: list[chooser.Option]) -> list[str]:
    return [f"{each.first.starts_at.astimezone(PARIS):%H:%M} {each.first.practitioner}" for each in options]


def test_offers_come_first_and_every_other_clinical_visit_only_through_one(
    desk: Desk, pathway: ToldPathway
) -> None:
    session = AppointmentTypeFactory(purpose="session", name="Session")
    consultation = AppointmentTypeFactory(purpose="consultation", name="Consultation")
    pathway.offered = [Offer(session, "Session 2 of 6", "session:7")]
    found = [(each.label, each.type, each.purpose) for each in chooser.whats(desk.patient, at=CLINIC_NOW)]
    assert found[0] == ("Session 2 of 6", session, "session:7")
    assert sorted(found[1:], key=str) == sorted(
        [("Check-up", desk.visit, ""), ("Consultation", consultation, "consultation")], key=str
    )


def test_an_offer_replaces_the_same_visit_without_one(desk: Desk, pathway: ToldPathway) -> None:
    pathway.offered = [Offer(desk.visit, "A check-up after the session")]
    assert [each.label for each in chooser.whats(desk.patient, at=CLINIC_NOW)] == [
        "A check-up after the session"
    ]


def test_a_visit_without_clinical_meaning_is_found_alone_without_asking_the_pathway(
    desk: Desk, pathway: ToldPathway, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pathway.offered = [Offer(AppointmentTypeFactory(purpose="session"), "Session 2 of 6", "session:7")]
    with django_assert_num_queries(1):
        found = chooser.whats(desk.patient, at=CLINIC_NOW, wanted=f"{desk.visit.code}:")
    assert [(each.type, each.purpose) for each in found] == [(desk.visit, "")]


@pytest.mark.parametrize("wanted", ["", "unknown:", "nonsense", "session:session:7"])
def test_anything_else_that_is_wanted_is_looked_for_among_all(
    desk: Desk, pathway: ToldPathway, wanted: str
) -> None:
    pathway.offered = [Offer(AppointmentTypeFactory(purpose="session"), "Session 2 of 6", "session:7")]
    assert chooser.whats(desk.patient, at=CLINIC_NOW, wanted=wanted) == chooser.whats(
        desk.patient, at=CLINIC_NOW
    )


def test_a_retired_type_is_not_offered(desk: Desk) -> None:
    desk.visit.is_active = False
    desk.visit.save()
    assert chooser.whats(desk.patient, at=CLINIC_NOW) == []


def test_an_offer_keeps_its_reasons(desk: Desk, pathway: ToldPathway) -> None:
    pathway.offered = [Offer(desk.visit, "Session", "session", conditions=(MISSING,))]
    assert chooser.whats(desk.patient, at=CLINIC_NOW)[0].conditions == (MISSING,)


def test_with_anybody_a_start_is_shown_once_best_with_who_knows_the_patient(desk: Desk) -> None:
    window = Interval(tuesday("09:00"), tuesday("10:00"))
    assert clocks(search(desk).options(window)) == ["09:00 Dr Silva", "09:30 Dr Silva"]
    known = search(desk, known={desk.amari.pk})
    assert clocks(known.options(window)) == ["09:00 Dr Amari", "09:30 Dr Amari"]


def test_nothing_is_offered_before_the_window_opens(desk: Desk) -> None:
    later = search(desk, what=what(desk, earliest=tuesday("16:30")))
    assert clocks(later.options(local_day(TUESDAY, PARIS))) == ["16:30 Dr Silva"]


def test_a_window_that_ends_before_the_pathways_begins_is_not_searched(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    noon = search(desk, what=what(desk, earliest=tuesday("12:00")))
    with django_assert_num_queries(0):
        assert noon.options(Interval(tuesday("09:00"), tuesday("12:00"))) == []
    assert clocks(noon.options(Interval(tuesday("09:00"), tuesday("13:30")))) == ["13:00 Dr Silva"]


def test_nothing_begins_between_two_minutes(desk: Desk) -> None:
    for more in (timedelta(seconds=30), timedelta(microseconds=1)):
        assert search(desk).exact(tuesday("09:15") + more) == []


def test_staff_may_ask_for_any_minute(desk: Desk) -> None:
    assert clocks(search(desk).exact(tuesday("09:07"))) == ["09:07 Dr Silva", "09:07 Dr Amari"]


@pytest.mark.parametrize("minutes", [29, 30])
def test_staff_may_ask_for_a_start_just_gone(desk: Desk, minutes: int) -> None:
    late = search(desk, at=CLINIC_NOW + timedelta(minutes=minutes))
    assert clocks(late.exact(CLINIC_NOW)) == ["09:00 Dr Silva", "09:00 Dr Amari"]


def test_a_start_long_gone_is_not_offered(desk: Desk) -> None:
    assert search(desk, at=CLINIC_NOW + timedelta(minutes=31)).exact(CLINIC_NOW) == []


def test_the_first_week_is_the_first_with_a_place(desk: Desk) -> None:
    for who in (desk.silva, desk.amari):
        AbsenceFactory(practitioner=who, starts_at=CLINIC_NOW, ends_at=on(date(2026, 3, 10), "00:00"))
    assert search(desk).first_week() == date(2026, 3, 9)


def test_after_a_lost_race_the_same_time_elsewhere_comes_first(desk: Desk) -> None:
    desk.book(tuesday("09:00"), patient=PatientFactory())
    found = search(desk, practitioner=desk.silva).alternatives(tuesday("09:00"))
    assert clocks(found) == ["09:00 Dr Amari", "09:30 Dr Silva", "10:00 Dr Silva", "10:30 Dr Silva"]


def test_reasons_are_given_for_each_practitioner_without_a_place(desk: Desk) -> None:
    AbsenceFactory(practitioner=desk.silva, starts_at=tuesday("00:00"), ends_at=tuesday("23:00"))
    reasons = search(desk).reasons(local_day(TUESDAY, PARIS))
    assert reasons == [(desk.silva, ["Dr Silva is away at this time."])]


def pair(desk: Desk, **changes) -> What:
    gap = {"shortest": timedelta(hours=48), "ideal": timedelta(hours=48), "longest": timedelta(hours=72)}
    return what(desk, pair=PairOffer(desk.visit, "Reading", "reading", **{**gap, **changes}))


def test_a_pair_is_offered_with_both_places(desk: Desk) -> None:
    (option,) = search(desk, what=pair(desk)).options(Interval(tuesday("09:00"), tuesday("09:30")))
    assert option.second is not None
    assert option.second.starts_at - option.first.starts_at == timedelta(hours=48)


def test_a_pair_without_a_second_place_is_not_offered_and_says_so(desk: Desk) -> None:
    for who in (desk.silva, desk.amari):
        AbsenceFactory(
            practitioner=who, starts_at=on(date(2026, 3, 4), "00:00"), ends_at=on(date(2026, 4, 1), "00:00")
        )
    window = local_day(TUESDAY, PARIS)
    alone = search(desk, what=pair(desk))
    assert (alone.options(window), alone.lacks_second(window)) == ([], True)


def test_a_moved_pair_keeps_about_its_distance(desk: Desk) -> None:
    first = AppointmentFactory(type=desk.visit, starts_at=tuesday("09:00"))
    second = AppointmentFactory(type=desk.visit, starts_at=tuesday("09:00") + timedelta(days=2))
    found = chooser.what_is(first, second, at=CLINIC_NOW).pair
    assert found is not None
    assert (found.shortest, found.ideal, found.longest) == tuple(
        timedelta(hours=each) for each in (36, 48, 60)
    )


def test_who_has_seen_the_patient_is_known(desk: Desk) -> None:
    AppointmentFactory(patient=desk.patient, practitioner=desk.amari, status=AppointmentStatus.COMPLETED)
    AppointmentFactory(patient=desk.patient, practitioner=desk.silva, starts_at=tuesday("15:00"))
    assert chooser.known_to(desk.patient) == {desk.amari.pk}


@pytest.mark.parametrize(
    ("part", "count"), [(Part.ANY, 14), (Part.MORNING, 6), (Part.AFTERNOON, 8), (Part.EVENING, 0)]
)
def test_parts_of_the_day_are_read_on_the_clinics_clock(desk: Desk, part: Part, count: int) -> None:
    since, until = chooser.hours_of(part)
    suits = Suits(since=since, until=until)
    assert len(search(desk, suits=suits).options(local_day(TUESDAY, PARIS))) == count


THURSDAYS = Suits(frozenset({4}), time(10), time(11))


def test_only_what_suits_is_offered(desk: Desk) -> None:
    week = Interval(tuesday("00:00"), tuesday("00:00") + timedelta(days=14))
    found = search(desk, suits=THURSDAYS).options(week)
    assert [f"{each.first.starts_at.astimezone(PARIS):%a %d %H:%M}" for each in found] == [
        f"Thu {day:02} {clock}" for day in (5, 12) for clock in ("10:00", "10:30")
    ]


def test_the_first_week_is_the_first_that_suits(desk: Desk) -> None:
    sunday = Suits(frozenset({7}))
    WorkingHours.objects.filter(weekday=7).update(valid_from=date(2026, 3, 16))
    assert search(desk, suits=sunday).first_week() == date(2026, 3, 16)


def test_a_day_that_does_not_suit_says_that_the_practitioner_is_free(desk: Desk) -> None:
    desk.book(tuesday("09:00"), patient=PatientFactory())
    (silva, amari) = search(desk, suits=THURSDAYS).reasons(local_day(TUESDAY, PARIS))
    assert silva == (
        desk.silva,
        ["Dr Silva is free, but not on the days and at the times that suit the patient."],
    )
    assert amari[0] == desk.amari


def test_who_is_not_free_at_all_is_not_called_free(desk: Desk) -> None:
    AbsenceFactory(practitioner=desk.silva, starts_at=tuesday("00:00"), ends_at=tuesday("23:00"))
    reasons = dict(search(desk, suits=THURSDAYS).reasons(local_day(TUESDAY, PARIS)))
    assert reasons[desk.silva] == ["Dr Silva is away at this time."]


def test_a_time_that_was_asked_for_is_found_whether_it_suits_or_not(desk: Desk) -> None:
    asked = search(desk, suits=THURSDAYS)
    assert clocks(asked.exact(tuesday("09:00"))) == ["09:00 Dr Silva", "09:00 Dr Amari"]
    assert asked.obstacles_at(desk.silva, tuesday("09:00")) == []


def test_the_second_of_a_pair_suits_where_it_can(desk: Desk) -> None:
    """A test on Tuesday at nine is read from Thursday at nine on; ideal would be nine, ten suits."""
    suits = Suits(frozenset({2, 4}), time(9), time(12))
    late = replace(suits, since=time(10))
    gap = {"shortest": timedelta(hours=47), "longest": timedelta(hours=50)}
    asked = search(desk, what=pair(desk, **gap), suits=late)
    (option,) = asked.options(Interval(tuesday("11:30"), tuesday("12:00")))
    assert f"{option.second.starts_at.astimezone(PARIS):%a %H:%M}" == "Thu 11:30"
    early = search(desk, what=pair(desk, **gap), suits=suits)
    (option,) = early.options(Interval(tuesday("10:00"), tuesday("10:30")))
    assert f"{option.second.starts_at.astimezone(PARIS):%a %H:%M}" == "Thu 10:00"


def test_the_next_ten_go_over_as_many_weeks_as_it_takes(desk: Desk) -> None:
    found = search(desk, suits=THURSDAYS).following(CLINIC_NOW, limit=10)
    assert [f"{each.first.starts_at.astimezone(PARIS):%d %b %H:%M}" for each in found] == [
        f"{day} {clock}"
        for day in ("05 Mar", "12 Mar", "19 Mar", "26 Mar", "02 Apr")
        for clock in ("10:00", "10:30")
    ]
    later = search(desk, suits=THURSDAYS).following(found[-1].first.starts_at + MINUTE, limit=1)
    assert later[0].first.starts_at == on(date(2026, 4, 9), "10:00")


def test_the_next_ten_pairs_too(desk: Desk) -> None:
    found = search(desk, what=pair(desk), suits=THURSDAYS).following(CLINIC_NOW, limit=3)
    assert [each.first.starts_at for each in found] == [
        on(date(2026, 3, 5), "10:00"),
        on(date(2026, 3, 5), "10:30"),
        on(date(2026, 3, 12), "10:00"),
    ]
    assert all(each.second for each in found)


def test_whom_the_patient_knows_comes_first_at_each_start(desk: Desk) -> None:
    desk.patient.usual_practitioner = desk.amari
    known = chooser.known_to(desk.patient)
    found = search(desk, known=known).following(tuesday("09:00"), limit=2)
    assert clocks(found) == ["09:00 Dr Amari", "09:30 Dr Amari"]


def test_a_slot_is_read_back_as_it_was_written(desk: Desk) -> None:
    slot = Slot(tuesday("09:15"), uuid4(), uuid4(), uuid4())
    without = slot._replace(device=None)
    assert (Slot.read(str(slot)), Slot.read(str(without))) == (slot, without)


@pytest.mark.parametrize("text", ["", "x", "2026-03-03T09:15Z_a_b_c", "2026-03-03_1_2_3", "____"])
def test_anything_else_is_no_slot(text: str) -> None:
    with pytest.raises(ValueError):
        Slot.read(text)


def test_a_retired_room_is_no_longer_a_place(desk: Desk) -> None:
    desk.room.is_active = False
    desk.room.save()
    with pytest.raises(DomainError) as refusal:
        chooser.resolve([Slot(tuesday("09:00"), desk.silva.pk, desk.room.pk, None)])
    assert refusal.value.code == "unknown_choice"
