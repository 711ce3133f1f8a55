"""Two second factors that are taken away at once: the app at one device, the passkey at another."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.urls import reverse

from clinic import second_factor
from clinic.accounts import SecondFactorAdapter
from clinic.views import second_factor as views
from tests.clinic.test_races import race
from tests.factories import UserFactory
from tests.signing_in import sign_in, with_second_factor

pytestmark = pytest.mark.race
_at_once = SecondFactorAdapter.can_delete_authenticator


def slowly(adapter: SecondFactorAdapter, authenticator: Authenticator) -> bool:
    """Each has seen the other's factor before either is gone."""
    answer = _at_once(adapter, authenticator)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
    return answer


def left(monkeypatch: pytest.MonkeyPatch) -> int:
    user = with_second_factor(UserFactory(reception=True))
    key = Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    here, there = sign_in(Client(), user), sign_in(Client(), user)
    monkeypatch.setattr(SecondFactorAdapter, "can_delete_authenticator", slowly)
    race(
        [
            lambda: here.post(reverse("mfa_deactivate_totp")).status_code,
            lambda: there.post(reverse("mfa_remove_webauthn", args=[key.pk])).status_code,
        ]
    )
    return Authenticator.objects.filter(user=user, type__in=second_factor.FACTORS).count()


def test_one_stays(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(monkeypatch) == 1


def test_without_the_lock_both_would_go(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "locked_account", lambda _user: None)
    assert left(monkeypatch) == 0
