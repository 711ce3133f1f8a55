"""Who signs in, who is invited, and who has a second factor: what the admins' page lists."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from clinic.models import Invitation, User
from clinic.second_factor import FACTORS


def staff(user: User) -> QuerySet[User]:
    """Everybody with an account whom the person may see, by name, in one query; `invited_until` and `has_second_factor` come along."""
    open_ones = Invitation.objects.open().filter(user=OuterRef("pk"))
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
    return (
        User.accounts.visible_to(user)
        .annotate(
            invited_until=Subquery(open_ones.values("expires_at")[:1]), has_second_factor=Exists(factors)
        )
        .order_by("last_name", "first_name", "pk")
    )


def state(user: User, at: datetime) -> str:
    """How the account stands: `active`, `invited`, `ran_out` or `off`."""
    if user.is_active:
        return "active"
    if user.invited_until is None:
        return "off"
    return "invited" if user.invited_until > at else "ran_out"


def invitation_at(secret: str, at: datetime) -> Invitation | None:
    """The invitation whose link has this secret, while it works."""
    return Invitation.objects.at_link(secret).working(at).select_related("user").first()
