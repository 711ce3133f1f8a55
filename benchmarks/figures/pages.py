"""Every main page, in a clinic that has just opened and in one that has worked for years: same queries, same speed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import clinics, databases
from benchmarks.bench import say, sessions_of
from benchmarks.measure import clock, in_turn
from benchmarks.options import Options
from benchmarks.report import Report
from benchmarks.sizes import Clinic
from clinic import loaded
from clinic.actions import feeds
from clinic.diary.lanes import Lane, LaneKind
from clinic.models import Appointment, Patient, User
from clinic.prepared import RowsFor
from consultations.models import Plan
from consultations.queries import facts_of_one

_MOST = 1.5


@dataclass(frozen=True)
class Sample:
    """What the addresses are made of, in one of the two clinics."""

    clinic: Clinic
    day: date
    patient: Patient
    visit: Appointment
    secret: str

    @property
    def lane(self) -> str:
        """The first practitioner, as the diary's addresses name them."""
        return Lane(LaneKind.PRACTITIONER, self.clinic.practitioners[0]).key

    @classmethod
    def of(cls, clinic: Clinic) -> Sample:
        """Tomorrow, and somebody with a plan who comes then."""
        day = timezone.localdate() + timedelta(days=1)
        visits = Appointment.objects.on_day(day).exclude(purpose="").select_related("patient")
        visit = visits.order_by("starts_at", "practitioner__position").first()
        if visit is None:
            raise RuntimeError("no session is booked for tomorrow in this clinic: it is too small")
        _feed, secret = feeds.make(
            of=clinic.practitioners[0], name="bench", by=clinic.doctor, at=timezone.now()
        )
        return cls(clinic, day, visit.patient, visit, secret)


@dataclass(frozen=True)
class Page:
    """A page, who opens it, and where it is. With `fields` a form is posted instead."""

    name: str
    role: str
    path: Callable[[Sample], str]
    fields: dict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)


_HTMX = {"HX-Request": "true"}
# To measure another page, add its line.
PAGES = [
    Page("diary: a day", "desk", lambda s: f"/diary/?day={s.day}"),
    Page("diary: a day as a list", "desk", lambda s: f"/diary/?day={s.day}&show=list"),
    Page("diary: a day, practitioner", "doctor", lambda s: f"/diary/?day={s.day}"),
    Page("diary: a day by room", "desk", lambda s: f"/diary/?day={s.day}&show=rooms"),
    Page("diary: a week of a practitioner", "desk", lambda s: f"/diary/?day={s.day}&show=week&lane={s.lane}"),
    Page("calendar", "desk", lambda s: f"/diary/calendar/?day={s.day}"),
    Page("calendar: its data", "desk", lambda s: f"/diary/calendar/events/?day={s.day}"),
    Page("calendar feed of a practitioner", "desk", lambda s: f"/calendars/{s.secret}.ics"),
    Page("contact list", "desk", lambda s: "/contacts/"),
    Page("waitlist", "desk", lambda s: "/waitlist/"),
    Page("waiting now", "desk", lambda s: "/diary/waiting/", headers=_HTMX),
    Page("my day", "doctor", lambda s: f"/my-day/?day={s.day}"),
    Page("visit", "desk", lambda s: f"/appointments/{s.visit.pk}/"),
    Page("patient page, reception", "desk", lambda s: f"/patients/{s.patient.pk}/"),
    Page("patient page, practitioner", "doctor", lambda s: f"/patients/{s.patient.pk}/"),
    Page("patient: correct", "desk", lambda s: f"/patients/{s.patient.pk}/edit/"),
    Page("patients: today's", "desk", lambda s: "/patients/"),
    Page("patients: by family name", "desk", lambda s: "/patients/", {"q": "Moreau"}, _HTMX),
    Page("patients: two words", "desk", lambda s: "/patients/", {"q": "moreau cam"}, _HTMX),
    Page("patients: a letter wrong", "desk", lambda s: "/patients/", {"q": "Moraeu Camile"}, _HTMX),
    Page("patients: nobody", "desk", lambda s: "/patients/", {"q": "Zzyzxqwk"}, _HTMX),
    Page("patients: by phone", "desk", lambda s: "/patients/", {"q": "06 00 07 91"}, _HTMX),
    Page("booking panel", "desk", lambda s: f"/patients/{s.patient.pk}/book/"),
    Page("booking panel: a week", "desk", lambda s: _book(s), headers=_HTMX),
    Page("moving a visit", "desk", lambda s: f"/appointments/{s.visit.pk}/move/"),
    Page("opening times", "desk", lambda s: "/opening/"),
    Page("schedule review", "admin", lambda s: "/review/"),
    Page("schedule review: by hour", "admin", lambda s: "/review/use/"),
    Page("schedule review: times", "admin", lambda s: "/review/times/"),
    Page("schedule review: visits", "admin", lambda s: "/review/lists/visits/"),
    Page("records opened", "admin", lambda s: "/review/records-opened/"),
    Page("worklists", "doctor", lambda s: "/worklists/"),
    Page("late readings and sessions", "desk", lambda s: "/late/"),
]


def _book(sample: Sample) -> str:
    who = sample.clinic.practitioners[0].pk
    return f"/patients/{sample.patient.pk}/book/?what={sample.clinic.plain.code}:&practitioner={who}&week={sample.day}"


@dataclass(frozen=True)
class Town:
    """One of the two clinics with its connection and its signed-in browsers."""

    connection: Any
    sample: Sample
    browsers: dict[str, Client]

    def ask(self, page: Page) -> Any:
        """The answer to the page, on this clinic's database.

        Raises:
            RuntimeError: it is not a page.
        """
        client, path = self.browsers[page.role], page.path(self.sample)
        with databases.swapped_in(self.connection):
            answer = (
                client.get(path, headers=page.headers)
                if page.fields is None
                else client.post(path, page.fields, headers=page.headers)
            )
        if answer.status_code != 200:
            raise RuntimeError(f"{page.name}: HTTP {answer.status_code} at {path}")
        return answer

    def queries(self, page: Page) -> int:
        """How many queries the page takes. Once in many pages one of them also writes down that the sign-in is in use, or how
        much was asked for; never two in a row."""
        return min(self._queries_once(page) for _call in range(2))

    def _queries_once(self, page: Page) -> int:
        with CaptureQueriesContext(self.connection) as captured:
            self.ask(page)
        return len(captured)


def measure(options: Options, report: Report) -> None:
    """Both clinics in turn, page by page."""
    small = _town(options, databases.SMALL, options.small_appointments, options.small_patients)
    large = _town(options, databases.LARGE, options.appointments, options.patients)
    with closing(small.connection), closing(large.connection), _collecting_as_the_server():
        verdicts = [_page(page, small, large, options, report) for page in PAGES]
        _facts(small, options, report)
    slow = [name for name, held in verdicts if not held]
    report.budget(
        f"every page, {options.appointments:,} appointments and {options.patients:,} patients against "
        f"{options.small_appointments:,} and {options.small_patients:,}",
        f"same number of queries, median ≤ {_MOST}×",
        f"missed by {', '.join(slow)}" if slow else f"{len(PAGES)} pages",
        held=not slow,
    )


@contextmanager
def _collecting_as_the_server() -> Iterator[None]:
    """Pages and templates are loaded and not looked at again, the rest seldom, as in `clinic/wsgi.py`.

    Else the collector looks through all of it with every second call of a page that makes many objects: always in the
    same one of the two clinics, as they are asked in turn.
    """
    thresholds = gc.get_threshold()
    loaded.load_pages()
    loaded.keep()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _page(page: Page, small: Town, large: Town, options: Options, report: Report) -> tuple[str, bool]:
    for town in (small, large):
        town.ask(page)
    queries = small.queries(page), large.queries(page)
    little, much = in_turn(
        clock(lambda: small.ask(page)), clock(lambda: large.ask(page)), rounds=options.rounds
    )
    ratio = much.ratio_to(little)
    counts = f"{queries[0]} queries" if queries[0] == queries[1] else f"{queries[0]} and {queries[1]} queries"
    report.times(f"{page.name} ({counts})", much, floor=little)
    return page.name, queries[0] == queries[1] and ratio <= _MOST


def _facts(town: Town, options: Options, report: Report) -> None:
    """What every clinical page and act judges a plan by; the floor are the same queries, written and planned anew."""

    def written_anew() -> None:
        with patch.object(RowsFor, "MANY", 0):
            facts_of_one(plan)

    with databases.swapped_in(town.connection):
        plan = Plan.objects.get(planned_sessions__appointment=town.sample.visit)
        once, anew = in_turn(
            clock(lambda: facts_of_one(plan)), clock(written_anew), rounds=options.rounds * 4
        )
    report.times("what a plan is judged by, queries written once", once, floor=anew)


def _town(options: Options, name: str, appointments: int, patients: int) -> Town:
    say(f"a clinic with {appointments:,} appointments and {patients:,} patients …")
    databases.create(name, template=databases.TEMPLATE)
    databases.use(name)
    sizes = {each: getattr(options, each) for each in ("practitioners", "rooms", "devices")}
    clinic = clinics.build(clinics.grown(appointments, patients=patients, **sizes))
    sample = Sample.of(clinic)
    browsers = {role: _browser(getattr(clinic, role)) for role in ("desk", "doctor", "admin")}
    return Town(databases.open_connection(name), sample, browsers)


def _browser(user: User) -> Client:
    client = Client(raise_request_exception=True)
    client.cookies["sessionid"] = sessions_of(user, 1)[0]
    return client
