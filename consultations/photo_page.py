"""What the pages about photographs show: pictures view by view, pairs to compare, and pictures that a review asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from uuid import UUID

from django.db.models import Count, QuerySet

from clinic.models import Patient, User
from consultations.models import Photo, Plan
from consultations.outcomes import scores
from consultations.queries import under_way
from consultations.rules.reviews import Due


@dataclass(frozen=True, slots=True)
class ViewOfPatient:
    """The photographs of one standard view, the latest first, as many as the page shows."""

    name: str
    photos: list[Photo]

    @property
    def pair(self) -> tuple[Photo, Photo] | None:
        """The earliest and the latest of them."""
        return (self.photos[-1], self.photos[0]) if len(self.photos) > 1 else None

    @property
    def query(self) -> str:
        """What the address of the comparison says of the pair."""
        first, second = self.pair or (None, None)
        return f"?first={first.pk}&second={second.pk}" if first and second else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Photographs that the course asks for, and none is on record yet."""

    plan: Plan
    due: Due


def shown(patient: Patient, user: User) -> QuerySet[Photo]:
    """The patient's photographs that the person may see, view by view."""
    return Photo.objects.visible_to(user).shown().filter(patient=patient).by_view()


def grouped(photos: Iterable[Photo]) -> list[ViewOfPatient]:
    """Photographs in the order of `shown`, one group for each view, whatever version of it they were taken in."""
    groups = [list(group) for _code, group in groupby(photos, key=lambda photo: photo.view.code)]
    return [ViewOfPatient(str(group[0].view), group) for group in groups]


def pair_of(photos: list[Photo], first: str, second: str) -> tuple[Photo, Photo] | None:
    """The two that the address names, the earlier one first. Without a name: the earliest and the latest of the view with
    the most pictures; None where no view has two."""
    by_key = {str(photo.pk): photo for photo in photos}
    if first in by_key and second in by_key and first != second:
        two = sorted((by_key[first], by_key[second]), key=lambda photo: photo.taken_at)
        return two[0], two[1]
    pairs = [(len(each.photos), each.pair) for each in grouped(photos) if each.pair]
    return max(pairs, key=lambda row: row[0])[1] if pairs else None


def wanted(patient: Patient, *, on: date) -> list[Wanted]:
    """The photographs that the reviews of open courses ask for by this day, the earliest first.

    A picture counts for the review that it was recorded with; a review signed without one stays on the list.
    """
    plans = list(
        under_way(patient)
        .select_related("template", "indication")
        .annotate(total=Count("planned_sessions"))
        .order_by("created_at")
    )
    if not plans:
        return []
    taken = scores.read(plans)
    pictured: set[UUID] = set(
        Photo.objects.counted().filter(review__plan__in=plans).values_list("review", flat=True)
    )
    found = [
        Wanted(plan, due)
        for plan in plans
        for due in taken.schedule(plan, total=plan.total)
        if _asks(due, pictured, on)
    ]
    return sorted(found, key=lambda each: each.due.on or on)


def _asks(due: Due, pictured: set[UUID], on: date) -> bool:
    if not due.rule.takes_photos or due.on is None or due.on > on:
        return False
    return due.review is None or due.review.pk not in pictured
