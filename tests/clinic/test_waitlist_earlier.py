"""A patient who has a visit and wants it earlier: on the waitlist for it, offered what fits, and the visit moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import booking, offers, visits, waitlist
from clinic.availability import FreeStart
from clinic.chooser import Slot, What
from clinic.enums import AppointmentStatus, CancelledBy, OfferAnswer, WaitlistOutcome
from clinic.errors import DomainError, SlotTaken, Stale
from clinic.fitting import fits_at, fits_today
from clinic.models import Appointment, ContactEntry, WaitlistEntry, WaitlistOffer
from clinic.readiness import Changes, Condition, Consequence, Consequences
from tests.clinic.desk import Desk, ToldPathway, on
from tests.clinic.test_races import race, winners
from tests.factories import PatientFactory, WaitlistEntryFactory
from tests.factories.clock import CLINIC_NOW, TODAY

TUESDAY, FRIDAY = date(2026, 3, 3), date(2026, 3, 6)
NINE, LATER = on(TUESDAY, "09:00"), on(FRIDAY, "10:00")


def earlier(desk: Desk, visit: Appointment, **changes: Any) -> WaitlistEntry:
    """The patient of the visit wants it earlier, any day before."""
    wishes = {
        "what": What("this", visit.type, visit.type.name, purpose=visit.purpose),
        "earliest_on": TODAY,
        "latest_on": FRIDAY - timedelta(days=1),
        "weekdays": range(1, 8),
        "visit": visit,
        **changes,
    }
    return waitlist.add(patient=visit.patient, wait=waitlist.Wait(**wishes), by=desk.user, at=CLINIC_NOW)


def offered(desk: Desk, entry: WaitlistEntry, starts_at: datetime = NINE) -> WaitlistOffer:
    place = FreeStart(starts_at, desk.silva, desk.room, None)
    return offers.offer(entry=entry, place=place, by=desk.user, at=CLINIC_NOW)


def fitting(desk: Desk, begins_at: datetime = NINE) -> list[WaitlistEntry]:
    return [each.entry for each in fits_at(desk.silva, begins_at, user=desk.user, at=CLINIC_NOW)]


def text(client: Client, url: str) -> str:
    return client.get(url).content.decode()


# --- on the list ------------------------------------------------------------------------------------------------------


def test_a_visit_waits_once_and_its_patient_may_wait_for_another_one_too(desk: Desk) -> None:
    first, second = desk.book(LATER), desk.book(on(FRIDAY, "14:00"))
    earlier(desk, first)
    with pytest.raises(DomainError) as refused:
        earlier(desk, first)
    assert (refused.value.code, str(refused.value)) == (
        "waitlist_earlier_once",
        "This visit is on the waitlist for an earlier time already.",
    )
    assert earlier(desk, second).moves == second


def test_what_is_not_before_the_visit_is_no_earlier_time(desk: Desk) -> None:
    visit = desk.book(LATER)
    with pytest.raises(DomainError, match="The visit is on 6 Mar 2026: choose that day") as refused:
        earlier(desk, visit, latest_on=FRIDAY + timedelta(days=1))
    assert (refused.value.code, refused.value.field) == ("not_earlier", "latest_on")
    assert earlier(desk, visit, latest_on=FRIDAY).latest_on == FRIDAY


def test_a_visit_that_has_begun_or_is_off_cannot_be_earlier(desk: Desk) -> None:
    visit = desk.book(LATER)
    visits.cancel(appointment=visit, cancelled_by=CancelledBy.CLINIC, by=desk.user, at=CLINIC_NOW)
    with pytest.raises(Stale) as refused:
        earlier(desk, visit)
    assert refused.value.code == "visit_gone"


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        (lambda visit, how: visits.arrive(appointment=visit, **how), False),
        (lambda visit, how: visits.cancel(appointment=visit, cancelled_by=CancelledBy.PATIENT, **how), False),
        (lambda visit, how: visits.cancel(appointment=visit, cancelled_by=CancelledBy.CLINIC, **how), True),
        (lambda visit, how: visits.confirm(appointment=visit, **how), True),
    ],
    ids=["arrived", "called off by the patient", "called off by the clinic", "confirmed"],
)
def test_the_wait_lasts_as_long_as_there_is_something_to_wait_for(
    desk: Desk, change: Callable[[Appointment, dict[str, Any]], object], waits: bool
) -> None:
    entry = earlier(desk, desk.book(LATER))
    change(entry.visit, {"by": desk.user, "at": CLINIC_NOW})
    found = WaitlistEntry.objects.open().select_related("visit")
    assert list(found) == [entry] * waits
    assert WaitlistEntry.objects.get().is_open == waits
    assert fitting(desk) == [entry] * waits


def test_it_goes_on_where_the_arrival_is_taken_back(desk: Desk) -> None:
    entry = earlier(desk, desk.book(LATER))
    how = {"by": desk.user, "at": CLINIC_NOW}
    visits.arrive(appointment=entry.visit, **how)
    visits.undo_arrival(appointment=entry.visit, **how)
    assert list(WaitlistEntry.objects.open()) == [entry]


def test_another_booking_of_the_same_kind_does_not_end_the_wait(desk: Desk) -> None:
    entry = earlier(desk, desk.book(LATER))
    desk.book(on(TUESDAY, "11:00"))
    assert list(WaitlistEntry.objects.open()) == [entry]


def test_after_the_clinic_called_it_off_any_booking_of_the_kind_does(desk: Desk) -> None:
    entry = earlier(desk, desk.book(LATER))
    visits.cancel(appointment=entry.visit, cancelled_by=CancelledBy.CLINIC, by=desk.user, at=CLINIC_NOW)
    anew = desk.book(on(TUESDAY, "11:00"))
    entry.refresh_from_db()
    assert (entry.outcome, entry.appointment) == (WaitlistOutcome.BOOKED, anew)


# --- who fits ---------------------------------------------------------------------------------------------------------


def test_a_free_time_before_the_visit_fits_and_one_after_it_does_not(desk: Desk) -> None:
    visit = desk.book(on(FRIDAY, "11:00"))
    entry = earlier(desk, visit, latest_on=FRIDAY)
    assert fitting(desk) == [entry]
    assert fitting(desk, on(FRIDAY, "09:00")) == [entry]
    assert fitting(desk, on(FRIDAY, "15:00")) == []


def test_who_comes_this_afternoon_fits_a_time_this_morning(desk: Desk) -> None:
    entry = earlier(desk, desk.book(on(TODAY, "16:00")), latest_on=TODAY)
    (fit,) = fits_today(user=desk.user, at=CLINIC_NOW)
    assert (fit.entry, fit.place.starts_at) == (entry, on(TODAY, "09:00"))


def test_the_length_of_the_visit_counts_not_that_of_its_kind(desk: Desk) -> None:
    visit = booking.book(wish=desk.wish(LATER, minutes=90), by=desk.user, at=CLINIC_NOW)
    entry = earlier(desk, visit)
    desk.book(on(TUESDAY, "10:00"), patient=PatientFactory())
    assert fitting(desk) == []
    assert fitting(desk, on(TUESDAY, "10:30")) == [entry]


def test_the_pathway_judges_the_visit_that_would_move(desk: Desk, pathway: ToldPathway) -> None:
    visit = desk.book(LATER, purpose="session")
    entry = earlier(desk, visit)
    asked = []
    pathway.judge = lambda visits, at, starting=False: (
        asked.extend(visits) or [pathway._verdict("")] * len(visits)
    )
    assert fitting(desk) == [entry]
    assert [(each.purpose, each.appointment, each.starts_at) for each in asked] == [("session", visit, NINE)]


# --- offered and accepted ---------------------------------------------------------------------------------------------


def test_the_call_says_instead_of_which_time(desk: Desk) -> None:
    offer = offered(desk, earlier(desk, desk.book(LATER)))
    assert offer.contact.text == (
        "An earlier time has become free for “Check-up”: Tue 3 Mar 2026, 09:00, with Dr Silva, instead of"
        " Fri 6 Mar 2026, 10:00. Who accepts first gets it."
    )


def test_accepting_moves_the_visit_and_ends_the_wait(desk: Desk) -> None:
    visit = booking.book(wish=desk.wish(LATER, minutes=45), by=desk.user, at=CLINIC_NOW)
    entry = earlier(desk, visit)
    here, other = offered(desk, entry), offered(desk, entry, on(TUESDAY, "15:00"))
    rival = offered(desk, WaitlistEntryFactory(type=desk.visit, purpose=""))
    moved = offers.accept(offer=here, by=desk.user, at=CLINIC_NOW)
    assert moved == Appointment.objects.get()
    assert (moved.pk, moved.starts_at, moved.minutes) == (visit.pk, NINE, 45)
    entry.refresh_from_db()
    assert (entry.outcome, entry.appointment, entry.closed_by) == (WaitlistOutcome.BOOKED, moved, desk.user)
    answers = dict(WaitlistOffer.objects.values_list("pk", "answer"))
    assert answers == {here.pk: OfferAnswer.ACCEPTED, other.pk: OfferAnswer.GONE, rival.pk: OfferAnswer.GONE}
    assert not ContactEntry.objects.open().exists()  # told: the patient has just accepted it


def test_who_is_too_late_keeps_the_visit_and_goes_on_waiting(desk: Desk) -> None:
    entry = earlier(desk, desk.book(LATER))
    offer = offered(desk, entry)
    desk.book(NINE, patient=PatientFactory())
    with pytest.raises(SlotTaken):
        offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW)
    entry.visit.refresh_from_db()
    assert (entry.visit.starts_at, entry.visit.version) == (LATER, 1)
    assert list(WaitlistEntry.objects.open()) == [entry]


def test_a_visit_called_off_by_the_clinic_is_booked_anew_at_the_offered_time(desk: Desk) -> None:
    entry = earlier(desk, desk.book(LATER))
    offer = offered(desk, entry)
    visits.cancel(appointment=entry.visit, cancelled_by=CancelledBy.CLINIC, by=desk.user, at=CLINIC_NOW)
    booked = offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW)
    assert (booked.starts_at, booked == entry.visit) == (NINE, False)
    assert not WaitlistEntry.objects.open().exists()


def test_a_patient_who_is_here_already_accepts_nothing(desk: Desk) -> None:
    entry = earlier(desk, desk.book(on(TODAY, "10:00")), latest_on=TODAY)
    offer = offered(desk, entry, on(TODAY, "09:30"))
    visits.arrive(appointment=entry.visit, by=desk.user, at=CLINIC_NOW)
    with pytest.raises(Stale):
        offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW)


@pytest.mark.parametrize(
    ("to", "still_waits"),
    [(NINE, False), (on(FRIDAY, "09:00"), True), (on(date(2026, 3, 10), "09:00"), True)],
    ids=["as wished", "earlier, but not as wished", "later"],
)
def test_moved_by_hand_to_a_time_that_was_wished_for_nobody_waits_any_more(
    desk: Desk, to: datetime, still_waits: bool
) -> None:
    visit = desk.book(LATER)
    entry = earlier(desk, visit)
    offer = offered(desk, entry)
    place = booking.Move(visit, visit.version, desk.silva, desk.room, to)
    booking.move(to=place, by=desk.user, at=CLINIC_NOW)
    assert WaitlistEntry.objects.open().exists() == still_waits
    offer.refresh_from_db()
    assert offer.answer == ("" if still_waits else OfferAnswer.ACCEPTED)


# --- the pages --------------------------------------------------------------------------------------------------------


def test_the_visit_leads_to_the_waitlist_and_says_that_it_is_on_it(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(LATER)
    panel = reverse("clinic:appointment", args=[visit.pk])
    url = f"{reverse('clinic:waitlist_add', args=[desk.patient.pk])}?visit={visit.pk}"
    assert url in text(reception_client, panel)
    page = reception_client.get(url)
    form = page.context["form"]
    assert list(form.fields) == [
        "practitioners", "earliest_on", "latest_on", "weekdays", "since", "until", "note",
    ]  # fmt: skip
    assert (form["earliest_on"].value(), form["latest_on"].value()) == (TODAY, date(2026, 3, 5))
    sent = {"visit": visit.pk, "earliest_on": "2026-03-02", "latest_on": "2026-03-05", "weekdays": ["2"]}
    answer = reception_client.post(url, {**sent, "next": panel})
    assert (answer.status_code, answer["Location"]) == (302, panel)
    entry = WaitlistEntry.objects.get()
    assert (entry.visit, entry.type, entry.minutes) == (visit, desk.visit, None)
    shown = text(reception_client, panel)
    assert "On the waitlist for an earlier time since Mon 2 Mar" in shown
    assert url not in shown


@pytest.mark.parametrize("changes", [{"latest_on": "2026-03-07"}, {"weekdays": []}])
def test_bad_wishes_are_kept_and_change_nothing(
    desk: Desk, reception_client: Client, changes: dict[str, Any]
) -> None:
    visit = desk.book(LATER)
    sent = {"visit": visit.pk, "earliest_on": "2026-03-02", "latest_on": "2026-03-05", "weekdays": ["2"]}
    url = reverse("clinic:waitlist_add", args=[desk.patient.pk])
    answer = reception_client.post(url, {**sent, **changes, "note": "mornings best"})
    assert (answer.status_code, WaitlistEntry.objects.count()) == (422, 0)
    assert "mornings best" in answer.content.decode()
    assert answer.context["visit"] == visit


def test_the_visit_of_somebody_else_is_not_found(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(LATER, patient=PatientFactory())
    url = f"{reverse('clinic:waitlist_add', args=[desk.patient.pk])}?visit={visit.pk}"
    assert reception_client.get(url).status_code == 404


def test_the_list_says_what_the_patient_has_and_moves_instead_of_booking(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(LATER)
    offer = offered(desk, earlier(desk, visit))
    shown = text(reception_client, "/waitlist/")
    assert "Has Fri 6 Mar 2026, 10:00, Dr Silva, and wants an earlier time" in shown
    assert reverse("clinic:appointment_move", args=[visit.pk]) in shown
    assert "Accepts: move" in shown
    answer = reception_client.post(reverse("clinic:offer_accept", args=[offer.pk]), follow=True)
    visit.refresh_from_db()
    assert visit.starts_at == NINE
    assert "Moved: Moreau, J., Check-up, Tue 3 Mar 2026, 09:00" in answer.content.decode()


def test_too_late_the_page_offers_other_times_before_the_visit(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(on(TUESDAY, "10:30"))
    offer = offered(desk, earlier(desk, visit, latest_on=TUESDAY))
    desk.book(NINE, patient=PatientFactory())
    answer = reception_client.post(reverse("clinic:offer_accept", args=[offer.pk]))
    assert answer.status_code == 409
    assert "keeps Tue 3 Mar 2026, 10:30 and stays on the waitlist" in answer.content.decode()
    times = answer.context["times"]
    assert times
    assert all(each["place"].starts_at < visit.starts_at for each in times)
    assert all(reverse("clinic:appointment_move", args=[visit.pk]) in each["url"] for each in times)


class Disturbing(Consequences):
    """Whatever moves, the next visit on the books would be wrong."""

    def __init__(self, follower: Appointment) -> None:
        self.follower = follower

    def followers(self, appointment: Appointment) -> list[Appointment]:
        """The one."""
        return [self.follower]

    def of(self, appointment: Appointment, changes: Changes) -> Consequence:
        """Wrong without a better time."""
        return Consequence(appointment, "Session 2", (Condition("too_late", "The gap becomes too long."),))


def test_a_move_that_concerns_later_visits_is_looked_at_first(
    desk: Desk, pathway: ToldPathway, reception_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, later = desk.book(LATER), desk.book(on(date(2026, 3, 13), "10:00"))
    entry = earlier(desk, visit)
    offer = offered(desk, entry)
    monkeypatch.setattr(pathway, "consequences", lambda visits, at: Disturbing(later))
    answer = reception_client.post(reverse("clinic:offer_accept", args=[offer.pk]))
    choice = str(Slot(NINE, desk.silva.pk, desk.room.pk, None))
    query = urlencode({"choice": choice, "version": 1, "pair_version": "", "told": "on"})
    url = reverse("clinic:appointment_later", args=[visit.pk])
    assert answer["Location"] == f"{url}?{query}"
    assert Appointment.objects.get(pk=visit.pk).starts_at == LATER
    applied = reception_client.post(url, {"choice": choice, "version": 1, "told": "on"})
    assert applied.status_code == 302
    assert Appointment.objects.get(pk=visit.pk).starts_at == NINE
    offer.refresh_from_db()
    assert offer.answer == OfferAnswer.ACCEPTED
    assert not WaitlistEntry.objects.open().exists()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_same_questions_whatever_it_holds(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for hour in ("10:00", "11:00", "14:00")[:count]:
        offered(desk, earlier(desk, desk.book(on(FRIDAY, hour), patient=PatientFactory())))
    with django_assert_num_queries(8):
        reception_client.get("/waitlist/")


# --- the race ---------------------------------------------------------------------------------------------------------

CROWD = 12


@pytest.mark.race
def test_of_12_who_accept_one_earlier_time_at_once_one_moves_and_the_others_keep_what_they_have(
    committed_db: str, desk: Desk
) -> None:
    have = [
        desk.book(on(FRIDAY + timedelta(days=7 * week), clock), patient=PatientFactory())
        for week in range(2)
        for clock in ("09:00", "10:00", "11:00")
    ]
    latest = {"latest_on": FRIDAY - timedelta(days=1)}
    made = [offered(desk, earlier(desk, visit, **latest)) for visit in have]
    made += [
        offered(desk, WaitlistEntryFactory(type=desk.visit, purpose="")) for _ in range(CROWD - len(have))
    ]
    before = {visit.pk: visit.starts_at for visit in have}

    def accept(offer: WaitlistOffer) -> Callable[[], object]:
        return lambda: offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW)

    outcomes = race([accept(offer) for offer in made])
    (won,) = winners(outcomes)
    said = {str(each) for each in outcomes if isinstance(each, Exception)}
    assert said == {"This time has just been taken."}
    assert Appointment.objects.get(starts_at=NINE) == won
    kept = dict(Appointment.objects.exclude(pk=won.pk).values_list("pk", "starts_at"))
    assert kept == {key: moment for key, moment in before.items() if key != won.pk}
    assert WaitlistEntry.objects.open().count() == CROWD - 1


@pytest.mark.race
def test_one_visit_offered_two_times_at_once_moves_once(committed_db: str, desk: Desk) -> None:
    entry = earlier(desk, desk.book(LATER))
    made = [offered(desk, entry, moment) for moment in (NINE, on(TUESDAY, "11:00"))]
    outcomes = race(
        [lambda offer=offer: offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW) for offer in made]
    )
    (won,) = winners(outcomes)
    assert Appointment.objects.get() == won
    assert won.version == 2
    assert sorted(WaitlistOffer.objects.values_list("answer", flat=True)) == ["accepted", "gone"]


def test_what_was_provisional_stays_so_where_something_is_missing(desk: Desk, pathway: ToldPathway) -> None:
    pathway.provisional.add("session")
    offer = offered(desk, earlier(desk, desk.book(LATER, purpose="session")))
    assert offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW).status == AppointmentStatus.PROVISIONAL
