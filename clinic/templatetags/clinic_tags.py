"""What templates may ask for: icons, dates and numbers as people read them, roles, and ways to other pages."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from clinic.diary import numbered
from clinic.enums import AppointmentStatus, Readiness, Role
from clinic.intervals import Suits
from clinic.models import Patient, User
from clinic.readiness import Link, pathway
from clinic.shortcuts import SHORTCUTS, key_of, shown
from clinic.views.privacy import hides_names

register = template.Library()

STATUS_ICONS = {
    AppointmentStatus.HELD: "hourglass",
    AppointmentStatus.PROVISIONAL: "circle-dashed",
    AppointmentStatus.BOOKED: "calendar",
    AppointmentStatus.CONFIRMED: "calendar-check",
    AppointmentStatus.ARRIVED: "walk",
    AppointmentStatus.IN_PROGRESS: "progress",
    AppointmentStatus.COMPLETED: "circle-check",
    AppointmentStatus.CANCELLED: "calendar-cancel",
    AppointmentStatus.NO_SHOW: "user-exclamation",
}
READINESS_ICONS = {
    Readiness.CLEAR: "shield-check",
    Readiness.PROVISIONAL: "clock-pause",
    Readiness.REFUSED: "alert-triangle",
}
_PATH = re.compile(r'<path d="([^"]+)"')


@lru_cache(maxsize=512)
def _icon_paths(name: str) -> SafeString:
    """The strokes of one icon. Tabler draws everything with bare `<path d>` elements, so only those are taken."""
    svg = (Path(settings.FRONT_END_DIR) / "icons" / f"{name}.svg").read_text()
    return format_html_join("", '<path d="{}"/>', ((path,) for path in _PATH.findall(svg)))


@lru_cache(maxsize=512)
def _decoration(name: str) -> SafeString:
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', _icon_paths(name))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """The named icon, inline, in the colour of the text around it. Decoration unless a `label` says what it means.

    Raises FileNotFoundError for a name that is not in static/clinic/icons.txt, or before the icons were prepared.
    """
    if not label:
        return _decoration(name)
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" role="img" aria-label="{}">{}</svg>', label, _icon_paths(name)
    )


@register.filter
def status_icon(status: str) -> str:
    """The icon that stands for an appointment's status."""
    return STATUS_ICONS[AppointmentStatus(status)]


@register.filter
def status_label(status: str) -> str:
    """The word for an appointment's status."""
    return str(AppointmentStatus(status).label)


@register.filter
def readiness_icon(state: str) -> str:
    """The icon that stands for what the pathway says."""
    return READINESS_ICONS[Readiness(state)]


@register.filter
def readiness_label(state: str) -> str:
    """The word for what the pathway says."""
    return str(Readiness(state).label)


@register.filter
def day(value: date | datetime | None) -> str:
    """A calendar day with its weekday and year: "Thu 26 Nov 2026". Instants are read on the clinic's clock."""
    return _written(value, pgettext("date format", "D j M Y"))


@register.filter
def short_day(value: date | datetime | None) -> str:
    """A calendar day where the year is plain: "Thu 26 Nov"."""
    return _written(value, pgettext("date format", "D j M"))


@register.filter
def plain_day(value: date | datetime | None) -> str:
    """A calendar day without its weekday, as for birth dates: "12 Mar 1984"."""
    return _written(value, pgettext("date format", "j M Y"))


@register.filter
def clock(value: datetime | None) -> str:
    """The time on the clinic's clock: "09:15"."""
    return _written(value, pgettext("time format", "H:i"))


@register.filter
def when(value: datetime | None) -> str:
    """Day and time: "Thu 26 Nov 2026, 09:15"."""
    return _written(value, pgettext("date and time format", "D j M Y, H:i"))


@register.filter
def window_start(value: datetime) -> str:
    """Where a window of visits opens; a whole day needs no hour."""
    return day(value) if _is_midnight(value) else when(value)


@register.filter
def window_end(value: datetime) -> str:
    """Where a half-open window closes: the end of a day is said as that day."""
    return day(value - timedelta(microseconds=1)) if _is_midnight(value) else when(value)


def _is_midnight(value: datetime) -> bool:
    return timezone.localtime(value).time() == time.min


@register.filter
def suits_words(suits: Suits) -> str:
    """When it suits somebody: "any day, any time", or "Mon, Wed, 09:00 to 12:00"."""
    names = [str(WEEKDAYS_ABBR[weekday - 1]) for weekday in sorted(suits.weekdays)]
    days = _("any day") if len(names) == 7 else ", ".join(names)
    since, until = _clock_face(suits.since), _clock_face(suits.until) if suits.until else ""
    if suits.since == time.min:
        times = _("before %(until)s") % {"until": until} if until else _("any time")
    else:
        words = _("%(since)s to %(until)s") if until else _("from %(since)s")
        times = words % {"since": since, "until": until}
    return f"{days}, {times}"


def _clock_face(value: time) -> str:
    return formats.time_format(value, pgettext("time format", "H:i"))


@register.filter
def decimal(value: Decimal | float | None) -> str:
    """A measure without needless zeros, in the reader's notation: Decimal("84.000") is "84"."""
    if value is None or value == "":
        return ""
    number = Decimal(str(value))
    return formats.number_format(
        number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize()
    )


@register.filter
def share_of(value: Decimal | float, cap: Decimal | float) -> int:
    """What part of the cap this is, in whole per cent, 0 to 100; anything over the cap is 100."""
    if not cap:
        return 100
    return min(100, max(0, round(Decimal(str(value)) / Decimal(str(cap)) * 100)))


@register.filter
def age(patient: Patient) -> str:
    """Full years today, on the clinic's calendar: "42 years". As a tag in a list it took a quarter of the time."""
    years = patient.age_on(timezone.localdate())
    return ngettext("%(years)s year", "%(years)s years", years) % {"years": years}


@register.filter
def last_digits(phone: str) -> str:
    """Enough of a phone number to recognise it by: "…4471"."""
    digits = re.sub(r"\D", "", phone)
    return f"…{digits[-4:]}" if digits else ""


@register.filter
def has_role(user: User, roles: str) -> bool:
    """Whether the person holds any of the roles, named like "reception,admin". Nobody signed in holds none."""
    return user.is_authenticated and user.has_role(*(Role(role) for role in roles.split(",")))


@register.filter
def role_names(user: User) -> str:
    """The person's roles in words: "Reception, Admin"."""
    return ", ".join(str(Role(role).label) for role in user.roles)


@register.simple_tag
def patient_url(patient: Patient) -> str:
    """The patient's page: the pathway's where one is connected, else the desk's."""
    return pathway().patient_url(patient)


@register.simple_tag(takes_context=True)
def review_links(context: template.Context) -> list[Link]:
    """Ways from the schedule review to lists of the pathway."""
    return pathway().review_links(user=context["request"].user)


@register.simple_tag(takes_context=True)
def names_hidden(context: template.Context) -> bool:
    """Whether the privacy switch is on for whoever asked for the page, also within an include with `only`."""
    request = getattr(context, "request", None)
    return request is not None and hides_names(request)


@register.simple_tag(takes_context=True)
def called(context: template.Context, patient: Patient, *, short: bool = False) -> str:
    """The patient's name; the clinic number while the privacy switch is on."""
    if names_hidden(context):
        return numbered(patient)
    return patient.short_name if short else patient.name


@register.simple_tag(takes_context=True)
def number_beside(context: template.Context, patient: Patient) -> str:
    """The clinic number beside the name; nothing where it stands in the name's place."""
    if names_hidden(context):
        return ""
    return format_html('<span class="quiet figures text-nowrap">{}</span>', numbered(patient))


@register.inclusion_tag("components/nav_item.html", takes_context=True)
def nav_item(context: template.Context, route: str, icon_name: str, label: str) -> dict[str, object]:
    """One entry of the main navigation; marked where the current page lies under it. Nothing if there is no route."""
    try:
        url = reverse(route)
    except NoReverseMatch:
        url = ""
    path = context["request"].path
    return {"url": url, "icon_name": icon_name, "label": label, "current": bool(url) and path.startswith(url)}


@register.simple_tag
def shortcut_key(name: str) -> SafeString:
    """The key of a shortcut, as its button shows it."""
    return format_html('<kbd aria-hidden="true">{}</kbd>', key_of(name))


@register.inclusion_tag("components/shortcuts.html")
def shortcuts_help() -> dict[str, object]:
    """The table of all keyboard shortcuts as a dialog; js/shortcuts.js obeys the same rows."""
    return {"rows": [{"shortcut": each, "keys": [shown(key) for key in each.keys]} for each in SHORTCUTS]}


def _written(value: date | datetime | None, layout: str) -> str:
    if value is None or value == "":
        return ""
    return formats.date_format(timezone.localtime(value) if isinstance(value, datetime) else value, layout)
