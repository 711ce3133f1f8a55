"""The database is away, a lock is not given back, an answer gets lost: what the person reads, and what is in the books."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html import unescape
from http.client import HTTPConnection, HTTPResponse
from time import perf_counter, sleep
from typing import TypeVar
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.urls import reverse

from benchmarks.clients import CSRF, Browser
from tests.crash.conftest import CrashClinic
from tests.crash.desks import Place, booked
from tests.crash.processes import wait_until

# One worker for all of them: they share the servers that they kill.
pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash")]

T = TypeVar("T")
ANSWERED_WITHIN = 5  # seconds


def _ask(clinic: CrashClinic, path: str, *, signed_in: bool = True) -> tuple[HTTPResponse, str]:
    with closing(HTTPConnection("127.0.0.1", clinic.port, timeout=30)) as connection:
        connection.request(
            "GET", path, headers={"Cookie": f"sessionid={clinic.sessions[0]}"} if signed_in else {}
        )
        response = connection.getresponse()
        return response, response.read().decode()


@pytest.fixture
def without_database(clinic: CrashClinic) -> Iterator[CrashClinic]:
    """Pages were asked for before, so that the server holds connections."""
    assert _ask(clinic, "/diary/")[0].status == 200
    clinic.database.stop()
    yield clinic


def test_without_a_database_people_read_what_to_do_and_monitoring_sees_red(
    without_database: CrashClinic,
) -> None:
    clinic = without_database
    for path, signed_in in (("/diary/", True), ("/accounts/login/", False), (next(clinic.places).path, True)):
        response, page = _ask(clinic, path, signed_in=signed_in)
        assert (path, response.status, response.headers["Retry-After"]) == (path, 503, "60")
        words = " ".join(re.sub(r"<[^>]+>", " ", unescape(page)).split())
        assert "The database does not answer. Wait a minute and reload the page." in words
        assert "it can be entered afterwards with its real time" in words
        assert [
            each for each in ("Traceback", "psycopg2", "OperationalError", "socket", "drill") if each in page
        ] == []
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
    response, page = _ask(clinic, "/health/", signed_in=False)
    assert (response.status, page) == (503, "the database does not answer\n")
    clinic.database.start()
    assert wait_until(lambda: _ask(clinic, "/health/", signed_in=False)[1] == "ok\n", seconds=10) < 10
    assert _ask(clinic, "/diary/")[0].status == 200


def test_a_lock_that_is_held_becomes_a_sentence_within_five_seconds(
    clinic: CrashClinic, unguarded_port: int
) -> None:
    """Whoever holds it would for a minute. Without a limit, on the server beside it, the request hangs as long."""
    place, other = next(clinic.places), next(clinic.places)
    with ThreadPoolExecutor(3) as pool:
        with clinic.database.connected(autocommit=False) as cursor:
            cursor.execute("SELECT id FROM clinic_practitioner FOR UPDATE")
            cursor.execute("LOCK TABLE clinic_waitlistoffer IN ACCESS EXCLUSIVE MODE")
            began = perf_counter()
            unguarded = pool.submit(_book, unguarded_port, clinic, other)
            booking = pool.submit(_timed, lambda: _book(clinic.port, clinic, place))
            page = pool.submit(_timed, lambda: _ask(clinic, reverse("clinic:waitlist")))
            (status, body), seconds = booking.result(timeout=30)
            (response, words), page_seconds = page.result(timeout=30)
            sleep(max(0.0, ANSWERED_WITHIN - (perf_counter() - began)))
            assert unguarded.done() is False
        assert status == 409
        assert "Somebody else is booking the same time. Please try again." in unescape(body)
        assert response.status == 503
        assert "Wait a minute and reload the page." in words
        assert max(seconds, page_seconds) < ANSWERED_WITHIN
        assert unguarded.result(timeout=30)[0] == 302
    assert _book(clinic.port, clinic, place)[0] == 302


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = perf_counter()
    return work(), perf_counter() - began


def _book(port: int, clinic: CrashClinic, place: Place) -> tuple[int, str]:
    with closing(Browser(port, clinic.sessions[0])) as browser:
        answer = browser.post(place.path, place.form(str(uuid4())))
    return answer.status, answer.body


def test_an_answer_lost_after_the_commit_is_given_again_by_the_same_request(clinic: CrashClinic) -> None:
    """Sent, carried out, and the line is dead before the answer comes: the retry gets the same visit, not a second one."""
    place, request_id = next(clinic.places), str(uuid4())
    _send_and_hang_up(clinic, place, request_id)
    question = "SELECT id::text FROM clinic_appointment WHERE patient_id = %s"
    wait_until(lambda: clinic.database.ask(question, place.patient), seconds=10)
    with closing(Browser(clinic.port, clinic.sessions[0])) as browser:
        again = browser.post(place.path, place.form(request_id))
        assert clinic.database.ask(question, place.patient) == [(booked(again),)]
        # The negative control: as another request the same wish is refused, by the visit it had booked itself.
        other = browser.post(place.path, place.form(str(uuid4())))
    assert other.status == 409
    assert "is booked at this time" in unescape(other.body)
    assert len(clinic.database.ask(question, place.patient)) == 1


def _send_and_hang_up(clinic: CrashClinic, place: Place, request_id: str) -> None:
    body = urlencode({**place.form(request_id), "csrfmiddlewaretoken": CSRF})
    head = [
        f"POST {place.path} HTTP/1.1",
        f"Host: 127.0.0.1:{clinic.port}",
        f"Cookie: sessionid={clinic.sessions[0]}; csrftoken={CSRF}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    with socket.create_connection(("127.0.0.1", clinic.port)) as line:
        line.sendall("\r\n".join([*head, "", body]).encode())
