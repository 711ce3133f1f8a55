"""What counts at once as a reaction, by the method of the test; and what a doubtful reading means."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.enums import DoubtfulMeans, WhealAgainst
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class MethodRule(Versioned):
    """The criteria of the method that its code names: `intradermal`, `epicutaneous` or `prick`. By how much a wheal has to
    grow stands in the test injection policy.
    """

    has_immediate = models.BooleanField(_("a wheal is looked for at once"), default=True)
    wheal_against = models.CharField(
        _("the wheal is compared with"), max_length=10, choices=WhealAgainst, blank=True
    )
    needs_flare = models.BooleanField(_("positive only with a flare"), default=True)
    doubtful_means = models.CharField(_("a doubtful reading"), max_length=10, choices=DoubtfulMeans)

    class Meta(Versioned.Meta):
        verbose_name = _("criteria of a test method")
        verbose_name_plural = _("criteria of test methods")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "method_rule_wheal",
                Q(has_immediate=True) & ~Q(wheal_against="") | Q(has_immediate=False, wheal_against=""),
                _("A wheal that is looked for at once is compared with something."),
            ),
        ]
        triggers = published_is_final("method_rule")
