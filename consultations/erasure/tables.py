"""All fates together, and the rows they are about."""

from collections.abc import Iterable, Sequence

from django.db.models import Count, IntegerField, Model, Q, QuerySet, Value

from clinic.models import Patient
from consultations.erasure.desk import DESK
from consultations.erasure.fates import Fate
from consultations.erasure.pathway import PATHWAY
from consultations.whole_record.tables import whose

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
    about = whose(fate.model, patients)
    if fate.model is Patient:  # an event of another record may name this one as the one it was merged into
        about = Q(pgh_obj__in=[each.pk for each in patients])
    return history._base_manager.filter(fate.only & about).order_by()


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
