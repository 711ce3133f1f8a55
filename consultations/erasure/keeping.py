"""How long the law, as the clinic's settings say it, has a record kept."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils import timezone

from clinic.enums import ErasureStage
from clinic.intervals import local_day
from clinic.models import ClinicSettings, Erasure, Patient
from consultations.erasure.tables import FATES, record_of, rows_of


def last_act(patients: Sequence[Patient]) -> datetime | None:
    """When something clinical was last done with any of these records; None where nothing ever was."""
    parts = [
        rows_of(fate, patients)
        .filter(**{f"{act}__isnull": False})
        .order_by(f"-{act}")
        .values_list(act, flat=True)[:1]
        for fate in FATES
        for act in fate.acts
    ]
    return max(parts[0].union(*parts[1:], all=True), default=None)


def kept_until(patient: Patient) -> datetime | None:
    """Until when the clinical record is kept: years after the last act, and until an age; None where there is none."""
    last = last_act(record_of(patient))
    if last is None:
        return None
    rule = ClinicSettings.current()
    end = _years_later(timezone.localdate(last), rule.retention_years)
    if rule.retention_until_age:
        end = max(end, _years_later(patient.birth_date, rule.retention_until_age))
    return local_day(end, timezone.get_default_timezone()).ends_at


def due(erasure: Erasure, stage: ErasureStage) -> datetime:
    """From when on a stage may be carried out, as the record stands now."""
    until = kept_until(erasure.patient) if stage == ErasureStage.RECORD else None
    return max(erasure.not_before, until) if until else erasure.not_before


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)
