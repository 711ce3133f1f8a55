"""What is being typed into a session's draft and has not been saved yet: kept, so that no closed tab loses it."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import guard, refuse, sees_what_is_committed
from consultations.models.session import Session


class SessionTyping(models.Model):
    """The fields of the draft's page as they stand in its window. No record: saving the draft empties it.

    It has no history. It is written every few seconds, and what matters of it is in the draft once that is saved.
    """

    session = models.OneToOneField(
        Session, models.CASCADE, related_name="typing", verbose_name=_("session"), primary_key=True
    )
    typed = models.JSONField(_("fields as typed"), default=dict)
    window = models.UUIDField(_("typed in the window"))
    typed_at = models.DateTimeField(_("typed at"))
    typed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("typed by")
    )

    class Meta:
        verbose_name = _("typing")
        verbose_name_plural = _("typing")
        triggers = [
            guard(
                "session_typing_draft",
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=f"""
                    IF EXISTS (SELECT 1 FROM consultations_session WHERE id = NEW.session_id
                               AND signed_at IS NOT NULL) THEN
                        {refuse("session_typing_draft", "This session is signed. Nothing is typed into it any more.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            sees_what_is_committed("session_typing"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id}, {self.typed_at}"
