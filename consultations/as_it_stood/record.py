"""The record of one patient as it stood: what was on it, newest first, and beside it who the patient was said to be.

Whoever may read it is decided before (`CaseFile.objects.readable_by`); here nobody is asked any more.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic.db import joined
from clinic.models import CaseFile, Patient
from consultations.as_it_stood.rows import key_of, keyed, stood
from consultations.as_it_stood.words import facts, line, moment_said, named_by
from consultations.enums import AllergyStatus
from consultations.models import (
    Addendum,
    AdverseEvent,
    AdverseEventLot,
    Alert,
    Allergy,
    ClinicalReport,
    Consent,
    ConsentWithdrawal,
    Consultation,
    ConsultationConfirmation,
    ContraindicationAnswer,
    Deviation,
    EnteredInError,
    Goal,
    HealthAnswer,
    PatchTest,
    PatchTestLot,
    Plan,
    PlanStatusChange,
    Review,
    ReviewScore,
    Session,
    SessionDose,
    SessionLot,
    SessionReaction,
    SessionScore,
    SessionZone,
    TestReading,
)


class Sort(NamedTuple):
    """A table of records: when each is of, its icon, and its parts (table, and the column that names the record)."""

    model: type[models.Model]
    moment: str
    icon: str
    parts: tuple[tuple[type[models.Model], str], ...] = ()


SORTS = (
    Sort(
        Consultation,
        "created_at",
        "notes",
        (
            (ContraindicationAnswer, "consultation"),
            (Goal, "consultation"),
            (ConsultationConfirmation, "consultation"),
            (Addendum, "consultation"),
        ),
    ),
    Sort(HealthAnswer, "recorded_at", "list-check"),
    Sort(Plan, "created_at", "route", ((PlanStatusChange, "plan"),)),
    Sort(Consent, "signed_at", "signature", ((ConsentWithdrawal, "consent"),)),
    Sort(PatchTest, "given_at", "test-pipe", ((PatchTestLot, "patch_test"), (Addendum, "patch_test"))),
    Sort(TestReading, "read_at", "eye"),
    Sort(
        Session,
        "started_at",
        "vaccine",
        (
            (SessionZone, "session"),
            (SessionLot, "session"),
            (SessionDose, "session"),
            (SessionReaction, "session"),
            (SessionScore, "session"),
            (Addendum, "session"),
        ),
    ),
    Sort(Deviation, "happened_at", "alert-triangle"),
    Sort(
        AdverseEvent,
        "onset_at",
        "alert-octagon",
        ((AdverseEventLot, "event"), (Addendum, "adverse_event")),
    ),
    Sort(Review, "created_at", "chart-line", ((ReviewScore, "review"), (Addendum, "review"))),
    Sort(ClinicalReport, "reported_at", "message-report"),
)
# The columns by which EnteredInError names a record of a sort.
_IN_ERROR = {
    Consultation: "consultation",
    Consent: "consent",
    PatchTest: "patch_test",
    TestReading: "reading",
    Session: "session",
    Review: "review",
    AdverseEvent: "adverse_event",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it stood."""

    sort: Sort
    row: Any
    at: datetime
    title: str
    facts: list[dict[str, str]]
    signed: str = ""
    error: str = ""
    parts: list[tuple[str, list[str]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Beside:
    """Who the patient was said to be, and the allergies and alerts that stood."""

    identity: list[dict[str, str]]
    allergies: list[str]
    alerts: list[str]


def beside(case_file: CaseFile) -> Beside:
    """What stands above the records. One query each."""
    whose, as_of = _whose(case_file), case_file.as_of
    rows = [(key_of(row), row) for row in stood(Patient, keyed(Patient, whose), as_of=as_of)]
    own = next((row for key, row in rows if key == case_file.patient_id), None)
    allergies = stood(Allergy, Q(patient__in=whose), as_of=as_of).exclude(status=AllergyStatus.REFUTED)
    alerts = stood(Alert, Q(patient__in=whose), as_of=as_of).filter(lifted_at=None)
    return Beside(
        facts(Patient, own) if own else [],
        [f"{row.words} ({row.get_status_display()})" for row in allergies],
        [row.text for row in alerts],
    )


def entries(case_file: CaseFile, *, offset: int, limit: int) -> list[Entry]:
    """`limit` records from `offset` on, newest first; one query for each table, however many rows it has."""
    whose = _whose(case_file)
    found = [
        (getattr(row, sort.moment), sort, row)
        for sort in SORTS
        for row in _rows(sort.model, Q(patient__in=whose), case_file.as_of)
    ]
    found.sort(key=lambda each: each[0], reverse=True)
    page = found[offset : offset + limit]
    parts = _parts(page, case_file.as_of)
    errors = _errors(page, case_file.as_of)
    return [_entry(sort, row, at, parts[key_of(row)], errors.get(key_of(row))) for at, sort, row in page]


def _whose(case_file: CaseFile) -> list[UUID]:
    """The patient, and records that were merged into this one."""
    kept = case_file.patient_id
    return list(Patient.objects.filter(Q(pk=kept) | Q(merged_into=kept)).values_list("pk", flat=True))


def _rows(model: type[models.Model], of: Q, as_of: datetime) -> Iterable[Any]:
    beside = [name for name in ("practitioner", "signed_by") if name in _field_names(model)]
    if "plan" in _field_names(model):
        beside += ["plan__indication", "plan__formula"]
    return joined(stood(model, of, as_of=as_of), named_by(model) + beside)


def _field_names(model: type[models.Model]) -> set[str]:
    return {each.name for each in model._meta.fields}


def _parts(page: list[tuple[datetime, Sort, Any]], as_of: datetime) -> dict[Any, list[tuple[str, list[str]]]]:
    """By record, the titles and lines of its parts. One query for each table that a record of the page has parts in."""
    found: dict[Any, list[tuple[str, list[str]]]] = defaultdict(list)
    for sort in SORTS:
        keys = [key_of(row) for _at, of, row in page if of is sort]
        for model, column in sort.parts if keys else ():
            lines = defaultdict(list)
            for row in _rows(model, Q(**{f"{column}__in": keys}), as_of):
                lines[getattr(row, f"{column}_id")].append(line(model, row))
            for key, said in lines.items():
                found[key].append((capfirst(str(model._meta.verbose_name_plural)), said))
    return found


def _errors(page: list[tuple[datetime, Sort, Any]], as_of: datetime) -> dict[Any, str]:
    """By record, why it had been called an error, and whether a second person had confirmed that."""
    of = Q(pk__in=[])
    for model, column in _IN_ERROR.items():
        of |= Q(**{f"{column}__in": [key_of(row) for _at, sort, row in page if sort.model is model]})
    said = {}
    for row in stood(EnteredInError, of, as_of=as_of):
        key = next(getattr(row, f"{name}_id") for name in _IN_ERROR.values() if getattr(row, f"{name}_id"))
        words = (
            _("Entered in error, confirmed: %(why)s") if row.confirmed_at else _("Entered in error: %(why)s")
        )
        said[key] = words % {"why": row.reason}
    return said


def _entry(
    sort: Sort, row: Any, at: datetime, parts: list[tuple[str, list[str]]], error: str | None
) -> Entry:
    signed = ""
    if "signed_at" in _field_names(sort.model):
        signed = (
            _("signed by %(who)s, %(when)s") % {"who": row.signed_by, "when": moment_said(row.signed_at)}
            if row.signed_at
            else _("draft, not signed")
        )
    if practitioner := getattr(row, "practitioner", None):
        signed = f"{practitioner} · {signed}"
    title = capfirst(str(sort.model._meta.verbose_name))
    plan = getattr(row, "plan", None)
    of_plan = [{"label": _("Plan"), "value": str(plan)}] if plan else []
    return Entry(sort, row, at, title, [*of_plan, *facts(sort.model, row)], signed, error or "", parts)
