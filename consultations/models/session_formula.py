"""Courses that change their formula on the way: which sessions of a template are given with another one."""

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class SessionFormula(Versioned):
    """Sessions `first_session` to `last_session` of a template are given with this formula, not with the plan's.

    Consent and test are the plan's: the formula holds nothing that the plan's does not, and nothing stronger.
    """

    template_code = models.SlugField(_("plan template"), max_length=80)
    formula_code = models.SlugField(_("formula"), max_length=80)
    first_session = models.PositiveSmallIntegerField(_("from session"))
    last_session = models.PositiveSmallIntegerField(_("to session"))

    class Meta(Versioned.Meta):
        verbose_name = _("formula of sessions")
        verbose_name_plural = _("formulas of sessions")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "session_formula_order",
                Q(first_session__gte=1, last_session__gte=F("first_session")),
                _("Sessions count from one, and from low to high."),
            ),
        ]
        triggers = published_is_final("session_formula")
