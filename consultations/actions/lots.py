"""Lots: received, quarantined, used up."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import User
from consultations.models import AllergenGroup, Component, InUseLife, Lot
from consultations.rules import authorship, lots


@explained
def receive(
    *,
    component: Component,
    maker: str,
    number: str,
    expires_on: date,
    label_amount: Decimal | None = None,
    label_ml: Decimal | None = None,
    allergen_groups: Iterable[str] = (),
    by: User,
    at: datetime,
) -> Lot:
    """Put a delivered lot on record. `label_amount`: units of the component in `label_ml` ml, as the label says.

    Raises:
        DomainError: expired already, on record before, or without its strength.
    """
    authorship.check_may_record(by)
    today = timezone.localdate(at)
    if expires_on < today:
        raise DomainError(_("This lot has expired. Do not use it."), "expired", field="expires_on")
    if Lot.objects.filter(component__code=component.code, maker=maker, number=number).exists():
        raise DomainError(_("This lot is on record already."), "lot_once", field="number")
    label = _label(component, label_amount, label_ml)
    return Lot.objects.create(
        component=component,
        maker=maker,
        number=number,
        expires_on=expires_on,
        received_on=today,
        allergen_groups=_groups(allergen_groups),
        **label,
    )


@explained
def note_label(
    *,
    lot: Lot,
    label_amount: Decimal | None,
    label_ml: Decimal | None,
    allergen_groups: Iterable[str] = (),
    by: User,
    at: datetime,
) -> Lot:
    """What the label says about strength and excipients, where nobody has noted it or wrongly. History keeps both.

    Raises:
        DomainError: the strength is missing, the component is counted in ml and has none, a group is unknown, or a signed
            record names the lot as it is.
    """
    authorship.check_may_record(by)
    row = Lot.objects.select_for_update(of=("self",)).select_related("component").get(pk=lot.pk)
    label = _label(row.component, label_amount, label_ml)
    groups = _groups(allergen_groups, kept=row.allergen_groups)
    lots.check_label_stays(row, **label, allergen_groups=groups)
    row.label_amount, row.label_ml = label["label_amount"], label["label_ml"]
    row.allergen_groups = groups
    row.save()
    return row


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
    row.quarantined_at, row.quarantined_by, row.quarantine_reason = at, by, reason.strip()
    row.released_at, row.released_by, row.release_reason = None, None, ""
    row.save()
    return row


@explained
def release(*, lot: Lot, reason: str, by: User, at: datetime) -> Lot:
    """Out of quarantine, on the shelf again. History keeps why it was put aside.

    Raises:
        DomainError: no reason, not in quarantine, or recalled by its maker.
    """
    authorship.check_may_record(by)
    if not reason.strip():
        raise DomainError(_("Say why the lot may be used again."), "reason_missing", field="reason")
    row = Lot.objects.select_for_update().get(pk=lot.pk)
    if row.recalled_at:
        raise DomainError(_("The maker has recalled this lot. It stays in quarantine."), "recalled")
    if row.quarantined_at is None:
        raise DomainError(_("This lot is not in quarantine."), "not_quarantined")
    row.quarantined_at, row.quarantined_by, row.quarantine_reason = None, None, ""
    row.released_at, row.released_by, row.release_reason = at, by, reason.strip()
    row.save()
    return row


@explained
def note_recall(*, lot: Lot, reference: str, by: User, at: datetime) -> Lot:
    """The maker has recalled the lot: it goes into quarantine, where it is not there already, and stays.

    Raises:
        DomainError: no reference, or recalled before.
    """
    authorship.check_may_record(by)
    if not reference.strip():
        sentence = _("Enter the reference of the maker's recall.")
        raise DomainError(sentence, "reference_missing", field="reference")
    row = Lot.objects.select_for_update().get(pk=lot.pk)
    if row.recalled_at:
        raise DomainError(_("This lot has been recalled already."), "recalled_already")
    if row.quarantined_at is None:
        row.quarantined_at, row.quarantined_by = at, by
        row.quarantine_reason = _("Recalled by the maker.")
        row.released_at, row.released_by, row.release_reason = None, None, ""
    row.recalled_at, row.recalled_by, row.recall_reference = at, by, reference.strip()
    row.save()
    return row


@explained
def open_lot(*, lot: Lot, opened_on: date, by: User, at: datetime) -> Lot:
    """Opened on a clinic day: from then on it may be used for its life in use. Entered again, the day is put right.

    Raises:
        DomainError: a day to come or before it was received; no life in use is published for the component.
    """
    authorship.check_may_record(by)
    row = Lot.objects.select_for_update(of=("self",)).select_related("component").get(pk=lot.pk)
    if opened_on > timezone.localdate(at):
        raise DomainError(_("This day is still to come."), "future", field="opened_on")
    if opened_on < row.received_on:
        raise DomainError(_("The lot was received later than that."), "before_received", field="opened_on")
    life = InUseLife.objects.of(row.component)
    if life is None:
        sentence = _("An admin has to publish first how long %(component)s may be used once opened.")
        raise DomainError(sentence % {"component": row.component}, "life_missing", field="opened_on")
    row.opened_on, row.opened_until = opened_on, opened_on + timedelta(days=life.days)
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


def _label(component: Component, amount: Decimal | None, ml: Decimal | None) -> dict[str, Decimal | None]:
    """The amount in so many ml (1 where none are said); nothing for a product that is counted in ml."""
    if not lots.counts_by_strength(component):
        if amount is not None:
            sentence = _("%(component)s is counted in ml: leave the amount empty.")
            raise DomainError(sentence % {"component": component}, "strength_none", field="label_amount")
        return {"label_amount": None, "label_ml": None}
    if amount is None:
        sentence = _("Enter how many %(unit)s of %(component)s the label says, and in how many ml.")
        said = {"unit": component.get_unit_display(), "component": component}
        raise DomainError(sentence % said, "strength_missing", field="label_amount")
    return {"label_amount": amount, "label_ml": ml or Decimal(1)}


def _groups(codes: Iterable[str], *, kept: Iterable[str] = ()) -> list[str]:
    """Sorted, each in force or noted before: a misspelt one would close nothing."""
    wanted = sorted(set(codes))
    known = set(AllergenGroup.objects.current().filter(code__in=wanted).values_list("code", flat=True))
    if unknown := [code for code in wanted if code not in known and code not in kept]:
        sentence = _("“%(code)s” is no allergen group in force. Choose from the list.")
        raise DomainError(sentence % {"code": unknown[0]}, "group_unknown", field="allergen_groups")
    return wanted
