"""Who may make and revoke a calendar feed."""

from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import NotAllowed
from clinic.models import Practitioner, User
from clinic.rules.access import is_own


def check_may_keep_feed(user: User, practitioner: Practitioner | None) -> None:
    """Reception and admins keep everybody's and the rooms' feeds, practitioners their own.

    `practitioner` is whose visits it shows, or None for a room.

    Raises:
        NotAllowed: for anybody else.
    """
    if not may_keep_feed(user, practitioner):
        raise NotAllowed(
            _("You can make calendar feeds of your own visits only. Ask reception for anything else."),
            "feed_not_allowed",
        )


def may_keep_feed(user: User, practitioner: Practitioner | None) -> bool:
    """See check_may_keep_feed."""
    return user.has_role(Role.RECEPTION, Role.ADMIN) or is_own(user, practitioner)
