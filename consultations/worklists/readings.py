"""Test injections that wait for their reading."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from clinic.models import Appointment, User
from consultations import purposes
from consultations.dates import start_of_day
from consultations.enums import ReadingKind, TestResult
from consultations.models import PatchTest, PatchTestPolicy, TestReading
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


def to_look_at_again(*, user: User, at: datetime) -> QuerySet[PatchTest]:
    """Tests read without reaction whose optional late reading is possible today and was not made, the first ones given
    first. Nothing waits for it: past its days a test is here no more. Two queries."""
    policies = PatchTestPolicy.objects.filter(late_reading_from_days__isnull=False)
    spans = set(policies.values_list("late_reading_from_days", "late_reading_until_days"))
    readings = TestReading.objects.filter(patch_test=OuterRef("pk"))
    return (
        PatchTest.objects.visible_to(user)
        .signed()
        .filter(reduce(or_, (_given_in(first, last, at) for first, last in spans), Q(pk=None)))
        .filter(
            Exists(readings.in_force().filter(result=TestResult.NEGATIVE)),
            ~Exists(readings.filter(kind=ReadingKind.LATE, entered_in_error=None)),
        )
        .select_related("patient", "plan__indication", "formula", "policy", "practitioner")
        .order_by("given_at", "pk")
    )


def _given_in(first: int, last: int, at: datetime) -> Q:
    """Of policies with these days, and given so that today is one of them."""
    today = timezone.localdate(at)
    return Q(
        policy__late_reading_from_days=first,
        policy__late_reading_until_days=last,
        given_at__gte=start_of_day(today - timedelta(days=last)),
        given_at__lt=start_of_day(today - timedelta(days=first - 1)),
    )


def visits_of(rows: list[ReadingDue], *, user: User, at: datetime) -> dict[UUID, Appointment]:
    """The visit on the books for each test's reading, by the test's plan."""
    wanted = [purposes.reading_of(row.test.plan) for row in rows]
    visits = Appointment.objects.visible_to(user).upcoming(at).filter(purpose__in=wanted).with_people()
    found = {purposes.parse(visit.purpose).key: visit for visit in visits.order_by("-starts_at")}
    return {key: visit for key, visit in found.items() if key}
