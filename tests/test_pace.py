"""Who asks for more pages, or makes more entries, than a person can is stopped, told until when, and seen by admins; nobody else is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from clinic import pace
from clinic.actions import asking
from clinic.enums import Pace, SignInEventKind
from clinic.errors import TooMuch
from clinic.models import Asked, Patient, Practitioner, SignInEvent, User
from clinic.models.asked import SLOTS
from tests.addresses import OURS, World
from tests.factories import PatientFactory, UserFactory
from tests.factories.clock import CLINIC_NOW
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

HTMX, UNATTENDED = {"HX-Request": "true"}, {"X-Unattended": "yes"}
DIARY, FIND, NEW = "/diary/", "/patients/", "/patients/new/"
DAYS = [f"{DIARY}?day=2026-03-{number:02}" for number in range(2, 9)]


@pytest.fixture(autouse=True)
def few(settings: Any) -> Iterator[None]:
    settings.PAGES_AN_HOUR, settings.PAGES_A_DAY = 4, 6
    settings.ENTRIES_AN_HOUR, settings.ENTRIES_A_DAY = 2, 3
    yield


def asks(client: Client, addresses: list[str], **headers: str) -> list[int]:
    return [client.get(each, headers=headers).status_code for each in addresses]


def registers(client: Client, name: str) -> Any:
    typed = {
        "family_name": name,
        "given_names": "Jeanne",
        "birth_date": "1984-03-12",
        "sex": "female",
        "prefers": "phone",
        "phone": "+351 912 345 678",
    }
    return client.post(NEW, typed)


def after(**passed: float) -> Any:
    return time_machine.travel(CLINIC_NOW + timedelta(**passed), tick=False)


class TestAMachineThatReads:
    def test_who_reads_is_stopped_and_told_until_when(
        self, reception: User, reception_client: Client, admin_client: Client
    ) -> None:
        PatientFactory(family_name="Moreau")
        assert asks(reception_client, DAYS[:4]) == [200] * 4
        refused = reception_client.post(FIND, {"q": "moreau"})
        assert (refused.status_code, refused["Retry-After"]) == (429, "3601")
        assert "The next one opens from Mon 2 Mar 2026, 10:00 on" in refused.text
        assert "Too many pages" in refused.text and "Moreau" not in refused.text

        asks(reception_client, DAYS)  # it goes on asking, and is written down once
        seen = SignInEvent.objects.get(kind=SignInEventKind.PAGES_STOPPED)
        assert (seen.user, seen.address) == (reception, "127.0.0.1")
        page = admin_client.get("/review/who-signed-in/", {"kind": SignInEventKind.PAGES_STOPPED})
        assert page.context["entries"] == [seen] and "asked for too many pages" in page.text

    def test_nor_does_it_walk_by_searching(self, reception_client: Client) -> None:
        answers = [reception_client.post(FIND, {"q": letter}).status_code for letter in "abcde"]
        assert answers == [200] * 4 + [429]

    def test_nor_by_parts_of_pages_and_htmx_shows_why(self, reception_client: Client) -> None:
        for letter in "abcd":
            assert reception_client.post(FIND, {"q": letter}, headers=HTMX).status_code == 200
        refused = reception_client.post(FIND, {"q": "e"}, headers=HTMX)
        assert (refused.status_code, refused["HX-Retarget"]) == (429, "#messages")
        assert "<html" not in refused.text and "so many pages" in refused.text
        # htmx leaves an answer of another status aside.
        assert "|429)" in reception_client.get("/accounts/logout/").text

    def test_nor_by_saying_that_nobody_asked(self, reception_client: Client) -> None:
        """Not of pages it was not shown, nor of one that was refused."""
        walked = [DAYS[0], *DAYS[:5], DAYS[4]]
        assert asks(reception_client, walked, **UNATTENDED) == [200] * 5 + [429] * 2

    def test_nor_by_signing_in_once_more(self, reception: User, reception_client: Client) -> None:
        asks(reception_client, DAYS[:4])
        assert asks(sign_in(Client(), reception), DAYS[4:5]) == [429]

    def test_nor_slowly_all_day(self, reception: User) -> None:
        """Two an hour: the sixth of the day is the last."""
        found = []
        for number, day in enumerate(DAYS):
            with after(minutes=31 * number):
                found.append(sign_in(Client(), reception).get(day))
        assert [each.status_code for each in found] == [200] * 6 + [429]
        assert "Tue 3 Mar 2026, 09:00" in found[-1].text

    def test_without_the_limit_it_reads_them_all(self, reception_client: Client, settings: Any) -> None:
        settings.PAGES_AN_HOUR = settings.PAGES_A_DAY = 100_000
        assert asks(reception_client, DAYS) == [200] * 7


class TestAMachineThatWrites:
    def test_who_writes_is_stopped_and_told_until_when(
        self, reception: User, reception_client: Client, admin_client: Client
    ) -> None:
        assert [registers(reception_client, name).status_code for name in ("Moreau", "Silva")] == [302, 302]
        refused = registers(reception_client, "Okoro")
        assert (refused.status_code, refused["Retry-After"]) == (429, "3601")
        assert "Too many entries" in refused.text
        assert "was not saved: go back and send it again from Mon 2 Mar 2026, 10:00 on" in refused.text
        assert set(Patient.objects.values_list("family_name", flat=True)) == {"Moreau", "Silva"}
        assert reception_client.get(FIND).status_code == 200  # reading is counted apart

        seen = SignInEvent.objects.get(kind=SignInEventKind.ENTRIES_STOPPED)
        assert seen.user == reception
        page = admin_client.get("/review/who-signed-in/", {"kind": SignInEventKind.ENTRIES_STOPPED})
        assert page.context["entries"] == [seen] and "made too many entries" in page.text

    def test_nor_does_it_write_by_saying_that_nobody_sent_it(self, reception_client: Client) -> None:
        sent = [reception_client.post(NEW, {}, headers=UNATTENDED).status_code for _time in range(3)]
        assert sent == [422, 422, 429]

    def test_without_the_limit_all_are_written(self, reception_client: Client, settings: Any) -> None:
        settings.ENTRIES_AN_HOUR = settings.ENTRIES_A_DAY = 100_000
        for name in ("Moreau", "Silva", "Okoro", "Costa"):
            assert registers(reception_client, name).status_code == 302
        assert Patient.objects.count() == 4


class TestPeople:
    def test_an_hour_later_the_next_page_opens(self, reception: User, reception_client: Client) -> None:
        asks(reception_client, DAYS[:5])
        with after(hours=1):
            assert asks(sign_in(Client(), reception), DAYS[4:5]) == [200]

    def test_nobody_is_stopped_by_what_somebody_else_asks(self, reception_client: Client) -> None:
        asks(reception_client, DAYS[:5])
        for name in ("Moreau", "Silva", "Okoro"):
            registers(reception_client, name)
        other = sign_in(Client(), UserFactory(reception=True))
        assert asks(other, DAYS[:1]) == [200] and registers(other, "Costa").status_code == 302

    def test_an_open_page_asks_by_itself_as_often_as_it_likes(self, reception_client: Client) -> None:
        open_pages(reception_client)
        assert asks(reception_client, DAYS[1:4]) == [200] * 3

    def test_if_that_counted_it_would_use_up_what_its_person_has(
        self, reception_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pace._OpenPages, "has", lambda _pages, _request: False)
        with pytest.raises(AssertionError):
            open_pages(reception_client)

    def test_even_that_has_an_end(self, reception_client: Client) -> None:
        """Ten open pages' worth."""
        found = asks(reception_client, ["/diary/changes/"] * 41)
        assert found == [200] * 40 + [429]

    def test_a_page_that_was_left_behind_by_many_others_counts_once_more(
        self, reception_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pace, "_OPEN_PAGES", 2)
        asks(reception_client, DAYS[:3])
        assert asks(reception_client, DAYS[1:3] * 3, **UNATTENDED) == [200] * 6
        assert asks(reception_client, DAYS[:1] * 3, **UNATTENDED) == [200] * 3
        assert asks(reception_client, DAYS[3:4]) == [429]

    def test_what_must_open_does_whatever_was_asked_for_before(
        self, reception_client: Client, doctor: Practitioner, settings: Any
    ) -> None:
        """Signing in and out, the lock, the screen taken back, an emergency; and what anybody may ask for."""
        world = World.built_for(doctor)
        settings.PAGES_AN_HOUR = settings.ENTRIES_AN_HOUR = 0
        at_the_door = {name for name in OURS if name.startswith(("account_", "mfa_"))}
        anybodys = {"clinic:health", "clinic:calendar", "clinic:come_in"}
        addresses = {name: world.address(name) for name in OURS}
        opened = {
            name for name, address in addresses.items() if asks(reception_client, [address], **HTMX) != [429]
        }
        assert opened == NEVER_STOPPED | at_the_door | anybodys

    def test_the_page_of_a_stopped_person_has_the_way_out(self, reception_client: Client) -> None:
        refused = [reception_client.get(day) for day in DAYS][-1]
        assert refused.status_code == 429 and "/accounts/logout/" in refused.text
        assert reception_client.post("/accounts/logout/").status_code == 302


NEVER_STOPPED = {
    "clinic:lock",
    "clinic:privacy",
    "clinic:sign_in_end",
    "clinic:sign_ins",
    "clinic:sign_ins_end",
    "clinic:take_back",
    "clinic:unlock",
    "clinic:unlock_passkey",
    "consultations:emergency",
    "consultations:emergency_summary",
}


def open_pages(client: Client) -> None:
    """A diary that stands open for a while: its mark, who waits, and itself drawn again."""
    assert asks(client, DAYS[:1]) == [200]
    for _time in range(10):
        assert asks(client, [f"/diary/changes/?{DAYS[0].partition('?')[2]}"], **UNATTENDED) == [200]
        assert asks(client, ["/diary/waiting/"], **HTMX) == [200]
        assert asks(client, DAYS[:1], **HTMX, **UNATTENDED) == [200]


def pages(by: User, times: int, **passed: float) -> int:
    """So many pages, one after the other; how many of them opened."""
    opened = 0
    for _time in range(times):
        try:
            asking.note(kind=Pace.PAGES, by=by, at=CLINIC_NOW + timedelta(**passed))
        except TooMuch:
            continue
        opened += 1
    return opened


class TestCounting:
    @pytest.fixture
    def hundred(self, settings: Any) -> None:
        settings.PAGES_AN_HOUR, settings.PAGES_A_DAY = 100, 1000

    @pytest.mark.usefixtures("hundred")
    def test_costs_one_statement_for_each_twentieth_of_an_hour(
        self, reception: User, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            pages(reception, 4)
        with django_assert_num_queries(1):
            pages(reception, 1)
        assert Asked.objects.get().number == 5
        with django_assert_num_queries(19):
            assert pages(reception, 95) == 95
        with django_assert_num_queries(3):  # the statement, and what says when it opens again
            assert pages(reception, 1) == 0

    @pytest.mark.usefixtures("hundred")
    def test_goes_on_in_another_process_but_for_what_that_one_has_not_told(
        self, reception: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert pages(reception, 98) == 98  # three of them are not told
        monkeypatch.setattr(asking, "_known", {})
        assert pages(reception, 50) == 5
        assert Asked.objects.get().number == 98 + 5 - 3

    @pytest.mark.usefixtures("hundred")
    def test_what_was_refused_does_not_count(self, reception: User) -> None:
        assert pages(reception, 300) == 100
        assert Asked.objects.get().number == 100

    @pytest.mark.usefixtures("hundred")
    def test_what_is_longer_ago_than_a_day_gives_up_its_place(self, reception: User) -> None:
        pages(reception, 100)
        assert pages(reception, 6, days=1) == 6
        row = Asked.objects.get()
        assert (row.number, row.at) == (6, CLINIC_NOW + timedelta(days=1))

    @pytest.mark.usefixtures("hundred")
    def test_of_an_hour_only_what_is_within_it_counts(self, reception: User) -> None:
        pages(reception, 60)
        assert pages(reception, 60, minutes=30) == 40
        with pytest.raises(TooMuch) as refused:
            asking.note(kind=Pace.PAGES, by=reception, at=CLINIC_NOW + timedelta(minutes=31))
        assert refused.value.seconds == 29 * 60 + 1  # once the first sixty are an hour old
        assert pages(reception, 70, minutes=60) == 60

    def test_reads_one_account_by_its_index(self, reception: User) -> None:
        others = UserFactory.create_batch(20)
        Asked.objects.bulk_create(
            Asked(user=each, kind=kind, slot=slot, at=CLINIC_NOW, number=1)
            for each in others
            for kind in Pace
            for slot in range(SLOTS)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE clinic_asked")
        with CaptureQueriesContext(connection) as queries:
            asking.note(kind=Pace.PAGES, by=others[0], at=CLINIC_NOW + timedelta(days=2))
        (asked,) = queries
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {asked['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "asked_once_each" in plan and "Seq Scan on clinic_asked" not in plan


def test_the_limits_as_shipped_are_far_above_a_busy_desk_and_far_below_a_clinic() -> None:
    """A page every two and a half seconds for an hour, an entry every quarter of a minute; a clinic has thousands of patients."""
    from clinic import settings as shipped  # as shipped, not as the fixture makes them

    assert (shipped.PAGES_AN_HOUR, shipped.PAGES_A_DAY) == (1500, 8000)
    assert (shipped.ENTRIES_AN_HOUR, shipped.ENTRIES_A_DAY) == (240, 1200)
