"""Making one record of two, and taking them apart again. Both in one transaction, with nobody else at either record."""

from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from clinic import merging, readiness
from clinic.actions import booking
from clinic.actions.locking import explained, lock
from clinic.errors import DomainError, Stale
from clinic.models import Appointment, Patient, PatientMerge, User
from clinic.rules import access


@explained
def merge(
    *, patient: Patient, other: Patient, digest: str, reason: str, although: str = "", by: User, at: datetime
) -> PatientMerge:
    """Make one record of the two, as the preview named by `digest` said; the pathway judges the survivor's visits anew.

    Raises:
        NotAllowed: reception and practitioners only.
        Stale: something changed since the preview.
        DomainError: merge_refused (an obstacle of the preview), or a sentence is missing.
    """
    access.check_may_edit_patients(by)
    rows = _with_nobody_else([patient.pk, other.pk])
    booking.clear_run_out(by=by, at=at)
    seen = merging.preview(rows[patient.pk], rows[other.pk], at=at)
    if seen.digest != digest:
        raise Stale(_("Something changed since you looked. This is how it is now."), "stale_merge")
    if seen.obstacles:
        raise DomainError(seen.obstacles[0], "merge_refused")
    _check_sentence(reason, _("Say how you know that it is the same person."), "reason")
    if seen.differences:
        _check_sentence(although, _("Say why it is one person although they differ."), "although")
    entry = PatientMerge(
        patient=seen.merged,
        survivor=seen.survivor,
        reason=reason.strip(),
        although=although.strip() if seen.differences else "",
        merged_at=at,
        merged_by=by,
    )
    for along in seen.rows:
        _send(along, to=seen.survivor)
        events = merging.latest_events(along.model, along.keys)
        entry.moved[along.model._meta.label] = {str(key): event for key, event in events.items()}
    _point(seen.merged, to=seen.survivor)
    entry.save(force_insert=True)
    readiness.pathway().merged(entry, by=by, at=at)
    return entry


@explained
def take_apart(*, merge: PatientMerge, digest: str, reason: str, by: User, at: datetime) -> PatientMerge:
    """Make two records of the one again. What was changed since stays with the survivor, as the preview said, and the
    pathway keeps every injection of both waiting until a practitioner has looked.

    Raises:
        NotAllowed: reception and practitioners only.
        Stale: taken apart already, or something changed since the preview.
        DomainError: the reason is missing.
    """
    access.check_may_edit_patients(by)
    rows = _with_nobody_else([merge.patient_id, merge.survivor_id])
    row = PatientMerge.objects.get(pk=merge.pk)
    row.patient, row.survivor = rows[row.patient_id], rows[row.survivor_id]
    seen = merging.apart(row)
    if row.undone_at or seen.digest != digest:
        raise Stale(_("Something changed since you looked. This is how it is now."), "stale_merge")
    _check_sentence(reason, _("Say how you know that these are two people."), "reason")
    _point(row.patient, to=None)
    for along in seen.back:
        _send(along, to=row.patient)
    row.undone_at, row.undone_by, row.undone_because = at, by, reason.strip()
    row.save(update_fields=["undone_at", "undone_by", "undone_because"])
    readiness.pathway().taken_apart(row, by=by, at=at)
    return row


def _with_nobody_else(keys: list[UUID]) -> dict[UUID, Patient]:
    """Both records, then all their visits, locked in the order of every booking.

    FOR UPDATE, not the weaker lock of a booking: it also waits for those who write a row and took no lock of their own,
    because that row's foreign key holds the record (see `clinic.db.on_a_kept_record`).
    """
    patients = Patient.objects.filter(pk__in=keys).order_by("pk").select_for_update(of=("self",))
    rows = {each.pk: each for each in patients}
    lock(appointments=Appointment.objects.filter(patient__in=keys).values_list("pk", flat=True))
    return rows


def _send(along: merging.Rows, *, to: Patient) -> None:
    changes = {"version": F("version") + 1} if along.model is Appointment else {}
    along.model._default_manager.filter(pk__in=along.keys).update(patient=to, **changes)


def _point(patient: Patient, *, to: Patient | None) -> None:
    patient.merged_into = to
    patient.version += 1
    patient.save(update_fields=["merged_into", "version"])


def _check_sentence(text: str, sentence: str, field: str) -> None:
    if not text.strip():
        raise DomainError(sentence, f"{field}_missing", field=field)
