"""Who may let people in."""

from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import User


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
