"""The sheet as the calendar in the browser reads it: plain data, times as the clinic's wall clock shows them.

The calendar knows no time zone of its own: what it shows and what is dropped on it are the clinic's times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.diary.cards import Card
from clinic.diary.day import columns_of, scales_of
from clinic.diary.lanes import Lane
from clinic.diary.sheet import Shade, Sheet
from clinic.intervals import MINUTE, Interval


def feed_of(found: Sheet, *, may_book: bool, by_status: bool) -> dict[str, Any]:
    """Lanes, hours, and everything that stands in them."""
    drawn = [scale.window for scale in scales_of(found).values()]
    first = drawn[0]
    opens = timezone.localtime(first.starts_at).hour
    shown = {day for _lane, day in columns_of(found)}
    return {
        "lanes": [{"id": lane.key, "title": str(lane)} for lane in found.lanes],
        "opens": f"{opens:02}:00",
        "closes": f"{opens + first.duration // (60 * MINUTE):02}:00",
        "hidden_days": [day.isoweekday() % 7 for day in found.days if day not in shown],
        "events": [
            *(
                _shade(lane, number, part, shade)
                for lane in found.lanes
                for number, part, shade in _parts(found.shades[lane.key], drawn)
            ),
            *(_visit(card, found.lanes, may_book=may_book, by_status=by_status) for card in found.cards),
        ],
    }


def wall_clock(instant: datetime) -> str:
    """Day and time on the clinic's clock, without a zone: "2026-03-02T09:15"."""
    return timezone.localtime(instant).strftime("%Y-%m-%dT%H:%M")


def _visit(card: Card, lanes: list[Lane], *, may_book: bool, by_status: bool) -> dict[str, Any]:
    """The practitioner's time is what is dragged; `lead` is how many minutes earlier the patient comes."""
    visit = card.visit
    colour = card.status_colour if by_status else visit.type.colour
    may_move = may_book and visit.is_upcoming
    verdict = card.badge.verdict
    return {
        "id": str(visit.pk),
        "resourceIds": [lane.key for lane in lanes if lane.has(visit)],
        "start": wall_clock(visit.practitioner_from),
        "end": wall_clock(visit.practitioner_until),
        "title": card.name,
        "editable": may_move,
        "classNames": ["visit", f"type-{colour}", *(["visit-over", "visit-done"] if card.is_over else [])],
        "extendedProps": {
            "url": reverse("clinic:appointment", args=[visit.pk]),
            "move": reverse("clinic:calendar_move", args=[visit.pk]) if may_move else "",
            "version": visit.version,
            "lead": (visit.practitioner_from - visit.starts_at) // MINUTE,
            "minutes": visit.minutes,
            "time": timezone.localtime(visit.starts_at).strftime("%H:%M"),
            "what": card.label,
            "where": f"{visit.practitioner}, {visit.room}" + (f", {visit.device}" if visit.device else ""),
            "status": visit.status,
            "status_word": _state(card),
            "told": {None: "", True: "told", False: "told-not"}[card.told],
            "readiness": str(verdict.state) if card.shows_readiness else "",
            "readiness_word": str(verdict.state.label) if card.shows_readiness else "",
        },
    }


def _state(card: Card) -> str:
    if not card.has_to_move:
        return card.status_words
    return _("%(status)s, to be moved") % {"status": card.status_words}


def _parts(shades: Sequence[Shade], drawn: Sequence[Interval]) -> Iterator[tuple[int, Interval, Shade]]:
    """What of each shade lies in the hours that are drawn, day by day: its name then stands where it can be seen."""
    for number, (window, shade) in enumerate(product(drawn, shades)):
        if part := shade.span.intersection(window):
            yield number, part, shade


def _shade(lane: Lane, number: int, part: Interval, shade: Shade) -> dict[str, Any]:
    return {
        "id": f"{lane.key}-{number}",
        "display": "background",
        "resourceIds": [lane.key],
        "start": wall_clock(part.starts_at),
        "end": wall_clock(part.ends_at),
        "title": shade.text if shade.kind != "buffer" else "",
        "classNames": [f"shade-{shade.kind}"],
    }
