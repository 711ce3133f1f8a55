"""The body map as data: where each zone lies on our drawings of face, body and scalp."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class ZoneShape(Versioned):
    """The outline of one zone, in the units of its drawing (200 wide); the patient's right is the viewer's left, but for
    the drawing of the back. It names its zone by code, so that a zone's next version keeps its place."""

    zone_code = models.SlugField(_("zone"), max_length=80)
    view = models.CharField(_("drawing"), max_length=20)
    path = models.TextField(
        _("outline"), max_length=2000, help_text=_("An SVG path of M, L, Q, C and Z with absolute numbers.")
    )
    label_x = models.PositiveSmallIntegerField(_("figure at, from the left"))
    label_y = models.PositiveSmallIntegerField(_("figure at, from the top"))

    class Meta(Versioned.Meta):
        verbose_name = _("shape of a zone")
        verbose_name_plural = _("shapes of zones")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "zone_shape_path",
                Q(path__regex=r"^M[MLQCZ0-9 .-]+Z$"),
                _("The outline is a closed SVG path of M, L, Q, C and Z with absolute numbers."),
            ),
        ]
        triggers = published_is_final("zone_shape")
