"""A server for real patients does not start with what is right for trying out only."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from pytest_django import Settings

from clinic import deployment
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
    ],
)
def test_one_wrong_setting_is_named(different: dict[str, Any], error: str) -> None:
    assert found(**different) == [error]


def test_one_process_may_count_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "1")
    local = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert found(CACHES=local) == []


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


def test_in_production_the_cookies_are_this_hosts_only_and_nothing_is_left_to_warn_of() -> None:
    show = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SECURE_HSTS_SECONDS)"
    environment = {
        # The browser tests allow themselves what no server may.
        **{name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"},
        "MESOCLINIC_MODE": "production",
        "SECRET_KEY": GOOD["SECRET_KEY"],
        "ALLOWED_HOSTS": "clinic.example.org",
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
