"""The clinical pathway."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsultationsConfig(AppConfig):
    """Registers the pathway and plugs it into the desk."""

    name = "consultations"
    verbose_name = _("Clinical pathway")

    def ready(self) -> None:
        """Connect the plug."""
        from clinic import readiness  # models must be loaded first
        from consultations.pathway import ClinicalPathway  # models must be loaded first

        readiness.connect(ClinicalPathway())
