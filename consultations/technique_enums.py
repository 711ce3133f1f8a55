"""What techniques are recorded by."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Counted(models.TextChoices):
    """What a row of a session's zones counts."""

    POINTS = "points", _("points")
    LINES = "lines", _("lines")
    SHOTS = "shots", _("shots")
    AREA = "area", _("nothing but the volume")


class TechniqueDetail(models.TextChoices):
    """What a technique may ask of a session beside what its family asks; the values are fields of the session."""

    SPACING = "spacing_mm", _("spacing")
    LINE_LENGTH = "line_length_mm", _("length of a line")
    MINUTES = "minutes_applied", _("minutes")


class GunMode(models.TextChoices):
    """How a gun fires."""

    SINGLE = "single", _("single")
    BURST = "burst", _("burst")
    NAPPAGE = "nappage", _("nappage")
