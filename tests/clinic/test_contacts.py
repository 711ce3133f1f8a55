"""Who has to be told what: opened by what the clinic changes, closed by telling, and never lost."""

from __future__ import annotations

from datetime import date

import pytest

from clinic.actions import booking, contacts, visits
from clinic.actions.booking import Move
from clinic.dates import moment_in_words
from clinic.enums import AppointmentStatus, CancelledBy, ContactChannel, ContactOutcome, ContactReason
from clinic.errors import DomainError, NotAllowed, SlotTaken, Stale
from clinic.models import Appointment, ContactEntry, User
from clinic.queries import contact_about, patients_to_call, told_by_visit
from tests.clinic.desk import Desk, on
from tests.factories import AppointmentFactory, ContactEntryFactory, PatientFactory, UserFactory
from tests.factories.clock import CLINIC_NOW, ago, ahead

TUESDAY = date(2026, 3, 3)
NINE, TEN, ELEVEN = (on(TUESDAY, clock) for clock in ("09:00", "10:00", "11:00"))


def call(desk: Desk, **changes: object) -> ContactEntry:
    said = {"patient": desk.patient, "reason": ContactReason.OVERDUE_READING, "text": "Please call."}
    return contacts.ask(**{**said, "by": desk.user, "at": CLINIC_NOW, **changes})


def move(desk: Desk, visit: Appointment, to, *, who=None, room=None, told: bool = False) -> Appointment:
    visit.refresh_from_db()
    place = Move(visit, visit.version, who or desk.silva, room or desk.room, to)
    return booking.move(to=place, by=desk.user, at=CLINIC_NOW, told=told)


def cancel(desk: Desk, visit: Appointment, by: CancelledBy, **changes: object) -> Appointment:
    return visits.cancel(appointment=visit, cancelled_by=by, by=desk.user, at=CLINIC_NOW, **changes)


def tried(desk: Desk, entry: ContactEntry, outcome: ContactOutcome, note: str = "") -> None:
    contacts.record_try(
        entry=entry,
        channel=ContactChannel.PHONE,
        outcome=outcome,
        note=note,
        by=desk.user,
        at=ahead(minutes=5),
    )


def only_entry() -> ContactEntry:
    return ContactEntry.objects.get()


# --- asking -----------------------------------------------------------------------------------------------------------


def test_asking_says_who_has_to_be_told_what_and_who_asked(desk: Desk) -> None:
    entry = call(desk)
    assert list(ContactEntry.objects.open()) == [entry]
    assert (entry.text, entry.asked_by, entry.asked_at) == ("Please call.", desk.user, CLINIC_NOW)


def test_asking_again_changes_the_text_and_the_history_keeps_the_old(desk: Desk) -> None:
    first = call(desk)
    again = call(desk, text="Call before noon.", at=ahead(hours=1))
    assert again.pk == first.pk
    assert again.asked_at == CLINIC_NOW  # still waiting since then
    assert list(first.events.order_by("pgh_id").values_list("text", flat=True)) == [
        "Please call.",
        "Call before noon.",
    ]


def test_asking_about_another_visit_or_for_another_reason_is_another_entry(desk: Desk) -> None:
    visit = desk.book(NINE)
    entries = [call(desk), call(desk, about=visit), call(desk, reason=ContactReason.RECALL)]
    assert len({each.pk for each in entries}) == 3


def test_after_it_was_closed_asking_opens_a_new_entry(desk: Desk) -> None:
    first = call(desk)
    contacts.close(entry=first, told=True, by=desk.user, at=CLINIC_NOW)
    assert call(desk).pk != first.pk


def test_asking_without_words_is_refused(desk: Desk) -> None:
    with pytest.raises(DomainError):
        call(desk, text="   ")
    with pytest.raises(DomainError):
        call(desk, text="x" * 501)
    assert not ContactEntry.objects.exists()


def test_an_admin_reads_the_list_and_writes_nothing(desk: Desk, admin: User) -> None:
    entry = call(desk)
    assert list(ContactEntry.objects.visible_to(admin)) == [entry]
    for act in (
        lambda: call(desk, by=admin),
        lambda: contacts.close(entry=entry, told=True, by=admin, at=CLINIC_NOW),
        lambda: contacts.record_try(
            entry=entry,
            channel=ContactChannel.PHONE,
            outcome=ContactOutcome.REACHED,
            by=admin,
            at=CLINIC_NOW,
        ),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_who_has_no_role_sees_nobody(desk: Desk) -> None:
    call(desk)
    assert not ContactEntry.objects.visible_to(UserFactory(roles=[])).exists()


# --- trying and closing -----------------------------------------------------------------------------------------------


def test_reaching_the_patient_closes_the_entry_as_told(desk: Desk) -> None:
    entry = call(desk)
    tried(desk, entry, ContactOutcome.REACHED, " comes at ten ")
    entry.refresh_from_db()
    assert (entry.told, entry.closed_by, entry.closed_at) == (True, desk.user, ahead(minutes=5))
    assert entry.tries.get().note == "comes at ten"


@pytest.mark.parametrize(
    "outcome", [ContactOutcome.LEFT_MESSAGE, ContactOutcome.NO_ANSWER, ContactOutcome.WRONG_NUMBER]
)
def test_any_other_outcome_leaves_it_open_with_the_try(desk: Desk, outcome: ContactOutcome) -> None:
    entry = call(desk)
    tried(desk, entry, outcome)
    tried(desk, entry, outcome)
    entry.refresh_from_db()
    assert entry.is_open
    assert [each.outcome for each in entry.tries.all()] == [outcome, outcome]


def test_an_offer_waits_for_its_answer_although_the_patient_was_reached(desk: Desk) -> None:
    entry = call(desk, reason=ContactReason.WAITLIST_OFFER)
    tried(desk, entry, ContactOutcome.REACHED)
    entry.refresh_from_db()
    assert entry.is_open


def test_who_was_told_what_is_no_longer_so_has_to_be_told_again(desk: Desk) -> None:
    visit = move(desk, desk.book(NINE), TEN)
    entry = only_entry()
    move(desk, visit, ELEVEN)
    told = {"channel": ContactChannel.PHONE, "by": desk.user, "at": ahead(minutes=5)}
    with pytest.raises(Stale) as refusal:
        contacts.record_try(entry=entry, outcome=ContactOutcome.REACHED, said=entry.text, **told)
    assert refusal.value.code == "contact_changed"
    assert not entry.tries.exists()
    contacts.record_try(entry=entry, outcome=ContactOutcome.NO_ANSWER, said=entry.text, **told)
    contacts.record_try(entry=entry, outcome=ContactOutcome.REACHED, said=only_entry().text, **told)
    assert only_entry().told is True


def test_two_desks_do_not_both_tell_one_patient(desk: Desk) -> None:
    entry = call(desk)
    tried(desk, entry, ContactOutcome.REACHED)
    for late in (
        lambda: tried(desk, entry, ContactOutcome.NO_ANSWER),
        lambda: contacts.close(entry=entry, told=False, reason="x", by=desk.user, at=CLINIC_NOW),
    ):
        with pytest.raises(Stale) as refusal:
            late()
        assert refusal.value.code == "contact_closed"
    assert entry.tries.count() == 1


# --- what the clinic changes ------------------------------------------------------------------------------------------


def test_a_visit_the_clinic_moves_has_to_be_told(desk: Desk) -> None:
    visit = desk.book(NINE)
    move(desk, visit, TEN, who=desk.amari)
    entry = only_entry()
    assert (entry.reason, entry.about, entry.was_at, entry.was_with) == ("moved", visit, NINE, desk.silva)
    assert entry.is_open
    assert (
        entry.text
        == "“Check-up” has moved from Tue 3 Mar 2026, 09:00 to Tue 3 Mar 2026, 10:00, with Dr Amari."
    )


def test_a_patient_who_was_told_of_the_move_is_on_record_as_told(desk: Desk) -> None:
    move(desk, desk.book(NINE), TEN, told=True)
    entry = only_entry()
    assert (entry.told, entry.closed_by, entry.closed_at) == (True, desk.user, CLINIC_NOW)


def test_a_second_move_says_where_the_patient_still_believes_it_is(desk: Desk) -> None:
    visit = desk.book(NINE)
    move(desk, visit, TEN)
    move(desk, visit, ELEVEN)
    assert "from Tue 3 Mar 2026, 09:00 to Tue 3 Mar 2026, 11:00" in only_entry().text


def test_moved_back_to_what_the_patient_knows_nobody_has_to_call(desk: Desk) -> None:
    visit = desk.book(NINE)
    move(desk, visit, TEN)
    move(desk, visit, NINE)
    entry = only_entry()
    assert (entry.is_open, entry.told) == (False, False)


def test_back_at_the_old_time_with_somebody_else_has_to_be_told(desk: Desk) -> None:
    visit = desk.book(NINE)
    move(desk, visit, TEN)
    move(desk, visit, NINE, who=desk.amari)
    assert only_entry().text == "“Check-up” on Tue 3 Mar 2026, 09:00 is with Dr Amari now."


def test_a_move_after_the_patient_was_told_has_to_be_told_again(desk: Desk) -> None:
    visit = desk.book(NINE)
    move(desk, visit, TEN, told=True)
    move(desk, visit, NINE)
    assert ContactEntry.objects.open().get().was_at == TEN


def test_telling_closes_what_was_still_to_be_told_of_an_earlier_move(desk: Desk) -> None:
    visit = desk.book(NINE)
    move(desk, visit, TEN)
    move(desk, visit, ELEVEN, told=True)
    assert only_entry().told is True


def test_another_room_at_the_same_time_is_nothing_to_call_about(desk: Desk) -> None:
    move(desk, desk.book(NINE), NINE, room=desk.room2)
    assert not ContactEntry.objects.exists()


def test_a_move_that_is_refused_leaves_nobody_to_call(desk: Desk) -> None:
    visit = desk.book(NINE)
    desk.book(TEN, patient=PatientFactory())
    with pytest.raises(SlotTaken):
        move(desk, visit, TEN)
    assert not ContactEntry.objects.exists()


@pytest.mark.parametrize("by", [CancelledBy.CLINIC, CancelledBy.CLINICAL])
def test_a_visit_the_clinic_cancels_has_to_be_told_without_the_reason(desk: Desk, by: CancelledBy) -> None:
    visit = cancel(desk, desk.book(NINE), by, reason="reaction to the test")
    entry = only_entry()
    assert (entry.reason, entry.about, entry.is_open) == ("cancelled", visit, True)
    assert entry.text == "“Check-up” on Tue 3 Mar 2026, 09:00 does not take place. Offer another time."


def test_who_cancelled_themselves_knows(desk: Desk) -> None:
    cancel(desk, desk.book(NINE), CancelledBy.PATIENT)
    assert only_entry().told is True


def test_who_was_told_of_the_cancellation_is_on_record_as_told(desk: Desk) -> None:
    cancel(desk, desk.book(NINE), CancelledBy.CLINIC, told=True)
    assert only_entry().told is True


def test_a_cancellation_takes_the_place_of_an_untold_move(desk: Desk) -> None:
    visit = desk.book(NINE)
    cancel(desk, move(desk, visit, TEN), CancelledBy.CLINIC)
    entry = ContactEntry.objects.open().get()
    assert (entry.reason, entry.was_at) == ("cancelled", NINE)
    assert "09:00" in entry.text


def test_a_cancellation_taken_back_before_anybody_called_is_nothing_to_tell(desk: Desk) -> None:
    visit = cancel(desk, desk.book(NINE), CancelledBy.CLINIC)
    visits.reinstate(appointment=visit, by=desk.user, at=CLINIC_NOW)
    entry = only_entry()
    assert (entry.is_open, entry.told) == (False, False)


def test_a_cancellation_taken_back_after_the_patient_was_told_has_to_be_told(desk: Desk) -> None:
    visit = cancel(desk, desk.book(NINE), CancelledBy.CLINIC, told=True)
    visits.reinstate(appointment=visit, by=desk.user, at=CLINIC_NOW)
    assert ContactEntry.objects.open().get().text == (
        f"“{visit.type}” on {moment_in_words(NINE)}, with {desk.silva}, takes place after all."
    )


def test_a_patients_own_cancellation_taken_back_is_nothing_to_tell(desk: Desk) -> None:
    visit = cancel(desk, desk.book(NINE), CancelledBy.PATIENT)
    visits.reinstate(appointment=visit, by=desk.user, at=CLINIC_NOW)
    assert not ContactEntry.objects.open().exists()


def test_a_cancellation_that_nobody_was_asked_to_tell_is_taken_back_without_a_call(desk: Desk) -> None:
    """It was called off before the clinic kept a list of whom to call."""
    visit = AppointmentFactory(status=AppointmentStatus.CANCELLED, cancelled_by=CancelledBy.CLINIC)
    back = visits.reinstate(appointment=visit, by=desk.user, at=CLINIC_NOW)
    assert back.status == AppointmentStatus.BOOKED
    assert not ContactEntry.objects.exists()


# --- reading the list -------------------------------------------------------------------------------------------------


def test_the_list_is_by_reason_and_then_the_oldest_first(desk: Desk) -> None:
    late = ContactEntryFactory(asked_at=ago(hours=1))
    early = ContactEntryFactory(asked_at=ago(hours=9))
    pressing = ContactEntryFactory(reason=ContactReason.POSITIVE_TEST, asked_at=ago(minutes=1))
    ContactEntryFactory(closed=True)
    assert list(ContactEntry.objects.open().by_reason()) == [pressing, early, late]


def test_patients_are_counted_once_however_much_they_have_to_be_told(desk: Desk) -> None:
    first = ContactEntryFactory()
    ContactEntryFactory(patient=first.patient, reason=ContactReason.RECALL)
    ContactEntryFactory()
    ContactEntryFactory(closed=True)
    assert patients_to_call(user=desk.user, at=CLINIC_NOW) == 2


def test_a_visit_is_told_to_be_told_or_neither(desk: Desk) -> None:
    quiet, told, untold, both, dropped = (
        desk.book(on(TUESDAY, clock)) for clock in ("09:00", "09:30", "10:00", "10:30", "11:00")
    )
    ContactEntryFactory(about=told, closed=True)
    ContactEntryFactory(about=untold)
    ContactEntryFactory(about=both, closed=True)
    ContactEntryFactory(about=both, reason=ContactReason.CANCELLED)
    ContactEntryFactory(about=dropped, closed=True, told=False)
    marks = told_by_visit([quiet, told, untold, both, dropped])
    assert marks == {told.pk: True, untold.pk: False, both.pk: False}
    assert {
        each.pk: not found.is_open for each in (told, untold, both) if (found := contact_about(each))
    } == marks
    assert contact_about(quiet) is None and contact_about(dropped) is None
