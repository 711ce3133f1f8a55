"""Desks that book over HTTP and try again, as people do, until they are answered; and what must hold of their visits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from time import monotonic, sleep
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from benchmarks.clients import Answer, Browser
from tests.crash.processes import Database

DESKS = 4
PATIENCE = 20  # seconds after which a desk gives up


@dataclass(frozen=True)
class Place:
    """One free half hour, for a patient who waits for it."""

    patient: str
    path: str  # of the patient's booking page
    choice: str
    what: str

    def form(self, request_id: str) -> dict[str, str]:
        """What that page posts."""
        return {"what": self.what, "choice": self.choice, "request_id": request_id}


def booked(answer: Answer) -> str:
    """The id of the visit that the answer says was booked."""
    assert answer.status == 302, (answer.status, answer.body[:500])
    return parse_qs(urlsplit(answer.location).query)["booked"][0]


@dataclass
class Load:
    """What the desks were told. `done` are the visits that were acknowledged, with when each was asked for and answered."""

    done: dict[str, tuple[float, float]] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)  # by status; 0 where the line went dead
    failed: list[BaseException] = field(default_factory=list)

    def seconds_until_back(self, since: float) -> float:
        """Until the first visit was acknowledged that was asked for afterwards."""
        return min(answered for asked, answered in self.done.values() if asked > since) - since


class Desks:
    """Book one place after the other; each is asked for with the same request until it is acknowledged."""

    def __init__(self, port: int, sessions: list[str], places: Iterator[Place]) -> None:
        self.load = Load()
        self._port, self._places, self._lock = port, places, threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(key,)) for key in sessions[:DESKS]]

    def start(self) -> None:
        """All desks open."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Each finishes the place it is at."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _work(self, session: str) -> None:
        browser = Browser(self._port, session)
        try:
            while not self._stop.is_set():
                with self._lock:
                    place = next(self._places)
                browser = self._book(browser, session, place)
        except BaseException as error:
            self.load.failed.append(error)
        finally:
            browser.close()

    def _book(self, browser: Browser, session: str, place: Place) -> Browser:
        form, began = place.form(str(uuid4())), monotonic()
        while monotonic() - began < PATIENCE:
            asked = monotonic()
            try:
                answer = browser.post(place.path, form)
            except (OSError, HTTPException):
                self.load.refused[0] += 1
                browser.close()
                browser = Browser(self._port, session)
            else:
                if answer.status != 503:
                    self.load.done[booked(answer)] = asked, monotonic()
                    return browser
                self.load.refused[503] += 1
            sleep(0.2)
        raise AssertionError("a desk was never answered")


@contextmanager
def busy(port: int, sessions: list[str], places: Iterator[Place]) -> Iterator[Load]:
    """Desks that book from before the block (some visits are acknowledged) to its end."""
    desks = Desks(port, sessions, places)
    desks.start()
    began = monotonic()
    while len(desks.load.done) < 2 * DESKS and monotonic() - began < PATIENCE:
        sleep(0.02)
    try:
        yield desks.load
    finally:
        desks.stop()
    for error in desks.load.failed:
        raise error


def statuses(port: int, session: str, count: int) -> set[int]:
    """Of so many pages, asked for by as many at once as the server has threads: each of its connections is used."""

    def ask(_number: int) -> int:
        with closing(Browser(port, session)) as browser:
            return browser.get("/patients/").status

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(ask, range(count)))


_HALF_SAVED = """
SELECT a.id::text FROM clinic_appointment a
LEFT JOIN clinic_waitlistentry w ON w.patient_id = a.patient_id
WHERE NOT EXISTS (SELECT FROM clinic_appointmentevent e WHERE e.pgh_obj_id = a.id AND e.pgh_label = 'insert')
    OR w.appointment_id IS DISTINCT FROM a.id OR w.closed_at IS NULL
    OR NOT EXISTS (SELECT FROM clinic_waitlistentryevent e WHERE e.pgh_obj_id = w.id AND e.appointment_id = a.id)
UNION ALL SELECT w.id::text FROM clinic_waitlistentry w
WHERE w.closed_at IS NOT NULL AND NOT EXISTS (SELECT FROM clinic_appointment a WHERE a.id = w.appointment_id)
"""


def half_saved(cursor: object) -> list[str]:
    """Visits without their history, or without the end of their patient's waiting; ends of waiting without a visit."""
    cursor.execute(_HALF_SAVED)
    return [key for (key,) in cursor.fetchall()]


def lost(database: Database, load: Load) -> set[str]:
    """Visits that were acknowledged and are not there."""
    there = {key for (key,) in database.ask("SELECT id::text FROM clinic_appointment")}
    return set(load.done) - there


def booked_twice(database: Database) -> int:
    """Patients with more visits than the one they waited for."""
    return len(database.ask("SELECT 1 FROM clinic_appointment GROUP BY patient_id HAVING count(*) > 1"))
