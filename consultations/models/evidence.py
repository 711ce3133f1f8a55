"""What was said of the evidence at a consultation, word for word."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import frozen_with_parent
from consultations.models.consultation import Consultation


class EvidenceDiscussed(models.Model):
    """What trials found, word for word as it was talked about: the texts of these versions of indication and formula.

    Kept with the draft and anew with each save; once the consultation is signed it never changes.
    """

    consultation = models.OneToOneField(
        Consultation, models.CASCADE, primary_key=True, related_name="evidence_discussed"
    )
    indication_version = models.PositiveSmallIntegerField(_("version of the indication"))
    indication_words = models.TextField(_("what trials found for the indication"), blank=True)
    formula_name = models.CharField(_("formula"), max_length=200, blank=True)
    formula_version = models.PositiveSmallIntegerField(_("version of the formula"), null=True, blank=True)
    formula_words = models.TextField(_("what trials found for the formula"), blank=True)

    class Meta:
        verbose_name = _("evidence discussed")
        verbose_name_plural = _("evidence discussed")
        triggers = frozen_with_parent(
            "evidence_discussed", parent="consultations_consultation", key="consultation_id"
        )

    def __str__(self) -> str:
        return f"{self.consultation_id}: v{self.indication_version}"
