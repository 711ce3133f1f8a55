"""A screen in a patient's hands: which pages it may show until the staff takes it back.

What is handed over is kept in the session on the server, so that a reload, the way back and another tab of the browser
show nothing else. The desk knows addresses only: whoever hands over names the pages by how their addresses begin.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.http import HttpRequest

_KEY = "handed_over"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """To whom the screen was given, for the pages below which address, and where the staff goes on afterwards."""

    prefix: str
    page: str
    back: str
    name: str
    used_at: str  # ISO 8601, as sessions keep JSON
    has_ended: bool = False

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """As the session keeps it."""
        return cls(**kept)

    def covers(self, path: str) -> bool:
        """Whether the patient may see this address."""
        return not self.has_ended and path.startswith(self.prefix)

    def is_idle(self, at: datetime) -> bool:
        """Whether nobody has touched the screen for HAND_OVER_IDLE_MINUTES."""
        left_alone = at - datetime.fromisoformat(self.used_at)
        return left_alone > timedelta(minutes=settings.HAND_OVER_IDLE_MINUTES)


def begin(request: HttpRequest, *, prefix: str, page: str, back: str, name: str, at: datetime) -> None:
    """From now on this browser shows only addresses that begin with `prefix`, until somebody takes it back.

    The key of the session changes, so that no page of before is kept alive in the browser's memory.
    """
    if not prefix.startswith("/") or not page.startswith(prefix) or prefix == "/":
        raise ValueError("a screen is handed over for one page and what is below its address")
    request.session.cycle_key()
    _keep(request, HandedOver(prefix, page, back, name, at.isoformat()))


def state(request: HttpRequest) -> HandedOver | None:
    """What this browser was handed over for; None where it is in the staff's hands."""
    kept = request.session.get(_KEY)
    return HandedOver.of(kept) if kept else None


def used(request: HttpRequest, handed: HandedOver, *, at: datetime) -> None:
    """The patient does something: the time until the screen closes begins anew."""
    _keep(request, replace(handed, used_at=at.isoformat()))


def ended(request: HttpRequest) -> None:
    """The patient is done, or nobody touched the screen: only the staff can go on from here."""
    handed = state(request)
    if handed:
        _keep(request, replace(handed, has_ended=True))


def take_back(request: HttpRequest) -> None:
    """The screen is in the staff's hands again. Only after their password."""
    request.session.pop(_KEY, None)
    request.session.cycle_key()


def _keep(request: HttpRequest, handed: HandedOver) -> None:
    request.session[_KEY] = asdict(handed)
