"""What the clinic has decided about the pathway as a whole: validities, waits, tolerances, watching, pictures, drafts."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.models.reference import Versioned, published_is_final

_COUNTS = (
    "consultation_valid_months",
    "consent_valid_months",
    "default_wait_days",
    "weight_valid_days",
    "observe_after_minutes",
    "late_nodule_days",
    "nodule_lasts_days",
    "urgent_review_hours",
    "cluster_days",
    "photo_max_megabytes",
    "photo_max_megapixels",
    "autosave_seconds",
)


@pghistory.track(append_only=True)
class PathwayPolicy(Versioned):
    """The numbers that hold for every plan. There is one entry, `default`; `queries.policy_in_force` finds it."""

    consultation_valid_months = models.PositiveSmallIntegerField(_("consultation valid for, months"))
    consent_valid_months = models.PositiveSmallIntegerField(_("consent valid for, months"))
    default_wait_days = models.PositiveSmallIntegerField(
        _("usual wait, days"), help_text=_("Where an answer defers and its question names no days.")
    )
    hard_gap_percent = models.DecimalField(
        _("hard minimum gap, % of the interval"),
        max_digits=5,
        decimal_places=2,
        help_text=_("Where the template names no gap of its own."),
    )
    volume_tolerance_percent = models.DecimalField(
        _("volume may differ from points × ml by, %"), max_digits=5, decimal_places=2
    )
    histamine_works_millimetres = models.DecimalField(
        _("histamine control works from, mm"), max_digits=4, decimal_places=1
    )
    weight_valid_days = models.PositiveSmallIntegerField(_("weight valid for, days"))
    observe_after_minutes = models.PositiveSmallIntegerField(_("observe after a session, minutes"))
    late_nodule_days = models.PositiveSmallIntegerField(_("a nodule is late from, days after a session"))
    nodule_lasts_days = models.PositiveSmallIntegerField(_("a nodule lasts too long after, days"))
    urgent_review_hours = models.PositiveSmallIntegerField(_("urgent review within, hours"))
    cluster_events = models.PositiveSmallIntegerField(_("events that make a cluster"))
    cluster_days = models.PositiveSmallIntegerField(_("cluster within, days"))
    photo_max_megabytes = models.PositiveSmallIntegerField(_("photograph at most, megabytes"))
    photo_max_megapixels = models.PositiveSmallIntegerField(_("photograph at most, megapixels"))
    autosave_seconds = models.PositiveSmallIntegerField(_("draft saved every, seconds"))
    check_in_required = models.BooleanField(
        _("check-in answers required"),
        default=False,
        help_text=_(
            "A session with a visit of its own begins only once its check-in questions are answered."
        ),
    )

    class Meta(Versioned.Meta):
        verbose_name = _("pathway policy")
        verbose_name_plural = _("pathway policies")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "pathway_policy_shares",
                Q(hard_gap_percent__gt=0, hard_gap_percent__lte=100)
                & Q(volume_tolerance_percent__gte=0, volume_tolerance_percent__lt=100),
                _("The gap is above 0 and up to 100 %, the tolerance from 0 to below 100 %."),
            ),
            check(
                "pathway_policy_counts",
                Q(**{f"{name}__gte": 1 for name in _COUNTS})
                & Q(cluster_events__gte=2, histamine_works_millimetres__gt=0),
                _("Every number is at least 1; a cluster is at least 2 events."),
            ),
        ]
        triggers = published_is_final("pathway_policy")
