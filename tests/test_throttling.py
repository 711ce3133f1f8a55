"""Passwords can be tried a few times: counted for every process, by nobody's forwarded header, alike for who does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client, override_settings

from clinic import throttling
from clinic.models import User
from tests.factories import InvitedFactory, UserFactory
from tests.factories.users import PASSWORD
from tests.signing_in import next_code, with_second_factor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

LOGIN, RESET = "/accounts/login/", "/accounts/password/reset/"
TOO_MANY = "Too many tries. Wait five minutes, then try again."
HERE, THERE = "203.0.113.7", "198.51.100.4"


@pytest.fixture(autouse=True)
def no_tries_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def try_(login: str, password: str = "wrong", address: str = HERE, **headers: str) -> Any:
    return Client().post(LOGIN, {"login": login, "password": password}, REMOTE_ADDR=address, **headers)


def is_in(answer: Any) -> bool:
    """Past the password."""
    return answer.status_code == 302


def said(answer: Any) -> tuple[int, str]:
    """Status and body, without what differs from one request to the next anyway."""
    text = re.sub(r'value="[\w-]{64}"|"X-CSRFToken": "[\w-]{64}"', "", answer.content.decode())
    return answer.status_code, text


class TestHowOften:
    def test_the_sixth_try_at_an_account_from_one_address_is_refused_even_if_right(
        self, reception: User
    ) -> None:
        for _try in range(5):
            assert not is_in(try_("reception"))
        answer = try_("reception", PASSWORD)
        assert (answer.status_code, TOO_MANY in answer.content.decode()) == (200, True)

    def test_without_the_limit_it_opens(self, reception: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(throttling, "LIMITS", {})
        for _try in range(5):
            try_("reception")
        assert is_in(try_("reception", PASSWORD))

    def test_the_rest_of_the_clinic_signs_in_from_the_same_address(
        self, reception: User, admin: User
    ) -> None:
        for _try in range(7):
            try_("reception")
        assert is_in(try_("admin", PASSWORD))

    def test_the_person_signs_in_from_another_address(self, reception: User) -> None:
        for _try in range(7):
            try_("reception", address=THERE)
        assert is_in(try_("reception", PASSWORD))

    def test_a_crowd_of_addresses_does_not_get_far(self, reception: User) -> None:
        for number in range(50):
            try_("reception", address=f"198.51.100.{number}")
        assert TOO_MANY in try_("reception", PASSWORD).content.decode()

    def test_one_address_does_not_try_everybodys_account(
        self, reception: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(throttling.LIMITS, "password_at_address", "8/5m/key")
        for number in range(8):
            try_(f"nobody{number}")
        assert TOO_MANY in try_("reception", PASSWORD).content.decode()
        assert is_in(try_("reception", PASSWORD, address=THERE))

    def test_a_flood_of_names_from_one_address_leaves_no_more_rows_than_it_has_tries(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once there is no room for more, the cache throws counters away, those of other people too."""
        monkeypatch.setitem(throttling.LIMITS, "password_at_address", "4/5m/key")
        for number in range(20):
            try_(f"nobody{number}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM shared_cache WHERE cache_key LIKE '%%:clinic:password%%'")
            assert cursor.fetchone() == (1 + 2 * 4,)

    def test_right_passwords_count_for_nothing(self, reception: User) -> None:
        assert [is_in(try_("reception", PASSWORD)) for _try in range(8)] == [True] * 8

    @pytest.mark.parametrize("typed", ["Reception", " reception ", "RECEPTION"])
    def test_the_same_name_written_otherwise_is_the_same_account(self, reception: User, typed: str) -> None:
        for _try in range(5):
            try_(typed)
        assert TOO_MANY in try_("reception", PASSWORD).content.decode()

    def test_codes_of_the_second_factor_are_counted_per_person(self, reception: User, admin: User) -> None:
        clients = {user: Client() for user in (with_second_factor(reception), with_second_factor(admin))}
        for user, client in clients.items():
            client.post(LOGIN, {"login": user.username, "password": PASSWORD})
        for _try in range(5):
            clients[reception].post("/accounts/2fa/authenticate/", {"code": "0000000000"})
        for user, client in clients.items():
            client.post("/accounts/2fa/authenticate/", {"code": next_code(user)})
        opened = {user.username: client.get("/diary/").status_code for user, client in clients.items()}
        assert opened == {"reception": 302, "admin": 200}


class TestFromWhere:
    def test_a_forwarded_header_makes_no_new_address(self, reception: User) -> None:
        for number in range(5):
            try_("reception", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
        answer = try_("reception", PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.99")
        assert TOO_MANY in answer.content.decode()

    @override_settings(TRUSTED_PROXIES=1)
    def test_behind_a_proxy_what_the_proxy_added_counts(self, reception: User) -> None:
        for number in range(5):
            try_("reception", address="127.0.0.1", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}, {HERE}")
        forged = try_("reception", PASSWORD, "127.0.0.1", HTTP_X_FORWARDED_FOR=f"192.0.2.99, {HERE}")
        assert TOO_MANY in forged.content.decode()
        assert is_in(try_("reception", PASSWORD, "127.0.0.1", HTTP_X_FORWARDED_FOR=f"{HERE}, {THERE}"))

    @override_settings(TRUSTED_PROXIES=2)
    @pytest.mark.parametrize(
        "header", [{}, {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, {"HTTP_X_FORWARDED_FOR": ","}]
    )
    def test_who_went_past_the_proxies_is_where_the_connection_comes_from(
        self, reception: User, header: dict[str, str]
    ) -> None:
        for _try in range(5):
            try_("reception", **header)
        assert TOO_MANY in try_("reception", PASSWORD).content.decode()


class TestWhoIsKnown:
    @pytest.fixture
    def people(self) -> dict[str, str]:
        """What is typed for each kind of person."""
        UserFactory(username="rosa", email="rosa@clinic.example")
        UserFactory(username="left", email="left@clinic.example", is_active=False)
        InvitedFactory(username="invited", email="invited@clinic.example")
        for number in range(2):
            UserFactory(username=f"twin{number}", email="twins@clinic.example")
        names = ["rosa", "left", "invited", "nobody"]
        return {typed: typed for name in names for typed in (name, f"{name}@clinic.example")} | {
            "twins@clinic.example": "twins@clinic.example"
        }

    def test_a_wrong_password_is_answered_alike(self, people: dict[str, str]) -> None:
        answers = {typed: said(try_(typed)) for typed in people}
        without_names = {(status, text.replace(typed, "…")) for typed, (status, text) in answers.items()}
        assert len(without_names) == 1

    def test_and_with_the_same_work(self, people: dict[str, str], settings: Any) -> None:
        settings.PASSWORD_HASHERS = [f"{__name__}.Counted"]
        for user in User.objects.exclude(password__startswith="!"):
            user.set_password(PASSWORD)
            user.save()
        work = {}
        for typed in people:
            Counted.hashes = 0
            try_(typed)
            work[typed] = Counted.hashes
        assert set(work.values()) == {1}, work

    def test_with_allauths_own_second_backend_the_work_would_tell(
        self, people: dict[str, str], settings: Any
    ) -> None:
        settings.AUTHENTICATION_BACKENDS = [
            "django.contrib.auth.backends.ModelBackend",
            "allauth.account.auth_backends.AuthenticationBackend",
        ]
        self_check = TestWhoIsKnown.test_and_with_the_same_work
        with pytest.raises(AssertionError):
            self_check(self, people, settings)

    def test_too_many_tries_are_said_alike(self, people: dict[str, str]) -> None:
        for typed in ("rosa", "nobody"):
            for _try in range(5):
                try_(typed)
        texts = {said(try_(typed, PASSWORD))[1].replace(typed, "…") for typed in ("rosa", "nobody")}
        assert len(texts) == 1 and TOO_MANY in texts.pop()

    def test_a_new_password_is_asked_for_alike(self, people: dict[str, str], mailoutbox: list[Any]) -> None:
        typed = ["rosa@clinic.example", "left@clinic.example", "nobody@clinic.example"]
        answers = [Client().post(RESET, {"email": each}) for each in typed]
        assert {(answer.status_code, answer["Location"], answer.content) for answer in answers} == {
            (302, f"{RESET}done/", b"")
        }
        # The letter takes longer than all the rest; each asks for one.
        assert [letter.to for letter in mailoutbox] == [[each] for each in typed]
        assert ["/reset/key/" in letter.body for letter in mailoutbox] == [True, False, False]

    def test_asking_too_often_is_answered_alike(self, people: dict[str, str]) -> None:
        answers = []
        for each in ("rosa@clinic.example", "nobody@clinic.example"):
            for _try in range(6):
                answer = Client().post(RESET, {"email": each})
            answers.append(said(answer))
        assert answers[0] == answers[1] and answers[0][0] == 429
        assert "Too many tries" in answers[0][1] and "refusal" in answers[0][1]

    def test_the_right_password_of_who_has_left_opens_nothing_and_says_nothing(
        self, people: dict[str, str]
    ) -> None:
        assert said(try_("left", PASSWORD)) == said(try_("left"))


class Counted(MD5PasswordHasher):
    """Counts how often a password was put through the hash."""

    algorithm = "counted"
    hashes = 0

    def encode(self, password: str, salt: str) -> str:
        Counted.hashes += 1
        return super().encode(password, salt)


class TestForEveryProcess:
    def test_the_counters_stand_in_a_table(self, reception: User) -> None:
        try_("reception")
        assert {"password_of_account_at_address", "password_of_account", "password_at_address"} <= {
            key.split(":")[5] for key in _keys() if ":clinic:" in key
        }

    def test_in_the_memory_of_one_process_another_would_not_see_them(self, reception: User) -> None:
        memory = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        with override_settings(CACHES=memory):
            try_("reception")
        assert _keys() == []

    @pytest.mark.parametrize(("most", "is_refused"), [(None, True), (300, False)])
    def test_a_flood_of_names_does_not_push_them_out(
        self, reception: User, settings: Any, most: int | None, is_refused: bool
    ) -> None:
        """With Django's own size of a cache it does."""
        if most:
            settings.CACHES = {"default": settings.CACHES["default"] | {"OPTIONS": {"MAX_ENTRIES": most}}}
        for _try in range(5):
            try_("reception")
        fillers = [f":1:zz{number}" for number in range(900)]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO shared_cache SELECT %s, value, expires FROM shared_cache LIMIT 1",
                [[each] for each in fillers],
            )
        for number in range(5):
            caches["default"].set(f"zzz{number}", "x")
        assert (TOO_MANY in try_("reception", PASSWORD).content.decode()) is is_refused


def _keys() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM shared_cache ORDER BY cache_key")
        return [row[0] for row in cursor.fetchall()]
