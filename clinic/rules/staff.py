"""Who may let people in, and out."""

from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import SignIn, User


def check_may_keep_staff(user: User) -> None:
    """Accounts are the admins' business.

    Raises:
        NotAllowed: everybody else.
    """
    if not user.has_role(Role.ADMIN):
        raise NotAllowed(_("Accounts are kept by the admins. Ask one of them."), "staff_by_admins")


def check_may_change_account(user: User, account: User) -> None:
    """As above; of a superuser's account, superusers only.

    Raises:
        NotAllowed: everybody else.
    """
    check_may_keep_staff(user)
    if account.is_superuser and not user.is_superuser:
        raise NotAllowed(_("This account is kept by superusers. Ask one of them."), "staff_by_superusers")


def check_address_is_free(email: str) -> None:
    """One person, one address: it is what people sign in with, and where a new password goes.

    Raises:
        DomainError: email_taken.
    """
    if User.objects.filter(email__iexact=email).exists():
        raise DomainError(
            _("Somebody has this address already. Look for the person in the list."),
            "email_taken",
            field="email",
        )


def check_may_reset(user: User, account: User) -> None:
    """Another admin, or nobody could tell a reset from a theft.

    Raises:
        NotAllowed: no admin, or a superuser's account.
        DomainError: reset_of_oneself.
    """
    check_may_change_account(user, account)
    if user.pk == account.pk:
        raise DomainError(
            _("You cannot reset your own second factor: ask another admin."), "reset_of_oneself"
        )


def check_may_switch_off(user: User, account: User) -> None:
    """Another admin's business: whoever locks themselves out cannot be asked to open again.

    That one admin stays, whatever happens at the same moment, is seen to by the database (user_an_admin_stays).

    Raises:
        NotAllowed: no admin, or a superuser's account.
        DomainError: switch_of_oneself, off_already.
    """
    check_may_change_account(user, account)
    if user.pk == account.pk:
        raise DomainError(
            _("You cannot switch off your own account: ask another admin."), "switch_of_oneself"
        )
    if not account.is_active:
        raise DomainError(_("This account is switched off already."), "off_already")


def check_may_switch_on(user: User, account: User) -> None:
    """Who has a password comes back with it; who has none needs a link.

    Raises:
        NotAllowed: no admin, or a superuser's account.
        DomainError: on_already, password_missing.
    """
    check_may_change_account(user, account)
    if account.is_active:
        raise DomainError(_("This account is in use."), "on_already")
    if not account.has_usable_password():
        raise DomainError(
            _("This account has no password: make a new link for the person instead."), "password_missing"
        )


def check_may_ask_for_new_password(user: User, account: User) -> None:
    """Another admin's business; one's own password changes on one's own page.

    Raises:
        NotAllowed: no admin, or a superuser's account.
        DomainError: password_of_oneself, account_off.
    """
    check_may_change_account(user, account)
    if user.pk == account.pk:
        raise DomainError(_("Change your own password in your menu."), "password_of_oneself")
    if not account.is_active:
        raise DomainError(_("This account is switched off. Switch it on first."), "account_off")


def check_is_own(user: User, sign_in: SignIn) -> None:
    """Everybody ends their own sign-ins; an admin ends somebody else's by switching the account off.

    Raises:
        NotAllowed: for anybody else's.
    """
    if sign_in.user_id != user.pk:
        raise NotAllowed(_("This is somebody else's sign-in."), "sign_in_of_another")
