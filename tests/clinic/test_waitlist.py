"""Waiting for a time: put on the list, offered what fits, and the first to accept gets it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from clinic.actions import booking, contacts, holds, offers, visits, waitlist
from clinic.availability import FreeStart
from clinic.chooser import What
from clinic.enums import CancelledBy, ContactReason, OfferAnswer, WaitlistOutcome
from clinic.errors import DomainError, NotAllowed, NotCleared, SlotTaken, Stale
from clinic.fitting import fits_at, fits_today, gone
from clinic.models import Appointment, ContactEntry, User, WaitlistEntry, WaitlistOffer
from clinic.queries import patients_to_call
from clinic.rules import waitlist as rules
from tests.clinic.desk import Desk, ToldPathway, on
from tests.factories import (
    AppointmentTypeFactory,
    PractitionerFactory,
    WaitlistEntryFactory,
    WaitlistOfferFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead
from tests.factories.places import DeviceFactory

TUESDAY = date(2026, 3, 3)
NINE, TEN = on(TUESDAY, "09:00"), on(TUESDAY, "10:00")


def add(desk: Desk, *, by: User | None = None, **changes: object) -> WaitlistEntry:
    wishes = {
        "what": What("visit:", desk.visit, "Check-up"),
        "earliest_on": TODAY,
        "latest_on": TODAY + timedelta(days=14),
        "weekdays": range(1, 8),
        **changes,
    }
    return waitlist.add(patient=desk.patient, wait=waitlist.Wait(**wishes), by=by or desk.user, at=CLINIC_NOW)


def waiting(desk: Desk, **changes: object) -> WaitlistEntry:
    """Somebody who waits for a check-up."""
    return WaitlistEntryFactory(**{"type": desk.visit, "purpose": "", **changes})


def fitting(desk: Desk, begins_at: datetime = NINE, who=None) -> list[WaitlistEntry]:
    found = fits_at(who or desk.silva, begins_at, user=desk.user, at=CLINIC_NOW)
    return [each.entry for each in found]


def offered(desk: Desk, entry: WaitlistEntry, starts_at: datetime = NINE) -> WaitlistOffer:
    place = FreeStart(starts_at, desk.silva, desk.room, None)
    return offers.offer(entry=entry, place=place, by=desk.user, at=CLINIC_NOW)


def accept(desk: Desk, offer: WaitlistOffer) -> Appointment:
    return offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW)


# --- on the list and off it -------------------------------------------------------------------------------------------


def test_an_entry_keeps_the_wishes_and_who_asked(desk: Desk) -> None:
    entry = add(
        desk,
        practitioners=[desk.amari],
        weekdays=[3, 1],
        since=time(9),
        until=time(12),
        note=" short notice ",
    )
    assert list(WaitlistEntry.objects.open()) == [entry]
    assert (entry.weekdays, entry.since, entry.until, entry.note) == (
        [1, 3],
        time(9),
        time(12),
        "short notice",
    )
    assert (entry.label, entry.asked_at, entry.asked_by) == ("Check-up", CLINIC_NOW, desk.user)
    assert list(entry.practitioners.all()) == [desk.amari]


def test_a_patient_waits_once_for_one_visit_and_may_wait_for_another(desk: Desk) -> None:
    add(desk)
    with pytest.raises(DomainError) as refusal:
        add(desk)
    assert refusal.value.code == "waitlist_waits_once"
    other = AppointmentTypeFactory(purpose="session")
    add(desk, what=What("s", other, "Session 2 of 6", "session:1"))
    add(desk, what=What("s", other, "Session 2 of 6", "session:2"))
    assert WaitlistEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (
            {"latest_on": TODAY - timedelta(days=1), "earliest_on": TODAY - timedelta(days=9)},
            "past",
            "latest_on",
        ),
        ({"latest_on": TODAY, "earliest_on": TODAY + timedelta(days=1)}, "days_out_of_order", "latest_on"),
        ({"weekdays": []}, "no_weekday", "weekdays"),
        ({"since": time(12), "until": time(12)}, "times_out_of_order", "until"),
        ({"minutes": 2}, "bad_length", "minutes"),
    ],
)
def test_wishes_that_leave_no_time_are_refused(
    desk: Desk, changes: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        add(desk, **changes)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert not WaitlistEntry.objects.exists()


def test_a_day_has_passed_when_it_had_passed_at_the_moment(desk: Desk) -> None:
    entry = WaitlistEntryFactory.build(
        type=desk.visit, patient=desk.patient, asked_by=desk.user, latest_on=TODAY - timedelta(days=1)
    )
    rules.check_wishes(entry, at=ago(days=1))
    with pytest.raises(DomainError):
        rules.check_wishes(entry, at=CLINIC_NOW)


def test_whom_they_wish_for_must_be_trained(desk: Desk) -> None:
    gun = AppointmentTypeFactory(skill="gun")
    lee = PractitionerFactory(name="Dr Lee", skills=["needle"])
    with pytest.raises(DomainError, match="Dr Lee") as refusal:
        add(desk, what=What("g", gun, "Gun"), practitioners=[lee])
    assert (refusal.value.code, refusal.value.field) == ("not_trained", "practitioners")


def test_an_admin_reads_the_waitlist_and_changes_nothing(desk: Desk, admin: User) -> None:
    offer = WaitlistOfferFactory()
    entry, place = offer.entry, FreeStart(NINE, desk.silva, desk.room, None)
    assert list(WaitlistEntry.objects.visible_to(admin)) == [entry]
    at = {"by": admin, "at": CLINIC_NOW}
    for act in (
        lambda: add(desk, by=admin),
        lambda: waitlist.withdraw(entry=entry, **at),
        lambda: offers.offer(entry=entry, place=place, **at),
        lambda: offers.accept(offer=offer, **at),
        lambda: offers.decline(offer=offer, **at),
        lambda: offers.let_go(offer=offer, **at),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_withdrawing_says_who_and_when_and_closes_the_offers(desk: Desk) -> None:
    entry = waiting(desk)
    offer = offered(desk, entry)
    waitlist.withdraw(entry=entry, by=desk.user, at=CLINIC_NOW)
    entry.refresh_from_db()
    offer.refresh_from_db()
    assert (entry.outcome, entry.closed_by, entry.closed_at) == ("withdrawn", desk.user, CLINIC_NOW)
    assert (offer.answer, ContactEntry.objects.open().count()) == (OfferAnswer.GONE, 0)
    with pytest.raises(Stale) as refusal:
        waitlist.withdraw(entry=entry, by=desk.user, at=CLINIC_NOW)
    assert refusal.value.code == "waitlist_closed"


def test_booking_the_visit_in_any_way_ends_the_wait(desk: Desk) -> None:
    booked, other = add(desk), waiting(desk)
    visit = desk.book(NINE)
    booked.refresh_from_db()
    other.refresh_from_db()
    assert (booked.outcome, booked.appointment, booked.closed_by) == ("booked", visit, desk.user)
    assert other.is_open


def test_another_visit_of_the_patient_does_not_end_the_wait(desk: Desk) -> None:
    entry = add(desk)
    desk.book(NINE, purpose="consultation")
    entry.refresh_from_db()
    assert entry.is_open


def test_a_hold_ends_the_wait_only_when_it_is_taken(desk: Desk) -> None:
    entry = add(desk)
    (visit,) = booking.hold_many(wishes=[desk.wish(NINE)], until=ahead(hours=2), by=desk.user, at=CLINIC_NOW)
    entry.refresh_from_db()
    assert entry.is_open
    holds.take(appointment=visit, by=desk.user, at=CLINIC_NOW)
    entry.refresh_from_db()
    assert entry.outcome == WaitlistOutcome.BOOKED


# --- who fits ---------------------------------------------------------------------------------------------------------


def test_the_longest_wait_comes_first(desk: Desk) -> None:
    late, early = waiting(desk, asked_at=ago(days=1)), waiting(desk, asked_at=ago(days=9))
    assert fitting(desk) == [early, late]


def test_whoever_is_cleared_comes_before_who_still_waits_for_something(
    desk: Desk, pathway: ToldPathway
) -> None:
    pathway.provisional = {"session:1"}
    provisional = waiting(desk, purpose="session:1", asked_at=ago(days=9))
    clear = waiting(desk, purpose="session:2", asked_at=ago(days=1))
    assert fitting(desk) == [clear, provisional]


def test_whom_the_pathway_refuses_does_not_fit(desk: Desk, pathway: ToldPathway) -> None:
    pathway.refuses = {"session:1"}
    waiting(desk, purpose="session:1")
    assert fitting(desk) == []


@pytest.mark.parametrize(
    "wish",
    [
        {"earliest_on": date(2026, 3, 4)},
        {"latest_on": date(2026, 3, 2)},
        {"weekdays": [1, 3, 4, 5]},
        {"since": time(9, 30)},
        {"until": time(9)},
        {"closed_at": CLINIC_NOW, "outcome": "withdrawn"},
    ],
)
def test_a_time_outside_the_wishes_does_not_fit(desk: Desk, wish: dict[str, object]) -> None:
    if "closed_at" in wish:
        wish = {**wish, "closed_by": desk.user}
    waiting(desk, **wish)
    assert fitting(desk) == []


def test_only_who_would_see_this_practitioner_fits(desk: Desk) -> None:
    hers = waiting(desk, practitioners=[desk.silva, desk.amari])
    waiting(desk, practitioners=[desk.amari])
    assert fitting(desk) == [hers]


def test_a_visit_the_practitioner_is_not_trained_for_does_not_fit(desk: Desk) -> None:
    desk.silva.skills = ["needle"]
    desk.silva.save()
    waiting(desk, type=AppointmentTypeFactory(skill="gun"))
    assert fitting(desk) == []


def test_a_visit_longer_than_the_gap_does_not_fit(desk: Desk) -> None:
    desk.book(on(TUESDAY, "09:30"))
    short, long = waiting(desk), waiting(desk, minutes=60)
    assert fitting(desk) == [short]
    assert long in fitting(desk, TEN)


def test_a_patient_who_is_elsewhere_then_does_not_fit(desk: Desk) -> None:
    entry = waiting(desk)
    desk.book(NINE, patient=entry.patient, practitioner=desk.amari, room=desk.room2, purpose="other")
    assert fitting(desk) == []


def test_without_a_room_nobody_fits(desk: Desk) -> None:
    waiting(desk, type=AppointmentTypeFactory(session=True))
    desk.treatment.is_active = False
    desk.treatment.save()
    assert fitting(desk, TEN) == []


def test_a_patient_who_comes_before_the_practitioner_starts_as_much_earlier(desk: Desk) -> None:
    entry = waiting(desk, type=AppointmentTypeFactory(session=True, code="session"))
    (fit,) = fits_at(desk.silva, TEN, user=desk.user, at=CLINIC_NOW)
    assert (fit.entry, fit.place.starts_at, fit.place.room) == (entry, NINE, desk.treatment)


def test_a_hold_in_force_keeps_everybody_out_and_one_that_ran_out_nobody(desk: Desk) -> None:
    entry = waiting(desk)
    booking.hold_many(wishes=[desk.wish(NINE)], until=ahead(hours=1), by=desk.user, at=CLINIC_NOW)
    assert fitting(desk) == []
    later = fits_at(desk.silva, NINE, user=desk.user, at=ahead(hours=2))
    assert [each.entry for each in later] == [entry]


def test_a_time_that_has_passed_fits_nobody(desk: Desk) -> None:
    waiting(desk)
    assert fitting(desk, on(TODAY, "08:00")) == []


def test_todays_free_places_are_counted_once_a_patient(desk: Desk) -> None:
    fits, asleep = waiting(desk), waiting(desk, until=time(9))
    waiting(desk, earliest_on=TUESDAY)
    found = fits_today(user=desk.user, at=CLINIC_NOW)
    assert [(each.entry, each.place.starts_at) for each in found] == [(fits, on(TODAY, "09:00"))]
    assert asleep not in [each.entry for each in found]


def test_what_was_offered_and_not_answered_is_marked(desk: Desk) -> None:
    first, second = waiting(desk, asked_at=ago(days=9)), waiting(desk)
    offers.decline(offer=offered(desk, first), by=desk.user, at=CLINIC_NOW)
    offered(desk, second)
    marks = [
        (each.entry, each.is_offered) for each in fits_at(desk.silva, NINE, user=desk.user, at=CLINIC_NOW)
    ]
    assert marks == [(first, False), (second, True)]


# --- offering ---------------------------------------------------------------------------------------------------------


def test_an_offer_is_on_record_and_on_the_contact_list_and_holds_nothing(desk: Desk) -> None:
    entry = waiting(desk)
    offer = offered(desk, entry)
    assert (offer.practitioner, offer.room, offer.starts_at) == (desk.silva, desk.room, NINE)
    assert (offer.offered_by, offer.offered_at, offer.is_open) == (desk.user, CLINIC_NOW, True)
    call = ContactEntry.objects.get()
    assert (call.patient, call.reason) == (entry.patient, ContactReason.WAITLIST_OFFER)
    assert f"“{entry.label}”" in call.text
    assert "Tue 3 Mar 2026, 09:00, with Dr Silva" in call.text
    assert desk.book(NINE).starts_at == NINE


def test_one_time_may_be_offered_to_several_patients_but_once_to_each(desk: Desk) -> None:
    first, second = waiting(desk), waiting(desk)
    offered(desk, first)
    offered(desk, second)
    with pytest.raises(DomainError) as refusal:
        offered(desk, first)
    assert refusal.value.code == "waitlist_offer_once"
    assert ContactEntry.objects.count() == 2


def test_only_a_time_that_could_be_booked_is_offered(desk: Desk, pathway: ToldPathway) -> None:
    entry = waiting(desk, purpose="session:1")
    desk.book(NINE)
    with pytest.raises(SlotTaken):
        offered(desk, entry)
    with pytest.raises(DomainError):
        offered(desk, entry, on(TODAY, "08:00"))
    pathway.refuses = {"session:1"}
    with pytest.raises(NotCleared):
        offered(desk, entry, TEN)
    assert not ContactEntry.objects.exists()


def test_who_waits_no_more_is_offered_nothing(desk: Desk) -> None:
    entry = waiting(desk)
    waitlist.withdraw(entry=entry, by=desk.user, at=CLINIC_NOW)
    with pytest.raises(Stale):
        offered(desk, entry)


# --- answering --------------------------------------------------------------------------------------------------------


def test_the_first_to_accept_gets_the_time_and_the_others_offers_are_gone(desk: Desk) -> None:
    first, second = waiting(desk), waiting(desk)
    winning, losing = offered(desk, first), offered(desk, second)
    visit = accept(desk, winning)
    for row in (first, second, winning, losing):
        row.refresh_from_db()
    assert (visit.patient, visit.starts_at, visit.room) == (first.patient, NINE, desk.room)
    assert (first.outcome, first.appointment, winning.answer) == ("booked", visit, OfferAnswer.ACCEPTED)
    assert (second.is_open, losing.answer) == (True, OfferAnswer.GONE)
    assert {each.patient: each.told for each in ContactEntry.objects.all()} == {
        first.patient: True,
        second.patient: False,
    }


def test_accepting_ends_the_patients_other_offers_and_leaves_other_times_alone(desk: Desk) -> None:
    first, second = waiting(desk), waiting(desk)
    mine, also_mine, another = (
        offered(desk, first),
        offered(desk, first, TEN),
        offered(desk, second, TEN),
    )
    accept(desk, mine)
    also_mine.refresh_from_db()
    another.refresh_from_db()
    assert (also_mine.answer, another.answer) == (OfferAnswer.GONE, "")


def test_an_offer_whose_room_alone_was_taken_is_gone_too(desk: Desk) -> None:
    first, second = waiting(desk), waiting(desk)
    mine = offered(desk, first)
    place = FreeStart(NINE, desk.amari, desk.room, None)
    other = offers.offer(entry=second, place=place, by=desk.user, at=CLINIC_NOW)
    accept(desk, mine)
    other.refresh_from_db()
    assert other.answer == OfferAnswer.GONE


def test_an_offer_whose_device_alone_was_taken_is_gone_too(desk: Desk) -> None:
    kind = AppointmentTypeFactory(device_kind="gun")
    first, second, third = (waiting(desk, type=kind) for _each in range(3))
    spare = DeviceFactory(location=desk.location)
    places = [
        (first, FreeStart(NINE, desk.silva, desk.room, desk.gun)),
        (second, FreeStart(NINE, desk.amari, desk.room2, desk.gun)),
        (third, FreeStart(NINE, desk.amari, desk.room2, spare)),
    ]
    mine, same, another = (
        offers.offer(entry=entry, place=place, by=desk.user, at=CLINIC_NOW) for entry, place in places
    )
    accept(desk, mine)
    same.refresh_from_db()
    another.refresh_from_db()
    assert (same.answer, another.answer) == (OfferAnswer.GONE, "")


def test_accepting_late_is_told_that_it_has_just_been_taken(desk: Desk) -> None:
    first, second = waiting(desk), waiting(desk)
    winning, losing = offered(desk, first), offered(desk, second)
    accept(desk, winning)
    with pytest.raises(SlotTaken) as refusal:
        accept(desk, losing)
    assert (refusal.value.code, str(refusal.value)) == ("offer_gone", "This time has just been taken.")
    second.refresh_from_db()
    assert second.is_open


def test_a_time_somebody_booked_meanwhile_is_refused_and_the_offer_stays_until_it_is_let_go(
    desk: Desk,
) -> None:
    entry = waiting(desk)
    offer = offered(desk, entry)
    desk.book(NINE)
    with pytest.raises(SlotTaken):
        accept(desk, offer)
    offer.refresh_from_db()
    assert offer.is_open  # nothing of the refused attempt is left
    offers.let_go(offer=offer, by=desk.user, at=CLINIC_NOW)
    offer.refresh_from_db()
    assert (offer.answer, ContactEntry.objects.open().count()) == (OfferAnswer.GONE, 0)


def test_what_was_answered_meanwhile_is_not_let_go_of(desk: Desk) -> None:
    offer = offers.decline(offer=offered(desk, waiting(desk)), by=desk.user, at=CLINIC_NOW)
    offers.let_go(offer=offer, by=desk.user, at=CLINIC_NOW)
    offer.refresh_from_db()
    assert offer.answer == OfferAnswer.DECLINED


def test_an_answer_after_the_call_was_closed_leaves_the_call_as_it_is(desk: Desk) -> None:
    offer = offered(desk, waiting(desk))
    contacts.close(
        entry=offer.contact, told=False, reason="No answer for a week", by=desk.user, at=CLINIC_NOW
    )
    offers.decline(offer=offer, by=desk.user, at=CLINIC_NOW)
    entry = ContactEntry.objects.get()
    assert (entry.told, entry.close_reason) == (False, "No answer for a week")


def test_accepting_twice_is_one_visit(desk: Desk) -> None:
    offer = offered(desk, waiting(desk))
    accept(desk, offer)
    with pytest.raises(Stale) as refusal:
        accept(desk, offer)
    assert refusal.value.code == "offer_answered"
    assert Appointment.objects.count() == 1


def test_an_answer_is_not_taken_for_another_request_of_the_same_person(desk: Desk) -> None:
    """Whatever a page has sent as the name of its request, who waits gets the time that was offered."""
    offer = offered(desk, waiting(desk))
    other = booking.book(wish=desk.wish(TEN), by=desk.user, at=CLINIC_NOW, request_id=offer.pk)
    visit = accept(desk, offer)
    assert (visit.patient, visit.starts_at) == (offer.entry.patient, NINE)
    assert Appointment.objects.count() == 2 and other.patient == desk.patient


def test_under_the_name_of_another_request_who_waits_would_get_nothing(desk: Desk) -> None:
    """The control: one name for both, and the answer finds the visit of the other request."""
    offer = offered(desk, waiting(desk))
    other = booking.book(wish=desk.wish(TEN), by=desk.user, at=CLINIC_NOW, request_id=offer.pk)
    wish = desk.wish(NINE, patient=offer.entry.patient)
    assert booking.book(wish=wish, by=desk.user, at=CLINIC_NOW, request_id=offer.pk) == other


def test_accepting_what_the_pathway_refuses_by_now_changes_nothing(desk: Desk, pathway: ToldPathway) -> None:
    offer = offered(desk, waiting(desk, purpose="session:1"))
    pathway.refuses = {"session:1"}
    with pytest.raises(NotCleared):
        accept(desk, offer)
    offer.refresh_from_db()
    assert offer.is_open


def test_declining_goes_on_waiting(desk: Desk) -> None:
    entry = waiting(desk)
    offer = offers.decline(offer=offered(desk, entry), by=desk.user, at=CLINIC_NOW)
    entry.refresh_from_db()
    assert (entry.is_open, offer.answer, offer.answered_by) == (True, OfferAnswer.DECLINED, desk.user)
    assert ContactEntry.objects.get().told is True


def test_gone_is_derived_passed_taken_or_the_practitioner_away(desk: Desk) -> None:
    first, second, third = (waiting(desk) for _ in range(3))
    there, taken, passed = offered(desk, first), offered(desk, second, TEN), offered(desk, third)
    desk.book(TEN)
    WaitlistOffer.objects.filter(pk=passed.pk).update(starts_at=ago(hours=1))
    rows = list(WaitlistOffer.objects.with_people())
    assert gone(rows, at=CLINIC_NOW) == {taken.pk, passed.pk}
    assert gone([], at=CLINIC_NOW) == set()
    assert there.pk not in gone(rows, at=CLINIC_NOW)
    assert (
        patients_to_call(user=desk.user, at=CLINIC_NOW) == 2
    )  # a time that has passed is nothing to call about


def test_a_cancelled_visit_makes_its_time_fit_again(desk: Desk) -> None:
    entry, visit = waiting(desk), desk.book(NINE)
    assert fitting(desk) == []
    visits.cancel(appointment=visit, cancelled_by=CancelledBy.PATIENT, by=desk.user, at=CLINIC_NOW)
    assert fitting(desk) == [entry]
