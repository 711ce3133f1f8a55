"""The list of patients to call: who, how, what to say, and one button an outcome; and the tick on card and panel."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.enums import CancelledBy, ContactOutcome, ContactReason
from clinic.models import ContactEntry
from tests.clinic.desk import Desk, on
from tests.factories import ContactEntryFactory, ContactTryFactory, PatientFactory
from tests.factories.clock import CLINIC_NOW, ago

URL = "/contacts/"
TUESDAY = date(2026, 3, 3)
HTMX = {"HX-Request": "true"}


def page(client: Client, url: str = URL) -> str:
    return client.get(url).content.decode()


def act(client: Client, entry: ContactEntry, what: str, **data: object):
    return client.post(reverse(f"clinic:contact_{what}", args=[entry.pk]), data)


def test_an_entry_says_who_how_and_what(desk: Desk, reception_client: Client) -> None:
    patient = PatientFactory(minor=True, family_name="Haddad", email="a@example.org")
    entry = ContactEntryFactory(patient=patient, text="Say <b>this</b>.", asked_at=ago(hours=3))
    ContactTryFactory(entry=entry, outcome=ContactOutcome.LEFT_MESSAGE, note="with his sister")
    shown = page(reception_client)
    for words in (
        "Haddad, Jeanne",
        'href="tel:+33612004471"',
        'href="tel:+33612004472"',
        "Clara Moreau",
        "prefers phone",
        "Say &lt;b&gt;this&lt;/b&gt;.",
        "Since Mon 2 Mar 2026, 06:00",
        "left a message (phone)",
        "with his sister",
        "No answer",
    ):
        assert words in shown


def test_nobody_to_call_says_what_would_fill_the_list(desk: Desk, reception_client: Client) -> None:
    assert "Nobody has to be called" in page(reception_client)
    assert "Nobody has been called yet" in page(reception_client, f"{URL}?show=closed")


def test_a_button_is_an_outcome_and_leads_back(desk: Desk, reception_client: Client) -> None:
    entry = ContactEntryFactory()
    data = {"channel": "text", "outcome": "no_answer", "note": "again at five", "next": f"{URL}?show=recall"}
    answer = act(reception_client, entry, "try", **data)
    assert (answer.status_code, answer["Location"]) == (302, f"{URL}?show=recall")
    kept = entry.tries.get()
    assert (kept.channel, kept.outcome, kept.note, kept.tried_at) == (
        "text",
        "no_answer",
        "again at five",
        CLINIC_NOW,
    )


def test_reached_leaves_the_list_and_stands_among_the_done(desk: Desk, reception_client: Client) -> None:
    entry = ContactEntryFactory()
    act(reception_client, entry, "try", channel="phone", outcome="reached")
    assert entry.patient.name not in page(reception_client)
    done = page(reception_client, f"{URL}?show=closed")
    assert entry.patient.name in done and "told" in done and "Ana Costa" in done


def test_an_unread_outcome_keeps_the_note_and_changes_nothing(desk: Desk, reception_client: Client) -> None:
    entry = ContactEntryFactory()
    answer = act(reception_client, entry, "try", channel="phone", note="kept <words>")
    assert answer.status_code == 422
    assert "kept &lt;words&gt;" in answer.content.decode()
    assert not entry.tries.exists()


def test_closing_without_a_call_asks_why(desk: Desk, reception_client: Client) -> None:
    entry = ContactEntryFactory()
    refused = act(reception_client, entry, "close", reason=" ")
    assert refused.status_code == 422
    assert "Say why nobody has to call." in refused.content.decode()
    assert act(reception_client, entry, "close", reason="came by").status_code == 302
    entry.refresh_from_db()
    assert (entry.told, entry.close_reason) == (False, "came by")


@pytest.mark.parametrize(
    ("what", "data"),
    [("try", {"channel": "phone", "outcome": "reached", "note": "kept"}), ("close", {"reason": "kept"})],
)
def test_somebody_elses_call_is_a_conflict_and_not_a_second_one(
    desk: Desk, reception_client: Client, what: str, data: dict[str, str]
) -> None:
    entry = ContactEntryFactory(closed=True)
    answer = act(reception_client, entry, what, **data)
    assert answer.status_code == 409
    assert not entry.tries.exists()


def test_the_list_can_be_narrowed_to_one_reason(desk: Desk, reception_client: Client) -> None:
    reading = ContactEntryFactory(patient__family_name="Haddad")
    recall = ContactEntryFactory(patient__family_name="Okoro", reason=ContactReason.RECALL)
    shown = page(reception_client, f"{URL}?show=recall")
    assert recall.patient.name in shown and reading.patient.name not in shown
    assert page(reception_client, f"{URL}?show=nonsense").count("contact-entry") == 2


def test_the_list_is_paged(desk: Desk, reception_client: Client) -> None:
    for _ in range(21):
        ContactEntryFactory()
    assert page(reception_client).count('id="entry-') == 20
    assert "?page=2" in page(reception_client)
    assert page(reception_client, f"{URL}?page=2").count('id="entry-') == 1


def test_an_admin_reads_without_buttons(desk: Desk, admin_client: Client) -> None:
    entry = ContactEntryFactory()
    shown = page(admin_client)
    assert entry.patient.name in shown
    assert reverse("clinic:contact_try", args=[entry.pk]) not in shown


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_same_questions_whatever_it_holds(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for n in range(count):
        visit = desk.book(on(TUESDAY, f"{9 + n:02}:00"), patient=PatientFactory())
        ContactTryFactory(entry=ContactEntryFactory(patient=visit.patient, about=visit))
    with django_assert_num_queries(6):
        assert reception_client.get(URL).status_code == 200


# --- on the diary, in the panel, on the forms -------------------------------------------------------------------------


def test_the_diary_says_how_many_have_to_be_called(desk: Desk, reception_client: Client) -> None:
    assert "patients to call" not in page(reception_client, "/diary/")
    ContactEntryFactory()
    assert "1</strong> patient to call" in page(reception_client, "/diary/")
    ContactEntryFactory()
    assert "2</strong> patients to call" in page(reception_client, "/diary/")


def test_a_card_and_the_panel_say_told_or_to_be_told(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(on(TUESDAY, "10:00"))
    sheet, day = reverse("clinic:appointment", args=[visit.pk]), "/diary/?day=2026-03-03"
    assert "to be told" not in page(reception_client, day) + page(reception_client, sheet)
    entry = ContactEntryFactory(patient=visit.patient, about=visit)
    assert "to be told" in page(reception_client, day)
    assert "to be told" in page(reception_client, sheet)
    act(reception_client, entry, "try", channel="phone", outcome="reached")
    assert ">told<" in page(reception_client, day)
    assert "Mon 2 Mar 2026, 09:00, by Ana Costa" in page(reception_client, sheet)


def test_the_panel_notes_in_one_click_that_the_patient_knows(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(on(TUESDAY, "10:00"))
    entry = ContactEntryFactory(patient=visit.patient, about=visit)
    sheet = reverse("clinic:appointment", args=[visit.pk])
    assert reverse("clinic:contact_try", args=[entry.pk]) in page(reception_client, sheet)
    answer = reception_client.post(
        reverse("clinic:contact_try", args=[entry.pk]),
        {"channel": "phone", "outcome": "reached", "next": sheet},
        headers=HTMX,
        follow=True,
    )
    assert answer.redirect_chain == [(sheet, 302)]
    assert ">told<" in answer.content.decode()


@pytest.mark.parametrize(
    ("cancelled_by", "tick", "told"),
    [
        (CancelledBy.PATIENT, {}, True),
        (CancelledBy.CLINIC, {}, None),
        (CancelledBy.CLINIC, {"told": "on"}, True),
    ],
)
def test_cancelling_asks_whether_the_patient_knows(
    desk: Desk, reception_client: Client, cancelled_by: str, tick: dict[str, str], told: bool | None
) -> None:
    visit = desk.book(on(TUESDAY, "10:00"))
    url = reverse("clinic:appointment_cancel", args=[visit.pk])
    assert "The patient has been told" in page(reception_client, url)
    reception_client.post(url, {"version": visit.version, "cancelled_by": cancelled_by, **tick})
    assert ContactEntry.objects.get().told is told


@pytest.mark.parametrize(("tick", "told"), [({}, None), ({"told": "on"}, True)])
def test_moving_asks_whether_the_patient_knows(
    desk: Desk, reception_client: Client, tick: dict[str, str], told: bool | None
) -> None:
    visit = desk.book(on(TUESDAY, "10:00"))
    url = reverse("clinic:appointment_move", args=[visit.pk])
    assert "The patient has been told" in page(reception_client, url)
    choice = f"2026-03-03T10:00Z_{desk.silva.pk.hex}_{desk.room.pk.hex}_-"
    answer = reception_client.post(url, {"version": visit.version, "choice": choice, **tick})
    assert answer.status_code == 302
    assert ContactEntry.objects.get().told is told
