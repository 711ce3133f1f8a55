"""What a patient was given to read: which version, when, by whom and to whom. Permanent from birth."""

import uuid
from datetime import datetime
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, guard, on_a_kept_record, refuse, sees_what_is_committed
from clinic.enums import Role
from clinic.models import Patient, User
from consultations.enums import HandoutWay
from consultations.models.consultation import Consultation
from consultations.models.leaflet import Leaflet
from consultations.models.plan import Plan


class LeafletHandoutQuerySet(models.QuerySet):
    """Words about leaflets that were handed out."""

    def visible_to(self, user: User) -> Self:
        """As clinical records: the leaflet of a procedure names the treatment."""
        return self if user.has_role(Role.PRACTITIONER) else self.none()

    def counting(self) -> Self:
        """Without those that somebody has called an error: from then on they count as not handed out."""
        return self.filter(entered_in_error=None)


class LeafletHandout(models.Model):
    """One leaflet, handed to the patient or who represents them; the version says which words.

    Signed from birth: it can be called an error like the records that are signed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="leaflets", verbose_name=_("patient"))
    leaflet = models.ForeignKey(Leaflet, models.PROTECT, related_name="+", verbose_name=_("leaflet"))
    plan = models.ForeignKey(
        Plan, models.PROTECT, null=True, blank=True, related_name="leaflets", verbose_name=_("plan")
    )
    consultation = models.ForeignKey(
        Consultation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="leaflets",
        verbose_name=_("consultation"),
    )
    way = models.CharField(_("how"), max_length=20, choices=HandoutWay)
    handed_to = models.CharField(_("handed to"), max_length=200)
    handed_at = models.DateTimeField(_("handed out at"))
    handed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("handed out by"))

    objects = LeafletHandoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("leaflet handed out")
        verbose_name_plural = _("leaflets handed out")
        ordering = ["-handed_at"]
        constraints = [
            check("leaflet_handout_to_somebody", ~Q(handed_to=""), _("Say whom the leaflet was handed to.")),
            check(
                "leaflet_handout_way_known",
                Q(way__in=HandoutWay.values),
                _("Say how it was handed out: on paper, or read together on the screen."),
            ),
        ]
        triggers = [
            *append_only("leaflet_handout"),
            guard(
                "leaflet_handout_fits",
                operation=pgtrigger.Insert,
                func=f"""
                    IF EXISTS (
                        SELECT 1 FROM consultations_plan WHERE id = NEW.plan_id AND patient_id <> NEW.patient_id
                    ) OR EXISTS (
                        SELECT 1 FROM consultations_consultation
                        WHERE id = NEW.consultation_id AND patient_id <> NEW.patient_id
                    ) THEN
                        {refuse("leaflet_handout_fits", "The leaflet was handed to a different patient.")}
                    END IF;
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_leaflet
                        WHERE id = NEW.leaflet_id AND published_at IS NOT NULL
                    ) THEN
                        {refuse("leaflet_handout_fits", "Only a published leaflet is handed out.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("leaflet_handout"),
            sees_what_is_committed("leaflet_handout"),
        ]

    def __str__(self) -> str:
        return f"{self.leaflet} v{self.leaflet.version}"

    @property
    def signed_at(self) -> datetime:
        """When it was handed out: it is signed from birth."""
        return self.handed_at

    @property
    def error(self) -> object | None:
        """What it was called an error with (`EnteredInError`); None where nobody did."""
        return getattr(self, "entered_in_error", None)
