"""Emergency openings: the few facts of a record that reception or an admin reads for an hour, and says why."""

import uuid
from datetime import datetime, timedelta
from typing import Self

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, final_once, recorded_together
from clinic.enums import Role
from clinic.models.people import Patient
from clinic.models.user import User

SHORTEST_REASON = 10  # letters and signs without the blanks between them: "fainted" alone says too little
LONGEST_OPENING = timedelta(hours=4)
_SHOWN_FOR = timedelta(days=7)
_MEANT = ("patient_id", "reason", "opened_at", "opened_by_id", "ends_at")


class EmergencyOpeningQuerySet(models.QuerySet):
    """Words about emergency openings."""

    def visible_to(self, user: User) -> Self:
        """Admins and those who treat the patient see all of them; reception its own."""
        if user.has_role(Role.ADMIN, Role.PRACTITIONER):
            return self
        return self.filter(opened_by=user) if user.has_role(Role.RECEPTION) else self.none()

    def running(self, at: datetime) -> Self:
        """Opened and not run out."""
        return self.filter(opened_at__lte=at, ends_at__gt=at)

    def readable_by(self, user: User, at: datetime) -> Self:
        """Those that open a summary to `user` now: their own, within their time, and while they hold the role."""
        if not user.has_role(Role.RECEPTION, Role.ADMIN):
            return self.none()
        return self.running(at).filter(opened_by=user)

    def to_review(self) -> Self:
        """Nobody else has looked at why it was opened."""
        return self.filter(reviewed_at=None)

    def waiting_first(self) -> Self:
        """What nobody has reviewed before the rest, the newest first."""
        return self.order_by(F("reviewed_at").desc(nulls_first=True), "-opened_at", "pk")

    def shown(self, at: datetime) -> Self:
        """Those the patient page tells of: of the last seven days, and older ones that nobody has reviewed."""
        return self.filter(Q(opened_at__gt=at - _SHOWN_FOR) | Q(reviewed_at=None))


@pghistory.track(append_only=True)
class EmergencyOpening(models.Model):
    """Who opened whose emergency summary, why and until when; and which admin looked at that afterwards."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="emergency_openings", verbose_name=_("patient")
    )
    reason = models.CharField(_("reason"), max_length=300)
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("opened by"))
    ends_at = models.DateTimeField(_("until"))
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reviewed by")
    )
    review_note = models.CharField(_("what was found"), max_length=500, blank=True)

    objects = EmergencyOpeningQuerySet.as_manager()

    class Meta:
        verbose_name = _("emergency opening")
        verbose_name_plural = _("emergency openings")
        ordering = ["-opened_at", "pk"]
        indexes = [
            models.Index("opened_at", name="emergency_to_review", condition=Q(reviewed_at=None)),
        ]
        constraints = [
            check(
                "emergency_opening_because",
                Q(reason__regex=rf"^\s*(\S\s*){{{SHORTEST_REASON},}}$"),
                _("Say in a few words what has happened."),
            ),
            check(
                "emergency_opening_ends",
                Q(ends_at__gt=F("opened_at"), ends_at__lte=F("opened_at") + LONGEST_OPENING),
                _("An emergency summary is open for four hours at most."),
            ),
            recorded_together(
                "emergency_opening_reviewed_together",
                "reviewed_at",
                "reviewed_by",
                message=_("A review says when and by whom."),
            ),
            check(
                "emergency_opening_reviewed_with_note",
                Q(reviewed_at=None, review_note="")
                | Q(reviewed_at__gte=F("opened_at"), review_note__regex=r"\S"),
                _("Say what you found."),
            ),
            check(
                "emergency_opening_reviewed_by_another",
                Q(reviewed_by=None) | ~Q(reviewed_by=F("opened_by")),
                _("Nobody reviews what they opened themselves: ask another admin."),
            ),
        ]
        triggers = final_once(
            "emergency_opening",
            column="reviewed_at",
            meant=_MEANT,
            sentence="An emergency opening never changes; open another one.",
        )

    def __str__(self) -> str:
        return self.reason
