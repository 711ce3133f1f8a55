"""The steps of a visit as the desk takes them: which make sense now, in which order, and the action behind each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.actions import holds, visits
from clinic.enums import AppointmentStatus
from clinic.models import Appointment

_S = AppointmentStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One button: its slug in the address, its words, and what it does."""

    slug: str
    label: str | Promise
    done: str | Promise
    icon: str
    act: Callable[..., Any]


STEPS = {
    step.slug: step
    for step in (
        Step("take", _("Book it"), _("Booked."), "calendar-check", holds.take),
        Step("release", _("Release"), _("The time is free again."), "calendar-cancel", holds.release),
        Step("arrive", _("Arrived"), _("Checked in."), "walk", visits.arrive),
        Step("start", _("Start"), _("Started."), "player-play", visits.start),
        Step("complete", _("Complete"), _("Completed."), "circle-check", visits.complete),
        Step("confirm", _("Confirm"), _("Confirmed."), "calendar-check", visits.confirm),
        Step("no-show", _("Did not come"), _("Noted: did not come."), "user-exclamation", visits.no_show),
        Step("undo-arrival", _("Undo arrival"), _("Booked again."), "arrow-back-up", visits.undo_arrival),
        Step("reopen", _("Reopen"), _("In progress again."), "arrow-back-up", visits.reopen),
        Step("reinstate", _("Reinstate"), _("On the books again."), "arrow-back-up", visits.reinstate),
    )
}


def next_steps(visit: Appointment, *, at: datetime) -> list[Step]:
    """The steps that make sense now, the most likely first. Moving and cancelling have pages of their own."""
    return [STEPS[slug] for slug in _slugs(visit, at)]


def may_be_moved(visit: Appointment) -> bool:
    """Whether "Move" makes sense."""
    return visit.is_upcoming


def may_be_cancelled(visit: Appointment) -> bool:
    """Whether "Cancel" makes sense: not begun, or here and leaving again."""
    return visit.is_upcoming or visit.status == _S.ARRIVED


def _slugs(visit: Appointment, at: datetime) -> Iterator[str]:
    """Arrival is for the day itself; "did not come" for when the start has passed."""
    if visit.is_upcoming:
        if timezone.localdate(visit.starts_at) <= timezone.localdate(at):
            yield "arrive"
        if visit.status == _S.BOOKED and visit.starts_at > at:
            yield "confirm"
    else:
        yield from _LATER[_S(visit.status)]
    if visit.starts_at <= at and (visit.is_upcoming or visit.status == _S.ARRIVED):
        yield "no-show"


_LATER = {
    _S.HELD: ["take", "release"],
    _S.ARRIVED: ["start", "undo-arrival"],
    _S.IN_PROGRESS: ["complete"],
    _S.COMPLETED: ["reopen"],
    _S.CANCELLED: ["reinstate"],
    _S.NO_SHOW: ["arrive", "reinstate"],
}
