"""How much an account has asked for within the last day; what limits it reads this (ADR 44)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from clinic.enums import Pace
from clinic.models.user import User

SLOT_SECONDS = 5 * 60
SLOTS = 24 * 60 * 60 // SLOT_SECONDS  # of a day


class Asked(models.Model):
    """How much one account asked for, of one kind, in five minutes. A day has 288 places; the next day takes them over, so that
    an account never has more rows, and none is ever deleted.
    """

    user = models.ForeignKey(
        User, models.PROTECT, db_index=False, related_name="+", verbose_name=_("whose account")
    )
    kind = models.CharField(_("what was asked for"), max_length=20, choices=Pace)
    slot = models.PositiveSmallIntegerField(_("place in the day"))
    at = models.DateTimeField(_("at"))
    number = models.PositiveIntegerField(_("how much"))

    class Meta:
        verbose_name = _("how much was asked for")
        verbose_name_plural = _("how much was asked for")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "slot"],
                name="asked_once_each",
                violation_error_message=_("What one account asks for in five minutes is one number."),
            ),
            check(
                "asked_kind_known", Q(kind__in=Pace.values), _("What is asked for is something of the list.")
            ),
            check("asked_slot_of_a_day", Q(slot__lt=SLOTS), _("A day has 288 times five minutes.")),
            check("asked_something", Q(number__gt=0), _("Nothing is not counted.")),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {Pace(self.kind).label}: {self.number}"
