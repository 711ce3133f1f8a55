"""What the desk stores as a visit's opaque purpose, and what the pathway reads out of it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from consultations.models import Plan, PlannedSession


class Kind(StrEnum):
    """What a visit is for."""

    CONSULTATION = "consultation"
    TEST = "test"
    READING = "reading"
    LATE_READING = "late_reading"
    SESSION = "session"
    REVIEW = "review"


@dataclass(frozen=True)
class Purpose:
    """A kind and, where it has one, the plan (test, readings, review) or planned session it is for."""

    kind: Kind | None
    key: UUID | None = None


def parse(text: str) -> Purpose:
    """Read a stored purpose; anything unknown has no clinical meaning."""
    name, _colon, key = text.partition(":")
    if name not in Kind.__members__.values():
        return Purpose(None)
    try:
        return Purpose(Kind(name), UUID(key) if key else None)
    except ValueError:
        return Purpose(None)


def test_of(plan: Plan) -> str:
    """The purpose of a test injection visit."""
    return f"{Kind.TEST}:{plan.pk}"


def reading_of(plan: Plan) -> str:
    """The purpose of a reading visit."""
    return f"{Kind.READING}:{plan.pk}"


def late_reading_of(plan: Plan) -> str:
    """The purpose of a visit for the optional late reading; apart from the reading, which clearance waits for."""
    return f"{Kind.LATE_READING}:{plan.pk}"


def review_of(plan: Plan) -> str:
    """The purpose of an outcome review."""
    return f"{Kind.REVIEW}:{plan.pk}"


def session_of(planned: PlannedSession) -> str:
    """The purpose of a session visit."""
    return f"{Kind.SESSION}:{planned.pk}"
