"""Five minutes after signing in, whoever finds a screen open changes no factor and ends no sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account import app_settings
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from clinic.models import SignIn, User
from tests.factories.clock import CLINIC_NOW
from tests.factories.users import PASSWORD
from tests.signing_in import next_code, sign_in, with_second_factor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

BY_PASSWORD, BY_CODE = "/accounts/reauthenticate/", "/accounts/2fa/reauthenticate/"
BY_PASSKEY = "/accounts/2fa/webauthn/reauthenticate/"
ALL_OTHERS = "/sign-ins/end/"
FACTORS = [
    "mfa_deactivate_totp",
    "mfa_add_webauthn",
    "mfa_remove_webauthn",
    "mfa_generate_recovery_codes",
    "clinic:pin",
]


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def here(reception: User) -> Client:
    """Signed in at the time of the tests, with an app and a passkey."""
    Authenticator.objects.create(user=reception, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    return sign_in(Client(), with_second_factor(reception))


def later(minutes: float) -> Any:
    return time_machine.travel(CLINIC_NOW + timedelta(minutes=minutes), tick=False)


def address(name: str) -> str:
    """A page on which factors change."""
    passkey = Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN)
    if name == "mfa_add_webauthn":
        passkey.delete()  # this page reads the others, and the one made up here cannot be read
    return reverse(name, kwargs={"pk": passkey.get().pk} if name == "mfa_remove_webauthn" else {})


def shown(client: Client, by: str, back: str, user: User) -> str:
    """Where somebody is led who shows once more that it is them; `by` is the page on which they do."""
    typed = {"password": PASSWORD} if by == BY_PASSWORD else {"code": next_code(user)}
    return client.post(by, typed | {"next": back})["Location"]


class TestChangingFactors:
    @pytest.mark.parametrize("name", FACTORS)
    def test_takes_both_again_after_five_minutes_and_then_goes_on(
        self, here: Client, reception: User, name: str
    ) -> None:
        page = address(name)
        with later(4.9):
            assert here.get(page).status_code == 200
        with later(5):
            assert here.get(page)["Location"] == f"{BY_PASSWORD}?next={page.replace('/', '%2F')}"
            assert shown(here, BY_PASSWORD, page, reception) == page
            assert here.get(page)["Location"].startswith(BY_CODE)
            assert shown(here, BY_CODE, page, reception) == page
            assert here.get(page).status_code == 200

    def test_in_the_other_order_too_and_what_was_shown_is_not_offered_again(
        self, here: Client, reception: User
    ) -> None:
        page = address("mfa_generate_recovery_codes")
        with later(6):
            first = here.get(f"{BY_PASSWORD}?next={page}")
            assert [
                each["url"].partition("?")[0] for each in first.context["reauthentication_alternatives"]
            ] == [
                BY_CODE,
                BY_PASSKEY,
            ]
            shown(here, BY_CODE, page, reception)
            asked = here.get(page, follow=True)
            assert asked.redirect_chain[-1][0].startswith(BY_PASSWORD)
            assert asked.context["reauthentication_alternatives"] == []

    def test_what_was_sent_is_done_once_both_are_there(self, here: Client, reception: User) -> None:
        page = address("mfa_remove_webauthn")
        passkeys = Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN)
        with later(6):
            assert here.post(page)["Location"].startswith(BY_PASSWORD)
            assert shown(here, BY_PASSWORD, page, reception).startswith(BY_CODE)
            assert passkeys.exists()
            assert shown(here, BY_CODE, page, reception) == reverse("mfa_list_webauthn")
        assert not passkeys.exists()

    def test_a_wrong_password_leads_nowhere(self, here: Client) -> None:
        page = address("mfa_deactivate_totp")
        with later(6):
            here.post(page)
            assert here.post(BY_PASSWORD, {"password": "not this one", "next": page}).status_code == 200
        assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists()

    def test_without_the_question_whoever_finds_the_screen_takes_a_factor_away(
        self, here: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("clinic.second_factor.shown_lately", lambda _request: (True, True))
        with later(6):
            here.post(address("mfa_deactivate_totp"))
        assert not Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists()


class TestEndingSignIns:
    def ending(self, which: str, phone: Client) -> str:
        key = phone.cookies["sessionid"].value
        return (
            ALL_OTHERS
            if which == "all"
            else f"/sign-ins/{SignIn.objects.get(session_key=key).public_id}/end/"
        )

    @pytest.mark.parametrize("which", ["one", "all"])
    @pytest.mark.parametrize("by", [BY_PASSWORD, BY_CODE])
    def test_takes_one_factor_after_five_minutes_and_is_then_done(
        self, here: Client, reception: User, which: str, by: str
    ) -> None:
        phone = sign_in(Client(), reception)
        end = self.ending(which, phone)
        with later(5):
            assert here.post(end)["Location"].startswith(BY_PASSWORD)
            assert phone.get("/diary/").status_code == 200
            assert shown(here, by, end, reception) == ("/accounts/2fa/" if which == "all" else "/sign-ins/")
            assert [each.get("/diary/").status_code for each in (here, phone)] == [200, 302]

    def test_what_was_asked_for_is_forgotten_when_something_else_was_asked_for_meanwhile(
        self, here: Client, reception: User
    ) -> None:
        phone = sign_in(Client(), reception)
        with later(5):
            end = self.ending("one", phone)
            here.post(end)
            here.post(ALL_OTHERS)
            assert shown(here, BY_PASSWORD, end, reception) == end
            assert here.get(end)["Location"] == "/sign-ins/"  # the list, where it is asked for anew
            assert phone.get("/diary/").status_code == 200

    def test_with_a_question_that_is_never_due_an_open_screen_throws_the_person_out_elsewhere(
        self, here: Client, reception: User
    ) -> None:
        phone = sign_in(Client(), reception)
        with override_settings(ACCOUNT_REAUTHENTICATION_TIMEOUT=3600), later(6):
            assert app_settings.REAUTHENTICATION_TIMEOUT == 3600
            here.post(ALL_OTHERS)
            assert phone.get("/diary/").status_code == 302


def test_a_passkey_that_replaced_the_password_is_both(reception: User) -> None:
    client = sign_in(Client(), with_second_factor(reception))
    session = client.session
    at = session["account_authentication_methods"][0]["at"]
    session["account_authentication_methods"] = [
        {"method": "mfa", "at": at, "type": "webauthn", "passwordless": True}
    ]
    session.save()
    assert client.get(reverse("mfa_deactivate_totp")).status_code == 200
