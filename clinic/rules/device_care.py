"""Which entry of a device's care log makes sense after the others; a policy of this clinic."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinic.enums import CareKind, Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import Device, DeviceCare, User
from clinic.models.device_care import with_use


@dataclass(frozen=True, slots=True)
class State:
    """How a device stands: a tone, an icon and words, never colour alone; and why."""

    tone: str
    icon: str
    words: str
    why: str = ""


def check_may_care(user: User) -> None:
    """Whoever works here writes down what was done with a device, or that it is broken (a device's faults are the desk's,
    the practitioner's and the admin's).

    Raises:
        NotAllowed: anybody without a role.
    """
    if not user.has_role(*Role):
        raise NotAllowed(_("The care of devices is written down by the clinic's staff."), "care_not_allowed")


def is_out_of_use(device: Device, at: datetime) -> bool:
    """As known at the moment."""
    return why_out_of_use(device, at) is not None


def why_out_of_use(device: Device, since: datetime, until: datetime | None = None) -> str | None:
    """The reason, or None for a device in use; with `until` it must have been out at both moments."""
    rows = with_use(Device.objects.filter(pk=device.pk), since, until)
    return rows.values_list("out_of_use_because", flat=True).first()


def taken_out(kind: str, at: datetime) -> DeviceCare | None:
    """What took the first device of the kind out of use, by name, that is out of use at the moment; with its device."""
    last = DeviceCare.objects.turns(at).filter(device=OuterRef("device")).values("pk")[:1]
    out = DeviceCare.objects.filter(pk=Subquery(last), kind=CareKind.OUT_OF_USE)
    mine = out.filter(device__in=Device.objects.active().filter(kind=kind))
    return mine.select_related("device").order_by("device__name").first()


def check_entry(
    *,
    device: Device,
    kind: CareKind,
    happened_at: datetime,
    note: str,
    next_due_on: date | None,
    at: datetime,
) -> None:
    """Under the device's lock: what is said follows from what was said before.

    Raises:
        DomainError: in_future, reason_missing, out_already, in_use_already, next_due_missing, next_due_past.
    """
    if happened_at > at:
        raise DomainError(
            _("This lies in the future. Enter it once it is done."), "in_future", field="happened_at"
        )
    if kind == CareKind.OUT_OF_USE and not note.strip():
        raise DomainError(_("Say why it is out of use."), "reason_missing", field="note")
    if kind == CareKind.OUT_OF_USE and is_out_of_use(device, at):
        raise DomainError(_("This device is out of use already."), "out_already", field="kind")
    if kind == CareKind.BACK_IN_USE and not is_out_of_use(device, at):
        raise DomainError(_("This device is in use already."), "in_use_already", field="kind")
    if kind != CareKind.SERVICE:
        return
    if next_due_on is None and device.service_due_on is not None:
        raise DomainError(
            _("Enter when the next service is due: until then the old day holds."),
            "next_due_missing",
            field="next_due_on",
        )
    if next_due_on is not None and next_due_on <= timezone.localdate(happened_at):
        raise DomainError(_("The next service comes after this one."), "next_due_past", field="next_due_on")


def check_takes_back(care: DeviceCare) -> None:
    """An entry is taken back once.

    Raises:
        DomainError: taken_back_already.
    """
    if hasattr(care, "error"):
        raise DomainError(_("This entry has been taken back already."), "taken_back_already")


def state_of(device: Device, today: date) -> State:
    """How a device that was read `with_use` stands on the day."""
    if device.out_of_use_because is not None:
        return State("bad", "ban", _("out of use"), device.out_of_use_because)
    if device.service_due_on and device.service_due_on < today:
        since = date_format(device.service_due_on, pgettext("date format", "D j M Y"))
        return State("warn", "alert-triangle", _("service due since %(day)s") % {"day": since})
    return State("ok", "circle-check", _("in use"))
