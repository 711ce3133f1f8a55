"""Lots: received, quarantined, used up."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import User
from consultations.models import Component, Lot
from consultations.rules import authorship


@explained
def receive(
    *,
    component: Component,
    maker: str,
    number: str,
    expires_on: date,
    by: User,
    at: datetime,
) -> Lot:
    """Put a delivered lot on record.

    Raises:
        DomainError: expired already, or on record before.
    """
    authorship.check_may_record(by)
    today = timezone.localdate(at)
    if expires_on < today:
        raise DomainError(_("This lot has expired. Do not use it."), "expired", field="expires_on")
    if Lot.objects.filter(component__code=component.code, maker=maker, number=number).exists():
        raise DomainError(_("This lot is on record already."), "lot_once", field="number")
    return Lot.objects.create(
        component=component,
        maker=maker,
        number=number,
        expires_on=expires_on,
        received_on=today,
    )


@explained
def quarantine(*, lot: Lot, reason: str, by: User, at: datetime) -> Lot:
    """From now on the lot cannot be used.

    Raises:
        DomainError: no reason, or in quarantine already.
    """
    authorship.check_may_record(by)
    if not reason.strip():
        raise DomainError(_("Say why the lot is put aside."), "reason_missing", field="reason")
    row = Lot.objects.select_for_update().get(pk=lot.pk)
    if row.quarantined_at:
        raise DomainError(_("This lot is in quarantine already."), "quarantined_already")
    row.quarantined_at, row.quarantined_by, row.quarantine_reason = at, by, reason
    row.save()
    return row


@explained
def use_up(*, lot: Lot, by: User, at: datetime) -> Lot:
    """The last of the lot has been used."""
    authorship.check_may_record(by)
    row = Lot.objects.select_for_update().get(pk=lot.pk)
    row.used_up_on = timezone.localdate(at)
    row.save()
    return row
