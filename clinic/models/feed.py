"""Calendar feeds: a secret address at which a calendar program reads one practitioner's or one room's visits."""

import hashlib
import uuid
from datetime import datetime
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, exactly_one, guard, recorded_together, refuse
from clinic.enums import Role
from clinic.models.people import Practitioner
from clinic.models.places import Room
from clinic.models.user import User


class CalendarFeedQuerySet(models.QuerySet):
    """The desk's words about feeds."""

    def visible_to(self, user: User) -> Self:
        """Reception and admins see every feed, practitioners those of their own time; nobody sees an address."""
        if user.has_role(Role.RECEPTION, Role.ADMIN):
            return self
        return self.filter(practitioner__user=user) if user.has_role(Role.PRACTITIONER) else self.none()

    def working(self) -> Self:
        """Not revoked; made by somebody who works here and may still keep it (`clinic.rules.feeds`), of a person or room that
        is in use."""
        keeps_all = Q(created_by__roles__overlap=[Role.RECEPTION, Role.ADMIN])
        keeps_own = Q(created_by__roles__contains=[Role.PRACTITIONER], practitioner__user=F("created_by"))
        return self.filter(
            keeps_all | keeps_own,
            Q(practitioner=None)
            | Q(practitioner__is_active=True)
            & (Q(practitioner__user=None) | Q(practitioner__user__is_active=True)),
            Q(room=None) | Q(room__is_active=True),
            revoked_at=None,
            created_by__is_active=True,
        )

    def ending_with(self, user: User) -> Self:
        """Those that stop when the account is switched off: made by the person, or of their own visits."""
        return self.filter(Q(created_by=user) | Q(practitioner__user=user), revoked_at=None)

    def at_address(self, secret: str) -> Self:
        """The feed of this secret, if there is one."""
        return self.filter(digest=digest_of(secret))

    def with_people(self) -> Self:
        """With all that a list or the feed itself says, in one query."""
        return self.select_related("practitioner__user", "room", "created_by", "revoked_by")


@pghistory.track(append_only=True, exclude=["last_read_at"])
class CalendarFeed(models.Model):
    """One secret address. The secret itself is shown once and never stored; `digest` is its SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practitioner = models.ForeignKey(
        Practitioner,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="feeds",
        verbose_name=_("practitioner"),
    )
    room = models.ForeignKey(
        Room, models.PROTECT, null=True, blank=True, related_name="feeds", verbose_name=_("room")
    )
    name = models.CharField(_("where it is read"), max_length=100)
    whole_names = models.BooleanField(_("whole names"), default=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("made by"))
    last_read_at = models.DateTimeField(_("last read at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")
        ordering = ["-created_at", "pk"]
        constraints = [
            exactly_one(
                "calendar_feed_of_one",
                "practitioner",
                "room",
                message=_("A feed shows one practitioner or one room."),
            ),
            recorded_together(
                "calendar_feed_revoked_together",
                "revoked_at",
                "revoked_by",
                message=_("A revocation says when and by whom."),
            ),
            check(
                "calendar_feed_keeps_no_secret",
                Q(digest__regex=r"^[0-9a-f]{64}$"),
                _("Only the SHA-256 of an address is kept."),
            ),
        ]
        triggers = [
            guard(
                "calendar_feed_stays_revoked",
                operation=pgtrigger.Update,
                func=f"""
                    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
                        {refuse("calendar_feed_stays_revoked", "A revoked address never works again; make a new one.")}
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner}: {self.name}"

    @property
    def owner(self) -> Practitioner | Room:
        """Whose visits it shows."""
        owner = self.practitioner or self.room
        assert owner is not None  # calendar_feed_of_one
        return owner

    def was_read_since(self, moment: datetime) -> bool:
        """Whether a calendar program has come by at the moment or later."""
        return self.last_read_at is not None and self.last_read_at >= moment


def digest_of(secret: str) -> str:
    """What is kept of an address. The secret has 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
