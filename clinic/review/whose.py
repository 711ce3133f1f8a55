"""Whose figures: everybody's for an admin, their own for a practitioner."""

from datetime import datetime

from django.db.models import QuerySet

from clinic.enums import Role
from clinic.models import Appointment, User


def everybodys(user: User) -> bool:
    """Whether the person sees all figures, not only those of their own time."""
    return user.has_role(Role.ADMIN)


def visits_for(user: User, *, at: datetime) -> QuerySet[Appointment]:
    """The visits that count for this person; a hold only as long as it holds."""
    visits = Appointment.objects.visible_to(user).in_force(at)
    return visits if everybodys(user) else visits.filter(practitioner__user=user)
