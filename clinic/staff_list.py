"""Who signs in, who is invited, and who has a second factor: what the admins' page lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from clinic.enums import Role
from clinic.models import Invitation, User
from clinic.second_factor import FACTORS

_TOLD_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Taken:
    """Roles that somebody gave themselves."""

    roles: tuple[Role, ...]
    at: datetime

    @property
    def words(self) -> str:
        """The roles, as the list names them."""
        return ", ".join(str(role.label) for role in self.roles)


def staff(user: User) -> QuerySet[User]:
    """Everybody with an account whom the person may see, by name, in one query; `invited_until` and `has_second_factor` come along."""
    open_ones = Invitation.objects.open().filter(user=OuterRef("pk"))
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
    return (
        User.objects.visible_to(user)
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


def taken_by(people: Iterable[User], *, at: datetime) -> dict[UUID, Taken]:
    """Of those who gave themselves a role in the last 30 days, the latest time; from the history, in one query."""
    events = User.pgh_event_model.objects.filter(pgh_obj__in=[each.pk for each in people])
    columns = ("pgh_obj", "roles", "pgh_created_at", "pgh_context__metadata__user")
    taken: dict[UUID, Taken] = {}
    before: dict[UUID, set[str]] = {}
    for whose, roles, moment, by in events.order_by("pgh_id").values_list(*columns):
        new = set(roles) - before.get(whose, set(roles))
        before[whose] = set(roles)
        if new and by == str(whose) and moment > at - _TOLD_FOR:
            taken[whose] = Taken(tuple(role for role in Role if role in new), moment)
    return taken


def invitation_at(secret: str, at: datetime) -> Invitation | None:
    """The invitation whose link has this secret, while it works."""
    return Invitation.objects.at_link(secret).working(at).select_related("user").first()
