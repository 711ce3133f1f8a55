"""Which leaflet a patient is offered: the most specific of those that fit the plan, as with the consent texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.models import Formula, Leaflet, Technique


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a leaflet as it is printed: a heading, sentences, and a list."""

    heading: str
    lines: tuple[str, ...]
    points: tuple[str, ...]


def fitting(
    leaflets: Iterable[Leaflet], *, technique: Technique | None, formula: Formula | None
) -> list[Leaflet]:
    """Those for the procedure, the most specific first: for the formula, then the technique, then its kind, then for all.

    Of two equally specific ones the first by code. Without technique and formula only those for all.
    """
    codes = {
        "family": technique.family if technique else "",
        "technique_code": technique.code if technique else "",
        "formula_code": formula.code if formula else "",
    }
    found = [
        each for each in leaflets if all(getattr(each, name) in ("", code) for name, code in codes.items())
    ]
    return sorted(
        found,
        key=lambda each: (
            not each.formula_code,
            not each.technique_code,
            not each.family,
            each.code,
        ),
    )


def check_handed(leaflet: Leaflet, handed_to: str) -> None:
    """A leaflet in force, handed to somebody who is named.

    Raises:
        DomainError: leaflet_replaced, handed_to.
    """
    if leaflet.published_at is None or leaflet.retired_at is not None:
        raise DomainError(
            _("This version is not in force any more. Hand out the one that is."),
            "leaflet_replaced",
            field="leaflet",
        )
    if not handed_to.strip():
        raise DomainError(_("Say whom the leaflet was handed to."), "handed_to", field="handed_to")


def blocks(body: str) -> Iterator[Block]:
    """The text cut at empty lines. A first line without a full stop is a heading; lines after “- ” are a list."""
    for part in body.replace("\r\n", "\n").strip().split("\n\n"):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        headed = len(lines) > 1 and not lines[0].startswith("- ") and lines[0][-1] not in ".!:;,"
        heading = lines.pop(0) if headed else ""
        points = tuple(line.removeprefix("- ") for line in lines if line.startswith("- "))
        yield Block(heading, tuple(line for line in lines if not line.startswith("- ")), points)
