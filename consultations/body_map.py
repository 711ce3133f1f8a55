"""The body map: our drawings with the zones of a session, and what earlier sessions have put into each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consultations.models import BodyZone, SessionZone, ZoneShape
from consultations.models.session import TENTHS, Place


@dataclass(frozen=True, slots=True)
class Drawing:
    """An outline to lay the zones on, 200 units wide."""

    code: str
    name: str | Promise
    height: int
    outline: str


_BODY = (
    "M100 6 Q124 6 124 36 Q124 54 113 62 L116 82 Q148 84 154 110 L162 164 L172 220 L180 250 Q168 266 154 252 L141 170"
    " L134 126 Q132 168 140 208 L134 316 L132 352 L130 420 L138 452 Q138 466 122 464 L106 462 L104 352 L100 232"
    " L96 352 L94 462 L78 464 Q62 466 62 452 L70 420 L68 352 L66 316 L60 208 Q68 168 66 126 L59 170 L46 252"
    " Q32 266 20 250 L28 220 L38 164 L46 110 Q52 84 84 82 L87 62 Q76 54 76 36 Q76 6 100 6 Z"
)
DRAWINGS = (
    Drawing(
        "face",
        _("Face"),
        270,
        "M100 10 Q164 12 170 90 Q168 168 132 196 L136 266 L64 266 L68 196 Q32 168 30 90 Q36 12 100 10 Z",
    ),
    Drawing("body_front", _("Front"), 472, _BODY),
    Drawing("body_back", _("Back"), 472, _BODY),
    Drawing(
        "scalp",
        _("Scalp"),
        206,
        "M100 12 Q112 2 108 16 Q180 20 182 104 Q180 200 100 200 Q20 200 18 104 Q20 20 92 16 Q88 2 100 12 Z",
    ),
)


_ARM = 1.2  # of the cross of an earlier point


@dataclass(frozen=True, slots=True)
class Earlier:
    """What signed sessions of all plans have put into a zone: the volume in ml, in how many of them, and when last.

    `places` are the points of those sessions that set them one by one."""

    name: str
    volume_ml: Decimal
    sessions: int
    last_at: datetime
    places: tuple[Place, ...] = ()

    @property
    def crosses(self) -> str:
        """The places as an SVG path of small crosses."""
        return "".join(
            f"M{x - _ARM:g} {y:g}h{2 * _ARM:g}M{x:g} {y - _ARM:g}v{2 * _ARM:g}"
            for x, y in _units(self.places)
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """One zone as it is drawn. `depth` tells how much was put there before, 0 (nothing) to 3 (most of all zones), `places`
    where this session has put a point."""

    zone: BodyZone
    path: str
    x: int
    y: int
    earlier: Earlier | None
    depth: int
    is_today: bool
    places: tuple[Place, ...] = ()

    @property
    def dots(self) -> str:
        """The places as an SVG path of lines without a length: round ends make them dots."""
        return "".join(f"M{x:g} {y:g}h0" for x, y in _units(self.places))


@dataclass(frozen=True, slots=True)
class View:
    """One drawing with its zones; the one that is shown first is `is_open`."""

    drawing: Drawing
    shapes: tuple[Shape, ...]
    is_open: bool

    @property
    def has_places(self) -> bool:
        """Whether points were set one by one on it."""
        return any(shape.places for shape in self.shapes)


def earlier_by_zone(zones: "QuerySet[SessionZone]") -> dict[str, Earlier]:
    """By zone code, of rows of sessions that were given: every version of a zone is the same place."""
    found = (
        zones.values("zone__code")
        .annotate(
            name=Max("zone__name"),
            volume=Sum("volume_ml"),
            times=Count("session", distinct=True),
            last=Max("session__started_at"),
            places=JSONBAgg(
                "places", filter=~Q(places=[]), order_by=("session__started_at", "pk"), default=[]
            ),
        )
        .order_by("zone__code")
    )
    return {
        row["zone__code"]: Earlier(
            row["name"],
            row["volume"],
            row["times"],
            row["last"],
            tuple((across, down) for places in row["places"] for across, down in places),
        )
        for row in found
    }


def views(
    zones: Iterable[BodyZone],
    *,
    today: Collection[int],
    earlier: dict[str, Earlier],
    places: Mapping[int, Sequence[Place]] | None = None,
    most: int = 3,
) -> list[View]:
    """Every drawing with the zones that have a shape. Open is the one with today's zones, else the one with earlier ones.

    `today` holds the keys of the zones of this session, `places` by such a key its points that were set one by one.
    """
    by_code = {zone.code: zone for zone in zones}
    largest = max((each.volume_ml for each in earlier.values()), default=Decimal(0))
    laid: dict[str, list[Shape]] = {drawing.code: [] for drawing in DRAWINGS}
    for outline in ZoneShape.objects.current().order_by("pk"):
        zone = by_code.get(outline.zone_code)
        if zone is None or outline.view not in laid:
            continue
        before = earlier.get(zone.code)
        depth = ceil(before.volume_ml * most / largest) if before and largest else 0
        laid[outline.view].append(
            Shape(
                zone,
                outline.path,
                outline.label_x,
                outline.label_y,
                before,
                depth,
                zone.pk in today,
                tuple((places or {}).get(zone.pk, ())),
            )
        )
    first = _opened_first(laid)
    return [
        View(drawing, tuple(laid[drawing.code]), drawing.code == first)
        for drawing in DRAWINGS
        if laid[drawing.code]
    ]


def of_record(rows: Collection[SessionZone]) -> list[View]:
    """The drawings on which the zones of a record lie, with these zones alone; `row.zone` is read."""
    if not rows:
        return []
    zones = [row.zone for row in rows]
    places = {row.zone_id: [(across, down) for across, down in row.places] for row in rows}
    return views(zones, today={zone.pk for zone in zones}, earlier={}, places=places)


def _units(places: Iterable[Place]) -> Iterable[tuple[float, float]]:
    """In the drawing's own units."""
    return ((across / TENTHS, down / TENTHS) for across, down in places)


def _opened_first(laid: dict[str, list[Shape]]) -> str:
    """The drawing with most of today's zones, then with most that was done before; else the first with any zone."""
    weight = {
        code: (sum(each.is_today for each in shapes), sum(each.depth for each in shapes), bool(shapes))
        for code, shapes in laid.items()
    }
    return max(weight, key=lambda code: weight[code])
