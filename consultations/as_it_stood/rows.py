"""Rows as they were at a moment: of tables with a history its last event by then, of permanent ones what was written by then."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic.changes.found import kept_tables
from consultations.models import (
    Addendum,
    AdverseEventLot,
    ConsentWithdrawal,
    ConsultationConfirmation,
    Deviation,
    HealthAnswer,
    PlanStatusChange,
)

# Rows that never change: the column that says when each was written. None: with the record that it belongs to.
PERMANENT: dict[type[models.Model], str | None] = {
    Addendum: "written_at",
    AdverseEventLot: None,
    ConsentWithdrawal: "withdrawn_at",
    ConsultationConfirmation: "confirmed_at",
    Deviation: "recorded_at",
    HealthAnswer: "recorded_at",
    PlanStatusChange: "changed_at",
}


def stood(model: type[models.Model], of: Q, *, as_of: datetime) -> QuerySet[Any]:
    """The rows of the table that were there at `as_of`, as they were, and that are `of` whom is asked for.

    Of a table with a history these are events: fields are called as in the table, and `pgh_obj_id` is the row's key. What
    was written later is left out, whatever day it tells of; a row that had been taken out by then is left out as well.
    """
    if model in PERMANENT:
        column = PERMANENT[model]
        written = Q(**{f"{column}__lte": as_of}) if column else Q()
        return model._default_manager.filter(of, written).order_by("pk")
    by_then = kept_tables()[model._meta.db_table]._default_manager.filter(pgh_created_at__lte=as_of)
    later = by_then.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__gt=OuterRef("pgh_id"))
    return by_then.filter(of, ~Exists(later)).exclude(pgh_label="delete").order_by("pgh_id")


def key_of(row: Any) -> Any:
    """The key of the row that `row` tells of."""
    return getattr(row, "pgh_obj_id", None) or row.pk


def keyed(model: type[models.Model], keys: list[Any]) -> Q:
    """The rows of these keys."""
    return Q(pk__in=keys) if model in PERMANENT else Q(pgh_obj_id__in=keys)
