"""A sign-in is worth what the account is worth now: roles, activation and passwords count from the next request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client, override_settings

from clinic import browsers
from clinic.actions import staff
from clinic.enums import Role, SignInEventKind
from clinic.errors import DomainError
from clinic.models import SignIn, SignInEvent, User
from clinic.sessions import SessionStore
from tests.factories import PractitionerFactory, UserFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.users import PASSWORD
from tests.signing_in import next_code, sign_in, with_second_factor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

END, LIST = "/sign-ins/end/", "/sign-ins/"
# A page of each role, and another role that does not open it.
OWN_PAGES = [
    (Role.RECEPTION, "/opening/holidays/", Role.PRACTITIONER),
    (Role.PRACTITIONER, "/my-day/", Role.ADMIN),
    (Role.ADMIN, "/staff/", Role.RECEPTION),
]
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1"
CHROMIUM = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"


class TestTheNextRequest:
    def test_a_role_that_was_given_opens_its_pages(self, reception: User, reception_client: Client) -> None:
        assert reception_client.get("/my-day/").status_code == 403
        User.objects.filter(pk=reception.pk).update(roles=[Role.PRACTITIONER])
        assert reception_client.get("/my-day/").status_code == 200

    def test_a_role_that_was_taken_closes_them(self, admin: User, admin_client: Client) -> None:
        UserFactory(admin=True)  # one has to stay
        assert admin_client.get("/admin/").status_code == 200
        User.objects.filter(pk=admin.pk).update(roles=[Role.RECEPTION])
        assert [admin_client.get(page).status_code for page in ("/admin/", "/staff/")] == [403, 403]

    @pytest.mark.parametrize(("role", "page", "other"), OWN_PAGES)
    def test_each_role_opens_and_closes_its_own_pages(self, role: Role, page: str, other: Role) -> None:
        UserFactory(admin=True)
        user = UserFactory()
        PractitionerFactory(user=user)
        client = sign_in(Client(), user)
        for roles, status in (([], 403), ([role], 200), ([other], 403), ([role, other], 200)):
            User.objects.filter(pk=user.pk).update(roles=roles)
            assert client.get(page).status_code == status, roles

    def test_who_is_switched_off_is_out(self, reception: User, reception_client: Client) -> None:
        assert reception_client.get("/diary/").status_code == 200
        User.objects.filter(pk=reception.pk).update(is_active=False)
        assert reception_client.get("/diary/")["Location"].startswith("/accounts/login/")
        polled = reception_client.get("/diary/changes/", headers={"HX-Request": "true"})
        assert polled["HX-Redirect"].startswith("/accounts/login/")

    def test_a_new_password_ends_the_sign_ins_made_with_the_old_one(
        self, reception: User, reception_client: Client
    ) -> None:
        reception.set_password("another long secret of mine")
        reception.save()
        assert reception_client.get("/diary/")["Location"].startswith("/accounts/login/")

    def test_a_backend_that_does_not_look_would_let_who_is_switched_off_in(self, reception: User) -> None:
        lax = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
        with override_settings(AUTHENTICATION_BACKENDS=lax):
            client = sign_in(Client(), reception, backend=lax[0])
            User.objects.filter(pk=reception.pk).update(is_active=False)
            assert client.get("/diary/").status_code == 200
        assert settings.AUTHENTICATION_BACKENDS == ["clinic.accounts.PasswordBackend"]


class TestEndingTheOthers:
    def test_this_one_stays_and_nobody_elses_ends(self, reception: User, admin_client: Client) -> None:
        here, phone, desk = (sign_in(Client(), reception) for _sign_in in range(3))
        assert here.post(END)["Location"] == "/accounts/2fa/"
        assert here.get("/diary/").status_code == 200
        assert [each.get("/diary/").status_code for each in (phone, desk)] == [302, 302]
        assert admin_client.get("/diary/").status_code == 200

    def test_it_is_said(self, reception: User) -> None:
        client = sign_in(Client(), reception)
        assert "You are signed out everywhere else." in client.post(END, follow=True).content.decode()

    def test_it_is_in_the_history_of_the_account(self, reception: User, reception_client: Client) -> None:
        reception_client.post(END)
        assert list(reception.events.order_by("pgh_id").values_list("sign_ins_ended", flat=True)) == [0, 1]

    def test_the_key_of_the_session_changes(self, reception_client: Client) -> None:
        before = reception_client.cookies["sessionid"].value
        reception_client.post(END)
        assert reception_client.cookies["sessionid"].value != before

    def test_two_at_once_leave_one(self, reception: User) -> None:
        """Each ends the other: whoever was last goes on."""
        first, second = (sign_in(Client(), reception) for _sign_in in range(2))
        assert first.post(END).status_code == 302
        assert second.post(END)["Location"].startswith("/accounts/login/")
        assert first.get("/diary/").status_code == 200


class TestWhereOneIsSignedIn:
    def test_each_browser_is_told_apart_and_this_one_is_marked(self, reception: User) -> None:
        with time_machine.travel(CLINIC_NOW - timedelta(hours=2), tick=False):
            signed_in_from(reception, IPHONE, "203.0.113.7")
        here = signed_in_from(reception, FIREFOX, "198.51.100.4")
        text = " ".join(here.get(LIST).text.split())
        assert "Firefox on Windows · this one" in text and "In use now." in text
        assert "Safari on iPhone</p>" in text
        assert "From 203.0.113.7. Signed in Mon 2 Mar 2026, 07:00." in text
        assert "Last used Mon 2 Mar 2026, 07:00." in text

    def test_the_address_is_what_the_own_proxy_says_never_the_browser(self, reception: User) -> None:
        with override_settings(TRUSTED_PROXIES=1):
            signed_in_from(reception, FIREFOX, "10.0.0.1", forwarded="6.6.6.6, 203.0.113.9")
        assert SignIn.objects.get(user=reception).address == "203.0.113.9"

    def test_only_ones_own_that_still_open_anything(self, reception: User, admin: User) -> None:
        here, ended = sign_in(Client(), reception), sign_in(Client(), reception)
        sign_in(Client(), admin)
        SignIn.objects.filter(pk=ended.session.session_key).update(expire_date=CLINIC_NOW)
        assert listed(here) == [here.session.session_key]
        old = sign_in(Client(), reception)
        here.post(END)
        assert listed(here) == [here.session.session_key]
        assert SignIn.objects.filter(pk=old.cookies["sessionid"].value).exists()  # there, and worth nothing

    def test_no_page_tells_what_opens_a_sign_in(self, reception: User) -> None:
        here, other = sign_in(Client(), reception), sign_in(Client(), reception)
        text = here.get(LIST).text
        assert [each.cookies["sessionid"].value in text for each in (here, other)] == [False, False]

    def test_one_is_ended_at_its_next_request_and_no_other(self, reception: User) -> None:
        here, phone, desk = (sign_in(Client(), reception) for _sign_in in range(3))
        assert here.post(ending(phone))["Location"] == LIST
        assert [each.get("/diary/").status_code for each in (here, phone, desk)] == [200, 302, 200]

    def test_this_one_is_ended_in_the_menu(self, reception: User) -> None:
        here = sign_in(Client(), reception)
        answer = here.post(ending(here), follow=True)
        assert "sign out in your menu" in answer.text
        assert here.get("/diary/").status_code == 200

    def test_nobody_ends_somebody_elses(self, reception: User, admin_client: Client, admin: User) -> None:
        theirs = sign_in(Client(), reception)
        assert admin_client.post(ending(theirs)).status_code == 404
        with pytest.raises(DomainError) as refused:
            staff.end_sign_in(sign_in=SignIn.objects.get(user=reception), by=admin, at=CLINIC_NOW)
        assert refused.value.code == "sign_in_of_another"
        assert theirs.get("/diary/").status_code == 200

    def test_one_that_has_ended_meanwhile_is_not_ended_again(self, reception: User) -> None:
        sign_in(Client(), reception)
        listed = SignIn.objects.get()
        ended = SignInEvent.objects.filter(kind=SignInEventKind.ENDED)
        for _click in range(2):
            staff.end_sign_in(sign_in=listed, by=reception, at=CLINIC_NOW)
            assert ended.count() == 1

    def test_a_request_under_way_does_not_bring_it_back(self, reception: User) -> None:
        store = SessionStore(sign_in(Client(), reception).cookies["sessionid"].value)
        store["typed"] = "meanwhile"
        SignIn.objects.all().delete()
        store.note_use(CLINIC_NOW + timedelta(hours=1))
        with pytest.raises(UpdateError):
            store.save()
        assert not SignIn.objects.exists()

    def test_it_stays_the_same_when_its_key_changes(self, reception: User) -> None:
        here = sign_in(Client(), reception)
        address = ending(here)
        here.post(END)
        assert (ending(here), SignIn.objects.count()) == (address, 1)

    def test_who_signs_in_after_somebody_else_has_a_sign_in_of_their_own(
        self, reception: User, admin: User
    ) -> None:
        store = SessionStore(sign_in(Client(), reception).cookies["sessionid"].value)
        first = (store["_auth_user_id"], store.row.public_id)
        store.flush()
        store["_auth_user_id"] = str(admin.pk)
        store.save()
        kept = SignIn.objects.get()
        assert (kept.user, kept.public_id == first[1]) == (admin, False)

    @pytest.mark.parametrize("others", [0, 2])
    def test_the_page_costs_as_much_however_many(
        self, reception: User, others: int, django_assert_num_queries: Any
    ) -> None:
        here = sign_in(Client(), reception)
        for _sign_in in range(others):
            sign_in(Client(), reception)
        with django_assert_num_queries(5):  # session, person, the browsers, what happened
            assert len(here.get(LIST).context["sign_ins"]) == others + 1

    def test_more_than_a_page_is_paged(self, reception: User) -> None:
        clients = [sign_in(Client(), reception) for _sign_in in range(21)]
        pages = [clients[0].get(LIST, {"page": number}).context for number in (1, 2)]
        assert [len(page["sign_ins"]) for page in pages] == [20, 1]
        assert [pages[0]["older_url"], pages[1]["newer_url"]] == ["?page=2", "?page=1"]


class TestWhenItWasLastUsed:
    def test_is_written_down_every_five_minutes_and_beside_nothing_else(
        self, reception: User, django_assert_num_queries: Any
    ) -> None:
        client = sign_in(Client(), reception)
        for minutes, written, queries in ((4, 0, 2), (5, 5, 3), (9, 5, 2), (10, 10, 3)):
            moment = time_machine.travel(CLINIC_NOW + timedelta(minutes=minutes), tick=False)
            with moment, django_assert_num_queries(queries):
                # By itself, so that it is no use of the screen, which is written down more often (tests/test_screen_lock.py).
                assert client.get("/lock/", headers={"X-Unattended": "yes"}).status_code == 405
            assert SignIn.objects.get().last_used_at == CLINIC_NOW + timedelta(minutes=written)

    def test_a_session_of_nobody_has_no_screen(self, reception: User, django_assert_num_queries: Any) -> None:
        sign_in(Client(), reception)
        nobodys = SessionStore()
        with django_assert_num_queries(0):
            nobodys.note_screen_use(CLINIC_NOW + timedelta(hours=1))
        assert (nobodys.screen_used_at, SignIn.objects.get().last_used_at) == (None, CLINIC_NOW)

    def test_what_another_request_puts_in_the_session_meanwhile_stays(self, reception: User) -> None:
        slow = SessionStore(sign_in(Client(), reception).cookies["sessionid"].value)
        assert slow.get("typed") is None
        quick = SessionStore(slow.session_key)
        quick["typed"] = "meanwhile"
        quick.save()
        slow.note_use(CLINIC_NOW + timedelta(hours=1))
        assert SessionStore(slow.session_key)["typed"] == "meanwhile"
        slow["other"] = "x"  # the negative control: saving the whole session would have lost it
        slow.save()
        assert "typed" not in SessionStore(slow.session_key)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        (f"{CHROMIUM} Safari/537.36 Edg/141.0.0.0", "Edge on Windows"),
        (f"{CHROMIUM} Safari/537.36", "Chrome on Windows"),
        (f"{IPHONE} CriOS/141.0 Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/141.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/141.0", "Chrome on Chromebook"),
        ("curl/8.0", "Unknown browser"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_called_by_what_people_call_it(user_agent: str, words: str) -> None:
    assert browsers.in_words(user_agent) == words


def test_what_the_database_cannot_keep_is_left_out_of_what_a_browser_sends(reception: User) -> None:
    store = SessionStore(sign_in(Client(), reception).cookies["sessionid"].value)
    store.sent_from(device="Fire\x00fox/\n" + "x" * 400, address="\x00" + "9" * 50)
    store.save()
    kept = SignIn.objects.get()
    assert (kept.device[:9], len(kept.device), len(kept.address)) == ("Firefox/x", 300, 45)


def signed_in_from(user: User, device: str, address: str, *, forwarded: str = "") -> Client:
    """Through the pages of signing in, from such a browser."""
    client = Client(headers={"User-Agent": device} | ({"X-Forwarded-For": forwarded} if forwarded else {}))
    with_second_factor(user)
    for page, sent in (
        ("/accounts/login/", {"login": user.username, "password": PASSWORD}),
        ("/accounts/2fa/authenticate/", {"code": next_code(user)}),
    ):
        assert client.post(page, sent, REMOTE_ADDR=address).status_code == 302
    return client


def listed(client: Client) -> list[str]:
    return [row["sign_in"].session_key for row in client.get(LIST).context["sign_ins"]]


def ending(client: Client) -> str:
    """Where the client's own sign-in is ended."""
    sign_in_ = SignIn.objects.get(session_key=client.cookies["sessionid"].value)
    return f"/sign-ins/{sign_in_.public_id}/end/"


def test_people_without_a_role_may_end_theirs_too() -> None:
    client: Any = sign_in(Client(), UserFactory())
    assert client.post(END)["Location"] == "/accounts/2fa/"
