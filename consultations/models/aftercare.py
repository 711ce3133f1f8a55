"""Aftercare: for which sessions a rule holds, when the patient should call, and the sheet as it was handed out."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check
from consultations.enums import BodyView
from consultations.models.reference import Versioned, published_is_final
from consultations.models.session import Session


@pghistory.track(append_only=True)
class AftercareScope(Versioned):
    """Narrows an aftercare rule to a technique, a formula or a part of the body. A rule without one always holds, one
    with several holds where any fits. It names its rule by code, because a published rule cannot be changed."""

    rule_code = models.SlugField(_("aftercare rule"), max_length=80)
    technique_code = models.SlugField(_("only with technique"), max_length=80, blank=True)
    formula_code = models.SlugField(_("only with formula"), max_length=80, blank=True)
    view = models.CharField(_("only after zones of"), max_length=20, choices=BodyView, blank=True)

    class Meta(Versioned.Meta):
        verbose_name = _("scope of an aftercare rule")
        verbose_name_plural = _("scopes of aftercare rules")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "aftercare_scope_narrows",
                ~Q(technique_code="", formula_code="", view=""),
                _("Say for which technique, formula or view the rule holds; a rule for all needs no scope."),
            ),
            check(
                "aftercare_scope_view_known",
                Q(view="") | Q(view__in=BodyView.values),
                _("Choose one of the drawings: a rule for an unknown one would never hold."),
            ),
        ]
        triggers = published_is_final("aftercare_scope")


@pghistory.track(append_only=True)
class RedFlag(Versioned):
    """A sign, in the patient's words, at which to call the clinic or, `is_emergency`, the emergency number at once."""

    is_emergency = models.BooleanField(_("call the emergency number"), default=False)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("sign to call at")
        verbose_name_plural = _("signs to call at")
        ordering = ["position", "code", "-version"]
        triggers = published_is_final("red_flag")


class AftercareSheet(models.Model):
    """What the patient was told after a session, word for word, with the dates and times as handed out.

    `advice` holds pairs of what to leave alone and the moment until when (ISO 8601).
    """

    session = models.OneToOneField(
        Session,
        models.PROTECT,
        primary_key=True,
        related_name="aftercare_sheet",
        verbose_name=_("session"),
    )
    advice = models.JSONField(_("advice"))
    call_if = models.JSONField(_("call us if"))
    emergencies = models.JSONField(_("call the emergency number for"))
    emergency_number = models.CharField(_("emergency number"), max_length=20)
    handed_at = models.DateTimeField(_("handed out at"))
    handed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("handed out by")
    )

    class Meta:
        verbose_name = _("aftercare sheet")
        verbose_name_plural = _("aftercare sheets")
        triggers = append_only("aftercare_sheet")

    def __str__(self) -> str:
        return f"{self.session_id}, {self.handed_at}"
