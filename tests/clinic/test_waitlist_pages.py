"""The waitlist's pages: put on it from booking, offered in one click where a time is free, answered on the list."""

from __future__ import annotations

from datetime import date, time
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import booking, offers
from clinic.availability import FreeStart
from clinic.chooser import Slot
from clinic.enums import CancelledBy, OfferAnswer
from clinic.errors import DomainError, SlotTaken
from clinic.models import Appointment, ContactEntry, WaitlistEntry, WaitlistOffer
from tests.clinic.desk import Desk, on
from tests.factories import (
    AbsenceFactory,
    ErasureDoneFactory,
    ErasureFactory,
    PatientFactory,
    WaitlistEntryFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

URL = "/waitlist/"
TUESDAY = date(2026, 3, 3)
NINE, TEN = on(TUESDAY, "09:00"), on(TUESDAY, "10:00")
HTMX = {"HX-Request": "true"}


def page(client: Client, url: str = URL) -> str:
    return client.get(url).content.decode()


def waiting(desk: Desk, **changes: object) -> WaitlistEntry:
    return WaitlistEntryFactory(**{"type": desk.visit, "purpose": "", **changes})


def offered(desk: Desk, entry: WaitlistEntry) -> WaitlistOffer:
    place = FreeStart(NINE, desk.silva, desk.room, None)
    return offers.offer(entry=entry, place=place, by=desk.user, at=CLINIC_NOW)


def add_url(desk: Desk, query: str = "") -> str:
    return f"{reverse('clinic:waitlist_add', args=[desk.patient.pk])}{query}"


def wishes(**changes: object) -> dict[str, object]:
    return {
        "what": "visit:",
        "earliest_on": "2026-03-02",
        "latest_on": "2026-03-20",
        "weekdays": ["1", "2"],
        **changes,
    }


# --- the list ---------------------------------------------------------------------------------------------------------


def test_a_row_says_who_waits_for_what_and_when_it_suits(desk: Desk, reception_client: Client) -> None:
    waiting(
        desk,
        patient__family_name="Haddad",
        practitioners=[desk.amari],
        weekdays=[1, 3],
        since=time(9),
        until=time(12),
        note="lives <near> by",
    )
    shown = page(reception_client)
    for words in (
        "Haddad, Jeanne",
        "Check-up, Dr Amari",
        "Sun 1 Mar 2026 to Tue 31 Mar 2026",
        "Mon, Wed, 09:00 to 12:00",
        "Since Fri 27 Feb 2026, 09:00",
        "lives &lt;near&gt; by",
    ):
        assert words in shown


def test_an_empty_list_says_what_would_fill_it(desk: Desk, reception_client: Client) -> None:
    assert "Nobody waits" in page(reception_client)
    assert "Nobody on the waitlist fits today" in page(reception_client, f"{URL}?show=today")


def test_a_practitioners_part_has_hers_and_who_would_see_anybody(
    desk: Desk, reception_client: Client
) -> None:
    hers = waiting(desk, practitioners=[desk.silva])
    anybodys = waiting(desk, asked_at=ago(days=9))
    waiting(desk, practitioners=[desk.amari])
    found = reception_client.get(f"{URL}?practitioner={desk.silva.pk}").context["entries"]
    assert found == [anybodys, hers]


def test_the_list_is_paged(desk: Desk, reception_client: Client) -> None:
    for _ in range(21):
        waiting(desk)
    assert page(reception_client).count('id="wait-') == 20
    assert page(reception_client, f"{URL}?page=2").count('id="wait-') == 1


def test_who_fits_today_can_be_offered_it_at_once(desk: Desk, reception_client: Client) -> None:
    entry = waiting(desk)
    shown = page(reception_client, f"{URL}?show=today")
    assert "Mon 2 Mar 2026, 09:00, Dr Silva, Room 1" in shown
    assert reverse("clinic:waitlist_offer", args=[entry.pk]) in shown


def test_an_admin_reads_without_buttons(desk: Desk, admin_client: Client) -> None:
    entry = waiting(desk)
    shown = page(admin_client)
    assert entry.patient.name in shown
    assert reverse("clinic:waitlist_withdraw", args=[entry.pk]) not in shown


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_same_questions_whatever_it_holds(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        offered(desk, waiting(desk, practitioners=[desk.silva, desk.amari]))
    with django_assert_num_queries(8):
        assert reception_client.get(URL).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_who_fits_asks_the_same_questions_however_many_do(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        waiting(desk, practitioners=[desk.silva])
    with django_assert_num_queries(12):
        assert reception_client.get(f"{URL}?show=today").status_code == 200
    url = f"{URL}fits/?practitioner={desk.silva.pk}&starts_at=2026-03-03T08:00Z"
    with django_assert_num_queries(10):
        assert len(reception_client.get(url).context["fits"]) == count


# --- putting somebody on it, taking somebody off ----------------------------------------------------------------------


def test_booking_leads_to_the_waitlist_and_keeps_the_choices(desk: Desk, reception_client: Client) -> None:
    chosen = f"practitioner={desk.amari.pk}&days=24&since=09:00&until=12:00&minutes=45"
    panel = f"{reverse('clinic:book_for', args=[desk.patient.pk])}?{chosen}"
    link = reception_client.get(panel).context["chooser"]["wait_url"]
    assert link.startswith(f"{add_url(desk)}?")
    form = reception_client.get(link).context["form"]
    assert form["what"].value() == "visit:"
    assert form["practitioners"].value() == [str(desk.amari.pk)]
    assert (form["weekdays"].value(), form["minutes"].value()) == ([2, 4], 45)
    assert (form["since"].value(), form["until"].value()) == (time(9), time(12))


def test_moving_a_visit_offers_to_wait_for_an_earlier_time_of_that_very_visit(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(TEN)
    moving = reception_client.get(reverse("clinic:appointment_move", args=[visit.pk]))
    url = moving.context["chooser"]["wait_url"]
    assert url == add_url(desk, f"?practitioner={desk.silva.pk}&visit={visit.pk}")
    assert reception_client.get(url).context["visit"] == visit


def test_what_is_recorded_of_the_patient_is_filled_in(desk: Desk, reception_client: Client) -> None:
    desk.patient.suits_weekdays, desk.patient.suits_since = [2, 4], time(14)
    desk.patient.save()
    form = reception_client.get(add_url(desk)).context["form"]
    assert (form["weekdays"].value(), form["since"].value()) == ([2, 4], time(14))


def test_putting_somebody_on_the_list(desk: Desk, reception_client: Client) -> None:
    data = wishes(practitioners=[desk.silva.pk], since="09:00", until="12:00", note="any day but soon")
    answer = reception_client.post(add_url(desk), data)
    assert (answer.status_code, answer["Location"]) == (302, URL)
    entry = WaitlistEntry.objects.get()
    assert (entry.patient, entry.type, entry.purpose, entry.label) == (
        desk.patient,
        desk.visit,
        "",
        "Check-up",
    )
    assert (entry.weekdays, entry.since, entry.until) == ([1, 2], time(9), time(12))
    assert list(entry.practitioners.all()) == [desk.silva]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"what": "session:x"}, "This is not offered, or not any more."),
        ({"weekdays": []}, "Choose at least one weekday."),
        ({"latest_on": "2026-03-01"}, "The last day must not come before the first."),
        ({"since": "12:00", "until": "09:00"}, "The end must come after the start."),
        ({"note": "x" * 501}, "Write at most 500 characters"),
        ({"minutes": "2"}, "At least 5."),
        ({"practitioners": ["nobody"]}, "This is not offered, or not any more."),
    ],
)
def test_bad_input_is_named_kept_and_changes_nothing(
    desk: Desk, reception_client: Client, changes: dict[str, object], sentence: str
) -> None:
    answer = reception_client.post(add_url(desk), wishes(**{"note": "kept words", **changes}))
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert sentence in shown
    assert "kept words" in shown or "note" in changes
    assert not WaitlistEntry.objects.exists()


def test_waiting_twice_for_one_visit_is_refused(desk: Desk, reception_client: Client) -> None:
    reception_client.post(add_url(desk), wishes())
    answer = reception_client.post(add_url(desk), wishes())
    assert answer.status_code == 422
    assert "This patient is on the waitlist for this visit already." in answer.content.decode()
    assert "Waits for “Check-up” since" in page(reception_client, add_url(desk))


def test_taking_somebody_off_the_list(desk: Desk, reception_client: Client) -> None:
    entry = waiting(desk)
    url = reverse("clinic:waitlist_withdraw", args=[entry.pk])
    assert reception_client.post(url)["Location"] == URL
    entry.refresh_from_db()
    assert entry.outcome == "withdrawn"
    assert "no longer on the waitlist" in reception_client.post(url, follow=True).content.decode()


# --- where a time is free ---------------------------------------------------------------------------------------------


def test_after_cancelling_the_panel_offers_the_time_to_who_fits(desk: Desk, reception_client: Client) -> None:
    entry, visit = waiting(desk), desk.book(NINE)
    data = {"version": visit.version, "cancelled_by": CancelledBy.PATIENT}
    url = reverse("clinic:appointment_cancel", args=[visit.pk])
    shown = reception_client.post(url, data, headers=HTMX).content.decode()
    assert "On the waitlist, and fit this time" in shown
    assert entry.patient.name in shown
    assert f'value="{Slot(NINE, desk.silva.pk, desk.room.pk, None)}"' in shown


def test_a_visit_on_the_books_offers_its_time_to_nobody(desk: Desk, reception_client: Client) -> None:
    waiting(desk)
    sheet = reverse("clinic:appointment", args=[desk.book(NINE).pk])
    assert "fit this time" not in page(reception_client, sheet)


def test_after_cancelling_from_its_page_the_way_back_leads_to_who_fits(
    desk: Desk, reception_client: Client
) -> None:
    visit, entry = desk.book(NINE), waiting(desk)
    url = reverse("clinic:appointment_cancel", args=[visit.pk])
    data = {"version": 1, "cancelled_by": CancelledBy.PATIENT, "reason": "Ill"}
    answer = reception_client.post(url, data, follow=True)
    undo = answer.context["undo"]
    assert "Who on the waitlist fits the free time?" in answer.content.decode()
    assert [fit.entry for fit in reception_client.get(undo["freed"]).context["fits"]] == [entry]


def test_after_cancelling_a_time_that_suits_nobody_only_the_way_back_is_offered(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(NINE)
    waiting(desk, since=time(14))
    url = reverse("clinic:appointment_cancel", args=[visit.pk])
    reception_client.post(url, {"version": 1, "cancelled_by": CancelledBy.PATIENT, "reason": "Ill"})
    assert reception_client.get("/diary/").context["undo"]["freed"] == ""


def test_a_free_place_in_the_diary_shows_who_fits_it(desk: Desk, reception_client: Client) -> None:
    entry = waiting(desk)
    url = f"/book/?practitioner={desk.silva.pk}&starts_at=2026-03-03T09%3A00%3A00%2B01%3A00"
    assert entry.patient.name in page(reception_client, url)
    assert entry.patient.name not in page(reception_client, "/book/")
    desk.silva.is_active = False
    desk.silva.save()
    for who in (desk.silva.pk, uuid4()):
        shown = page(reception_client, url.replace(str(desk.silva.pk), str(who)))
        assert entry.patient.name not in shown


def test_after_a_move_the_diary_leads_to_who_fits_the_time_left_behind(
    desk: Desk, reception_client: Client
) -> None:
    entry, visit = waiting(desk), desk.book(NINE)
    url = reverse("clinic:appointment_move", args=[visit.pk])
    choice = Slot(TEN, desk.silva.pk, desk.room.pk, None)
    answer = reception_client.post(url, {"version": 1, "choice": str(choice)}, follow=True)
    freed = answer.context["undo"]["freed"]
    assert "Who on the waitlist fits the free time?" in answer.content.decode()
    assert [fit.entry for fit in reception_client.get(freed).context["fits"]] == [entry]


def test_after_a_batch_each_time_that_somebody_fits_is_listed(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Dr Silva's Tuesday morning is moved to Dr Amari: three times are free, two of them suit somebody."""
    clocks = ("09:00", "10:00", "11:00")
    visits = [desk.book(on(TUESDAY, clock), patient=PatientFactory()) for clock in clocks]
    early = waiting(desk, practitioners=[desk.silva], until=time(9, 30))
    late = waiting(desk, practitioners=[desk.silva], since=time(11))
    ill = AbsenceFactory(
        practitioner=desk.silva, starts_at=on(TUESDAY, "00:00"), ends_at=on(TUESDAY, "12:00")
    )
    url = reverse("clinic:new_places", args=["absence", ill.pk])
    rows = reception_client.get(url).context["rows"]
    sent = {"shift": [row.key for row in rows], "place": [row.choices[0].value for row in rows]}
    ill.delete()  # back sooner than thought: the times are free
    assert reception_client.post(url, sent).status_code == 404
    ill = AbsenceFactory(
        practitioner=desk.silva, starts_at=on(TUESDAY, "16:30"), ends_at=on(TUESDAY, "17:00")
    )
    url = reverse("clinic:new_places", args=["absence", ill.pk])
    assert reception_client.post(url, sent).status_code == 302
    assert {each.practitioner for each in Appointment.objects.all()} == {desk.amari}
    freed = reception_client.get(url).context["undo"]["freed"]
    with django_assert_num_queries(10):  # as for one time
        shown = reception_client.get(freed)
    found = [(each["time"].begins_at, [fit.entry for fit in each["fits"]]) for each in shown.context["times"]]
    assert found == [(visits[0].starts_at, [early]), (visits[2].starts_at, [late])]
    assert "Who fits these times?" in shown.content.decode()
    assert "Tue 3 Mar 2026, 11:00, Dr Silva" in shown.content.decode()


@pytest.mark.parametrize("freed", ["nonsense", "2026-03-03T08:00Z_0", "_", "0001-01-01T00:00Z_" + "0" * 32])
def test_a_free_time_that_cannot_be_read_is_no_page(reception_client: Client, freed: str) -> None:
    assert reception_client.get(f"{URL}fits/", {"freed": freed}).status_code == 404


def test_after_a_move_that_suits_nobody_nothing_is_said(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(NINE)
    url = reverse("clinic:appointment_move", args=[visit.pk])
    choice = Slot(TEN, desk.silva.pk, desk.room.pk, None)
    answer = reception_client.post(url, {"version": 1, "choice": str(choice)}, follow=True)
    assert answer.context["undo"]["freed"] == ""


def test_the_diary_says_how_many_fit_today(desk: Desk, reception_client: Client) -> None:
    assert "on the waitlist" not in page(reception_client, "/diary/")
    waiting(desk)
    waiting(desk)
    assert "2</strong> on the waitlist fit today&#x27;s free places" in page(reception_client, "/diary/")


# --- offering and answering -------------------------------------------------------------------------------------------


def test_one_click_offers_and_the_contact_list_has_it(desk: Desk, reception_client: Client) -> None:
    entry = waiting(desk)
    choice = Slot(NINE, desk.silva.pk, desk.room.pk, None)
    url = reverse("clinic:waitlist_offer", args=[entry.pk])
    assert reception_client.post(url, {"choice": str(choice)})["Location"] == "/contacts/"
    offer = WaitlistOffer.objects.get()
    shown = page(reception_client, "/contacts/")
    assert "Offer from the waitlist" in shown
    assert reverse("clinic:offer_accept", args=[offer.pk]) in shown
    assert reverse("clinic:offer_decline", args=[offer.pk]) in shown


@pytest.mark.parametrize("choice", ["", "nonsense", "two"])
def test_an_unread_place_offers_nothing(desk: Desk, reception_client: Client, choice: str) -> None:
    if choice == "two":  # as the booking panel would send a pair
        choice = "+".join(str(Slot(each, desk.silva.pk, desk.room.pk, None)) for each in (NINE, TEN))
    url = reverse("clinic:waitlist_offer", args=[waiting(desk).pk])
    answer = reception_client.post(url, {"choice": choice}, follow=True)
    assert "Choose one of the times that are offered." in answer.content.decode()
    assert not WaitlistOffer.objects.exists()


def test_a_place_taken_meanwhile_is_not_offered_and_others_are_shown(
    desk: Desk, reception_client: Client
) -> None:
    entry = waiting(desk)
    desk.book(NINE)
    choice = Slot(NINE, desk.silva.pk, desk.room.pk, None)
    answer = reception_client.post(reverse("clinic:waitlist_offer", args=[entry.pk]), {"choice": str(choice)})
    assert answer.status_code == 409
    assert "Tue 3 Mar 2026, 09:00 has just been taken." in answer.content.decode()


def test_accepting_books_and_shows_the_day(desk: Desk, reception_client: Client) -> None:
    entry = waiting(desk)
    url = reverse("clinic:offer_accept", args=[offered(desk, entry).pk])
    assert reception_client.post(url)["Location"] == "/diary/?day=2026-03-03"
    assert Appointment.objects.get().patient == entry.patient
    assert reception_client.get(URL).context["entries"] == []


def test_a_lock_that_was_not_had_in_time_takes_no_offer_away(
    desk: Desk, reception_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = offered(desk, waiting(desk))

    def busy(**_: object) -> None:
        raise SlotTaken("Somebody else is booking the same time. Please try again.", "busy")

    with monkeypatch.context() as crowded:
        crowded.setattr(offers, "accept", busy)
        answer = reception_client.post(reverse("clinic:offer_accept", args=[offer.pk]), follow=True)
    assert "Please try again." in answer.content.decode()
    offer.refresh_from_db()
    assert offer.is_open


def test_accepting_late_shows_the_next_best_times_and_the_patient_goes_on_waiting(
    desk: Desk, reception_client: Client
) -> None:
    entry = waiting(desk)
    offer = offered(desk, entry)
    desk.book(NINE, patient=PatientFactory())
    answer = reception_client.post(reverse("clinic:offer_accept", args=[offer.pk]))
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert "Tue 3 Mar 2026, 09:00 has just been taken." in shown
    first = answer.context["times"][0]
    assert (first["place"].starts_at, first["place"].practitioner) == (NINE, desk.amari)
    booking_page = reception_client.get(first["url"]).content.decode()
    assert "Wanted: Tue 3 Mar 2026, 09:00" in booking_page
    offer.refresh_from_db()
    entry.refresh_from_db()
    assert (offer.answer, entry.is_open) == (OfferAnswer.GONE, True)


def test_declining_goes_on_waiting(desk: Desk, reception_client: Client) -> None:
    entry = waiting(desk)
    offer = offered(desk, entry)
    url = reverse("clinic:offer_decline", args=[offer.pk])
    assert reception_client.post(url, {"next": "/contacts/"})["Location"] == "/contacts/"
    offer.refresh_from_db()
    assert (offer.answer, ContactEntry.objects.get().told) == (OfferAnswer.DECLINED, True)
    assert entry.patient.name in page(reception_client)


def test_an_offer_that_cannot_be_had_any_more_is_shown_as_gone(desk: Desk, reception_client: Client) -> None:
    offer = offered(desk, waiting(desk))
    assert ">gone<" not in page(reception_client) + page(reception_client, "/contacts/")
    desk.book(NINE)
    for shown in (page(reception_client), page(reception_client, "/contacts/")):
        assert ">gone<" in shown
        assert reverse("clinic:offer_accept", args=[offer.pk]) not in shown


@pytest.mark.parametrize("count", [1, 3])
def test_offers_on_the_contact_list_ask_the_same_questions(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        offered(desk, waiting(desk))
    with django_assert_num_queries(7):
        assert reception_client.get("/contacts/").status_code == 200


def test_a_hold_that_runs_out_shows_who_fits_as_any_free_place_does(
    desk: Desk, reception_client: Client
) -> None:
    entry = waiting(desk)
    until = on(TODAY, "10:00")
    booking.hold_many(wishes=[desk.wish(NINE)], until=until, by=desk.user, at=ago(hours=1))
    url = f"{URL}fits/?practitioner={desk.silva.pk}&starts_at=2026-03-03T08:00Z"
    assert reception_client.get(url).context["fits"] == []
    Appointment.objects.update(held_until=ago(minutes=1))
    assert [fit.entry for fit in reception_client.get(url).context["fits"]] == [entry]
    sheet = reception_client.get(reverse("clinic:appointment", args=[Appointment.objects.get().pk]))
    assert [fit.entry for fit in sheet.context["fits"]] == [entry]


def test_nobody_waits_for_a_visit_on_a_record_that_is_to_be_erased(
    desk: Desk, reception_client: Client
) -> None:
    """Neither anew, nor is anybody called who waited before."""
    before = waiting(desk, patient=desk.patient)
    erasure = ErasureFactory(patient=desk.patient)
    answers = [reception_client.get(add_url(desk)), reception_client.post(add_url(desk), wishes())]
    assert [each.status_code for each in answers] == [422, 422]
    assert all("is to be erased from Sun 8 Mar 2026 on" in each.text for each in answers)
    with pytest.raises(DomainError, match="is to be erased"):
        offered(desk, before)
    assert (WaitlistEntry.objects.get(), ContactEntry.objects.count()) == (before, 0)

    ErasureDoneFactory(erasure=erasure)  # begun: what is left takes visits again
    assert reception_client.get(add_url(desk)).status_code == 200
    assert offered(desk, before).is_open
