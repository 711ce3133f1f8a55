"""What a server for real patients is not started with: settings that are right for trying out and wrong for a clinic.

`./run serve` runs these by `manage.py check --deploy --database default`, beside Django's own and clinic.web_role's.
"""

import os
from collections.abc import Iterable

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

from clinic import on_the_way

_SHORTEST_KEY = 50  # characters, as Django's own warning has it
_FEWEST_CHARACTERS = 10  # different ones: a key that repeats a word is no secret
_QUOTES_NO_ROW = ("log", "fatal", "panic")  # what PostgreSQL ranks above an ERROR in its log
# Without these a booking that was confirmed on screen can be gone, or half there, after a power cut.
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


@register(Tags.security, deploy=True)
def check_settings(**_options: object) -> list[CheckMessage]:
    """Errors E201 to E206, E208 and E209, for what the environment can get wrong."""
    return [Error(says, hint=hint, id=key) for key, wrong, says, hint in _findings() if wrong]


def _findings() -> Iterable[tuple[str, bool, str, str]]:
    caches = [each["BACKEND"] for each in settings.CACHES.values()]
    yield (
        "clinic.E201",
        settings.DEBUG or settings.MODE != "production",
        f"The server is in the mode “{settings.MODE}”, with DEBUG {'on' if settings.DEBUG else 'off'}.",
        "Start it with ./run serve; no page of a clinic may show its insides or know the demo's password.",
    )
    yield from _about_keys()
    yield (
        "clinic.E203",
        any(host.startswith(("*", ".")) for host in settings.ALLOWED_HOSTS),
        "ALLOWED_HOSTS takes names that are not the clinic's.",
        "Name the addresses its browsers use, one by one, without an asterisk or a dot in front.",
    )
    yield (
        "clinic.E204",
        _processes() > 1 and any("locmem" in backend or "dummy" in backend for backend in caches),
        "Several server processes count failed sign-ins each for itself.",
        "Keep the cache in the database, as shipped.",
    )
    yield (
        "clinic.E205",
        any(address.startswith("http:") for address in settings.CSRF_TRUSTED_ORIGINS)
        # Set for production only: in another mode this finds it wanting instead of failing.
        or getattr(settings, "ACCOUNT_DEFAULT_HTTP_PROTOCOL", "http") != "https",
        "The site's address is without encryption (http).",
        "Put a web server that speaks TLS in front, and name https addresses only.",
    )
    yield (
        "clinic.E206",
        not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE and settings.SECURE_SSL_REDIRECT),
        "Cookies would travel without encryption.",
        "Keep SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE and SECURE_SSL_REDIRECT on.",
    )
    yield from _about_letters()


def _about_letters() -> Iterable[tuple[str, bool, str, str]]:
    yield (
        "clinic.E209",
        bool(settings.EMAIL_HOST)
        and not on_the_way.is_here([settings.EMAIL_HOST])
        and not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL),
        "Letters, with the links that open accounts, would go to another machine without encryption.",
        "Leave EMAIL_USE_TLS as it is (STARTTLS, with a certificate that is looked at), or send by a mail server on this machine.",
    )


def _about_keys() -> Iterable[tuple[str, bool, str, str]]:
    key = settings.SECRET_KEY
    yield (
        "clinic.E202",
        _is_weak(key),
        "SECRET_KEY is short or easily guessed.",
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
    )
    yield (
        "clinic.E208",
        any(_is_weak(each) for each in settings.SECRETS_KEYS if each != key),
        "One of SECRETS_KEYS, which encrypt second factors, is short or easily guessed.",
        "Make one as for SECRET_KEY, put it in front, run manage encrypt_anew, and take the weak one away.",
    )


def _is_weak(key: str) -> bool:
    return len(key) < _SHORTEST_KEY or len(set(key)) < _FEWEST_CHARACTERS or key.startswith("django-insecure")


def _processes() -> int:
    """As `./run` starts them."""
    return int(os.environ.get("WEB_CONCURRENCY", "2"))


@register(Tags.security, deploy=True)
def check_journal(**_options: object) -> list[CheckMessage]:
    """Warning W212 where nobody has said to which other machine the journal is sent."""
    if settings.JOURNAL_KEPT_AT:
        return []
    says = "Logs stay on this machine: who takes it over can take them away."
    hint = "Send the journal elsewhere (docs/logs.md), then name that machine in JOURNAL_KEPT_AT."
    return [Warning(says, hint=hint, id="clinic.W212")]


@register(Tags.database, deploy=True)
def check_password(*, databases: Iterable[str] | None = None, **_options: object) -> list[CheckMessage]:
    """Warning W211 where the server shows the database a password, which stays until somebody changes it."""
    return [
        Warning(
            "The server signs in to the database with a password that stays until somebody changes it.",
            hint="On one machine by the system's user, else by a certificate: “No password for the database” in docs/operations.md.",
            id="clinic.W211",
        )
        for using in databases or ()
        if settings.DATABASES[using].get("PASSWORD")
    ]


@register(Tags.database, deploy=True)
def check_durability(*, databases: Iterable[str] | None = None, **_options: object) -> list[CheckMessage]:
    """Error E207 for each setting of the database that lets it forget what it has acknowledged."""
    found: list[CheckMessage] = []
    for using in databases or ():
        try:
            with connections[using].cursor() as cursor:
                cursor.execute(
                    "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off' ORDER BY name",
                    [list(_DURABLE)],
                )
                found += [
                    Error(
                        f"The database runs with {name} off: after a power cut what was booked may be gone.",
                        hint=f"Take {name} = off out of postgresql.conf, of the role and of DATABASE_URL.",
                        id="clinic.E207",
                    )
                    for (name,) in cursor.fetchall()
                ]
        except DatabaseError as error:
            found.append(Error(f"The database does not answer: {str(error).strip()}", id="clinic.E100"))
    return found


@register(Tags.database, deploy=True)
def check_log(*, databases: Iterable[str] | None = None, **_options: object) -> list[CheckMessage]:
    """Warning W210 where the database's own log quotes the rows that it refuses, and the statements with what was typed."""
    found: list[CheckMessage] = []
    for using in databases or ():
        try:
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT current_setting('log_min_messages') = ANY(%s)", [list(_QUOTES_NO_ROW)])
                if not cursor.fetchone()[0]:
                    found.append(
                        Warning(
                            "The log of the database quotes rows that it refuses, with names and what was said of them.",
                            hint="As a superuser: ALTER ROLE … SET log_min_messages = 'log'; see docs/logs.md.",
                            id="clinic.W210",
                        )
                    )
        except DatabaseError:  # check_durability tells of it
            continue
    return found
