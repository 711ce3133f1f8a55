"""Calendar feeds: what they say and to whom, from the address to the parsed calendar."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from icalendar import Calendar

from clinic import feeds as calendars
from clinic.actions import booking, feeds, visits
from clinic.enums import CancelledBy, Role
from clinic.errors import DomainError, NotAllowed
from clinic.logs import HideAddresses
from clinic.models import Appointment, CalendarFeed, Practitioner, Room, User
from clinic.models.feed import digest_of
from clinic.rules import feeds as rules
from tests.clinic.desk import Desk
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    CalendarFeedFactory,
    LocationFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    UserFactory,
)
from tests.factories.clock import CLINIC_NOW, PARIS, ago, ahead
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
LIST, NEW = "/calendars/", "/calendars/new/"


def address(feed: CalendarFeed) -> str:
    return f"/calendars/{feed.secret}.ics"


def read(feed: CalendarFeed, **headers: str) -> Any:
    """As a calendar program does: without a session."""
    return Client().get(address(feed), headers=headers)


def events(feed: CalendarFeed) -> list[Any]:
    response = read(feed)
    assert response.status_code == 200
    return list(Calendar.from_ical(response.content).walk("VEVENT"))


def event(feed: CalendarFeed) -> Any:
    (only,) = events(feed)
    return only


def visit_of(feed: CalendarFeed, **changes: Any) -> Appointment:
    return AppointmentFactory(practitioner=feed.practitioner, **changes)


@pytest.fixture
def feed() -> CalendarFeed:
    return CalendarFeedFactory(practitioner__name="Dr Lopes")


@pytest.fixture
def jeanne() -> Any:
    return PatientFactory(family_name="Moreau", given_names="Jeanne")


class TestWhatItSays:
    def test_initials_kind_place_and_the_practitioners_time(self, feed: CalendarFeed, jeanne: Any) -> None:
        kind = AppointmentTypeFactory(name="Session", session=True)
        room = RoomFactory(name="Room 2", location=LocationFactory(name="Alfama"))
        visit = visit_of(feed, type=kind, patient=jeanne, room=room, note="came with her mother")
        said = event(feed)
        assert said["SUMMARY"] == "J.M. · Session"
        assert said["LOCATION"] == "Room 2, Alfama"
        assert said["STATUS"] == "CONFIRMED" and said["CLASS"] == "PRIVATE" and said["TRANSP"] == "OPAQUE"
        assert said["UID"] == f"{visit.pk}@mesoclinic"
        assert (said["DTSTART"].dt, said["DTEND"].dt) == (visit.practitioner_from, visit.practitioner_until)
        assert str(said["DTSTART"].dt.tzinfo) == "Europe/Paris"
        text = read(feed).content.decode()
        for private in ("Moreau", "Jeanne", "mother", visit.purpose, jeanne.phone, str(jeanne.pk)):
            assert private not in text.replace("SUMMARY:J.M. · Session", "")

    def test_a_rooms_feed_has_the_rooms_time_and_says_who_works_there(self, jeanne: Any) -> None:
        room = RoomFactory(name="Room 1", location=LocationFactory(name="Alfama"))
        kind = AppointmentTypeFactory(name="Session", session=True)
        silva = PractitionerFactory(name="Dr Silva")
        visit = AppointmentFactory(type=kind, room=room, patient=jeanne, practitioner=silva)
        said = event(CalendarFeedFactory(practitioner=None, room=room))
        assert (said["DTSTART"].dt, said["DTEND"].dt) == (visit.room_from, visit.room_until)
        assert said["SUMMARY"] == "J.M. · Session · Dr Silva"

    def test_whole_names_only_where_they_were_chosen(self, jeanne: Any) -> None:
        feed = CalendarFeedFactory(whole_names=True)
        visit_of(feed, patient=jeanne, type__name="Session")
        assert event(feed)["SUMMARY"] == "Moreau, Jeanne · Session"

    def test_only_its_own_visits(self, feed: CalendarFeed) -> None:
        AppointmentFactory()
        assert events(feed) == []

    @pytest.mark.parametrize(
        ("status", "said", "busy", "words"),
        [
            ("provisional", "TENTATIVE", "OPAQUE", "Provisional: J.M. · Session"),
            ("booked", "CONFIRMED", "OPAQUE", "J.M. · Session"),
            ("confirmed", "CONFIRMED", "OPAQUE", "J.M. · Session"),
            ("in_progress", "CONFIRMED", "OPAQUE", "J.M. · Session"),
            ("completed", "CONFIRMED", "OPAQUE", "J.M. · Session"),
            ("cancelled", "CANCELLED", "TRANSPARENT", "Cancelled: J.M. · Session"),
            ("no_show", "CANCELLED", "TRANSPARENT", "Did not come: J.M. · Session"),
        ],
    )
    def test_each_status_in_the_calendars_words(
        self, feed: CalendarFeed, jeanne: Any, status: str, said: str, busy: str, words: str
    ) -> None:
        visit_of(feed, status=status, patient=jeanne, type__name="Session")
        shown = event(feed)
        assert (shown["STATUS"], shown["TRANSP"], shown["SUMMARY"]) == (said, busy, words)

    def test_from_thirty_days_back_to_180_ahead(self, feed: CalendarFeed) -> None:
        inside = [visit_of(feed, starts_at=at) for at in (ago(days=30), ahead(days=180))]
        visit_of(feed, starts_at=ago(days=30, minutes=31))
        visit_of(feed, starts_at=ahead(days=180, hours=1))  # the clocks have gone forward
        assert [each["UID"] for each in events(feed)] == [f"{each.pk}@mesoclinic" for each in inside]

    def test_a_cancelled_visit_stays_for_thirty_days(self, feed: CalendarFeed) -> None:
        kept = visit_of(feed, status="cancelled", cancelled_at=ago(days=30))
        visit_of(feed, status="cancelled", cancelled_at=ago(days=30, minutes=1))
        assert [each["UID"] for each in events(feed)] == [f"{kept.pk}@mesoclinic"]

    def test_a_hold_is_tentative_and_goes_when_it_runs_out(self, feed: CalendarFeed, jeanne: Any) -> None:
        visit_of(feed, patient=jeanne, type__name="Session", status="held", held_until=ahead(minutes=1))
        visit_of(feed, status="held", held_until=CLINIC_NOW, starts_at=ahead(hours=3))
        shown = event(feed)
        assert (shown["STATUS"], shown["SUMMARY"]) == ("TENTATIVE", "Held: J.M. · Session")

    def test_no_user_text_in_x_properties_and_the_owner_as_its_name(self, feed: CalendarFeed) -> None:
        visit_of(feed)
        calendar = Calendar.from_ical(read(feed).content)
        assert calendar["NAME"] == "Dr Lopes"
        assert [key for part in calendar.walk() for key in part if key.startswith("X-")] == []


class TestTimes:
    def test_the_time_zone_is_described_with_both_its_clocks(self, feed: CalendarFeed) -> None:
        visit_of(feed)
        (zone,) = Calendar.from_ical(read(feed).content).walk("VTIMEZONE")
        assert zone["TZID"] == "Europe/Paris"
        changes = {(part.name, part["TZOFFSETTO"].td) for part in zone.subcomponents}
        assert changes == {("STANDARD", timedelta(hours=1)), ("DAYLIGHT", timedelta(hours=2))}

    @pytest.mark.parametrize("day", [datetime(2026, 3, 28), datetime(2026, 3, 29), datetime(2026, 3, 30)])
    def test_the_instant_is_right_around_a_clock_change(self, feed: CalendarFeed, day: datetime) -> None:
        starts_at = day.replace(hour=9, tzinfo=PARIS).astimezone(UTC)
        visit_of(feed, starts_at=starts_at)
        zone = Calendar.from_ical(read(feed).content).walk("VTIMEZONE")[0].to_tz()
        naive = event(feed)["DTSTART"].dt.replace(tzinfo=None)
        assert naive == day.replace(hour=9)
        # A program that trusts the description sent along, not its own tables, comes to the same instant.
        assert naive.replace(tzinfo=zone).astimezone(UTC) == starts_at

    def test_the_hour_that_comes_twice_is_not_confused(self, feed: CalendarFeed) -> None:
        first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        with_both = (
            calendars._on_the_clock(first, PARIS),
            calendars._on_the_clock(first + timedelta(hours=1), PARIS),
        )
        assert [str(each.tzinfo) for each in with_both] == ["Europe/Paris", "UTC"]
        assert [each.astimezone(UTC) for each in with_both] == [first, first + timedelta(hours=1)]


class TestFollowing:
    """What a calendar program goes by: the same UID, a greater SEQUENCE."""

    def test_a_moved_visit_keeps_its_uid_and_raises_its_sequence(self, desk: Desk) -> None:
        feed = CalendarFeedFactory(practitioner=desk.silva)
        visit = desk.book(ahead(days=1, hours=1))
        before = event(feed)
        to = booking.Move(visit, visit.version, visit.practitioner, visit.room, ahead(days=1, hours=2))
        booking.move(to=to, by=desk.user, at=ahead(minutes=1))
        after = event(feed)
        assert after["UID"] == before["UID"]
        assert after["SEQUENCE"] > before["SEQUENCE"]
        assert after["DTSTART"].dt == ahead(days=1, hours=2)
        assert after["LAST-MODIFIED"].dt >= before["LAST-MODIFIED"].dt
        assert after["DTSTAMP"].dt == after["LAST-MODIFIED"].dt

    def test_a_cancelled_visit_stays_as_cancelled_with_a_greater_sequence(self, desk: Desk) -> None:
        feed = CalendarFeedFactory(practitioner=desk.silva)
        visit = desk.book(ahead(days=1, hours=1))
        before = event(feed)
        visits.cancel(
            appointment=visit, cancelled_by=CancelledBy.PATIENT, reason="ill", by=desk.user, at=CLINIC_NOW
        )
        after = event(feed)
        assert (after["UID"], after["STATUS"]) == (before["UID"], "CANCELLED")
        assert after["SEQUENCE"] > before["SEQUENCE"]
        assert "ill" not in str(after["SUMMARY"])

    def test_nothing_new_is_304_and_a_change_is_not(self, feed: CalendarFeed) -> None:
        visit = visit_of(feed)
        first = read(feed)
        again = read(feed, if_none_match=first["ETag"])
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        Appointment.objects.filter(pk=visit.pk).update(version=2)
        changed = read(feed, if_none_match=first["ETag"])
        assert (changed.status_code, changed["ETag"] == first["ETag"]) == (200, False)

    def test_another_name_for_a_room_is_a_change_too(self, feed: CalendarFeed) -> None:
        visit = visit_of(feed)
        first = read(feed)
        Room.objects.filter(pk=visit.room_id).update(name="Garden room")
        assert read(feed, if_none_match=first["ETag"]).status_code == 200


HOSTILE = [
    "BEGIN:VEVENT",
    "x\r\nBEGIN:VEVENT\r\nUID:evil\r\nEND:VEVENT",
    "x\nATTACH:https://evil.example/",
    "x\rSUMMARY:evil",
    "a;b,c:d\\n\\",
    "\u2028ATTENDEE:x\u2029\x85\x0b\x0c\x1b[2J",
    "\u202egnihtemos\u2066",
    "王小明 😀 é مريم",
    "ж" * 100,
    '"quoted";PARAM=x:y',
]


class TestHostileTexts:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_name_adds_no_line_and_no_event(self, text: str) -> None:
        feed = CalendarFeedFactory(whole_names=True, practitioner__name=text[:90] + "!")
        visit_of(feed, patient__family_name=text, type__name=text, note=text, room__name=text[:99])
        body = read(feed).content
        (said,) = Calendar.from_ical(body).walk("VEVENT")
        assert sorted(said) == sorted(
            [
                "CLASS",
                "DTEND",
                "DTSTAMP",
                "DTSTART",
                "LAST-MODIFIED",
                "LOCATION",
                "SEQUENCE",
                "STATUS",
                "SUMMARY",
                "TRANSP",
                "UID",
            ]
        )
        lines = body.split(b"\r\n")
        assert all(len(line) <= 75 and not set(line) & {*range(32), 127} for line in lines)
        assert [line for line in lines if line.startswith((b"ATTACH", b"ATTENDEE"))] == []
        assert lines.count(b"BEGIN:VEVENT") == 1

    def test_without_the_cleaning_a_carriage_return_would_get_through(self) -> None:
        """The negative control: the library escapes line feeds, and leaves what `plain` takes out."""
        assert calendars.plain("x\rSUMMARY:evil\u202e") == "x SUMMARY:evil"
        assert calendars.plain("a" * 1000) == "a" * 200

    @pytest.mark.parametrize(
        ("given", "family", "expected"),
        [
            ("Jeanne", "Moreau", "J.M."),
            ("", "Prince", "P."),
            ("éva", "de la cruz", "É.D."),
            ("", "王小明", "王."),
            ("مريم", "حداد", "م.ح."),
            ("\r\n", "12345", "–"),
            ("e\u0301ric", "O’Neil", "É.O."),
        ],
    )
    def test_initials_in_any_script(self, given: str, family: str, expected: str) -> None:
        assert calendars.initials(given, family) == expected


class TestTheAddress:
    def test_needs_no_session_and_is_kept_by_nobody_between(self, feed: CalendarFeed) -> None:
        response = read(feed)
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        assert response["Cache-Control"] == "private, no-cache"
        assert response["Referrer-Policy"] == "no-referrer"
        assert not response.cookies

    def gone(self, secret: str) -> tuple[int, bytes]:
        response = Client().get(f"/calendars/{secret}.ics")
        assert response["Cache-Control"] == "private, no-cache"
        return response.status_code, response.content

    def test_unknown_revoked_and_stopped_cannot_be_told_apart(self, feed: CalendarFeed) -> None:
        answers = {self.gone("no-such-address"), self.gone("x" * 5000), self.gone(feed.digest)}
        ends = [
            {"revoked_at": CLINIC_NOW, "revoked_by": feed.created_by},
            {"created_by": UserFactory(reception=True, is_active=False)},
            {"created_by": UserFactory()},
            {
                "created_by": UserFactory(practitioner=True)
            },  # of a colleague's visits, by who has left the desk
            {"created_by": UserFactory(practitioner=True), "practitioner": None, "room": RoomFactory()},
            {"practitioner": PractitionerFactory(user=UserFactory(practitioner=True, is_active=False))},
            {"practitioner": PractitionerFactory(is_active=False)},
            {"practitioner": None, "room": RoomFactory(is_active=False)},
        ]
        answers |= {self.gone(CalendarFeedFactory(**end).secret) for end in ends}
        assert answers == {(404, b"There is no calendar at this address.")}
        # The control: none of these ends, and it answers.
        assert self.gone(feed.secret)[0] == 200

    def test_a_change_of_roles_counts_at_once_and_ones_own_goes_on(self) -> None:
        maker = PractitionerFactory(user=UserFactory(reception=True)).user
        own = CalendarFeedFactory(created_by=maker, practitioner=maker.practitioner)
        others = CalendarFeedFactory(created_by=maker)
        assert [read(own).status_code, read(others).status_code] == [200, 200]
        User.objects.filter(pk=maker.pk).update(roles=[Role.PRACTITIONER])
        assert [read(own).status_code, read(others).status_code] == [200, 404]

    def test_at_most_sixty_reads_a_minute_each(self, feed: CalendarFeed) -> None:
        other = CalendarFeedFactory()
        answers = [read(feed).status_code for _ in range(61)]
        assert (set(answers[:60]), answers[60]) == ({200}, 429)
        assert read(feed)["Retry-After"] == "60"
        assert read(other).status_code == 200

    def test_a_read_is_noted_once_an_hour(self, feed: CalendarFeed) -> None:
        for last, noted in [
            (None, CLINIC_NOW),
            (ago(minutes=59), ago(minutes=59)),
            (ago(hours=1), ago(hours=1)),
            (ago(minutes=61), CLINIC_NOW),
        ]:
            CalendarFeed.objects.filter(pk=feed.pk).update(last_read_at=last)
            read(feed)
            feed.refresh_from_db()
            assert feed.last_read_at == noted
        assert feed.pgh_event_model.objects.filter(pgh_obj=feed.pk).count() == 1

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, feed: CalendarFeed, django_assert_num_queries: Any, count: int
    ) -> None:
        cache.clear()
        for hour in range(count):
            visit_of(feed, starts_at=ahead(hours=hour), room=RoomFactory())
        read(feed)
        # The feed; the counter read, then written in five; the visits.
        with django_assert_num_queries(8):
            assert len(events(feed)) == count

    def test_no_log_has_the_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, logger="django.request"):
            Client().get("/calendars/the-secret.ics")
        assert [record.getMessage() for record in caplog.records] == [
            "404 GET clinic:calendar: nobody signed in",
            "Not Found: /calendars/….ics",
        ]
        assert settings.LOGGING["loggers"]["django.request"] == {"filters": ["hide_addresses", "hide_data"]}

    @pytest.mark.parametrize(
        ("words", "args", "said"),
        [
            ("%s: %s, %d", ("Not Found", "/patients/", 1), "Not Found: /patients/, 1"),
            ("%s: %d", ("/calendars/the-secret.ics", 404), "/calendars/….ics: 404"),
            ("%(path)s: %(n)d", ({"path": "/calendars/the-secret.ics", "n": 404},), "/calendars/….ics: 404"),
            ("100% full", (), "100% full"),
            ("100% full", None, "100% full"),
        ],
    )
    def test_the_log_filter_takes_the_secret_out_and_leaves_the_rest(
        self, words: str, args: Any, said: str
    ) -> None:
        record = logging.LogRecord("x", 30, "", 0, words, args, None)
        assert HideAddresses().filter(record) and record.getMessage() == said


class TestMaking:
    def make(self, client: Client, **changes: Any) -> Any:
        return client.post(NEW, {"name": "my phone", **changes})

    def test_the_address_is_shown_once_and_only_its_digest_is_kept(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        response = self.make(practitioner_client, of=doctor.pk)
        shown = response.context["address"]
        assert response.status_code == 201 and shown in response.text
        assert response["Referrer-Policy"] == "no-referrer" and response["Cache-Control"] == "no-store"
        made = CalendarFeed.objects.get()
        secret = shown.removeprefix("http://testserver/calendars/").removesuffix(".ics")
        assert len(secret) == 43  # 32 bytes, 256 bits
        assert (made.digest, made.practitioner, made.created_by, made.created_at) == (
            digest_of(secret),
            doctor,
            doctor.user,
            CLINIC_NOW,
        )
        assert not made.whole_names
        assert Client().get(shown).status_code == 200
        assert secret not in practitioner_client.get(LIST).text

    def test_secrets_differ(self, reception: User) -> None:
        owner = PractitionerFactory()
        made = {feeds.make(of=owner, name="x", by=reception, at=CLINIC_NOW)[1] for _ in range(20)}
        assert len(made) == 20

    def test_reception_makes_them_for_rooms_and_anybody(self, reception_client: Client) -> None:
        for owner in (RoomFactory(), PractitionerFactory()):
            response = self.make(reception_client, of=owner.pk, whole_names="on")
            assert response.status_code == 201
            assert response.context["feed"].owner == owner and response.context["feed"].whole_names

    def test_practitioners_are_offered_nobody_elses(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        other = PractitionerFactory()
        assert list(practitioner_client.get(NEW).context["form"].owners.values()) == [doctor]
        refused = self.make(practitioner_client, of=other.pk)
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["of"])
        assert refused.context["form"]["name"].value() == "my phone"

    def test_the_action_refuses_them_too(self, doctor: Practitioner) -> None:
        for owner in (PractitionerFactory(), RoomFactory()):
            with pytest.raises(NotAllowed) as refused:
                feeds.make(of=owner, name="x", by=doctor.user, at=CLINIC_NOW)
            assert refused.value.code == "feed_not_allowed"
        assert not CalendarFeed.objects.exists()

    def test_a_practitioner_without_visits_of_their_own_is_told_whom_to_ask(self) -> None:
        client = Client()
        sign_in(client, UserFactory(practitioner=True))
        assert client.get(NEW).status_code == 403

    @pytest.mark.parametrize("name", ["", "x" * 101, "\x00"])
    def test_a_name_is_needed_and_short(self, reception_client: Client, name: str) -> None:
        assert self.make(reception_client, of=RoomFactory().pk, name=name).status_code == 422

    @pytest.mark.parametrize(
        ("roles", "own", "others", "rooms"),
        [
            (["reception"], True, True, True),
            (["admin"], True, True, True),
            (["practitioner"], True, False, False),
            ([], False, False, False),
        ],
    )
    def test_who_may(self, roles: list[str], own: bool, others: bool, rooms: bool) -> None:
        user = UserFactory(roles=roles)
        mine, other = PractitionerFactory(user=user), PractitionerFactory()
        assert [rules.may_keep_feed(user, each) for each in (mine, other, None)] == [own, others, rooms]


class TestRevoking:
    def test_ends_it_at_once_and_says_by_whom(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        feed = CalendarFeedFactory(practitioner=doctor)
        assert read(feed).status_code == 200
        assert practitioner_client.post(f"{LIST}{feed.pk}/revoke/").status_code == 302
        assert read(feed).status_code == 404
        feed.refresh_from_db()
        assert (feed.revoked_at, feed.revoked_by) == (CLINIC_NOW, doctor.user)
        assert "Revoked by Rui Silva" in practitioner_client.get(LIST).text

    def test_twice_is_refused(self, reception: User, feed: CalendarFeed) -> None:
        feeds.revoke(feed=feed, by=reception, at=CLINIC_NOW)
        with pytest.raises(DomainError, match="already"):
            feeds.revoke(feed=feed, by=reception, at=CLINIC_NOW)

    def test_a_colleagues_does_not_exist_for_a_practitioner(
        self, practitioner_client: Client, doctor: Practitioner, feed: CalendarFeed
    ) -> None:
        assert practitioner_client.post(f"{LIST}{feed.pk}/revoke/").status_code == 404
        assert practitioner_client.post(f"{LIST}{uuid4()}/revoke/").status_code == 404
        with pytest.raises(NotAllowed):
            feeds.revoke(feed=feed, by=doctor.user, at=CLINIC_NOW)
        assert read(feed).status_code == 200


class TestTheList:
    def shown(self, client: Client) -> list[tuple[CalendarFeed, bool]]:
        return [(row["feed"], row["works"]) for row in client.get(LIST).context["feeds"]]

    def test_everybodys_for_reception_newest_first_with_what_became_of_them(
        self, reception_client: Client, feed: CalendarFeed
    ) -> None:
        stopped = CalendarFeedFactory(created_by__is_active=False, created_at=ago(days=2))
        assert self.shown(reception_client) == [(feed, True), (stopped, False)]
        page = reception_client.get(LIST).text
        assert "Never read yet." in page and "Stopped:" in page and "initials only" in page

    def test_their_own_for_practitioners(
        self, practitioner_client: Client, doctor: Practitioner, feed: CalendarFeed
    ) -> None:
        mine = CalendarFeedFactory(practitioner=doctor)
        CalendarFeedFactory(practitioner=None, room=RoomFactory())
        assert self.shown(practitioner_client) == [(mine, True)]

    def test_is_paged(self, reception_client: Client) -> None:
        for _ in range(21):
            CalendarFeedFactory(practitioner=None, room=RoomFactory())
        assert len(self.shown(reception_client)) == 20
        assert len(reception_client.get(LIST, {"page": 2}).context["feeds"]) == 1

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, reception_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count):
            CalendarFeedFactory()
        with django_assert_num_queries(7):
            assert len(self.shown(reception_client)) == count


def test_the_clinics_zone_is_the_feeds(settings: Any, feed: CalendarFeed) -> None:
    """Whatever zone the clinic has: its name and its offsets come from the settings."""
    settings.TIME_ZONE = "America/New_York"
    visit = visit_of(feed)
    (zone,) = Calendar.from_ical(read(feed).content).walk("VTIMEZONE")
    assert zone["TZID"] == "America/New_York"
    assert event(feed)["DTSTART"].dt == visit.practitioner_from.astimezone(ZoneInfo("America/New_York"))
