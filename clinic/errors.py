"""Errors a person reads: one sentence that says what, why and what to do."""

from collections.abc import Sequence
from typing import Any


class DomainError(Exception):
    """A refusal. `message` is shown as it is; `code` is stable and used by tests and pages."""

    status = 422

    def __init__(self, message: str, code: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(DomainError):
    """The person's role does not include this; the message says whom to ask."""

    status = 403


class SlotTaken(DomainError):
    """Somebody else has the practitioner, room, device or patient at that time."""

    status = 409

    def __init__(self, message: str, code: str, *, alternatives: Sequence[Any] = ()) -> None:
        super().__init__(message, code)
        self.alternatives = alternatives


class TooMuch(DomainError):
    """More was asked for than a person can look at; `seconds` until it is answered again."""

    status = 429

    def __init__(self, message: str, code: str, *, seconds: int) -> None:
        super().__init__(message, code)
        self.seconds = seconds


class Stale(DomainError):
    """The row was changed by someone else since the page was opened."""

    status = 409


class NotCleared(DomainError):
    """The clinical pathway says no; `conditions` say what is missing, who can fix it and from when."""

    def __init__(self, message: str, code: str, *, conditions: Sequence[Any] = ()) -> None:
        super().__init__(message, code)
        self.conditions = conditions
