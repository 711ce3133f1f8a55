"""Visits that may be moved along, as rows with a tick and a choice of places; and what was ticked, as moves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.actions.booking import Move
from clinic.chooser import Slot, resolve
from clinic.dates import moment_in_words
from clinic.errors import DomainError
from clinic.forms.replanning import Pick, PicksForm, Version
from clinic.models import Appointment, User
from clinic.replanning import Shift
from clinic.search import FreeStart


@dataclass(frozen=True, slots=True)
class Choice:
    """One place in the list of a row."""

    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One affected visit. `is_lost`: the place that was chosen for it has been taken meanwhile."""

    shift: Shift
    key: str
    choices: tuple[Choice, ...]
    is_ticked: bool
    is_lost: bool = False


def rows_of(shifts: Iterable[Shift], form: PicksForm | None = None, *, ticked: bool = False) -> list[Row]:
    """The rows of a page: as they were sent, or on a page that is opened all of them `ticked` or none."""
    sent = form if form is not None and form.is_bound else None
    chosen = sent.chosen if sent else {}
    marked = sent.ticked if sent else set()
    rows = []
    for shift in shifts:
        visit = shift.visit
        picks = [Pick(visit.pk, visit.version, 0, Slot.of(place)) for place in shift.options]
        before = chosen.get(visit.pk, "")
        wanted = next((str(pick) for pick in picks if _slot(str(pick)) == _slot(before)), None)
        choices = tuple(
            Choice(str(pick), place_words(place), str(pick) == wanted)
            for pick, place in zip(picks, shift.options, strict=True)
        )
        is_ticked = bool(choices) and (visit.pk in marked if sent else ticked)
        is_lost = visit.pk in marked and wanted is None
        rows.append(Row(shift, str(Version(visit.pk, visit.version)), choices, is_ticked, is_lost))
    return rows


def moves_of(picks: Sequence[Pick], *, user: User) -> list[Move]:
    """The moves that were ticked.

    Raises:
        DomainError: a visit, practitioner, room or device is unknown or no longer in use.
    """
    visits = Appointment.objects.visible_to(user).with_people().in_bulk([pick.visit for pick in picks])
    if len(visits) != len({pick.visit for pick in picks}):
        raise DomainError(_("Choose one of the times that are offered."), "unknown_choice", field="choice")
    places = resolve([pick.slot for pick in picks])
    return [
        Move(
            visits[pick.visit],
            pick.version,
            place.practitioner,
            place.room,
            place.starts_at,
            place.device,
            pick.minutes or None,
        )
        for pick, place in zip(picks, places, strict=True)
    ]


def place_words(place: FreeStart) -> str:
    """A place as one line of a list."""
    return _("%(moment)s, %(who)s, %(room)s") % {
        "moment": moment_in_words(place.starts_at),
        "who": place.practitioner,
        "room": place.room,
    }


def _slot(written: str) -> str:
    """The place alone: another version of the visit does not make it another place."""
    return written.split(":", 3)[-1]
