"""Test injections that wait for their reading."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinic.models import Appointment, User
from consultations import purposes
from consultations.models import PatchTest
from consultations.queries import tests_to_read
from consultations.rules.patch_test import Window, reading_window


@dataclass(frozen=True)
class ReadingDue:
    """A test that waits for its reading."""

    test: PatchTest
    window: Window
    is_overdue: bool
    is_open: bool


def to_read(*, user: User, at: datetime) -> list[ReadingDue]:
    """Tests to read, the longest due first; overdue ones are past their window."""
    return due(tests_to_read(user), at)


def due(tests: Iterable[PatchTest], at: datetime) -> list[ReadingDue]:
    """The tests with their windows, the longest due first; overdue ones are past theirs."""
    rows = []
    for test in tests:
        window = reading_window(test.given_at, test.policy)
        rows.append(ReadingDue(test, window, at >= window.closes_at, window.contains(at)))
    return sorted(rows, key=lambda row: row.window.due_at)


def visits_of(rows: list[ReadingDue], *, user: User, at: datetime) -> dict[UUID, Appointment]:
    """The visit on the books for each test's reading, by the test's plan."""
    wanted = [purposes.reading_of(row.test.plan) for row in rows]
    visits = Appointment.objects.visible_to(user).upcoming(at).filter(purpose__in=wanted).with_people()
    found = {purposes.parse(visit.purpose).key: visit for visit in visits.order_by("-starts_at")}
    return {key: visit for key, visit in found.items() if key}
