"""Changing somebody's account: switched off and on again, a new password, name and roles. Never silently."""

from datetime import datetime
from functools import partial

from django.contrib.auth.hashers import make_password
from django.db import transaction

from clinic import letters
from clinic.actions import staff
from clinic.actions.locking import explained, lock, locked_account
from clinic.enums import AccountChangeKind
from clinic.models import AccountChange, CalendarFeed, Invitation, Practitioner, User
from clinic.rules import staff as rules

# What the administration changes. Activity and password have actions of their own, and their reasons.
KEPT = ("username", "first_name", "last_name", "email", "roles", "is_superuser", "is_staff")


@explained
def switch_off(*, user: User, reason: str, by: User, at: datetime) -> AccountChange:
    """The person is out at the next request, on every screen; their feeds and open links work no more.

    A practitioner takes no patients from then on: nothing is booked with them, and what is booked is listed among the visits
    that have to be moved. Nothing is cancelled or deleted.

    Raises:
        NotAllowed: by somebody who is no admin, or of a superuser by somebody who is none.
        DomainError: switch_of_oneself, off_already, or user_an_admin_stays.
    """
    # As every booking with them, so that none is half made meanwhile.
    lock(practitioners=Practitioner.objects.filter(user=user).values_list("pk", flat=True))
    row = locked_account(user)
    rules.check_may_switch_off(by, row)
    row.is_active = False
    row.sign_ins_ended += 1  # or a screen that was left signed in would open again with the account
    row.save(update_fields=["is_active", "sign_ins_ended"])
    for practitioner in Practitioner.objects.filter(user=row, is_active=True):
        practitioner.is_active = False
        practitioner.save(update_fields=["is_active"])
    CalendarFeed.objects.ending_with(row).update(revoked_at=at, revoked_by=by)
    Invitation.objects.open().filter(user=row).update(withdrawn_at=at, withdrawn_by=by)
    return _recorded(AccountChangeKind.SWITCHED_OFF, row, reason, by=by, at=at)


@explained
def switch_on(
    *, user: User, reason: str, takes_patients: bool = False, by: User, at: datetime
) -> AccountChange:
    """The person signs in again, with the password and the second factor they had; feeds stay revoked.

    `takes_patients`: a practitioner is booked again, too.

    Raises:
        NotAllowed: by somebody who is no admin, or of a superuser by somebody who is none.
        DomainError: on_already, password_missing.
    """
    lock(practitioners=Practitioner.objects.filter(user=user).values_list("pk", flat=True))
    row = locked_account(user)
    rules.check_may_switch_on(by, row)
    row.is_active = True
    row.save(update_fields=["is_active"])
    if takes_patients:
        for practitioner in Practitioner.objects.filter(user=row, is_active=False):
            practitioner.is_active = True
            practitioner.save(update_fields=["is_active"])
    return _recorded(AccountChangeKind.SWITCHED_ON, row, reason, by=by, at=at)


@explained
def ask_for_new_password(
    *, user: User, reason: str, by: User, at: datetime
) -> tuple[AccountChange, Invitation, str]:
    """The password stops working and every sign-in ends; the person chooses a new one by a link that works once.

    No admin ever chooses it for them. The second factor stays, so that the link alone does not open the account.

    Raises:
        NotAllowed: by somebody who is no admin, or of a superuser by somebody who is none.
        DomainError: password_of_oneself, account_off.
    """
    row = locked_account(user)
    rules.check_may_ask_for_new_password(by, row)
    row.password = make_password(None)
    row.sign_ins_ended += 1
    row.save(update_fields=["password", "sign_ins_ended"])
    Invitation.objects.open().filter(user=row).update(withdrawn_at=at, withdrawn_by=by)
    change = _recorded(AccountChangeKind.NEW_PASSWORD, row, reason, by=by, at=at)
    return change, *staff.link_for(user=row, by=by, at=at)


@explained
def keep(*, user: User, by: User, at: datetime) -> User:
    """What the administration changed in an account: its names, address and roles, and nothing else.

    A changed address is told to the old one: a new password goes to it.

    Raises:
        NotAllowed: by somebody who is no admin, or of a superuser by somebody who is none.
        DomainError: user_an_admin_stays.
    """
    before = locked_account(user)
    rules.check_may_change_account(by, before)
    user.save(update_fields=KEPT)
    if before.email and before.email.casefold() != user.email.casefold():
        transaction.on_commit(partial(letters.address_changed, before, by=by, at=at))
    return user


def _recorded(kind: AccountChangeKind, user: User, reason: str, *, by: User, at: datetime) -> AccountChange:
    return AccountChange.objects.create(user=user, kind=kind, reason=reason, recorded_by=by, recorded_at=at)
