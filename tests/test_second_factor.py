"""Nobody gets in with a password alone: not at the first sign-in, not after a reset, not with a session of before."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, format_hotp_value, hotp_value
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import resolve, reverse

from clinic import encryption
from clinic.models import User
from tests.addresses import ADMIN, OURS, World, admin_address
from tests.factories import UserFactory
from tests.factories.users import PASSWORD
from tests.signing_in import BACKEND, next_code, sign_in, with_second_factor
from tests.test_routes import ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

LOGIN, INDEX = "/accounts/login/", "/accounts/2fa/"
SETTING_UP = {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"}


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    cache.clear()


def typed(client: Client, user: User, password: str = PASSWORD) -> Any:
    """The first page of signing in, sent."""
    return client.post(LOGIN, {"login": user.username, "password": password})


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def opens(user: User, code: str) -> bool:
    """Whether the clinic opens with it, after the password."""
    client = Client()
    typed(client, user)
    client.post(reverse("mfa_authenticate"), {"code": code})
    return bool(client.get("/diary/").status_code == 200)


def half_signed_in(user: User) -> Client:
    """A session that a password alone has opened, however that came about."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


class TestTheFirstSignIn:
    def test_it_leads_to_the_setting_up(self, reception: User) -> None:
        client = Client()
        assert typed(client, reception)["Location"] == "/"
        assert client.get("/diary/")["Location"] == INDEX
        shown = client.get(INDEX).content.decode()
        assert "Protect your sign-in" in shown and "topbar" not in shown

    def test_no_other_address_opens_before_it_is_done(self, reception: User, doctor: Any) -> None:
        world = World.built_for(doctor)
        addresses = {name: world.address(name) for name in OURS}
        addresses |= {name: admin_address(name) for name in ADMIN}
        client, opened = half_signed_in(reception), set()
        for name, address in addresses.items():
            for verb in ("get", "post"):
                answer = ask(client, verb, address)
                if not answer.headers.get("Location", "").startswith((INDEX, LOGIN)):
                    opened.add(name)
        assert opened - {name for name in addresses if is_open(addresses[name])} == SETTING_UP
        assert len(addresses) > 200

    def test_a_part_of_a_page_sends_the_whole_page_there(self, reception: User) -> None:
        answer = half_signed_in(reception).get("/diary/changes/", headers={"HX-Request": "true"})
        assert (answer.status_code, answer["HX-Redirect"]) == (200, INDEX)

    def test_the_first_code_of_an_app_opens_the_clinic(self, reception: User) -> None:
        client = Client()
        typed(client, reception)
        secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
        done = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
        assert (done.status_code, done["Cache-Control"]) == (200, "no-store")
        assert len(re.findall(r"<li><code>\d{10}</code></li>", done.text)) == 10
        assert client.get("/diary/").status_code == 200

    @pytest.mark.parametrize("code", ["", "000000", "abc", "٠١٢٣٤٥"])
    def test_a_wrong_code_does_not(self, reception: User, code: str) -> None:
        client = Client()
        typed(client, reception)
        client.get(reverse("mfa_activate_totp"))
        answer = client.post(reverse("mfa_activate_totp"), {"code": code})
        assert answer.status_code == 200 and answer.context["form"].errors
        assert client.get("/diary/")["Location"] == INDEX
        assert not Authenticator.objects.exists()


def is_open(address: str) -> bool:
    """Whether a page is for people who have not signed in, too."""
    return not getattr(resolve(address).func, "login_required", True)


class TestSigningIn:
    def test_it_takes_the_password_and_a_code(self, reception: User) -> None:
        client = Client()
        asked = typed(client, with_second_factor(reception))
        assert asked["Location"] == reverse("mfa_authenticate")
        assert client.get("/diary/")["Location"].startswith(LOGIN)
        client.post(reverse("mfa_authenticate"), {"code": next_code(reception)})
        assert client.get("/diary/").status_code == 200

    def test_a_code_opens_once(self, reception: User) -> None:
        code = next_code(with_second_factor(reception))
        for expected in ("200", "302"):
            client = Client()
            typed(client, reception)
            client.post(reverse("mfa_authenticate"), {"code": code})
            assert str(client.get("/diary/").status_code) == expected

    def test_an_apps_code_opens_once_too(self, reception: User) -> None:
        app = Authenticator.objects.get(user=with_second_factor(reception), type=Authenticator.Type.TOTP)
        code = code_of(encryption.decrypted(app.data["secret"]))
        for expected in (200, 302):
            client = Client()
            typed(client, reception)
            client.post(reverse("mfa_authenticate"), {"code": code})
            assert client.get("/diary/").status_code == expected

    def test_somebody_elses_code_does_not(self, reception: User, admin: User) -> None:
        with_second_factor(reception)
        client = Client()
        typed(client, reception)
        client.post(reverse("mfa_authenticate"), {"code": next_code(with_second_factor(admin))})
        assert client.get("/diary/")["Location"].startswith(LOGIN)

    @pytest.mark.parametrize(
        "sent", ["", "x", "[]", "{}", '"x"', "1", "null", '{"id": 1}', '{"response": []}']
    )
    def test_what_is_no_passkey_is_refused(self, reception: User, sent: str) -> None:
        with_second_factor(reception)
        client = Client()
        client.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})
        assert client.post(reverse("mfa_login_webauthn"), {"credential": sent})["Location"] == LOGIN
        typed(client, reception)
        assert client.post(reverse("mfa_authenticate"), {"credential": sent}).status_code == 200
        assert client.get("/diary/")["Location"].startswith(LOGIN)


class TestWhatMightFoolIt:
    def test_a_session_of_before_signs_in_anew(self, reception: User) -> None:
        client = half_signed_in(with_second_factor(reception))
        assert client.get("/diary/?day=2026-03-03")["Location"] == f"{LOGIN}?next=/diary/%3Fday%3D2026-03-03"
        assert "_auth_user_id" not in client.session

    def test_it_cannot_set_up_another_factor(self, reception: User) -> None:
        client = half_signed_in(with_second_factor(reception))
        assert client.get(reverse("mfa_add_webauthn"))["Location"].startswith(LOGIN)

    def test_what_another_person_has_shown_counts_for_nobody_else(self, reception: User, admin: User) -> None:
        client = half_signed_in(reception)
        shown = sign_in(Client(), admin).session
        session = client.session
        session.update({key: value for key, value in shown.items() if key.startswith("account_")})
        session.save()
        assert client.get("/diary/")["Location"] == INDEX

    def test_a_new_password_by_mail_does_not_replace_the_code(self, reception: User, mailoutbox: Any) -> None:
        client = Client()
        with_second_factor(reception)
        client.post(reverse("account_reset_password"), {"email": reception.email})
        link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mailoutbox[0].body)
        assert link
        page = client.get(link.group(1))["Location"]
        new = "another long secret of mine"
        assert client.post(page, {"password1": new, "password2": new})["Location"].endswith("/done/")
        assert client.get("/diary/")["Location"].startswith(LOGIN)
        assert typed(client, reception, new)["Location"] == reverse("mfa_authenticate")

    def test_the_admin_has_no_door_of_its_own(self, admin: User) -> None:
        assert half_signed_in(admin).get("/admin/")["Location"] == INDEX
        with_second_factor(admin)
        assert half_signed_in(admin).get("/admin/")["Location"] == f"{LOGIN}?next=/admin/"

    def test_the_last_factor_stays(self, reception: User) -> None:
        client = sign_in(Client(), with_second_factor(reception))
        answer = client.post(reverse("mfa_deactivate_totp"))
        assert "This is your only second factor" in answer.content.decode()
        key = Authenticator.objects.get(type=Authenticator.Type.TOTP)
        Authenticator.objects.filter(pk=key.pk).update(type=Authenticator.Type.WEBAUTHN)
        assert client.post(reverse("mfa_remove_webauthn", args=[key.pk]))["Location"] == reverse(
            "mfa_list_webauthn"
        )
        assert Authenticator.objects.filter(pk=key.pk).exists()

    def test_of_two_one_can_go(self, reception: User) -> None:
        client = sign_in(Client(), with_second_factor(reception))
        Authenticator.objects.create(user=reception, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
        assert client.post(reverse("mfa_deactivate_totp"))["Location"] == INDEX
        assert not Authenticator.objects.filter(type=Authenticator.Type.TOTP).exists()


class TestTheDoorItself:
    def test_it_asks_the_database_nothing(self, reception: User, django_assert_num_queries: Any) -> None:
        client = sign_in(Client(), reception)
        without = [each for each in settings.MIDDLEWARE if "SecondFactor" not in each]
        with override_settings(MIDDLEWARE=without), django_assert_num_queries(4):
            client.get("/devices/")
        with django_assert_num_queries(4):
            assert client.get("/devices/").status_code == 200

    def test_without_it_the_password_alone_opens_the_diary(self, reception: User) -> None:
        without = [each for each in settings.MIDDLEWARE if "SecondFactor" not in each]
        with override_settings(MIDDLEWARE=without):
            assert half_signed_in(with_second_factor(reception)).get("/diary/").status_code == 200

    def test_a_file_is_not_taken_from_who_is_not_through(self, practitioner_user: User) -> None:
        from django.core.files.uploadedfile import SimpleUploadedFile

        address = reverse("consultations:photo_new", args=["00000000-0000-0000-0000-000000000000"])
        sent = {"file": SimpleUploadedFile("x.jpg", b"x" * 10)}
        assert half_signed_in(practitioner_user).post(address, sent)["Location"].startswith(LOGIN)

    @override_settings(MODE="demo")
    def test_the_invented_people_of_a_demo_need_none_but_may_have_one(self, reception: User) -> None:
        client = Client()
        typed(client, reception)
        assert client.get("/diary/").status_code == 200
        again = Client()
        assert typed(again, with_second_factor(reception))["Location"] == reverse("mfa_authenticate")
        assert again.get("/diary/")["Location"].startswith(LOGIN)


class TestWhatIsStored:
    def test_no_secret_stands_in_the_database(self, reception: User) -> None:
        with_second_factor(reception)
        stored = Authenticator.objects.get(type=Authenticator.Type.TOTP).data["secret"]
        assert stored.startswith("gAAAA") and encryption.decrypted(stored) not in stored

    def test_nor_while_an_app_is_being_set_up(self, reception: User) -> None:
        client = Client()
        typed(client, reception)
        secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
        assert secret not in str(dict(client.session))
        assert encryption.decrypted(client.session[SECRET_SESSION_KEY]) == secret

    def test_a_key_that_was_taken_away_meanwhile_shows_a_new_picture(self, reception: User) -> None:
        client = Client()
        typed(client, reception)
        secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
        with override_settings(SECRETS_KEYS=["another key"]):
            answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
        assert answer.status_code == 200 and answer.context["form"].secret != secret

    def test_a_new_key_in_front_reads_what_the_old_one_wrote(self, reception: User) -> None:
        with override_settings(SECRETS_KEYS=["old"]):
            with_second_factor(reception)
        with override_settings(SECRETS_KEYS=["new", "old"]):
            assert opens(reception, next_code(reception))
            call_command("encrypt_anew", verbosity=0)
        with override_settings(SECRETS_KEYS=["new"]):
            assert opens(reception, next_code(reception))
            app = Authenticator.objects.get(type=Authenticator.Type.TOTP)
            assert opens(reception, code_of(encryption.decrypted(app.data["secret"])))

    def test_without_the_old_key_it_is_unreadable(self, reception: User) -> None:
        with override_settings(SECRETS_KEYS=["old"]):
            with_second_factor(reception)
        with override_settings(SECRETS_KEYS=["new"]):
            with pytest.raises(encryption.Unreadable):
                opens(reception, next_code(reception))
            with pytest.raises(encryption.Unreadable):
                call_command("encrypt_anew", verbosity=0)

    def test_the_key_is_made_as_the_standard_says(self) -> None:
        """RFC 5869, test case 3 in shape: no salt. Computed here with HMAC alone."""
        import base64
        import hashlib
        import hmac

        purpose = b"mesoclinic: secrets of second factors"
        extracted = hmac.new(bytes(32), b"a text", hashlib.sha256).digest()
        expanded = hmac.new(extracted, purpose + b"\x01", hashlib.sha256).digest()
        from cryptography.fernet import Fernet

        with override_settings(SECRETS_KEYS=["a text"]):
            stored = encryption.encrypted("secret")
        assert Fernet(base64.urlsafe_b64encode(expanded)).decrypt(stored.encode()) == b"secret"


def test_everybody_reads_what_a_demo_leaves_out(client: Client) -> None:
    with override_settings(MODE="demo", DEMO_PASSWORD="x"):
        assert "These invented people need no second factor" in client.get(LOGIN).content.decode()
    assert "need no second factor" not in client.get(LOGIN).content.decode()


def test_a_person_without_a_role_is_asked_as_well() -> None:
    assert half_signed_in(UserFactory()).get("/diary/")["Location"] == INDEX
