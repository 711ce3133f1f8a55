"""All fates together, and the rows they are about."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from django.db.models import Count, Exists, IntegerField, Model, OuterRef, Q, QuerySet, Value

from clinic.models import Patient
from consultations.erasure.desk import DESK
from consultations.erasure.fates import Fate, history_of
from consultations.erasure.pathway import PATHWAY
from consultations.whole_record.tables import of_patients, whose

# In the order in which rows can go: what points to a row before the row.
FATES = (*PATHWAY, *DESK)


def record_of(patient: Patient) -> list[Patient]:
    """The record, and those that were merged into it: one person, erased together."""
    return [patient, *patient.merged_from.order_by("number")]


def rows_of(fate: Fate, patients: Iterable[Patient]) -> QuerySet:
    """The rows that meet this fate."""
    return fate.model._base_manager.filter(fate.only & whose(fate.model, patients)).order_by()


def history_rows_of(fate: Fate, history: type[Model], patients: Sequence[Patient]) -> QuerySet:
    """What the history says of such rows, of those among it that are not there any more."""
    return history._base_manager.filter(fate.only & _told_of(fate.model, history, patients)).order_by()


def _told_of(model: type[Model], history: type[Model], patients: Sequence[Patient]) -> Q:
    """Whose a row is that is there, the row says: it may have gone to another record and back. Of one that is gone, its
    last entries do."""
    rows = model._base_manager
    there = Q(pgh_obj__in=rows.filter(whose(model, patients)).values("pk"))
    if model is Patient:
        return there
    return there | (Q(~Exists(rows.filter(pk=OuterRef("pgh_obj")))) & _led_to(history, model, patients))


def _led_to(history: type[Model], model: type[Model], patients: Sequence[Patient]) -> Q:
    """By the keys to patients that stand in the entry; without any, by those to rows of theirs, which may be gone too."""
    keys = [each for each in history._meta.concrete_fields if each.is_relation and each.name != "pgh_obj"]
    if direct := [each.name for each in keys if each.related_model is Patient]:
        theirs = [patient.pk for patient in patients]
        return reduce(or_, (Q(**{f"{name}__in": theirs}) for name in direct))
    found = Q(pk=None)
    for key in keys:
        parent = key.related_model
        if parent in of_patients() and parent is not model:
            found |= Q(
                **{f"{key.name}__in": parent._base_manager.filter(whose(parent, patients)).values("pk")}
            )
            for older in history_of(parent):
                gone = older._base_manager.filter(_told_of(parent, older, patients)).values("pgh_obj")
                found |= Q(**{f"{key.name}__in": gone})
    return found


def counted(patients: Sequence[Patient]) -> list[int]:
    """How many rows meet each fate, in one query."""
    parts = [
        rows_of(fate, patients)
        .annotate(fate=Value(place, output_field=IntegerField()))
        .values("fate")
        .annotate(rows=Count("*"))
        .values_list("fate", "rows")
        for place, fate in enumerate(FATES)
    ]
    found = dict(parts[0].union(*parts[1:], all=True))
    return [found.get(place, 0) for place in range(len(FATES))]
