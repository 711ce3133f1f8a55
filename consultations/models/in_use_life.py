"""How long a vial may be used once it is opened."""

from typing import Self

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consultations.models.formula import Component
from consultations.models.reference import Versioned, VersionedQuerySet, published_is_final


class InUseLifeQuerySet(VersionedQuerySet):
    """Words about lives in use."""

    def of(self, component: Component) -> "InUseLife | None":
        """The one in force for the component, or the one for every component that has none of its own."""
        found: Self = self.current().filter(component_code__in=["", component.code])
        return found.order_by("-component_code").first()


@pghistory.track(append_only=True)
class InUseLife(Versioned):
    """Days after the day of opening on which a lot may still be used; 0 is on that day alone."""

    component_code = models.SlugField(
        _("component"),
        max_length=80,
        blank=True,
        help_text=_("Empty: every component without one of its own."),
    )
    days = models.PositiveSmallIntegerField(_("days after opening"))

    objects = InUseLifeQuerySet.as_manager()

    class Meta(Versioned.Meta):
        verbose_name = _("life in use")
        verbose_name_plural = _("lives in use")
        constraints = [
            *Versioned.Meta.constraints,
            models.UniqueConstraint(
                fields=["component_code"],
                condition=Q(published_at__isnull=False, retired_at=None),
                name="in_use_life_once",
                violation_error_message=_("This component has a life in use in force."),
            ),
        ]
        triggers = published_is_final("in_use_life")
