"""The four ways to open and close time, side by side: what they are called, typed with, saved by and listed as."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.actions import opening
from clinic.db import joined
from clinic.enums import AbsenceKind
from clinic.forms.base import BaseForm
from clinic.forms.opening import AbsenceForm, ClosedDayForm, ExtraOpeningForm, OutOfServiceForm
from clinic.intervals import local_day
from clinic.models import Absence, ClosedDay, ExtraOpening, OutOfService, User, WorkingHours
from clinic.models.opening import Weekday

AHEAD = timedelta(days=90)
Entry: TypeAlias = Absence | OutOfService | ExtraOpening | ClosedDay
Words: TypeAlias = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Kind:
    """One way to open or close time. `of_people`: practitioners may enter it for themselves."""

    slug: str
    label: Words
    icon: str
    add: Words
    lead: Words
    saved: Words
    remove: Words
    model: type[Entry]
    joins: tuple[str, ...] = ()
    form: type[BaseForm]
    save: Callable[[dict[str, Any], User, datetime], Entry]
    of_people: bool = False

    def rows(self, user: User) -> QuerySet[Any]:
        """Those the person may see, with what a list shows of them."""
        return joined(self.model.objects.visible_to(user), self.joins)


def _save_absence(typed: dict[str, Any], by: User, at: datetime) -> Absence:
    return opening.add_absence(
        practitioner=typed["practitioner"],
        span=typed["span"],
        kind=AbsenceKind(typed["kind"]),
        note=typed["note"],
        by=by,
        at=at,
    )


def _save_out_of_service(typed: dict[str, Any], by: User, at: datetime) -> OutOfService:
    return opening.add_out_of_service(
        thing=typed["thing"], span=typed["span"], reason=typed["reason"], by=by, at=at
    )


def _save_extra(typed: dict[str, Any], by: User, at: datetime) -> ExtraOpening:
    return opening.open_once(
        practitioner=typed["practitioner"],
        location=typed["location"],
        span=typed["span"],
        reason=typed["reason"],
        by=by,
        at=at,
    )


def _save_closed_day(typed: dict[str, Any], by: User, at: datetime) -> ClosedDay:
    return opening.close_day(day=typed["day"], name=typed["name"], by=by, at=at)


KINDS = {
    kind.slug: kind
    for kind in (
        Kind(
            slug="absence",
            label=_("Absences"),
            icon="calendar-off",
            add=_("Absence or blocked time"),
            lead=_(
                "The practitioner takes no patients for this time. Appointments in it stay until you move them."
            ),
            saved=_("Saved: no new visits will be offered in this time."),
            remove=_("Remove this absence?"),
            model=Absence,
            joins=("practitioner",),
            form=AbsenceForm,
            save=_save_absence,
            of_people=True,
        ),
        Kind(
            slug="out-of-service",
            label=_("Out of service"),
            icon="tool",
            add=_("Room or device out of service"),
            lead=_("It cannot be booked for this time. Appointments that need it stay until you move them."),
            saved=_("Saved: it will not be offered in this time."),
            remove=_("Back in service?"),
            model=OutOfService,
            joins=("room", "device"),
            form=OutOfServiceForm,
            save=_save_out_of_service,
        ),
        Kind(
            slug="extra",
            label=_("Extra opening"),
            icon="calendar-plus",
            add=_("Open this time once"),
            lead=_("Visits can be booked in this time although it lies outside the weekly hours."),
            saved=_("Saved: this time can be booked now."),
            remove=_("Close this time again?"),
            model=ExtraOpening,
            joins=("practitioner", "location"),
            form=ExtraOpeningForm,
            save=_save_extra,
            of_people=True,
        ),
        Kind(
            slug="closed-day",
            label=_("Closed days"),
            icon="building",
            add=_("Close the clinic for a day"),
            lead=_("Nobody can be booked on this day. Appointments on it stay until you move them."),
            saved=_("Saved: the clinic is closed on this day."),
            remove=_("Open the clinic on this day after all?"),
            model=ClosedDay,
            form=ClosedDayForm,
            save=_save_closed_day,
        ),
    )
}


def coming(kinds: Collection[Kind], *, user: User, at: datetime, upto: int) -> list[dict[str, Any]]:
    """The first `upto` entries that lie within the next 90 days, in order. One query per kind."""
    found: list[dict[str, Any]] = []
    for kind in kinds:
        rows = kind.rows(user)
        if kind.model is ClosedDay:
            today = timezone.localdate(at)
            rows = rows.filter(day__gte=today, day__lt=today + AHEAD).order_by("day")
        else:
            rows = rows.overlapping(at, at + AHEAD).order_by("starts_at")
        found += [described(kind, row) for row in rows[:upto]]
    return sorted(found, key=lambda entry: entry["starts_at"])[:upto]


def described(kind: Kind, entry: Entry) -> dict[str, Any]:
    """An entry as a list shows it: who or what, from when until when, and why."""
    zone = timezone.get_default_timezone()
    if isinstance(entry, ClosedDay):
        day = local_day(entry.day, zone)
        who, why, starts_at, ends_at = _("The whole clinic"), entry.name, day.starts_at, day.ends_at
    else:
        who, why, starts_at, ends_at = _who(entry), _why(entry), entry.starts_at, entry.ends_at
    first, last = starts_at.astimezone(zone), (ends_at - timedelta(microseconds=1)).astimezone(zone)
    whole = all(
        each == local_day(each.astimezone(zone).date(), zone).starts_at for each in (starts_at, ends_at)
    )
    return {
        "id": entry.pk,
        "kind": kind,
        "who": who,
        "why": why,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "first_day": first.date(),
        "last_day": last.date(),
        "whole_days": whole,
    }


def weekly_hours(*, user: User, today: date) -> dict[str, Any]:
    """Everybody's week (or one's own): the hours that hold now or begin within 90 days. One query."""
    rows = (
        WorkingHours.objects.visible_to(user)
        .filter(Q(valid_until=None) | Q(valid_until__gte=today), valid_from__lt=today + AHEAD)
        .filter(practitioner__is_active=True)
        .select_related("practitioner", "location")
        .order_by("practitioner__position", "practitioner__name", "weekday", "starts")
    )
    week: dict[Any, dict[int, list[WorkingHours]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        week[row.practitioner][row.weekday].append(row)
    days = [{"number": day.value, "label": day.label} for day in Weekday]
    people = [
        {
            "practitioner": who,
            "days": [{"label": day["label"], "hours": hours[day["number"]]} for day in days],
        }
        for who, hours in week.items()
    ]
    return {
        "week": people,
        "weekdays": days,
        "many_places": len({row.location_id for row in rows}) > 1,
        "today": today,
    }


def _who(entry: Absence | OutOfService | ExtraOpening) -> str:
    if isinstance(entry, OutOfService):
        return str(entry.room or entry.device)
    return str(entry.practitioner)


def _why(entry: Absence | OutOfService | ExtraOpening) -> str:
    if isinstance(entry, Absence):
        return " · ".join(part for part in (entry.get_kind_display(), entry.note) if part)
    return entry.reason
