"""A row that is written onto a record which was merged into another: one bad write for every table with a patient."""

from collections.abc import Callable
from typing import Any

from clinic.models import Patient
from tests.factories import PatientFactory
from tests.guards import HISTORY, Cases

_ENDS = "_on_a_kept_record"


def onto_merged_records(cases: Cases, *makers: Callable[[], Any]) -> None:
    """Files for each kind of row that it is written onto a merged record; whatever else guards the table is away."""
    for make in makers:
        model = getattr(make, "_meta", None) and make._meta.model
        assert model
        names = [trigger.name for trigger in model._meta.triggers if trigger.name not in HISTORY]
        (name,) = (each for each in names if each.endswith(_ENDS))
        cases.add(name, _write(make), aside=[each for each in names if each != name], name="written onto")


def _write(make: Callable[[], Any]) -> Callable[[], None]:
    def write() -> None:
        row = make()
        Patient.objects.filter(pk=row.patient_id).update(merged_into=PatientFactory())
        type(row).objects.filter(pk=row.pk).update(patient=row.patient_id)

    return write
