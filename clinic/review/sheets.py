"""Rows for a spreadsheet. What people have typed must not run there, and no clinical finding leaves the clinic in one."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.enums import AppointmentStatus
from clinic.models import Appointment
from clinic.review.use import Cell

_BOM = "\ufeff"  # spreadsheets take UTF-8 for something else without it
_FORMULA = tuple("=+-@\t\r\n＝＋－＠|%")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def safe(value: Any) -> Any:
    """Text that a spreadsheet could take for a formula gets an apostrophe in front; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(_FORMULA):
        return f"'{value}"
    return value


def lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """CSV in UTF-8, line by line, so that a year of visits is never held in memory."""
    writer = csv.writer(_Echo())
    yield _BOM
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def of_visits(visits: Iterable[Appointment]) -> Iterator[list[Any]]:
    """One row a visit: who, what, where and when; not why, and no note."""
    yield [
        _("Starts"),
        _("Ends"),
        _("Clinic number"),
        _("Patient"),
        _("Type"),
        _("Practitioner"),
        _("Room"),
        _("Device"),
        _("Status"),
        _("Booked on"),
        _("Arrived"),
        _("Started"),
        _("Ended"),
    ]
    for visit in visits:
        yield [
            _clock(visit.starts_at),
            _clock(visit.ends_at),
            visit.patient.number,
            visit.patient.name,
            str(visit.type),
            str(visit.practitioner),
            str(visit.room),
            str(visit.device or ""),
            str(AppointmentStatus(visit.status).label),
            f"{timezone.localdate(visit.created_at):%Y-%m-%d}",
            *(_clock(each) for each in (visit.arrived_at, visit.started_at, visit.ended_at)),
        ]


def of_heat_map(cells: Iterable[Cell], weekdays: dict[int, str]) -> Iterator[list[Any]]:
    """One row an hour of a weekday, in minutes over the period."""
    yield [
        _("Weekday"),
        _("Hour"),
        _("Open, minutes"),
        _("Booked, minutes"),
        _("Lost, minutes"),
        _("Booked, %"),
    ]
    for cell in cells:
        share = "" if cell.share is None else cell.share
        yield [
            weekdays[cell.weekday],
            f"{cell.hour:02}:00",
            cell.opened,
            cell.booked,
            cell.lost,
            share,
        ]


def _clock(instant: Any) -> str:
    """As spreadsheets understand it, on the clinic's clock."""
    return f"{timezone.localtime(instant):%Y-%m-%d %H:%M}" if instant else ""
