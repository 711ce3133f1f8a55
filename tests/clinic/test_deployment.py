"""A server for real patients does not start with what is right for trying out only."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from typing import Any

import dj_database_url
import pytest
from django.conf import settings
from django.core.checks import ERROR
from django.db import connection
from django.test import Client, override_settings
from pytest_django import Settings

from clinic import deployment, on_the_way
from tests.headers import lacking

GOOD = {
    "MODE": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": ["clinic.example.org"],
    "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "https",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SECURE_SSL_REDIRECT": True,
}


def found(**different: Any) -> list[str]:
    with override_settings(**GOOD | different):
        return [each.id or "" for each in deployment.check_settings()]


def test_a_clinics_settings_are_accepted() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("different", "error"),
    [
        ({"DEBUG": True}, "clinic.E201"),
        ({"MODE": "demo"}, "clinic.E201"),
        ({"SECRET_KEY": "short"}, "clinic.E202"),
        ({"SECRET_KEY": "abcabc" * 20}, "clinic.E202"),
        ({"SECRET_KEY": "django-insecure-" + "".join(map(str, range(60)))}, "clinic.E202"),
        ({"SECRETS_KEYS": [secrets.token_urlsafe(50), "short"]}, "clinic.E208"),
        ({"ALLOWED_HOSTS": ["clinic.example.org", "*"]}, "clinic.E203"),
        ({"ALLOWED_HOSTS": [".example.org"]}, "clinic.E203"),
        (
            {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}},
            "clinic.E204",
        ),
        ({"CSRF_TRUSTED_ORIGINS": ["http://clinic.example.org"]}, "clinic.E205"),
        ({"ACCOUNT_DEFAULT_HTTP_PROTOCOL": "http"}, "clinic.E205"),
        ({"SESSION_COOKIE_SECURE": False}, "clinic.E206"),
        ({"SECURE_SSL_REDIRECT": False}, "clinic.E206"),
        ({"EMAIL_HOST": "mail.example.org", "EMAIL_USE_TLS": False}, "clinic.E209"),
    ],
)
def test_one_wrong_setting_is_named(different: dict[str, Any], error: str) -> None:
    assert found(**different) == [error]


@pytest.mark.parametrize(
    "different",
    [
        {"EMAIL_HOST": "mail.example.org", "EMAIL_USE_TLS": True},
        {"EMAIL_HOST": "mail.example.org", "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True},
        {"EMAIL_HOST": "localhost", "EMAIL_USE_TLS": False},
    ],
)
def test_letters_go_encrypted_or_stay_on_this_machine(different: dict[str, Any]) -> None:
    assert found(**different) == []


def in_mode(mode: str, url: str, **environment: str) -> str:
    """The last thing that is said where the settings are read for this database."""
    done = subprocess.run(
        [sys.executable, "-c", "import clinic.settings; print('read')"],
        cwd=settings.BASE_DIR,
        env={"MESOCLINIC_MODE": mode, "SECRET_KEY": GOOD["SECRET_KEY"], "DATABASE_URL": url, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).splitlines()[-1]


class TestADatabaseOnAnotherMachine:
    ELSEWHERE = "postgresql://mesoclinic_web:x@db.example.org/mesoclinic"

    def test_is_refused_in_clear_before_anything_is_sent(self) -> None:
        refusal = in_mode("production", f"{self.ELSEWHERE}?sslmode=require")
        assert "does not say sslmode=verify-full" in refusal and "db.example.org" not in refusal
        verified = f"{self.ELSEWHERE}?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"
        assert in_mode("production", verified) == "read"
        # The negative control: nothing else looks at it. A demo holds nobody's records.
        assert in_mode("demo", self.ELSEWHERE) == "read"

    @pytest.mark.parametrize(
        ("url", "is_open"),
        [
            (ELSEWHERE, True),
            (f"{ELSEWHERE}?sslmode=require", True),
            (f"{ELSEWHERE}?sslmode=verify-ca", True),
            (f"{ELSEWHERE}?sslmode=verify-full", False),
            ("postgresql://u@10.0.0.7/n", True),
            ("postgresql://u@[2001:db8::1]/n", True),
            ("postgresql://u@localhost,db.example.org/n", True),
            ("postgresql://u@localhost/n?hostaddr=10.0.0.7", True),
            ("postgresql://u@/n?host=db.example.org", True),
            ("postgresql://u@/n?service=clinic", True),
            ("postgresql://u@localhost:5432/n", False),
            ("postgresql://u@127.0.0.1/n", False),
            ("postgresql://u@[::1]/n", False),
            ("postgresql://u@%2Fvar%2Frun%2Fpostgresql/n", False),
            ("postgresql:///n", False),
        ],
    )
    def test_is_told_from_one_on_this(self, url: str, is_open: bool) -> None:
        assert on_the_way.is_open_database(dj_database_url.parse(url)) == is_open

    @pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR", "PGSERVICE"])
    def test_what_postgresqls_library_reads_beside_the_address_counts(
        self, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, "10.0.0.7")
        assert on_the_way.is_open_database(dj_database_url.parse("postgresql:///n"))


def test_one_process_may_count_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "1")
    local = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert found(CACHES=local) == []


def test_what_could_be_better_is_said_and_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs that stay here, and a password that stays for ever."""

    def said(password: str, journal: str) -> list[str | None]:
        monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", password)
        with override_settings(JOURNAL_KEPT_AT=journal):
            found = [*deployment.check_password(databases=["default"]), *deployment.check_journal()]
        assert all(each.level < ERROR for each in found)
        return [each.id for each in found]

    assert (said("x", ""), said("", "logs.example.org")) == (["clinic.W211", "clinic.W212"], [])


@pytest.mark.django_db
def test_a_database_that_forgets_is_named() -> None:
    def forgets() -> bool:
        return any(
            "synchronous_commit" in each.msg for each in deployment.check_durability(databases=["default"])
        )

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        assert not forgets()
        cursor.execute("SET LOCAL synchronous_commit = off")
        assert forgets()


@pytest.mark.django_db
def test_a_database_whose_log_quotes_rows_is_named() -> None:
    """The embedded server does not; PostgreSQL as it is installed does."""
    assert deployment.check_log(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL log_min_messages = 'warning'")
        assert [each.id for each in deployment.check_log(databases=["default"])] == ["clinic.W210"]


def test_in_production_the_cookies_are_this_hosts_only_and_nothing_is_left_to_warn_of() -> None:
    show = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SECURE_HSTS_SECONDS)"
    environment = {
        # The browser tests allow themselves what no server may.
        **{name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"},
        "MESOCLINIC_MODE": "production",
        "SECRET_KEY": GOOD["SECRET_KEY"],
        "ALLOWED_HOSTS": "clinic.example.org",
        "JOURNAL_KEPT_AT": "logs.example.org",
    }

    def said(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    assert "__Host-sessionid __Host-csrftoken 31536000" in said("shell", "--no-imports", "-c", show)
    assert "no issues" in said("check", "--deploy", "--fail-level", "WARNING")


@pytest.mark.django_db
def test_no_cookie_is_read_by_a_script_or_sent_from_elsewhere(reception_client: Client) -> None:
    answers = [Client().get("/accounts/login/"), reception_client.post("/sign-ins/end/")]
    found = {
        name: (cookie["httponly"], cookie["samesite"])
        for answer in answers
        for name, cookie in answer.cookies.items()
    }
    assert found == {"csrftoken": (True, "Lax"), "sessionid": (True, "Lax")}


@pytest.mark.django_db
def test_files_have_the_headers_too(client: Client) -> None:
    answer = client.get("/static/clinic/look.css")
    answer.close()
    assert (answer.status_code, lacking(answer)) == (200, [])


@pytest.mark.django_db
class TestAnswers:
    @pytest.mark.parametrize(
        "address", ["/health/", "/accounts/login/", "/no/such/page/", "/patients/?q=%00"]
    )
    def test_of_every_kind_have_the_headers(self, reception_client: Client, address: str) -> None:
        assert lacking(reception_client.get(address)) == []

    def test_a_fault_has_them(self, reception_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def breaks(*_given: object, **_named: object) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr("clinic.views.diary.render", breaks)
        reception_client.raise_request_exception = False
        answer = reception_client.get("/diary/")
        assert (answer.status_code, lacking(answer)) == (500, [])

    def test_without_the_middleware_they_are_missed(
        self, reception_client: Client, settings: Settings
    ) -> None:
        settings.MIDDLEWARE = [
            each for each in settings.MIDDLEWARE if "Privacy" not in each and "CSP" not in each
        ]
        wrong = lacking(reception_client.get("/health/"))
        assert wrong == ["Content-Security-Policy", "Permissions-Policy", "Cache-Control"]

    def test_who_signs_out_leaves_nothing_in_the_browser(self, reception_client: Client) -> None:
        assert "Clear-Site-Data" not in reception_client.get("/diary/")
        answer = reception_client.post("/accounts/logout/")
        assert (answer.status_code, answer["Clear-Site-Data"]) == (302, '"cache"')
