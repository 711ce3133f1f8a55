"""What a technique asks of a session's record, and what is usual for it."""

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.enums import TechniqueFamily
from consultations.models.reference import Technique, Versioned, VersionedQuerySet, published_is_final
from consultations.technique_enums import Counted, TechniqueDetail


def _from_low_to_high(low: str, high: str) -> Q:
    """Both ends in order, or neither."""
    return Q(**{low: None, high: None}) | Q(
        **{f"{low}__isnull": False, f"{high}__isnull": False, f"{low}__lte": F(high)}
    )


class TechniqueRuleQuerySet(VersionedQuerySet):
    """Words about rules of techniques."""

    def of(self, technique: Technique) -> "TechniqueRule":
        """The one in force; where reference data says nothing, an unsaved one of what the family implies."""
        found: TechniqueRule | None = self.current().filter(technique_code=technique.code).first()
        by_area = technique.family == TechniqueFamily.NEEDLELESS
        return found or TechniqueRule(counts=Counted.AREA if by_area else Counted.POINTS)


@pghistory.track(append_only=True)
class TechniqueRule(Versioned):
    """Completes a technique, which it names by code because a published one cannot be changed.

    `counts` is what a row of the zones counts, `asks` what is asked beside what every technique of the family asks.
    Between the smallest and the largest value a figure is usual; outside it the record says why. With
    `injects_nothing` the skin is only pricked: no volume, no dose, no lot.
    """

    technique_code = models.SlugField(_("technique"), max_length=80)
    counts = models.CharField(_("a row counts"), max_length=10, choices=Counted, default=Counted.POINTS)
    asks = ArrayField(
        models.CharField(max_length=20, choices=TechniqueDetail),
        verbose_name=_("asks for"),
        default=list,
        blank=True,
    )
    spacing_min_mm = models.DecimalField(
        _("spacing from, mm"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    spacing_max_mm = models.DecimalField(
        _("spacing to, mm"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    points_min = models.PositiveSmallIntegerField(_("points a session, from"), null=True, blank=True)
    points_max = models.PositiveSmallIntegerField(_("points a session, to"), null=True, blank=True)
    minutes_min = models.PositiveSmallIntegerField(_("minutes from"), null=True, blank=True)
    minutes_max = models.PositiveSmallIntegerField(_("minutes to"), null=True, blank=True)
    injects_nothing = models.BooleanField(_("nothing is injected"), default=False)

    objects = TechniqueRuleQuerySet.as_manager()

    class Meta(Versioned.Meta):
        verbose_name = _("rule of a technique")
        verbose_name_plural = _("rules of techniques")
        constraints = [
            *Versioned.Meta.constraints,
            check("technique_rule_counts", Q(counts__in=Counted.values), _("Choose what a row counts.")),
            check(
                "technique_rule_order",
                _from_low_to_high("spacing_min_mm", "spacing_max_mm")
                & _from_low_to_high("points_min", "points_max")
                & _from_low_to_high("minutes_min", "minutes_max"),
                _("What is usual runs from low to high, with both ends."),
            ),
            check(
                "technique_rule_counts_what_is_usual",
                ~Q(counts=Counted.AREA) | Q(spacing_min_mm=None, points_min=None, injects_nothing=False),
                _("Where only a volume is counted there are no points to space or to count."),
            ),
        ]
        triggers = published_is_final("technique_rule")
