"""What happened at the door, for good: sign-ins that were and that failed, also once they have ended."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check
from clinic.enums import Role, SignInEventKind, SignInMeans
from clinic.models.log import LogQuerySet
from clinic.models.user import User


class SignInEventQuerySet(LogQuerySet):
    """Questions about what happened at the door."""

    def visible_to(self, user: User) -> Self:
        """Admins see everybody's, everybody their own."""
        return self if user.has_role(Role.ADMIN) else self.of(user)

    def of(self, user: User) -> Self:
        """What happened with one account."""
        return self.filter(user=user)


class SignInEvent(models.Model):
    """Something that happened at the door: when, with whose account, from where, what. Never what was typed.

    People type passwords into the field for the name: of a name that nobody has, nothing is kept but that it was tried.
    """

    at = models.DateTimeField(_("at"))
    user = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("whose account"),
    )
    kind = models.CharField(_("what happened"), max_length=20, choices=SignInEventKind)
    means = models.CharField(_("with what"), max_length=20, choices=SignInMeans, blank=True)
    by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, db_index=False, related_name="+", verbose_name=_("by")
    )
    address = models.CharField(_("address"), max_length=45, blank=True)
    browser = models.CharField(_("browser"), max_length=60, blank=True)

    objects = SignInEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event at the door")
        verbose_name_plural = _("events at the door")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index("at", "id", name="sign_in_event_at"),
            models.Index("user", "at", "id", name="sign_in_event_user"),
            models.Index("kind", "at", "id", name="sign_in_event_kind"),
            # Few are by somebody else, and every sign-in writes here.
            models.Index("by", name="sign_in_event_by", condition=Q(by__isnull=False)),
        ]
        constraints = [
            check(
                "sign_in_event_kind_known",
                Q(kind__in=SignInEventKind.values),
                _("At the door something of the list happens."),
            ),
            check(
                "sign_in_event_means_known",
                Q(means__in=["", *SignInMeans.values]),
                _("Who one is, is shown by something of the list."),
            ),
        ]
        triggers = append_only("sign_in_event")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {SignInEventKind(self.kind).label}"
