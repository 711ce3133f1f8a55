"""A screen that nobody uses locks; PIN, passkey or password open it where it was; after twelve hours everybody signs in anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from clinic import throttling
from clinic.actions import staff
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError
from clinic.middleware import ScreenLockMiddleware
from clinic.models import Appointment, Patient, Practitioner, ScreenPin, User
from clinic.rules.screen_lock import check_pin
from clinic.sessions import SessionStore
from tests.addresses import ADMIN, OURS, World, admin_address
from tests.consultations.test_confirmations import session_visit
from tests.factories import PatientFactory, ScreenPinFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW
from tests.factories.users import PASSWORD
from tests.test_routes import ask
from tests.test_second_factor import is_open

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

DIARY, UNLOCK, USED, PIN_PAGE, LOGIN = "/diary/", "/unlock/", "/lock/used/", "/pin/", "/accounts/login/"
PIN, WRONG = "739164", "739165"
HTMX, UNATTENDED = {"HX-Request": "true"}, {"X-Unattended": "yes"}
AT_THE_LOCK = {"clinic:lock", "clinic:unlock", "clinic:unlock_passkey"}


@pytest.fixture(autouse=True)
def no_tries_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def after(**passed: float) -> Any:
    """So long after everybody has signed in."""
    return time_machine.travel(CLINIC_NOW + timedelta(**passed), tick=False)


@pytest.fixture
def desk(reception: User, reception_client: Client) -> Iterator[Client]:
    """Signed in by somebody with a PIN, and left alone for so long that it is locked."""
    ScreenPinFactory(user=reception)
    with after(minutes=settings.LOCK_IDLE_MINUTES):
        yield reception_client


def is_locked(client: Client) -> bool:
    return client.get(DIARY).headers.get("Location", "").startswith(UNLOCK)


def opens(client: Client) -> bool:
    return client.get(DIARY).status_code == 200


class TestLocking:
    def test_no_address_opens_on_a_locked_screen(self, desk: Client, doctor: Practitioner) -> None:
        world = World.built_for(doctor)
        addresses = {name: world.address(name) for name in OURS if name not in AT_THE_LOCK}
        addresses |= {name: admin_address(name) for name in ADMIN}
        behind_it = {name: address for name, address in addresses.items() if not is_open(address)}
        opened = {}
        for name, address in behind_it.items():
            answer = ask(desk, "get", address)
            if not answer.headers.get("Location", "").startswith(f"{UNLOCK}?next=/"):
                opened[name] = answer.status_code
        assert opened == {}
        assert len(behind_it) > 200

    def test_without_the_middleware_it_shows_everything(self, desk: Client) -> None:
        name = "clinic.middleware.ScreenLockMiddleware"
        assert not opens(desk)
        with override_settings(MIDDLEWARE=[each for each in settings.MIDDLEWARE if each != name]):
            other = Client()
            other.cookies.update(desk.cookies)
            assert opens(other)

    def test_it_locks_by_the_minute_and_whoever_uses_it_keeps_it_open(self, reception_client: Client) -> None:
        for minutes in (14, 28.9):
            with after(minutes=minutes):
                assert opens(reception_client)
        with after(minutes=28.9 + 15):
            assert is_locked(reception_client)

    @pytest.mark.parametrize(
        ("address", "headers"),
        [
            (DIARY, UNATTENDED),
            ("/diary/changes/", {}),
            ("/diary/waiting/", HTMX),
            ("/diary/calendar/events/", {}),
        ],
        ids=["marked", "the mark of the days", "who waits", "the calendar"],
    )
    def test_what_a_page_asks_for_by_itself_does_not(
        self, reception_client: Client, address: str, headers: dict[str, str]
    ) -> None:
        with after(minutes=14):
            assert reception_client.get(address, headers=headers).status_code in {200, 302}
        with after(minutes=15):
            assert is_locked(reception_client)

    def test_if_that_counted_it_would_never_lock(
        self, reception_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ScreenLockMiddleware, "BY_ITSELF", frozenset())
        with after(minutes=14):
            reception_client.get("/diary/changes/")
        with after(minutes=15):
            assert opens(reception_client)

    def test_who_types_for_long_without_sending_anything_keeps_it_open(
        self, reception_client: Client
    ) -> None:
        with after(minutes=14):
            assert reception_client.post(USED).status_code == 204
        with after(minutes=15):
            assert opens(reception_client)

    def test_now_by_the_menu(self, reception_client: Client) -> None:
        before = reception_client.cookies["sessionid"].value
        assert "Lock the screen now" in reception_client.get(DIARY).content.decode()
        assert reception_client.post("/lock/", {"next": DIARY})["Location"] == f"{UNLOCK}?next=%2Fdiary%2F"
        assert is_locked(reception_client) and reception_client.post(USED).status_code == 423
        assert reception_client.cookies["sessionid"].value != before

    def test_by_a_page_that_stays_under_its_lock(self, reception_client: Client) -> None:
        assert reception_client.post("/lock/", headers=UNATTENDED).status_code == 204
        locked = reception_client.cookies["sessionid"].value
        assert is_locked(reception_client)
        assert reception_client.post("/lock/", headers=UNATTENDED).status_code == 204  # by the next window
        assert reception_client.cookies["sessionid"].value == locked

    @pytest.mark.parametrize("headers", [HTMX, UNATTENDED, {"Sec-Fetch-Dest": "empty"}])
    def test_a_part_of_a_page_leaves_the_page_where_it_is(
        self, desk: Client, headers: dict[str, str]
    ) -> None:
        answer = desk.get("/diary/changes/", headers=headers)
        assert (answer.status_code, answer.content, "HX-Redirect" in answer) == (423, b"", False)

    def test_a_form_changes_nothing_and_says_so(self, desk: Client) -> None:
        answer = desk.post("/patients/new/", {"family_name": "Moreau"})
        assert answer.status_code == 423 and "Nothing was saved" in answer.content.decode()
        assert not Patient.objects.exists()

    def test_the_lock_names_no_way_to_any_page(self, desk: Client) -> None:
        shown = desk.get(UNLOCK, {"next": DIARY}).content.decode()
        assert "Screen locked" in shown and "Signed in: Ana Costa." in shown
        assert "topbar" not in shown and 'action="/patients/"' not in shown

    def test_it_costs_a_page_nothing_but_once_a_minute(self, reception_client: Client) -> None:
        def asked() -> list[str]:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                reception_client.get("/calendars/")
            return [each["sql"] for each in queries]

        reception_client.get("/calendars/")
        usual = len(asked())
        with after(seconds=59):
            assert len(asked()) == usual
        with after(seconds=61):
            written = asked()
            assert sum('UPDATE "clinic_signin"' in sql for sql in written) == 1
            assert (len(written), "session_data" in str(written[-1])) == (usual + 1, False)
            assert len(asked()) == usual

    @pytest.mark.parametrize("saves_all", [False, True])
    def test_what_another_request_puts_in_the_session_meanwhile_stays(
        self, reception_client: Client, monkeypatch: pytest.MonkeyPatch, saves_all: bool
    ) -> None:
        """Saved with the whole session, as it was once, the use of the screen would put the session of before back."""
        note = SessionStore.note_screen_use

        def meanwhile(store: SessionStore, at: datetime) -> None:
            other = SessionStore(store.session_key)
            other["typed"] = "meanwhile"
            other.save()
            note(store, at)
            if saves_all:
                store["screen_used"] = at.timestamp()

        monkeypatch.setattr(SessionStore, "note_screen_use", meanwhile)
        with after(minutes=14):
            assert opens(reception_client)
        assert reception_client.session.get("typed") == (None if saves_all else "meanwhile")
        with after(minutes=28):
            assert opens(reception_client)

    def test_a_wrong_pin_is_no_use_of_it(self, desk: Client) -> None:
        """It saves the session, whose time of use stays what it was."""
        assert desk.post(UNLOCK, {"pin": WRONG}).status_code == 422
        assert is_locked(desk)


class TestOpening:
    def test_a_pin_opens_it_where_it_was(self, desk: Client) -> None:
        before = desk.cookies["sessionid"].value
        answer = desk.post(UNLOCK, {"pin": PIN, "next": "/waitlist/?page=2"})
        assert answer["Location"] == "/waitlist/?page=2" and opens(desk)
        assert desk.cookies["sessionid"].value != before

    def test_somebody_elses_address_is_not_gone_to(self, desk: Client) -> None:
        assert desk.post(UNLOCK, {"pin": PIN, "next": "https://elsewhere.example/"})["Location"] == "/"

    def test_a_page_under_its_lock_gets_the_token_of_its_forms(self, desk: Client, reception: User) -> None:
        headers = {"X-Screen-Of": str(reception.pk)}
        asked = desk.get(UNLOCK, headers=headers).content.decode()
        assert "Your PIN" in asked and "<html" not in asked
        assert desk.post(UNLOCK, {"pin": PIN}, headers=headers).json()["token"]
        assert desk.get(UNLOCK, headers=headers).json()["token"]

    def test_a_page_of_somebody_else_stays_closed(self, desk: Client, admin: User) -> None:
        answer = desk.post(UNLOCK, {"pin": PIN}, headers={"X-Screen-Of": str(admin.pk)})
        assert (answer.status_code, is_locked(desk)) == (409, True)

    def test_wrong_pins_are_counted_down(self, desk: Client) -> None:
        for left in (4, 3, 2, 1):
            answer = desk.post(UNLOCK, {"pin": WRONG})
            assert answer.status_code == 422 and f"After {left} more wrong" in answer.content.decode()
        assert desk.post(UNLOCK, {"pin": PIN})["Location"] == "/"

    def test_the_fifth_ends_the_sign_in(self, desk: Client) -> None:
        answers = [desk.post(UNLOCK, {"pin": WRONG}) for _try in range(5)]
        assert answers[-1]["Location"] == LOGIN
        assert "Too many wrong PINs" in desk.get(LOGIN).content.decode()
        assert desk.get(DIARY)["Location"].startswith(LOGIN)

    @pytest.mark.parametrize("is_counted", [True, False])
    def test_also_where_all_are_sent_at_once(
        self, desk: Client, is_counted: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each then finds the session as it was before the first; without the other counter it goes on for ever."""
        if not is_counted:
            monkeypatch.setattr(throttling, "LIMITS", {})
        for _try in range(5):
            desk.post(UNLOCK, {"pin": WRONG})
            session = desk.session
            session["screen_wrong_pins"] = 0
            if session.session_key == desk.cookies["sessionid"].value:
                session.save()
        assert (desk.post(UNLOCK, {"pin": PIN})["Location"] == LOGIN) == is_counted

    def test_the_pin_of_somebody_else_is_wrong(self, desk: Client, admin: User) -> None:
        ScreenPinFactory(user=admin, pin="284615")
        assert desk.post(UNLOCK, {"pin": "284615"}).status_code == 422

    def test_who_has_no_pin_types_the_password(self, desk: Client) -> None:
        ScreenPin.objects.all().delete()
        asked = desk.get(UNLOCK).content.decode()
        assert "Your PIN" not in asked and "A PIN is quicker" in asked
        wrong = desk.post(UNLOCK, {"password": "wrong"})
        assert wrong.status_code == 422 and "This is not the password" in wrong.content.decode()
        assert desk.post(UNLOCK, {"pin": ""}).status_code == 422
        assert desk.post(UNLOCK, {"password": PASSWORD})["Location"] == "/"

    @pytest.mark.parametrize("credential", ["", "null", "{}", '{"id": "x"}', "]"])
    def test_what_is_no_passkey_does_not_open_it(self, desk: Client, credential: str) -> None:
        answer = desk.post(UNLOCK, {"credential": credential})
        assert answer.status_code == 422 and is_locked(desk)
        assert desk.get("/unlock/passkey/").status_code == 404

    def test_somebody_else_signs_in_instead(self, desk: Client) -> None:
        assert desk.post("/accounts/logout/", {"next": LOGIN})["Location"] == LOGIN
        assert desk.get(DIARY)["Location"].startswith(LOGIN)


class TestTwelveHours:
    @pytest.fixture(autouse=True)
    def never_idle(self) -> Iterator[None]:
        with override_settings(LOCK_IDLE_MINUTES=100 * 60):
            yield

    def test_after_them_everybody_signs_in_anew(self, reception_client: Client) -> None:
        with after(hours=11, minutes=59):
            assert opens(reception_client)
        with after(hours=12):
            assert reception_client.get(DIARY)["Location"] == f"{LOGIN}?next=/diary/"
        assert reception_client.get(DIARY)["Location"].startswith(LOGIN)

    def test_a_longer_day_would_keep_it_open(self, reception_client: Client) -> None:
        with override_settings(SIGN_IN_HOURS=13), after(hours=12):
            assert opens(reception_client)

    def test_neither_the_pin_nor_a_factor_shown_once_more_makes_them_longer(
        self, reception: User, reception_client: Client
    ) -> None:
        ScreenPinFactory(user=reception)
        with after(hours=11):
            reception_client.post("/lock/")
            reception_client.post(UNLOCK, {"pin": PIN})
            assert opens(reception_client)
            session = reception_client.session
            again = {
                "method": "mfa",
                "at": (CLINIC_NOW + timedelta(hours=11)).timestamp(),
                "reauthenticated": True,
            }
            session[AUTHENTICATION_METHODS_SESSION_KEY] += [again]
            session.save()
        with after(hours=12):
            assert not opens(reception_client)

    def test_a_session_that_does_not_say_since_when_is_over(self, reception_client: Client) -> None:
        session = reception_client.session
        del session[AUTHENTICATION_METHODS_SESSION_KEY]
        session.save()
        with override_settings(MODE="demo"):
            assert reception_client.get(DIARY)["Location"].startswith(LOGIN)


class TestInAPatientsHands:
    @pytest.fixture
    def visit(self, doctor: Practitioner) -> Appointment:
        return session_visit(cleared_plan(patient=PatientFactory()), doctor, AppointmentStatus.BOOKED)

    def test_its_own_limit_counts_and_taking_it_back_is_use(
        self, reception_client: Client, visit: Appointment
    ) -> None:
        back = f"/visits/{visit.pk}/check-in/"
        page = reception_client.post(back)["Location"]
        with after(minutes=9):
            assert reception_client.get(page).status_code == 200
        with after(minutes=18):
            assert reception_client.get(page).status_code == 200
        with after(minutes=40):
            assert reception_client.get(DIARY)["Location"] == "/take-back/"
            assert reception_client.get(UNLOCK)["Location"] == "/take-back/"
            reception_client.post("/take-back/", {"password": PASSWORD})
            assert opens(reception_client)


class TestOnesOwnPin:
    @pytest.mark.parametrize(
        "pin",
        [
            "111111",
            "123456",
            "98765432",
            "135791",
            "121212",
            "123123",
            "135135",
            "112112",
            "111222",
            "789012",
            "123321",
            "000123",
        ],
    )
    def test_what_everybody_tries_first_is_refused(self, pin: str) -> None:
        with pytest.raises(DomainError) as refused:
            check_pin(pin)
        assert (refused.value.code, refused.value.field) == ("pin_obvious", "pin")

    @pytest.mark.parametrize("pin", ["", "12345", "739164285", "73916a", "٧٣٩١٦٤", "739 164"])
    def test_six_to_eight_digits(self, pin: str) -> None:
        with pytest.raises(DomainError) as refused:
            check_pin(pin)
        assert (refused.value.code, refused.value.field) == ("pin_digits", "pin")

    @pytest.mark.parametrize("pin", ["739164", "2846150", "10293847", "737939", "127654", "135975"])
    def test_others_are_not(self, pin: str) -> None:
        check_pin(pin)

    def test_it_is_chosen_changed_and_removed(self, reception: User, reception_client: Client) -> None:
        for pin in (PIN, "284615"):
            assert reception_client.post(PIN_PAGE, {"pin": pin, "again": pin})["Location"] == "/accounts/2fa/"
            kept = ScreenPin.objects.get(user=reception)
            assert pin not in kept.hashed
        assert "Change or remove the PIN" in reception_client.get("/accounts/2fa/").content.decode()
        reception_client.post("/lock/")
        assert reception_client.post(UNLOCK, {"pin": PIN}).status_code == 422
        assert reception_client.post(UNLOCK, {"pin": "284615"}).status_code == 302
        reception_client.post(PIN_PAGE, {"remove": "yes"})
        assert not ScreenPin.objects.exists()
        labels = ScreenPin.pgh_event_model.objects.order_by("pgh_id").values_list("pgh_label", flat=True)
        assert list(labels) == ["insert", "delete", "insert", "delete"]

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"pin": PIN, "again": "284615"}, "These two are not the same."),
            ({"pin": "123456", "again": "123456"}, "one of the first that anybody would try"),
            ({"pin": "", "again": ""}, "Type the PIN you want."),
        ],
    )
    def test_what_is_wrong_is_said_and_changes_nothing(
        self, reception_client: Client, typed: dict[str, str], said: str
    ) -> None:
        answer = reception_client.post(PIN_PAGE, typed)
        assert answer.status_code == 422 and said in answer.content.decode()
        assert not ScreenPin.objects.exists()

    def test_nobody_sets_one_at_a_screen_that_was_left_open(self, reception_client: Client) -> None:
        with after(minutes=6):
            answer = reception_client.post(PIN_PAGE, {"pin": PIN, "again": PIN})
        assert "reauthenticate" in answer["Location"] and not ScreenPin.objects.exists()
        assert PIN not in str(dict(reception_client.session))

    def test_an_admin_who_resets_the_second_factor_takes_it_away(self, reception: User, admin: User) -> None:
        ScreenPinFactory(user=reception)
        other = ScreenPinFactory()
        staff.reset_second_factor(user=reception, reason="phone lost", by=admin, at=CLINIC_NOW)
        assert list(ScreenPin.objects.all()) == [other]
