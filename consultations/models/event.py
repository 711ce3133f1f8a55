"""Adverse events: what happened to a patient after an injection, with everything it may have come from."""

import uuid

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    check,
    frozen_once,
    frozen_with_parent,
    guard,
    on_a_kept_record,
    refuse,
    sees_what_is_committed,
)
from clinic.models import Device, Patient, Practitioner, Room, User
from consultations.enums import Causality, EventOutcome, PlanEffect, Seriousness
from consultations.models.adverse_event import ClinicalReport
from consultations.models.consultation import ClinicalQuerySet
from consultations.models.follow_up import FollowUp
from consultations.models.formula import Lot
from consultations.models.patch_test import PatchTest
from consultations.models.plan import Plan
from consultations.models.reference import BodyZone, ReactionType
from consultations.models.session import Session

_OF_THE_PATIENT = """
    IF NEW.{key} IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM {table} WHERE id = NEW.{key} AND patient_id = NEW.patient_id
    ) THEN
        {refusal}
    END IF;
"""
_SAME_PATIENT = refuse(
    "adverse_event_same_patient", "What the event is linked to belongs to a different patient."
)


class AdverseEventQuerySet(ClinicalQuerySet):
    """Words about adverse events."""

    def in_force(self) -> "AdverseEventQuerySet":
        """The latest word on each: what nothing supersedes, and no two people called an error."""
        return self.filter(superseded_by=None, entered_in_error__confirmed_at=None)

    def open(self) -> "AdverseEventQuerySet":
        """In force, and not over."""
        return self.in_force().filter(outcome__in=[EventOutcome.ONGOING, EventOutcome.RECOVERING])

    def to_review(self) -> "AdverseEventQuerySet":
        """Open, with a time by which somebody looks again; the most urgent first."""
        return self.open().filter(review_by__isnull=False).order_by("review_by", "pk")


@pghistory.track(append_only=True)
class AdverseEvent(models.Model):
    """A reaction with its grade (CTCAE, 1 mild to 5 death). Signed when it is made; how it went on is a new row that
    supersedes. What it did to plans is kept as it was decided then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="adverse_events", verbose_name=_("patient")
    )
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    reaction = models.ForeignKey(ReactionType, models.PROTECT, related_name="+", verbose_name=_("reaction"))
    grade = models.PositiveSmallIntegerField(_("grade"))
    onset_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    words = models.TextField(_("what happened"), max_length=5000)
    causality = models.CharField(_("caused by the injection"), max_length=20, choices=Causality)
    seriousness = models.CharField(_("seriousness"), max_length=20, choices=Seriousness)
    outcome = models.CharField(_("how it is now"), max_length=20, choices=EventOutcome)
    action = models.TextField(_("what was done"), max_length=5000, blank=True)
    is_growing = models.BooleanField(_("growing"), default=False)
    is_draining = models.BooleanField(_("draining"), default=False)
    zone = models.ForeignKey(
        BodyZone, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("zone")
    )
    plan = models.ForeignKey(
        Plan, models.PROTECT, null=True, blank=True, related_name="adverse_events", verbose_name=_("plan")
    )
    session = models.ForeignKey(
        Session,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="adverse_events",
        verbose_name=_("session"),
    )
    patch_test = models.ForeignKey(
        PatchTest,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="adverse_events",
        verbose_name=_("test"),
    )
    device = models.ForeignKey(
        Device, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("device")
    )
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("who injected")
    )
    room = models.ForeignKey(
        Room, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("room")
    )
    report = models.ForeignKey(
        ClinicalReport,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="adverse_events",
        verbose_name=_("report from the desk"),
    )
    follow_up = models.ForeignKey(
        FollowUp,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="adverse_events",
        verbose_name=_("check after the session"),
    )
    component_codes = ArrayField(
        models.SlugField(max_length=80), verbose_name=_("suspected components"), default=list, blank=True
    )
    plan_effect = models.CharField(_("effect on plans"), max_length=10, choices=PlanEffect)
    is_allergic = models.BooleanField(_("allergic"), default=False)
    is_red_flag = models.BooleanField(_("red flag"), default=False)
    in_clusters = models.BooleanField(_("counted in clusters"), default=False)
    review_by = models.DateTimeField(_("review by"), null=True, blank=True)
    lots = models.ManyToManyField(
        Lot, through="AdverseEventLot", related_name="adverse_events", verbose_name=_("lots")
    )
    signed_at = models.DateTimeField(_("signed at"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("signed by"))
    content_hash = models.CharField(max_length=64)

    objects = AdverseEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("adverse event")
        verbose_name_plural = _("adverse events")
        ordering = ["-onset_at", "pk"]
        constraints = [
            check("adverse_event_grade", Q(grade__range=(1, 5)), _("Grades run from 1 to 5.")),
            check(
                "adverse_event_order",
                Q(ended_at=None) | Q(ended_at__gte=F("onset_at")),
                _("It ends after it began."),
            ),
            check("adverse_event_past", Q(onset_at__lte=F("signed_at")), _("It has begun already.")),
            check("adverse_event_worded", ~Q(words=""), _("Write down what happened.")),
        ]
        triggers = [
            *frozen_once("adverse_event"),
            guard(
                "adverse_event_same_patient",
                operation=pgtrigger.Insert,
                func="".join(
                    _OF_THE_PATIENT.format(key=key, table=f"consultations_{table}", refusal=_SAME_PATIENT)
                    for key, table in (
                        ("plan_id", "plan"),
                        ("session_id", "session"),
                        ("patch_test_id", "patchtest"),
                        ("supersedes_id", "adverseevent"),
                        ("report_id", "clinicalreport"),
                        ("follow_up_id", "followup"),
                    )
                )
                + "RETURN NEW;",
            ),
            guard(
                "adverse_event_grade_floor",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NEW.grade < (
                        SELECT min(rule.grade_from) FROM consultations_reactionrule rule
                        JOIN consultations_reactiontype reaction ON reaction.code = rule.reaction_code
                        WHERE reaction.id = NEW.reaction_id AND rule.published_at IS NOT NULL
                            AND rule.retired_at IS NULL
                    ) THEN
                        {refuse("adverse_event_grade_floor", "This reaction is never of so low a grade.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("adverse_event"),
            sees_what_is_committed("adverse_event"),
        ]

    def __str__(self) -> str:
        return str(_("%(reaction)s, grade %(grade)s") % {"reaction": self.reaction, "grade": self.grade})

    @property
    def is_signed(self) -> bool:
        """From birth."""
        return True


class AdverseEventLot(models.Model):
    """One lot that was in the injection. Written before its event, which is signed at birth and takes no more."""

    event = models.ForeignKey(AdverseEvent, models.CASCADE, related_name="used_lots")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="+", verbose_name=_("lot"))

    class Meta:
        verbose_name = _("lot of an event")
        verbose_name_plural = _("lots of an event")
        constraints = [
            models.UniqueConstraint(
                fields=["event", "lot"],
                name="adverse_event_lot_once",
                violation_error_message=_("This lot is recorded already."),
            )
        ]
        triggers = frozen_with_parent(
            "adverse_event_lot", parent="consultations_adverseevent", key="event_id"
        )

    def __str__(self) -> str:
        return str(self.lot)
