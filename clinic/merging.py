"""What making one record of two would do, and what taking them apart again would. Read only; see docs/adr/0033.

Signed clinical records stay where they were signed. So the record that is merged away must carry none of them: of two
records, the one that does survives, and two that both do are not merged.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, Max, Model, OuterRef
from django.utils.translation import gettext as _

from clinic import readiness
from clinic.dates import moment_in_words
from clinic.enums import AppointmentStatus, Sex
from clinic.models import (
    Appointment,
    CaseFile,
    ContactEntry,
    EmergencyOpening,
    Erasure,
    NotADuplicate,
    Patient,
    PatientMerge,
    RecordOpened,
    WaitlistEntry,
    WalkIn,
)
from clinic.rules.booking import may_move

# What was written down about the record itself, not about the person: it stays, and is read at the record.
LOGS = (Patient, NotADuplicate, RecordOpened, PatientMerge, CaseFile, EmergencyOpening, Erasure)
_DESK = (Appointment, ContactEntry, WalkIn, WaitlistEntry)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table that go along."""

    model: type[Model]
    keys: tuple[UUID, ...]

    @property
    def label(self) -> str:
        """What the desk calls them."""
        return str(self.model._meta.verbose_name_plural)


@dataclass(frozen=True, slots=True)
class Preview:
    """Which record survives and why, what moves to it, and what stands in the way. `digest` names this very preview.

    `differences` are reasons to think of two people; with any, the person says why it is one all the same.
    """

    survivor: Patient
    merged: Patient
    why: str
    rows: tuple[Rows, ...]
    visits: tuple[Appointment, ...]
    differences: tuple[str, ...]
    obstacles: tuple[str, ...]
    told_apart: bool
    digest: str


@dataclass(frozen=True, slots=True)
class Apart:
    """What goes back to the merged record, and in sentences what does not."""

    merge: PatientMerge
    back: tuple[Rows, ...]
    staying: tuple[str, ...]
    digest: str


def moving_tables() -> tuple[type[Model], ...]:
    """The tables whose rows go along; visits first, because others point to them."""
    return (*_DESK, *readiness.pathway().moving())


def preview(one: Patient, other: Patient, *, at: datetime) -> Preview:
    """What merging the two would do now. Which of the two is named first makes no difference."""
    keeping = readiness.pathway().keeping([one.pk, other.pk])
    survivor, merged, why = _which(one, other, keeping)
    rows = tuple(Rows(model, tuple(_keys(model, merged))) for model in moving_tables())
    visits = tuple(merged.appointments.select_related("type").order_by("starts_at", "pk"))
    told_apart = NotADuplicate.objects.in_force().of(one, other).exists()
    obstacles = tuple(_obstacles(survivor, merged, keeping, told_apart=told_apart, at=at))
    facts = [
        [(each.pk, each.version, each.merged_into_id) for each in (survivor, merged)],
        [(each.model._meta.label, each.keys) for each in rows],
        [(each.pk, each.starts_at, each.ends_at) for each in visits],
        obstacles,
    ]
    used = tuple(each for each in rows if each.keys)
    return Preview(
        survivor,
        merged,
        why,
        used,
        visits,
        tuple(_differences(one, other)),
        obstacles,
        told_apart,
        _digest(facts),
    )


def apart(merge: PatientMerge) -> Apart:
    """What taking the two apart would do now: what has not been touched since goes back, the rest stays and is named."""
    visits: set[UUID] = set()
    back, staying = [], []
    for model in moving_tables():
        moved = {UUID(key): event for key, event in merge.moved.get(model._meta.label, {}).items()}
        events = latest_events(model, moved)
        untouched = {key for key, event in moved.items() if events.get(key) == event}
        if model is Appointment:
            visits = untouched - readiness.pathway().relied_on(untouched)
            untouched = visits
        else:
            untouched -= _about_others(model, untouched, visits)
        back.append(Rows(model, tuple(sorted(untouched))))
        staying += _staying(model, moved.keys() - untouched)
    facts = [merge.pk, [(each.model._meta.label, each.keys) for each in back], staying]
    return Apart(merge, tuple(each for each in back if each.keys), tuple(staying), _digest(facts))


def latest_events(model: type[Model], keys: Collection[UUID]) -> dict[UUID, int]:
    """The number of each row's newest event in the history."""
    events = model.pgh_event_model.objects.filter(pgh_obj__in=keys)  # type: ignore[attr-defined]
    return dict(events.order_by().values_list("pgh_obj").annotate(Max("pgh_id")))


def _which(one: Patient, other: Patient, keeping: Collection[UUID]) -> tuple[Patient, Patient, str]:
    older, newer = sorted((one, other), key=lambda each: each.number)
    if newer.pk in keeping and older.pk not in keeping:
        return newer, older, _("It carries clinical records, and these stay where they were written.")
    if older.pk in keeping:
        return older, newer, _("It carries clinical records, and these stay where they were written.")
    return older, newer, _("It was registered first.")


def _keys(model: type[Model], patient: Patient) -> list[UUID]:
    rows = model._default_manager.filter(patient=patient).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def _differences(one: Patient, other: Patient) -> Iterator[str]:
    if one.birth_date != other.birth_date:
        yield _("The birth dates differ.")
    if one.sex != other.sex and Sex.UNKNOWN not in (one.sex, other.sex):
        yield _("The sexes on record differ.")


def _obstacles(
    survivor: Patient, merged: Patient, keeping: Collection[UUID], *, told_apart: bool, at: datetime
) -> Iterator[str]:
    for each in (survivor, merged):
        if each.merged_into_id:
            yield _("№ %(number)s was merged already. Open the record it was merged into.") % {
                "number": each.number
            }
    for each in merged.merged_from.order_by("number"):
        yield _("№ %(other)s was merged into № %(number)s. Take these two apart first.") % {
            "other": each.number,
            "number": merged.number,
        }
    for erasure in Erasure.objects.in_force().of(survivor, merged).select_related("patient"):
        yield _("№ %(number)s is going to be erased. An admin has to withdraw that first.") % {
            "number": erasure.patient.number
        }
    if told_apart:
        yield _(
            "Somebody has compared them and called them two people. Take that back first, if it was wrong."
        )
    if {survivor.pk, merged.pk} <= set(keeping):
        yield _(
            "Both carry clinical records, and these are never moved. Keep both: choose the one to go on with, report every "
            "allergy of the other there, and ask a practitioner to look at both before anything is injected."
        )
    yield from _visits_at_once(survivor, merged, at=at)
    yield from _waiting_twice(survivor, merged)


def _visits_at_once(survivor: Patient, merged: Patient, *, at: datetime) -> Iterator[str]:
    visits = Appointment.objects.holding_time().in_force(at).filter(patient__in=[survivor, merged])
    same_time = visits.filter(starts_at__lt=OuterRef("ends_at"), ends_at__gt=OuterRef("starts_at"))
    found = list(visits.filter(Exists(same_time.exclude(patient=OuterRef("patient")))).order_by("starts_at"))
    for visit in found:
        if visit.patient_id == merged.pk:
            at_once = [
                each for each in found if each.starts_at < visit.ends_at and each.ends_at > visit.starts_at
            ]
            yield _one_must_go(at_once, at=at) % {"when": moment_in_words(visit.starts_at)}


def _one_must_go(visits: Collection[Appointment], *, at: datetime) -> str:
    """What can be done about visits at the same time: what took place stays as it was written down."""
    open_ones = [each for each in visits if may_move(each, AppointmentStatus.CANCELLED)]
    if any(each.starts_at > at for each in open_ones):
        return _("Both have a visit on %(when)s. Move or cancel one of them first.")
    if open_ones:
        return _("Both had a visit on %(when)s. Mark the one that nobody came to as “Did not come” first.")
    return _(
        "Both were seen on %(when)s at the same time, so they may be two people. If they are one, keep both: choose the one "
        "to go on with, and report every allergy of the other there."
    )


def _waiting_twice(survivor: Patient, merged: Patient) -> Iterator[str]:
    if WalkIn.objects.waiting().filter(patient__in=[survivor, merged]).count() > 1:
        yield _("Both wait at the counter. Take one of them off that list first.")
    waiting = WaitlistEntry.objects.filter(closed_at=None, visit=None)
    same = waiting.filter(patient=survivor, type=OuterRef("type"), purpose=OuterRef("purpose"))
    for entry in waiting.filter(Exists(same), patient=merged).order_by("asked_at"):
        yield _("Both are on the waitlist for “%(what)s”. Take one of them off it first.") % {
            "what": entry.label
        }


def _about_others(model: type[Model], keys: Collection[UUID], visits: Collection[UUID]) -> set[UUID]:
    """Of these rows, those about a visit that does not go back with them."""
    pointers = [field.attname for field in model._meta.concrete_fields if field.related_model is Appointment]
    if not pointers or not keys:
        return set()
    rows = model._default_manager.filter(pk__in=keys).values_list("pk", *pointers)
    return {key for key, *whose in rows if any(each and each not in visits for each in whose)}


def _staying(model: type[Model], keys: Collection[UUID]) -> list[str]:
    if not keys:
        return []
    if model is Appointment:
        visits = Appointment.objects.filter(pk__in=keys).order_by("starts_at")
        return [
            _("The visit on %(when)s was changed or used since.") % {"when": moment_in_words(each.starts_at)}
            for each in visits
        ]
    words = _("%(what)s that were changed since, or are about a visit that stays: %(count)d")
    return [words % {"what": model._meta.verbose_name_plural, "count": len(keys)}]


def _digest(facts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()
