"""Lots: received, quarantined, used up."""

from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions import contacts
from clinic.actions.locking import explained, lock
from clinic.enums import ContactReason
from clinic.errors import DomainError
from clinic.models import Patient, User
from consultations.models import Component, Lot, PatchTest, Session
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
    """The last of the lot has been used: it is offered no more.

    Raises:
        DomainError: used_up_already.
    """
    authorship.check_may_record(by)
    row = Lot.objects.select_for_update().get(pk=lot.pk)
    if row.used_up_on:
        raise DomainError(_("This lot has been used up already."), "used_up_already")
    row.used_up_on = timezone.localdate(at)
    row.save()
    return row


@explained
def put_back(*, lot: Lot, by: User, at: datetime) -> Lot:
    """Called used up by mistake: on the shelf again. History keeps both.

    Raises:
        DomainError: not_used_up.
    """
    authorship.check_may_record(by)
    row = Lot.objects.select_for_update().get(pk=lot.pk)
    if row.used_up_on is None:
        raise DomainError(_("This lot is on the shelf already."), "not_used_up")
    row.used_up_on = None
    row.save()
    return row


@explained
def recall(*, lot: Lot, by: User, at: datetime) -> list[Patient]:
    """Put everybody who was given something of the lot on the contact list; returns them.

    Raises:
        DomainError: the lot is not in quarantine.
    """
    practitioner = authorship.check_may_record(by)
    if not lot.quarantined_at:
        raise DomainError(_("Put the lot aside before its patients are called."), "not_quarantined")
    tested = PatchTest.objects.filter(used_lots__lot=lot).values("patient")
    treated = Session.objects.filter(used_lots__lot=lot).values("patient")
    patients = list(Patient.objects.filter(Q(pk__in=tested) | Q(pk__in=treated)).order_by("pk"))
    lock(patients=[each.pk for each in patients])
    words = _("Please call: %(who)s wants to speak to you about what was used at one of your visits.")
    for patient in patients:
        contacts.ask(
            patient=patient, reason=ContactReason.RECALL, text=words % {"who": practitioner}, by=by, at=at
        )
    return patients
