"""Whose heat map is asked for, and the heat map as a table."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from clinic.review import lists, use
from clinic.review.lists import Narrowed
from clinic.review.period import Period
from clinic.views.posted import id_in


@dataclass(frozen=True, slots=True)
class Whose:
    """All of a kind, or one (`of`), with everything the person may choose instead."""

    kind: str
    of: use.Use | None
    uses: list[use.Use]
    choices: list[dict[str, Any]]
    cells: list[use.Cell]

    @property
    def label(self) -> str:
        """In words."""
        return str(self.of.resource) if self.of else str(_all_of()[self.kind])

    @property
    def asked(self) -> dict[str, str]:
        """As addresses name it."""
        return {"of": str(self.of.resource.pk)} if self.of else {"kind": self.kind}

    def sheet_url(self, period: Period) -> str:
        """The same as CSV."""
        return f"{reverse('clinic:review_use_sheet')}?{urlencode({**period.asked, **self.asked})}"

    def cell_url(self, cell: use.Cell, period: Period) -> str:
        """The visits of one hour."""
        of = self.of.resource.pk if self.of else None
        narrowed = Narrowed(of=of, kind=self.kind, weekday=cell.weekday, hour=cell.hour)
        return lists.url(lists.VISITS, period, narrowed)


def read(request: HttpRequest, period: Period) -> Whose:
    """Whose time is asked for; all practitioners where nobody is named. 404 for what is not this person's to see."""
    everything = use.read(period.span, user=request.user, at=timezone.now())
    if "of" in request.GET:
        key = id_in(request.GET, "of")
        of = next((each for each in everything if each.resource.pk == key), None)
        if of is None:
            raise Http404
        kind, chosen = of.kind, [of]
    else:
        of, kind = None, request.GET.get("kind", use.PRACTITIONER)
        kind = kind if kind in _all_of() else use.PRACTITIONER
        chosen = [each for each in everything if each.kind == kind]
    return Whose(kind, of, chosen, _choices(everything), use.heat_map(chosen, period))


def table(whose: Whose, period: Period) -> list[dict[str, Any]]:
    """The heat map's rows: each hour with what every weekday had, and the list behind it."""
    by_hour: dict[int, dict[int, use.Cell]] = {}
    for cell in whose.cells:
        by_hour.setdefault(cell.hour, {})[cell.weekday] = cell
    return [
        {
            "hour": hour,
            "cells": [
                {"cell": found, "url": whose.cell_url(found, period), "words": words(found)}
                if (found := row.get(weekday))
                else None
                for weekday in _days(whose.cells)
            ],
        }
        for hour, row in by_hour.items()
    ]


def weekdays(cells: list[use.Cell]) -> list[str]:
    """The columns' names."""
    return [str(WEEKDAYS_ABBR[day - 1]) for day in _days(cells)]


def words(cell: use.Cell) -> str:
    """What a cell says: hours booked of hours open, and what was lost."""
    said = _("%(booked)s of %(open)s booked") % {"booked": hours(cell.booked), "open": hours(cell.opened)}
    return _("%(said)s, %(lost)s lost") % {"said": said, "lost": hours(cell.lost)} if cell.lost else said


def hours(minutes: int) -> str:
    """Minutes as people say them: "2 h 05"."""
    return _("%(hours)d h %(minutes)02d") % {"hours": minutes // 60, "minutes": minutes % 60}


def _days(cells: list[use.Cell]) -> range:
    """Monday to Friday, or to Sunday where anything was open or booked on a weekend."""
    return range(1, 8) if any(cell.weekday > 5 for cell in cells) else range(1, 6)


def _all_of() -> dict[str, str]:
    return {
        use.PRACTITIONER: _("All practitioners"),
        use.ROOM: _("All rooms"),
        use.DEVICE: _("All devices"),
    }


def _choices(everything: list[use.Use]) -> list[dict[str, Any]]:
    """What may be chosen, kind by kind: all of it where there is more than one, then each."""
    found = []
    for kind, label in _all_of().items():
        own = [each for each in everything if each.kind == kind]
        if own:
            options = [{"value": str(each.resource.pk), "label": str(each.resource)} for each in own]
            found.append({"kind": kind, "label": label, "options": options})
    return found
