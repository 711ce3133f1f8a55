"""Recovery codes are shown once, open once, and the database holds nothing they could be read from."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.test import Client, override_settings
from django.urls import reverse

from clinic import encryption, second_factor
from clinic.actions import recovery_codes
from clinic.models import User
from tests.clinic.test_races import race
from tests.factories import UserFactory
from tests.factories.clock import CLINIC_NOW
from tests.signing_in import next_code, sign_in, with_second_factor
from tests.test_second_factor import opens

GENERATE = "/accounts/2fa/recovery-codes/generate/"
_SHOWN = re.compile(r"<li><code>(\d{10})</code></li>")
migration = importlib.import_module("clinic.migrations.0029_recovery_codes_hashed")


def kept() -> Authenticator:
    return Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)


def used(user: User, code: str) -> bool:
    return recovery_codes.use(user=user, typed=code, by=user, at=CLINIC_NOW) is not None


@pytest.mark.django_db
@pytest.mark.usefixtures("clinic_now")
class TestThePages:
    def test_new_ones_are_shown_in_the_answer_alone_and_the_old_ones_stop(self, reception: User) -> None:
        client = sign_in(Client(), with_second_factor(reception))
        old = next_code(reception)
        assert "The 10 codes that you have left stop working." in client.get(GENERATE).text
        answer = client.post(GENERATE)
        codes = _SHOWN.findall(answer.text)
        assert len(set(codes)) == 10 and answer["Cache-Control"] == "no-store"
        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(data::text, '') FROM mfa_authenticator")
            stored = cursor.fetchone()[0] + str(dict(client.session))
        assert not any(code in stored for code in codes)
        assert (opens(reception, old), opens(reception, codes[3])) == (False, True)
        index = client.get(reverse("mfa_index")).text
        assert "You have 9 recovery codes left." in index and not _SHOWN.findall(index)

    def test_typed_with_spaces_it_opens_and_for_somebody_else_it_does_not(
        self, reception: User, admin: User
    ) -> None:
        code = next_code(with_second_factor(reception))
        assert not opens(with_second_factor(admin), code)
        assert opens(reception, f"{code[:5]} {code[5:]}")

    def test_who_has_none_opens_nothing(self, reception: User) -> None:
        assert not used(reception, "0123456789")

    def test_wrong_ones_are_counted_with_those_of_apps(self, reception: User) -> None:
        right = next_code(with_second_factor(reception))
        for number in range(5):
            opens(reception, f"{number}{right[:9]}")
        assert not opens(reception, right)
        cache.clear()
        assert opens(reception, right)

    def test_without_a_factor_there_is_nothing_they_could_stand_in_for(
        self, reception_client: Client
    ) -> None:
        assert reception_client.post(GENERATE)["Location"] == reverse("mfa_index")
        assert not Authenticator.objects.exists()


@pytest.mark.django_db
class TestWhatIsKept:
    def test_of_each_a_salted_hash_under_the_servers_key(
        self, reception: User, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
        monkeypatch.setattr("django.contrib.auth.hashers.PBKDF2PasswordHasher.iterations", 1000)
        codes = recovery_codes.make(user=reception, by=reception, at=CLINIC_NOW)
        hashes = [encryption.decrypted(each["hash"]) for each in kept().data[second_factor.HASHES]]
        assert all(re.fullmatch(r"pbkdf2_sha256\$1000\$\w{22}\$.{44}", each) for each in hashes)
        assert len({each.split("$")[2] for each in hashes}) == 10  # a salt of its own each
        assert "seed" not in kept().data and used(reception, codes[0])

    def test_allauth_finds_none_and_no_page_of_its_own_is_left(self, reception: User) -> None:
        code = next_code(with_second_factor(reception))
        stock = kept().wrap()
        assert (stock.get_unused_codes(), stock.validate_code(code)) == ([], False)
        client = sign_in(Client(), reception)
        for page in ("", "download/"):
            assert client.get(f"/accounts/2fa/recovery-codes/{page}").status_code == 404

    def test_as_allauth_keeps_them_they_could_all_be_read_again(self, reception: User) -> None:
        """The control."""
        stock = RecoveryCodes.activate(reception)
        assert len(Authenticator.objects.get().wrap().get_unused_codes()) == 10
        assert stock.validate_code(stock.get_unused_codes()[0])


@pytest.mark.django_db
class TestTheOldOnes:
    def migrate(self) -> None:
        migration.hash_what_is_left(apps, connection.schema_editor())

    @override_settings(MFA_RECOVERY_CODE_DIGITS=10)  # as it was set until then
    def test_go_on_opening_unless_they_were_used_and_the_seed_is_gone(self, reception: User) -> None:
        stock = RecoveryCodes.activate(reception)
        codes = stock.generate_codes()
        assert stock.validate_code(codes[0])
        self.migrate()
        assert set(kept().data) == {"migrated_codes", "hashes"} and second_factor.codes_left(reception) == 9
        assert [used(reception, code) for code in codes] == [False] + [True] * 9
        assert not any(used(reception, code) for code in codes)
        self.migrate()  # what is hashed already stays as it is
        assert kept().data == {"migrated_codes": [], "hashes": []}

    def test_go_where_no_key_opens_the_seed_and_nobody_is_locked_out(self, reception: User) -> None:
        with override_settings(SECRETS_KEYS=["lost"]):
            RecoveryCodes.activate(reception)
        self.migrate()
        assert kept().data == {"migrated_codes": [], "hashes": []}
        Authenticator.objects.create(user=reception, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
        client = sign_in(Client(), reception)
        assert "You have no recovery codes." in client.get(reverse("mfa_index")).text
        assert len(_SHOWN.findall(client.post(GENERATE).text)) == 10


@pytest.mark.race
class TestTwoAtOnce:
    """Both have read the row before either has written."""

    def both(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        user = UserFactory(reception=True)
        (code, *_others) = recovery_codes.make(user=user, by=user, at=CLINIC_NOW)
        monkeypatch.setattr(recovery_codes, "check_password", slowly(recovery_codes.check_password))
        return sorted(race([lambda: used(user, code)] * 2))

    def test_one_wins(self, committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.both(monkeypatch) == [False, True]

    def test_without_the_lock_both_would(self, committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())
        assert self.both(monkeypatch) == [True, True]


def slowly(look: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    """As with a real hash: it takes a while."""

    def looked(*said: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.3)")
        return look(*said)

    return looked
