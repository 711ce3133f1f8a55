"""The care log of devices: an entry, or that one was made in error."""

from datetime import date, datetime
from typing import Any

from clinic.actions.locking import explained, lock
from clinic.enums import CareKind
from clinic.models import Device, DeviceCare, DeviceCareError, User
from clinic.rules import device_care as rules


@explained
def record(
    *,
    device: Device,
    kind: CareKind,
    happened_at: datetime,
    carried_out_by: str,
    note: str = "",
    next_due_on: date | None = None,
    by: User,
    at: datetime,
) -> DeviceCare:
    """Write down what was done. A service sets the day of the next one; out of use closes the device from now on.

    Raises:
        NotAllowed: no role in the clinic.
        DomainError: see rules.device_care.check_entry.
    """
    rules.check_may_care(by)
    lock(devices=[device.pk])
    row = Device.objects.get(pk=device.pk)
    is_service = kind == CareKind.SERVICE
    due = next_due_on if is_service else None
    said: dict[str, Any] = {"kind": kind, "happened_at": happened_at, "next_due_on": due}
    rules.check_entry(device=row, note=note, **said, at=at)
    care = DeviceCare(
        **said,
        device=row,
        carried_out_by=carried_out_by.strip(),
        note=note.strip(),
        was_due_on=row.service_due_on if is_service else None,
        recorded_at=at,
        recorded_by=by,
    )
    care.clean_fields(exclude=["device", "recorded_by"])
    care.save(force_insert=True)
    if due:
        _set_due(row, due)
    return care


@explained
def take_back(*, care: DeviceCare, reason: str, by: User, at: datetime) -> DeviceCareError:
    """The entry was made in error: it stays visible and counts no more. A service gives back the day that was due.

    Raises:
        NotAllowed: no role in the clinic.
        DomainError: taken_back_already.
    """
    rules.check_may_care(by)
    lock(devices=[care.device_id])
    row = DeviceCare.objects.select_related("device", "error").get(pk=care.pk)
    rules.check_takes_back(row)
    error = DeviceCareError(care=row, reason=reason.strip(), recorded_at=at, recorded_by=by)
    error.clean_fields(exclude=["care", "recorded_by"])
    error.save(force_insert=True)
    device = row.device
    if row.next_due_on and device.service_due_on == row.next_due_on:
        _set_due(device, row.was_due_on)
    return error


def _set_due(device: Device, day: date | None) -> None:
    device.service_due_on = day
    device.save()
