"""The command line of `./run bench`: which figures, how large, how often."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FIGURES = {
    "search": "free starts in process: 1 × 1 day, 1 × 12 weeks, everybody × 12 weeks",
    "starts": "free starts of a day over HTTP, signed in",
    "booking": "bookings over HTTP at 1, 16 and 32 clients",
    "race": "32 clients who want the same slot",
    "courses": "concurrent courses of ten, and one course in process",
    "plan": "the search for the ten dates of a course",
    "pages": "every main page in a small and in a large clinic",
}


@dataclass(frozen=True)
class Options:
    """How large the clinics are and how often everything is measured."""

    figures: tuple[str, ...]
    practitioners: int
    rooms: int
    devices: int
    weeks: int
    appointments: int
    patients: int
    small_appointments: int
    small_patients: int
    rounds: int
    requests: int
    clients: int
    courses: int
    peer: bool
    json: Path | None


_SIZES = {  # name: full size, --quick, what it is
    "practitioners": (20, 4, "practitioners of every clinic"),
    "rooms": (20, 4, "rooms, at least as many as practitioners"),
    "devices": (10, 2, "devices"),
    "weeks": (12, 12, "weeks that are searched and booked to about 70 %% beforehand"),
    "appointments": (1_000_000, 20_000, "appointments of the large clinic"),
    "patients": (100_000, 2_000, "patients of the large clinic"),
    "small_appointments": (10_000, 2_000, "appointments of the small clinic"),
    "small_patients": (1_000, 200, "patients of the small clinic"),
    "rounds": (15, 5, "times each pair is measured"),
    "requests": (192, 64, "bookings sent per round, number of clients and server"),
    "clients": (32, 32, "clients of the race and of the widest booking load"),
    "courses": (16, 16, "courses booked at the same time"),
}


def parse(arguments: Sequence[str]) -> Options:
    """The options; argparse ends the program with its own words where they are wrong."""
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measures Mesoclinic against hand-written floors and django-appointment, in one run.",
        epilog="figures: " + "; ".join(f"{name} ({what})" for name, what in FIGURES.items()),
    )
    parser.add_argument(
        "--only", action="append", choices=FIGURES, metavar="NAME", help="this figure (again: more)"
    )
    parser.add_argument("--skip", action="append", choices=FIGURES, metavar="NAME", default=[])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--no-peer", action="store_true", help="without django-appointment")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    for name, (full, quick, what) in _SIZES.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=_positive,
            metavar="N",
            help=f"{what} ({full}; quick: {quick})",
        )
    given = parser.parse_args(arguments)
    sizes = {
        name: getattr(given, name) or (quick if given.quick else full)
        for name, (full, quick, _what) in _SIZES.items()
    }
    if sizes["rooms"] < sizes["practitioners"]:
        parser.error("every practitioner needs a room: --rooms must not be smaller than --practitioners")
    if min(sizes["patients"], sizes["small_patients"]) < 5 * sizes["practitioners"]:
        parser.error(
            "with so few patients one of them would be in two rooms at once: at least 5 a practitioner"
        )
    figures = tuple(name for name in given.only or FIGURES if name not in given.skip)
    return Options(figures=figures, peer=not given.no_peer, json=given.json, **sizes)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value
