"""Who may do what at the desk (the table of docs/security.md). Deny by default."""

from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import NotAllowed
from clinic.models import Practitioner, User


def check_may_book(user: User) -> None:
    """Reception and practitioners book, move and cancel.

    Raises:
        NotAllowed: for anybody else.
    """
    if not user.has_role(Role.RECEPTION, Role.PRACTITIONER):
        raise NotAllowed(
            _("Booking is done by reception. Ask the front desk."),
            "booking_not_allowed",
        )


def may_book(user: User) -> bool:
    """See check_may_book."""
    return user.has_role(Role.RECEPTION, Role.PRACTITIONER)


def check_may_contact(user: User) -> None:
    """Reception and practitioners call patients and note how that went; admins read the list.

    Raises:
        NotAllowed: for anybody else.
    """
    if not may_contact(user):
        raise NotAllowed(
            _("Patients are called by reception. Ask the front desk."),
            "contact_not_allowed",
        )


def may_contact(user: User) -> bool:
    """See check_may_contact."""
    return user.has_role(Role.RECEPTION, Role.PRACTITIONER)


def check_may_edit_patients(user: User) -> None:
    """Reception and practitioners register patients and correct their identity; admins read.

    Raises:
        NotAllowed: for anybody else.
    """
    if not user.has_role(Role.RECEPTION, Role.PRACTITIONER):
        raise NotAllowed(
            _("Patients are registered by reception. Ask the front desk."),
            "patients_not_allowed",
        )


def may_edit_patients(user: User) -> bool:
    """See check_may_edit_patients."""
    return user.has_role(Role.RECEPTION, Role.PRACTITIONER)


def check_may_change_opening(user: User, practitioner: Practitioner | None) -> None:
    """Reception and admins enter absences, blocks, extra opening and faults; practitioners their own time.

    `practitioner` is whose time it is, or None for a room or device.

    Raises:
        NotAllowed: for anybody else.
    """
    if not may_change_opening(user, practitioner):
        raise NotAllowed(
            _("You can change your own time only. Ask reception for anything else."),
            "opening_not_allowed",
        )


def may_change_opening(user: User, practitioner: Practitioner | None) -> bool:
    """See check_may_change_opening."""
    return user.has_role(Role.RECEPTION, Role.ADMIN) or is_own(user, practitioner)


def is_own(user: User, practitioner: Practitioner | None) -> bool:
    """Whether a practitioner's sign-in asks about their own time or visits; None is a room's or a device's."""
    return user.has_role(Role.PRACTITIONER) and practitioner is not None and practitioner.user_id == user.pk


def check_may_set_up(user: User) -> None:
    """Admins keep practitioners, weekly hours, rooms, devices and kinds of visit.

    Raises:
        NotAllowed: for anybody else.
    """
    if not may_set_up(user):
        raise NotAllowed(
            _("The clinic is set up by admins. Ask one to make this change."), "set_up_not_allowed"
        )


def may_set_up(user: User) -> bool:
    """See check_may_set_up."""
    return user.has_role(Role.ADMIN)


def may_review_schedules(user: User) -> bool:
    """Admins see everybody's figures; practitioners their own."""
    return user.has_role(Role.ADMIN, Role.PRACTITIONER)
