"""Why a patient's whole record is made into a file."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RecordWanted(models.TextChoices):
    """Who decides that it leaves the clinic: most often the patient, by the right of access to one's own data."""

    ACCESS = "access", _("the patient asks for it")
    CLINIC = "clinic", _("change of clinic")
    AUTHORITY = "authority", _("an authority or a court asks for it")
    OTHER = "other", _("another reason")
