"""Letting people in: invited by an admin, come in by a link, given a new start where a second factor is lost."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext as _

from clinic import browsers, letters
from clinic.actions import sign_in_events
from clinic.actions.locking import explained, locked_account
from clinic.enums import Role, SignInEventKind
from clinic.errors import DomainError
from clinic.models import Invitation, ScreenPin, SecondFactorReset, SignIn, User
from clinic.models.feed import digest_of
from clinic.rules import staff as rules

SECRET_BYTES = 32  # 256 random bits
_NOT_IN_USERNAMES = re.compile(r"[^\w.@+-]")


@explained
def invite(
    *, first_name: str, last_name: str, email: str, roles: Sequence[Role], by: User, at: datetime
) -> tuple[Invitation, str]:
    """An account that opens only by its link, and the link's secret, which is nowhere else afterwards.

    Until then the account is switched off: no password by mail brings anybody into it.

    Raises:
        NotAllowed: by somebody who is no admin.
        DomainError: email_taken.
    """
    rules.check_may_keep_staff(by)
    rules.check_address_is_free(email)
    user = User(
        username=_NOT_IN_USERNAMES.sub("_", email.lower()),
        first_name=first_name,
        last_name=last_name,
        email=email,
        roles=list(roles),
        is_active=False,
        password=make_password(None),
    )
    user.clean_fields()
    user.save()
    return link_for(user=user, by=by, at=at)


@explained
def invite_again(*, user: User, by: User, at: datetime) -> tuple[Invitation, str]:
    """A new link for somebody who has not come in yet; an older one stops working.

    Raises:
        NotAllowed: by somebody who is no admin.
        DomainError: came_in_already.
    """
    rules.check_may_change_account(by, user)
    row = locked_account(user)
    if row.is_active or row.has_usable_password():
        raise DomainError(_("This person has come in already."), "came_in_already")
    row.invitations.open().update(withdrawn_at=at, withdrawn_by=by)
    return link_for(user=row, by=by, at=at)


@explained
def withdraw(*, user: User, by: User, at: datetime) -> None:
    """The link stops working; the account stays switched off.

    Raises:
        NotAllowed: by somebody who is no admin.
        DomainError: no_open_invitation.
    """
    rules.check_may_change_account(by, user)
    if not locked_account(user).invitations.open().update(withdrawn_at=at, withdrawn_by=by):
        raise DomainError(_("There is no open invitation (any more)."), "no_open_invitation")


@explained
def come_in(*, secret: str, password: str, by: User, at: datetime) -> User:
    """The person behind the link has chosen a password: the account is theirs. The link has worked once, for good.

    Raises:
        DomainError: invitation_gone where the link was used, withdrawn, has run out or is somebody else's.
    """
    user = locked_account(by)
    taken = user.invitations.working(at).filter(digest=digest_of(secret)).update(accepted_at=at)
    if not taken:
        raise DomainError(
            _("This link does not work (any more). Ask the clinic's admin for a new one."), "invitation_gone"
        )
    user.set_password(password)
    user.is_active = True
    user.save(update_fields=["password", "is_active"])
    return user


@explained
def reset_second_factor(*, user: User, reason: str, by: User, at: datetime) -> SecondFactorReset:
    """Takes somebody's second factors and PIN away and ends their sign-ins: at the next one they set up new ones.

    The password stays theirs alone, so that whoever resets does not come in. It is written down, and told.

    Raises:
        NotAllowed: by somebody who is no admin, or of a superuser by somebody who is none.
        DomainError: reset_of_oneself.
    """
    rules.check_may_reset(by, user)
    Authenticator.objects.filter(user=end_sign_ins(user=user, by=by, at=at)).delete()
    ScreenPin.objects.of(user).delete()
    reset = SecondFactorReset.objects.create(user=user, reason=reason, recorded_by=by, recorded_at=at)
    transaction.on_commit(partial(letters.second_factor_reset, reset))
    return reset


@explained
def end_sign_ins(*, user: User, by: User, at: datetime) -> User:
    """Every sign-in of the person ends at its next request, wherever it is; in the history of the account.

    Raises:
        NotAllowed: for anybody else, by somebody who is no admin.
    """
    if user.pk != by.pk:
        rules.check_may_change_account(by, user)
    row = locked_account(user)
    row.sign_ins_ended += 1
    row.save(update_fields=["sign_ins_ended"])
    sign_in_events.note(kind=SignInEventKind.ENDED, user=row, by=by, at=at)
    return row


@explained
def end_sign_in(*, sign_in: SignIn, by: User, at: datetime) -> None:
    """One browser is signed out, from its next request on. A request that is under way cannot bring it back.

    Raises:
        NotAllowed: for anybody else's.
    """
    rules.check_is_own(by, sign_in)
    # By its name: its key may have changed since the list was read.
    if SignIn.objects.filter(user=by, public_id=sign_in.public_id).delete()[0]:
        browser = browsers.in_words(sign_in.device)
        ended = {"address": sign_in.address, "browser": browser}
        sign_in_events.note(kind=SignInEventKind.ENDED, user=by, by=by, at=at, **ended)


def link_for(*, user: User, by: User, at: datetime) -> tuple[Invitation, str]:
    """A link for this person, and its secret; part of an action that has decided that there is to be one."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    invitation = Invitation.objects.create(
        user=user,
        digest=digest_of(secret),
        created_at=at,
        created_by=by,
        expires_at=at + timedelta(days=settings.INVITATION_DAYS),
    )
    return invitation, secret
