"""What else could be done: the alternatives that a consent names, by indication and formula."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.enums import IndicationGroup
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class Alternative(Versioned):
    """One alternative, its name in the patient's words; it is named for a plan that all it is narrowed to fits."""

    group = models.CharField(_("only for group"), max_length=20, choices=IndicationGroup, blank=True)
    indication_code = models.SlugField(_("only for indication"), max_length=80, blank=True)
    formula_code = models.SlugField(_("only for formula"), max_length=80, blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("alternative")
        verbose_name_plural = _("alternatives")
        ordering = ["position", "code", "-version"]
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "alternative_group_known",
                Q(group="") | Q(group__in=IndicationGroup.values),
                _("Choose one of the groups: for an unknown one it would never be named."),
            ),
        ]
        triggers = published_is_final("alternative")
