"""What the figures share: the clinic that is searched and booked in, its signed-in sessions, and the free places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from time import monotonic, time
from typing import NamedTuple
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as PlainSessions
from django.db import connection
from django.utils import timezone

from benchmarks import clinics, databases, servers
from benchmarks.floor.models import Booking
from benchmarks.floor.settings import AUTHENTICATION_BACKENDS as FLOOR_BACKENDS
from benchmarks.options import Options
from benchmarks.peer.project import Peer, Unavailable, running
from benchmarks.report import Report
from benchmarks.sizes import Clinic
from clinic import availability
from clinic.chooser import Slot
from clinic.intervals import Interval, local_day
from clinic.models import Appointment, Patient, Practitioner, User
from clinic.sessions import SessionStore

_BEGAN = monotonic()
SESSIONS = 512  # signed-in browsers; each booking is made in another one
_WALKERS = 500  # patients without a visit, for the bookings that are measured


def say(text: str) -> None:
    """Progress, with the minutes gone so far."""
    gone = int(monotonic() - _BEGAN)
    print(f"[{gone // 60}:{gone % 60:02}] {text}", flush=True)


class Place(NamedTuple):
    """A free place, with somebody to book it for."""

    who: int
    starts_at: datetime
    patient: Patient


@dataclass
class Bench:
    """One run: what was asked for, what was found, and the clinic it works in."""

    options: Options
    report: Report
    clinic: Clinic
    at: datetime
    places: Iterator[Place]
    sessions: list[str]
    floor_sessions: list[str] = field(default_factory=list)
    product: int = 0
    floor: int = 0
    peer: Peer | None = None
    logs: Path = field(default_factory=lambda: settings.DATA_DIR / "log")

    @property
    def monday(self) -> date:
        """The first day of the weeks that are searched."""
        return clinics.monday()

    @property
    def span(self) -> Interval:
        """All of these weeks."""
        last = self.monday + timedelta(weeks=self.options.weeks, days=-1)
        zone = timezone.get_default_timezone()
        return Interval(local_day(self.monday, zone).starts_at, local_day(last, zone).ends_at)

    def take(self, count: int) -> list[Place]:
        """Free places that nobody else is given.

        Raises:
            RuntimeError: the clinic is full.
        """
        found = list(islice(self.places, count))
        if len(found) < count:
            raise RuntimeError("the clinic is full: fewer --requests, or more --weeks or --practitioners")
        return found

    def form(self, place: Place) -> dict[str, str]:
        """What the booking page posts for the place."""
        room = self.clinic.rooms[place.who]
        choice = Slot(place.starts_at, self.clinic.practitioners[place.who].pk, room.pk, None)
        return {"what": f"{self.clinic.plain.code}:", "choice": str(choice), "request_id": str(uuid4())}


@contextmanager
def opened(options: Options, report: Report) -> Iterator[Bench]:
    """The clinic for searches and bookings in its database, and the servers that the chosen figures need."""
    databases.create(databases.DESK, template=databases.TEMPLATE)
    databases.use(databases.DESK)
    sizes = {name: getattr(options, name) for name in ("practitioners", "rooms", "devices")}
    clinic = clinics.build(
        clinics.coming(options.weeks, patients=1000 + 10 * sizes["practitioners"], **sizes)
    )
    bench = Bench(options, report, clinic, timezone.now(), iter(()), sessions_of(clinic.desk, SESSIONS))
    bench.places = _places(bench)
    say(f"the desk's clinic has {Appointment.objects.count()} visits in {options.weeks} weeks")
    with ExitStack() as stack:
        _start(bench, stack)
        yield bench


def sessions_of(
    user: User,
    count: int,
    *,
    backend: str = settings.AUTHENTICATION_BACKENDS[0],
    kept_in: type[PlainSessions] = SessionStore,
) -> list[str]:
    """Keys of sessions in which the person is signed in."""
    keys = []
    for _ in range(count):
        store = kept_in()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = backend
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        # As after a sign-in with both factors.
        store["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time()}]
        store["account_authentication_methods_user"] = str(user.pk)
        store.save()
        keys.append(str(store.session_key))
    return keys


def _places(bench: Bench) -> Iterator[Place]:
    """By time; the patients of one start are different people."""
    number = {each.pk: n for n, each in enumerate(bench.clinic.practitioners)}
    walkers = Patient.objects.bulk_create(
        Patient(
            family_name=f"Walker{n}",
            birth_date=date(1990, 1, 1),
            created_at=bench.at,
            created_by=bench.clinic.desk,
        )
        for n in range(_WALKERS)
    )
    found = availability.free_starts(type=bench.clinic.plain, window=bench.span, at=bench.at)
    return (
        Place(number[each.practitioner.pk], each.starts_at, walker)
        for each, walker in zip(found, cycle(walkers), strict=False)
    )


_SERVED = {"starts", "booking", "race"}
_COMPARED = {"search", "starts", "booking"}


def _start(bench: Bench, stack: ExitStack) -> None:
    """The product's server, the floor's and the peer with the same bookings, as far as the chosen figures need them."""
    chosen = set(bench.options.figures)
    if chosen & _SERVED:
        bench.product = stack.enter_context(_server(bench, "product", "clinic.settings"))
        with connection.schema_editor() as editor:
            editor.create_model(Booking)
        bench.floor_sessions = sessions_of(
            bench.clinic.desk, SESSIONS, backend=FLOOR_BACKENDS[0], kept_in=PlainSessions
        )
        bench.floor = stack.enter_context(_server(bench, "floor", "benchmarks.floor.settings"))
    if chosen & _COMPARED and bench.options.peer:
        say("django-appointment: installing (the first time) and filling its database …")
        try:
            bench.peer = stack.enter_context(
                running(
                    _bookings(bench.clinic.practitioners),
                    staff=bench.options.practitioners,
                    clients=SESSIONS,
                    logs=bench.logs,
                )
            )
        except (Unavailable, OSError, RuntimeError) as error:
            bench.report.remark(f"without django-appointment: {error}")


def _server(bench: Bench, name: str, module: str):
    return servers.serving(
        name,
        "clinic.wsgi",
        environment={**databases.environment(databases.DESK), "DJANGO_SETTINGS_MODULE": module},
        folder=settings.BASE_DIR,
        log=bench.logs / f"bench_{name}.log",
    )


def _bookings(people: list[Practitioner]) -> list[tuple[int, str]]:
    """Every visit as the peer is told it."""
    number = {each.pk: n for n, each in enumerate(people)}
    rows = Appointment.objects.values_list("practitioner", "starts_at")
    return [(number[who], timezone.localtime(start).replace(tzinfo=None).isoformat()) for who, start in rows]
