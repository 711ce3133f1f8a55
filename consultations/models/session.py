"""Treatment sessions: what was injected, where, from which lots, with which doses."""

from typing import TypeAlias

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, frozen_once, frozen_with_parent, on_a_kept_record, sees_what_is_committed
from clinic.models import Device
from consultations.enums import GIVEN, SessionOutcome
from consultations.models.adverse_event import Deviation
from consultations.models.consultation import ClinicalQuerySet, Signable
from consultations.models.formula import Component, Formula, Lot
from consultations.models.gate import (
    GATE_ON_SESSION,
    GATE_ON_SESSION_CHECK_IN,
    GATE_ON_SESSION_DOSES,
    GATE_ON_SESSION_TECHNIQUE,
    GATE_ON_SESSION_ZONE,
)
from consultations.models.gate_lots import (
    GATE_ON_SESSION_LOT,
    GATE_ON_SESSION_LOT_PAST_USE,
    GATE_ON_SESSION_UNTESTED_LOT,
)
from consultations.models.plan import Plan, PlannedSession
from consultations.models.reference import BodyZone, Technique
from consultations.models.session_device import DEVICE_IN_USE


class SessionQuerySet(ClinicalQuerySet):
    """Words about sessions."""

    def given(self) -> "SessionQuerySet":
        """Signed, wholly or partly given: what intervals and doses count from, until two people call it an error."""
        return self.filter(outcome__in=GIVEN, signed_at__isnull=False, entered_in_error__confirmed_at=None)


@pghistory.track(append_only=True)
class Session(Signable):
    """One treatment of a plan. The database admits it only when the pathway is clear, or with a named deviation."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="sessions", verbose_name=_("plan"))
    planned = models.ForeignKey(
        PlannedSession,
        models.PROTECT,
        related_name="sessions",
        verbose_name=_("planned session"),
    )
    technique = models.ForeignKey(Technique, models.PROTECT, related_name="+", verbose_name=_("technique"))
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=SessionOutcome, blank=True)
    outcome_reason = models.CharField(_("reason"), max_length=1000, blank=True)
    weight_kg = models.DecimalField(_("weight, kg"), max_digits=5, decimal_places=1, null=True, blank=True)
    needle = models.CharField(_("needle"), max_length=60, blank=True)
    depth_mm = models.DecimalField(_("depth, mm"), max_digits=4, decimal_places=1, null=True, blank=True)
    device = models.ForeignKey(
        Device,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("device"),
    )
    gun_mode = models.CharField(_("gun mode"), max_length=40, blank=True)
    shots_per_minute = models.PositiveSmallIntegerField(_("shots per minute"), null=True, blank=True)
    program = models.CharField(_("programme"), max_length=60, blank=True)
    intensity = models.CharField(_("intensity"), max_length=40, blank=True)
    minutes_applied = models.PositiveSmallIntegerField(_("minutes applied"), null=True, blank=True)
    spacing_mm = models.DecimalField(_("spacing, mm"), max_digits=4, decimal_places=1, null=True, blank=True)
    line_length_mm = models.DecimalField(
        _("length of a line, mm"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    unusual_reason = models.CharField(_("why unusual"), max_length=500, blank=True)
    note = models.TextField(_("note"), max_length=10000, blank=True)
    aftercare_given = models.BooleanField(_("aftercare explained and handed out"), default=False)
    deviation = models.OneToOneField(
        Deviation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="session",
        verbose_name=_("deviation"),
    )

    objects = SessionQuerySet.as_manager()

    class Meta(Signable.Meta):
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-started_at"]
        constraints = [
            *Signable.Meta.constraints,
            check(
                "session_outcome_known",
                Q(outcome__in=SessionOutcome.values),
                _("Unknown outcome."),
            ),
            check(
                "session_signed_with_outcome",
                Q(signed_at=None) | ~Q(outcome=""),
                _("Say whether the session was given before signing."),
            ),
            check(
                "session_reason_given",
                ~Q(outcome__in=[SessionOutcome.PARTIAL, SessionOutcome.NOT_GIVEN]) | ~Q(outcome_reason=""),
                _("Say why the session was not given in full."),
            ),
            check(
                "session_weight_sane",
                Q(weight_kg=None) | Q(weight_kg__gt=1, weight_kg__lt=500),
                _("Check the weight: enter kilograms."),
            ),
            check(
                "session_depth_sane",
                Q(depth_mm=None) | Q(depth_mm__gte=0, depth_mm__lte=20),
                _("The depth is 0 to 20 mm."),
            ),
            check(
                "session_spacing_sane",
                (Q(spacing_mm=None) | Q(spacing_mm__gte=1, spacing_mm__lte=100))
                & (Q(line_length_mm=None) | Q(line_length_mm__gte=1, line_length_mm__lte=200)),
                _("Spacing is 1 to 100 mm, a line 1 to 200 mm long."),
            ),
            models.UniqueConstraint(
                fields=["planned"],
                condition=Q(signed_at=None),
                name="session_one_draft",
                violation_error_message=_("This session is being recorded already."),
            ),
        ]
        indexes = [
            # Checks that are due look at the sessions of the last months, of all that were ever given.
            models.Index("started_at", name="session_signed_started", condition=Q(signed_at__isnull=False)),
        ]
        triggers = [
            *frozen_once("session"),
            on_a_kept_record("session"),
            sees_what_is_committed("session"),
            GATE_ON_SESSION,
            GATE_ON_SESSION_CHECK_IN,
            GATE_ON_SESSION_DOSES,
            GATE_ON_SESSION_LOT_PAST_USE,
            GATE_ON_SESSION_UNTESTED_LOT,
            GATE_ON_SESSION_TECHNIQUE,
            DEVICE_IN_USE,
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.planned.ordinal}"

    @property
    def formula(self) -> Formula:
        """What it is given with: the planned session's own formula, or the plan's."""
        return self.planned.formula or self.plan.formula


# A point on a drawing of the body map, from its left and from its top, in tenths of the drawing's units.
Place: TypeAlias = tuple[int, int]
TENTHS = 10
_CHILD_OF_SESSION = {"parent": "consultations_session", "key": "session_id"}


@pghistory.track(append_only=True)
class SessionZone(models.Model):
    """Points and volume in one zone. A technique that counts no points has only a volume, one that injects nothing none.

    The area in cm² is asked where a cap counts by it or points have a spacing. `places` are its points where they were set
    one by one on the map: each is a `Place`."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="zones")
    zone = models.ForeignKey(BodyZone, models.PROTECT, related_name="+", verbose_name=_("zone"))
    points = models.PositiveSmallIntegerField(_("points"), default=0)
    ml_per_point = models.DecimalField(_("ml per point"), max_digits=6, decimal_places=3, default=0)
    volume_ml = models.DecimalField(_("volume, ml"), max_digits=7, decimal_places=3)
    area_cm2 = models.DecimalField(_("area, cm²"), max_digits=6, decimal_places=1, null=True, blank=True)
    places = ArrayField(
        ArrayField(models.PositiveSmallIntegerField(), size=2),
        default=list,
        blank=True,
        verbose_name=_("places of the points"),
    )

    class Meta:
        verbose_name = _("treated zone")
        verbose_name_plural = _("treated zones")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "zone"],
                name="session_zone_once",
                violation_error_message=_("This zone is recorded already."),
            ),
            check(
                "session_zone_sane",
                Q(
                    points__lte=2000,
                    ml_per_point__gte=0,
                    ml_per_point__lte=5,
                    volume_ml__gte=0,
                    volume_ml__lte=200,
                ),
                _("Check points and volume."),
            ),
            check(
                "session_zone_area",
                Q(area_cm2=None) | Q(area_cm2__gt=0, area_cm2__lte=5000),
                _("The area of a zone is above 0 and at most 5000 cm²."),
            ),
            check(
                "session_zone_places",
                Q(places__len=0) | Q(places__len=F("points")),
                _("The points set on the map are as many as the row says."),
            ),
        ]
        triggers = [*frozen_with_parent("session_zone", **_CHILD_OF_SESSION), GATE_ON_SESSION_ZONE]

    def __str__(self) -> str:
        return f"{self.zone}: {self.points} × {self.ml_per_point} ml"


@pghistory.track(append_only=True)
class SessionLot(models.Model):
    """One lot that a session used. Whether it was in quarantine when the draft named it is said by the database alone."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="used_lots")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="session_uses", verbose_name=_("lot"))
    in_quarantine = models.BooleanField(_("in quarantine when it was named"), default=False, editable=False)

    class Meta:
        verbose_name = _("lot used")
        verbose_name_plural = _("lots used")
        constraints = [
            models.UniqueConstraint(
                fields=["session", "lot"],
                name="session_lot_once",
                violation_error_message=_("This lot is recorded already."),
            )
        ]
        triggers = [
            *frozen_with_parent("session_lot", **_CHILD_OF_SESSION),
            GATE_ON_SESSION_LOT,
        ]

    def __str__(self) -> str:
        return str(self.lot)


@pghistory.track(append_only=True)
class SessionDose(models.Model):
    """The dose of one component, computed at signing, with the strength and the tightest cap it was judged by."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="doses")
    component = models.ForeignKey(Component, models.PROTECT, related_name="+", verbose_name=_("component"))
    strength = models.DecimalField(_("per ml of the mix"), max_digits=10, decimal_places=4)
    amount = models.DecimalField(_("dose"), max_digits=12, decimal_places=4)
    unit = models.CharField(_("unit"), max_length=5)
    cap_amount = models.DecimalField(_("cap"), max_digits=12, decimal_places=4, null=True, blank=True)
    cap_arithmetic = models.CharField(_("how the cap came about"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("dose")
        verbose_name_plural = _("doses")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "component"],
                name="session_dose_once",
                violation_error_message=_("The dose of this component is recorded already."),
            ),
            check(
                "session_dose_positive",
                Q(amount__gt=0, strength__gt=0),
                _("A dose is above zero."),
            ),
        ]
        triggers = frozen_with_parent("session_dose", **_CHILD_OF_SESSION)

    def __str__(self) -> str:
        return f"{self.component} {self.amount.normalize():f} {self.unit}"
