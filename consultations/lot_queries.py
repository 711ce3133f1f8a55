"""Which lots there are of a formula's components, and which components each session of a plan needs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, QuerySet
from django.utils import timezone

from consultations.models import (
    AdverseEventLot,
    Component,
    Formula,
    FormulaPart,
    Lot,
    PatchTestLot,
    SessionLot,
)
from consultations.queries import PlanFacts


def usable_lots(formula: Formula, *, on: datetime) -> dict[str, list[Lot]]:
    """For each component of the formula its lots in date, first to expire first."""
    codes = formula.component_codes
    lots: dict[str, list[Lot]] = {code: [] for code in codes}
    for lot in Lot.objects.usable_on(timezone.localdate(on)).of_components(codes).select_related("component"):
        lots[lot.component.code].append(lot)
    return lots


def every_lot(facts: PlanFacts) -> QuerySet[Lot]:
    """All lots of the formula's components, usable or not: a draft may name one that has been put aside since."""
    return Lot.objects.of_components(sorted(facts.component_codes)).select_related("component")


def lots_of_tests(tests: Iterable[UUID]) -> QuerySet[Lot]:
    """Every lot that one of the test injections used, once."""
    used = PatchTestLot.objects.filter(patch_test__in=list(tests))
    return Lot.objects.filter(pk__in=used.values("lot")).select_related("component").order_by("number", "pk")


def is_named(lot: Lot) -> bool:
    """Whether a signed record names the lot, as it was on that day."""
    signed = [
        rows.filter(lot=lot, **{f"{record}__signed_at__isnull": False}).values("pk")
        for rows, record in (
            (SessionLot.objects, "session"),
            (PatchTestLot.objects, "patch_test"),
            (AdverseEventLot.objects, "event"),
        )
    ]
    return Lot.objects.filter(Exists(signed[0]) | Exists(signed[1]) | Exists(signed[2]), pk=lot.pk).exists()


def needed(facts: PlanFacts) -> dict[UUID, list[Component]]:
    """As `needed_of`, of one plan."""
    return needed_of([facts])


def needed_of(all_facts: Sequence[PlanFacts]) -> dict[UUID, list[Component]]:
    """By planned session the components of its own formula, where it has one, or of its plan's. One query for all plans
    where some session has a formula of its own, else none."""
    own = {each.formula_id for facts in all_facts for each in facts.planned if each.formula_id}
    parts: dict[int, list[Component]] = defaultdict(list)
    if own:
        for part in FormulaPart.objects.filter(formula__in=own).select_related("component"):
            parts[part.formula_id].append(part.component)
    return {
        each.pk: parts[each.formula_id] if each.formula_id else whole
        for facts in all_facts
        for whole in [[part.component for part in facts.of_whole_plan.parts]]
        for each in facts.planned
    }
