"""What a session's record holds below its own fields, and how a draft's contents are replaced as a whole."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from consultations.enums import ScoreMoment
from consultations.models import (
    BodyZone,
    Lot,
    ReactionType,
    Scale,
    Session,
    SessionLot,
    SessionReaction,
    SessionScore,
    SessionZone,
)
from consultations.models.session import Place


@dataclass(frozen=True)
class Zone:
    """One treated zone as the form read it; `volume_ml` is the total of the zone, `area_cm2` asked where a cap counts per cm².

    `places` are its points where they were set one by one on the map.
    """

    zone: BodyZone
    points: int
    ml_per_point: Decimal
    volume_ml: Decimal
    area_cm2: Decimal | None = None
    places: Sequence[Place] = ()


@dataclass(frozen=True)
class Score:
    """A score before or after."""

    scale: Scale
    moment: ScoreMoment
    value: Decimal


@dataclass(frozen=True)
class Reaction:
    """A reaction with its grade 1 to 5."""

    reaction: ReactionType
    grade: int = 1
    note: str = ""


@dataclass(frozen=True)
class Contents:
    """Everything below a session's own fields."""

    zones: Sequence[Zone] = ()
    lots: Collection[Lot] = ()
    scores: Sequence[Score] = ()
    reactions: Sequence[Reaction] = field(default_factory=tuple)


def replace(row: Session, contents: Contents) -> None:
    """Put the contents in the place of whatever the draft had; called inside the action that saves it."""
    for rows in (row.zones, row.scores, row.reactions):
        rows.all().delete()
    SessionZone.objects.bulk_create(
        SessionZone(
            session=row,
            zone=zone.zone,
            points=zone.points,
            ml_per_point=zone.ml_per_point,
            volume_ml=zone.volume_ml,
            area_cm2=zone.area_cm2,
            places=[list(place) for place in zone.places],
        )
        for zone in contents.zones
    )
    _replace_lots(row, contents.lots)
    SessionScore.objects.bulk_create(
        SessionScore(session=row, scale=score.scale, moment=score.moment, value=score.value)
        for score in contents.scores
    )
    SessionReaction.objects.bulk_create(
        SessionReaction(session=row, reaction=each.reaction, grade=each.grade, note=each.note)
        for each in contents.reactions
    )


def _replace_lots(row: Session, lots: Collection[Lot]) -> None:
    """What stays is left alone: a lot that was put aside since it was used is entered no more, and stays on record."""
    row.used_lots.exclude(lot__in=lots).delete()
    kept = set(row.used_lots.values_list("lot", flat=True))
    SessionLot.objects.bulk_create(SessionLot(session=row, lot=lot) for lot in lots if lot.pk not in kept)
