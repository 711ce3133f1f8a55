"""Checks after a session: when the clinic asks how it went on, and what the patient answered."""

import uuid

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, guard, on_a_kept_record, refuse, sees_what_is_committed
from clinic.models import Patient, User
from consultations.enums import FollowUpAnswer
from consultations.models.consultation import ClinicalQuerySet
from consultations.models.reference import Versioned, published_is_final
from consultations.models.session import Session

_NOT_GIVEN = refuse(
    "follow_up_of_a_session_given", "A check follows a session that was given to this patient."
)


@pghistory.track(append_only=True)
class FollowUpRule(Versioned):
    """One check after a plan's last session so far: how many days after it, and what is asked.

    A check that nobody made gives way to the next one, and lapses after its days.
    """

    days = models.PositiveSmallIntegerField(_("days after the session"))
    open_days = models.PositiveSmallIntegerField(
        _("waits for days"), help_text=_("After so many days nobody is asked to make it any more.")
    )
    question = models.CharField(_("question to ask"), max_length=300)
    is_asked = models.BooleanField(_("asked"), default=True, help_text=_("Off: the clinic does not ask it."))

    class Meta(Versioned.Meta):
        verbose_name = _("check after a session")
        verbose_name_plural = _("checks after a session")
        ordering = ["days", "code", "-version"]
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "follow_up_rule_days", Q(days__gte=1), _("A check is made a day after the session or later.")
            ),
            check("follow_up_rule_open", Q(open_days__gte=1), _("A check waits for a day or more.")),
        ]
        triggers = published_is_final("follow_up_rule")


@pghistory.track(append_only=True)
class FollowUp(models.Model):
    """A check that was made, or given up because nobody was reached. There is no row before; it never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="follow_ups", verbose_name=_("patient"))
    session = models.ForeignKey(Session, models.PROTECT, related_name="follow_ups", verbose_name=_("session"))
    rule = models.ForeignKey(FollowUpRule, models.PROTECT, related_name="+", verbose_name=_("check"))
    due_on = models.DateField(_("due on"))
    answer = models.CharField(_("answer"), max_length=20, choices=FollowUpAnswer)
    words = models.TextField(_("in the patient's words"), max_length=5000, blank=True)
    done_at = models.DateTimeField(_("asked at"))
    done_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer to a check")
        verbose_name_plural = _("answers to checks")
        ordering = ["-done_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "rule"],
                name="follow_up_once",
                violation_error_message=_("Somebody has made this check already."),
            ),
            check(
                "follow_up_answered",
                Q(answer__in=FollowUpAnswer.values),
                _("Choose what the patient answered."),
            ),
            check(
                "follow_up_worded",
                ~Q(answer=FollowUpAnswer.SOMETHING, words=""),
                _("Write down what the patient noticed."),
            ),
        ]
        triggers = [
            *append_only("follow_up"),
            guard(
                "follow_up_of_a_session_given",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_session s
                        WHERE s.id = NEW.session_id AND s.patient_id = NEW.patient_id
                            AND s.signed_at IS NOT NULL AND s.outcome IN ('complete', 'partial')
                    ) THEN
                        {_NOT_GIVEN}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("follow_up"),
            sees_what_is_committed("follow_up"),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.get_answer_display()}"
