"""Whether what is on the shelf lasts until a planned day: a warning in time to order, never a refusal."""

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from consultations.dates import in_words
from consultations.models import Component, Lot


def in_date(component: Component, lots: Iterable[Lot], *, on: date) -> list[Lot]:
    """The lots of the component, of whatever version, that may be injected from on the clinic's day `on`."""
    return [lot for lot in lots if lot.component.code == component.code and lot.is_usable_on(on)]


def shortage(components: Iterable[Component], lots: Iterable[Lot], *, today: date, on: date) -> str:
    """Of which component no lot on the shelf is in date on the clinic's day `on`, and until when there is one."""
    mine = list(lots)
    for component in components:
        shelf = in_date(component, mine, on=today)
        if not in_date(component, shelf, on=on):
            said = {"component": component, "day": in_words(on)}
            if not shelf:
                return _("No lot of %(component)s is on the shelf.") % said
            said["last"] = in_words(max(lot.last_day for lot in shelf))
            sentence = _(
                "No lot of %(component)s on the shelf is in date on %(day)s; the last one ends on %(last)s."
            )
            return sentence % said
    return ""


def last_day(components: Iterable[Component], lots: Iterable[Lot], *, today: date) -> date | None:
    """The last clinic day on which of every component some lot on the shelf is in date; None where one has none today."""
    mine = list(lots)
    shelves = [in_date(component, mine, on=today) for component in components]
    if not all(shelves):
        return None
    return min((max(lot.last_day for lot in shelf) for shelf in shelves), default=None)
