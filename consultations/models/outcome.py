"""Scores before and after."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import frozen_with_parent
from consultations.enums import ScoreMoment
from consultations.models.reference import Scale
from consultations.models.session import Session


@pghistory.track(append_only=True)
class SessionScore(models.Model):
    """A score taken at a session."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="scores")
    scale = models.ForeignKey(Scale, models.PROTECT, related_name="+", verbose_name=_("scale"))
    moment = models.CharField(_("when"), max_length=10, choices=ScoreMoment)
    value = models.DecimalField(_("score"), max_digits=8, decimal_places=2)

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "scale", "moment"],
                name="session_score_once",
                violation_error_message=_("This score is recorded already."),
            ),
        ]
        triggers = frozen_with_parent("session_score", parent="consultations_session", key="session_id")

    def __str__(self) -> str:
        return f"{self.scale} {self.get_moment_display()}: {self.value.normalize():f}"
