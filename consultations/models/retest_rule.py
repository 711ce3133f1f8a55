"""What asks for a new test injection although one was read without reaction, or lets treatment wait."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.enums import RetestEffect, RetestTrigger
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class RetestRule(Versioned):
    """What one change since the last test means, judged on each treatment day. Without a rule in force a changed formula
    and an expired test ask for a new one, and nothing else does.
    """

    trigger = models.CharField(_("what has happened"), max_length=20, choices=RetestTrigger)
    question_code = models.SlugField(
        _("answer to the question"), max_length=80, blank=True, help_text=_("Only where an answer changed.")
    )
    effect = models.CharField(_("effect"), max_length=10, choices=RetestEffect)
    wait_days = models.PositiveSmallIntegerField(_("wait, days"), null=True, blank=True)
    lapse_months = models.PositiveSmallIntegerField(
        _("since the last injection, months"), null=True, blank=True
    )
    session_extends = models.BooleanField(
        _("a session given extends the test"),
        default=False,
        help_text=_("The test's months begin anew with each session of the plan. Only where it expires."),
    )

    class Meta(Versioned.Meta):
        verbose_name = _("rule for a new test")
        verbose_name_plural = _("rules for a new test")
        constraints = [
            *Versioned.Meta.constraints,
            models.UniqueConstraint(
                fields=["trigger", "question_code"],
                condition=Q(published_at__isnull=False, retired_at=None),
                name="retest_rule_once",
                violation_error_message=_("Another rule about the same change is in force."),
            ),
            check(
                "retest_rule_wait",
                Q(
                    effect=RetestEffect.DEFER,
                    wait_days__gte=1,
                    wait_days__isnull=False,
                    trigger__in=[RetestTrigger.HEALTH_CHANGE, RetestTrigger.ALLERGIC_EVENT],
                )
                | (~Q(effect=RetestEffect.DEFER) & Q(wait_days=None)),
                _("A wait has its days, and counts from an answer or an event."),
            ),
            check(
                "retest_rule_lapse",
                Q(trigger=RetestTrigger.LAPSE, lapse_months__gte=1, lapse_months__isnull=False)
                | (~Q(trigger=RetestTrigger.LAPSE) & Q(lapse_months=None)),
                _("A lapse has its months, at least one; nothing else has."),
            ),
            check(
                "retest_rule_question",
                (Q(trigger=RetestTrigger.HEALTH_CHANGE) & ~Q(question_code=""))
                | (~Q(trigger=RetestTrigger.HEALTH_CHANGE) & Q(question_code="")),
                _("A changed answer names its question; nothing else does."),
            ),
            check(
                "retest_rule_extends",
                Q(session_extends=False) | Q(trigger=RetestTrigger.EXPIRED, effect=RetestEffect.REQUIRE),
                _("Only a test that expires can be extended by a session."),
            ),
        ]
        triggers = published_is_final("retest_rule")
