"""What the clinic does about a reaction of a grade (policy of the clinic)."""

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.enums import PlanEffect
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class ReactionRule(Versioned):
    """What one reaction, or any, of these grades means. Of all rules that apply the strictest wins.

    The lowest grade that any rule of a reaction names is the lowest that it can have (anaphylaxis: 3).
    """

    reaction_code = models.SlugField(_("reaction"), max_length=80, blank=True, help_text=_("Empty: any."))
    grade_from = models.PositiveSmallIntegerField(_("grade from"))
    grade_to = models.PositiveSmallIntegerField(_("grade to"))
    plan_effect = models.CharField(_("effect on plans"), max_length=10, choices=PlanEffect)
    is_allergic = models.BooleanField(_("allergic: a new test before going on"), default=False)
    is_infectious = models.BooleanField(_("infectious"), default=False)
    is_emergency = models.BooleanField(_("emergency"), default=False)
    closes_components = models.BooleanField(_("the suspected components are closed"), default=False)
    is_watched = models.BooleanField(_("late, growing or draining ones are red flags"), default=False)
    in_clusters = models.BooleanField(_("counted in clusters"), default=False)
    review_within_hours = models.PositiveIntegerField(_("review within, hours"), null=True, blank=True)
    advice = models.TextField(_("what to do"), blank=True)

    class Meta(Versioned.Meta):
        verbose_name = _("reaction rule")
        verbose_name_plural = _("reaction rules")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "reaction_rule_grades",
                Q(grade_from__gte=1, grade_to__lte=5, grade_from__lte=F("grade_to")),
                _("Grades run from 1 to 5, the lower one first."),
            ),
        ]
        triggers = published_is_final("reaction_rule")
