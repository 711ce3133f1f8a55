"""The link for a new password that is sent by mail: it works once, for the account as it was when it was asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.models import EmailAddress
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.http import HttpResponse
from django.test import Client

from clinic.accounts import AccountAdapter
from clinic.actions import accounts, staff
from clinic.models import User
from clinic.passwords import PasswordLinks
from tests.factories.clock import CLINIC_NOW
from tests.factories.users import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
NEW = "another long secret of mine"


@pytest.fixture
def links(reception: User, mailoutbox: list[Any]) -> list[str]:
    """The one that reception has asked for; whatever is asked for later comes after it."""
    return asked_for(reception.email, mailoutbox)


def asked_for(email: str, mailoutbox: list[Any]) -> list[str]:
    Client().post("/accounts/password/reset/", {"email": email})
    found = (re.search(r"(/accounts/password/reset/key/\S+)", letter.body) for letter in mailoutbox)
    return [each.group(1) for each in found if each]


def used(link: str) -> HttpResponse:
    """Opened, and a password chosen where it still asks for one."""
    client = Client()
    opened = client.get(link)
    if opened.status_code != 302:
        return opened
    return client.post(opened["Location"], {"password1": NEW, "password2": NEW})


def has(user: User, password: str) -> bool:
    user.refresh_from_db()
    return user.check_password(password)


def off(user: User, by: User) -> None:
    accounts.switch_off(user=user, reason="has left", by=by, at=CLINIC_NOW)


def on_again(user: User, by: User) -> None:
    accounts.switch_on(user=user, reason="is back", by=by, at=CLINIC_NOW)


def test_it_works_once(reception: User, links: list[str]) -> None:
    assert used(links[0])["Location"].endswith("/done/")
    assert has(reception, NEW)
    assert used(links[0]).status_code == 200


def test_it_is_void_while_the_account_is_switched_off_and_once_it_is_on_again(
    reception: User, admin: User, links: list[str]
) -> None:
    off(reception, admin)
    assert used(links[0]).status_code == 200
    on_again(reception, admin)
    assert used(links[0]).status_code == 200
    assert has(reception, PASSWORD)


def test_one_that_was_opened_before_is_void_when_the_password_is_chosen(
    reception: User, admin: User, links: list[str]
) -> None:
    client = Client()
    page = client.get(links[0])["Location"]
    off(reception, admin)
    on_again(reception, admin)
    client.post(page, {"password1": NEW, "password2": NEW})
    assert has(reception, PASSWORD)


def test_one_that_is_asked_for_afterwards_works(
    reception: User, admin: User, links: list[str], mailoutbox: list[Any]
) -> None:
    off(reception, admin)
    on_again(reception, admin)
    used(asked_for(reception.email, mailoutbox)[-1])
    assert has(reception, NEW)


def test_it_ends_with_all_sign_ins(reception: User, admin: User, links: list[str]) -> None:
    """Whoever ends them all fears that somebody else is in, who may have asked for a link, too."""
    staff.end_sign_ins(user=reception, by=reception, at=CLINIC_NOW)
    assert used(links[0]).status_code == 200
    assert has(reception, PASSWORD)


def test_by_what_django_looks_at_it_would_work_again_once_the_account_is_on(
    reception: User, admin: User, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(PasswordLinks, "_make_hash_value", PasswordResetTokenGenerator._make_hash_value)
    (link,) = asked_for(reception.email, mailoutbox)
    off(reception, admin)
    on_again(reception, admin)
    used(link)
    assert has(reception, NEW)


def test_choosing_a_password_brings_nobody_back_who_was_switched_off_meanwhile(
    reception: User, admin: User
) -> None:
    """The page has read the person before they were switched off, and writes the password after it."""
    read_before = User.objects.get(pk=reception.pk)
    off(reception, admin)
    get_adapter().set_password(read_before, NEW)
    reception.refresh_from_db()
    assert (reception.is_active, reception.sign_ins_ended) == (False, 1)


def test_saved_whole_it_would(reception: User, admin: User) -> None:
    """The control."""
    read_before = User.objects.get(pk=reception.pk)
    off(reception, admin)
    read_before.set_password(NEW)
    read_before.save()
    reception.refresh_from_db()
    assert (reception.is_active, reception.sign_ins_ended) == (True, 0)


@pytest.mark.parametrize(
    ("guard", "letters"),
    [(AccountAdapter.send_password_reset_mail, 0), (DefaultAccountAdapter.send_password_reset_mail, 1)],
    ids=["", "without it one goes there"],
)
def test_it_goes_to_the_address_of_now_alone(
    reception: User,
    admin: User,
    mailoutbox: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    guard: Any,
    letters: int,
) -> None:
    """An address that the account had once may be somebody else's by now; allauth has kept it."""
    monkeypatch.setattr(AccountAdapter, "send_password_reset_mail", guard)
    old = reception.email
    EmailAddress.objects.create(user=reception, email=old)
    reception.email = "reception.new@clinic.example"
    accounts.keep(user=reception, by=admin, at=CLINIC_NOW)
    mailoutbox.clear()
    assert len(asked_for(old, mailoutbox)) == letters
    assert len(asked_for(reception.email, mailoutbox)) == letters + 1
