"""Leaflets: what patients are given to read, by procedure, in versions."""

from typing import Self

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.enums import Role
from clinic.models import User
from consultations.enums import TechniqueFamily
from consultations.models.reference import Versioned, VersionedQuerySet, published_is_final


class LeafletQuerySet(VersionedQuerySet):
    """Words about leaflets."""

    def visible_to(self, user: User) -> Self:
        """What is, or was, in force is for every member of the staff to read and print."""
        return self.filter(published_at__isnull=False) if user.has_role(*Role) else self.none()


@pghistory.track(append_only=True)
class Leaflet(Versioned):
    """What the patient is given to read, for one procedure or all; of those that fit a plan the most specific is offered."""

    family = models.CharField(_("only for kind"), max_length=20, choices=TechniqueFamily, blank=True)
    technique_code = models.SlugField(_("only for technique"), max_length=80, blank=True)
    formula_code = models.SlugField(_("only for formula"), max_length=80, blank=True)
    body = models.TextField(_("text"))

    objects = LeafletQuerySet.as_manager()

    class Meta(Versioned.Meta):
        verbose_name = _("leaflet")
        verbose_name_plural = _("leaflets")
        triggers = published_is_final("leaflet")
