"""What became of a lot, from the history that the database keeps: the newest first."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from consultations.dates import in_words
from consultations.models import Lot
from consultations.rules.lots import label_words


@dataclass(frozen=True, slots=True)
class Change:
    """One change in words, when it was made, and by whom where the lot says so."""

    at: datetime
    words: str


def history(lot: Lot) -> list[Change]:
    """One entry for each change of state or label; two queries."""
    kept: Any = Lot.pgh_event_model  # made by the history package
    rows = list(kept.objects.filter(pgh_obj=lot).select_related("component").order_by("pgh_id"))
    found = [Change(rows[0].pgh_created_at, _("put on record"))] if rows else []
    for before, after in pairwise(rows):
        found += [Change(after.pgh_created_at, words) for words in _changes(before, after)]
    return found[::-1]


def _changes(before: Any, after: Any) -> list[str]:
    """What is different between two versions of the lot."""
    said = []
    if before.quarantined_at is None and after.quarantined_at:
        said.append(_("put aside: %(reason)s") % {"reason": after.quarantine_reason})
    if before.recalled_at is None and after.recalled_at:
        said.append(_("recalled by the maker: %(reference)s") % {"reference": after.recall_reference})
    if before.quarantined_at and after.quarantined_at is None:
        said.append(_("out of quarantine: %(reason)s") % {"reason": after.release_reason})
    if before.opened_on != after.opened_on and after.opened_on:
        said.append(_("opened on %(day)s") % {"day": in_words(after.opened_on)})
    if before.used_up_on is None and after.used_up_on:
        said.append(_("used up"))
    if before.used_up_on and after.used_up_on is None:
        said.append(_("put back on the shelf"))
    if (before.label_amount, before.label_ml) != (after.label_amount, after.label_ml):
        said.append(_("strength noted: %(label)s") % {"label": _label(after)})
    if before.allergen_groups != after.allergen_groups:
        said.append(
            _("excipients noted: %(codes)s") % {"codes": ", ".join(after.allergen_groups) or _("none")}
        )
    return said


def _label(row: Any) -> str:
    lot = Lot(component=row.component, label_amount=row.label_amount, label_ml=row.label_ml)
    return label_words(lot) or _("none")
