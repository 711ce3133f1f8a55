"""Recalls: everybody a lot, a device, a practitioner or a room was used for is to be called."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, exactly_one
from clinic.models import ContactEntry, Device, Practitioner, Room, User
from consultations.models.consultation import ClinicalQuerySet
from consultations.models.formula import Lot


class Recall(models.Model):
    """One list of calls, begun from a trace. The days are those of the trace, both included; a lot may have none."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, blank=True, related_name="recalls")
    device = models.ForeignKey(Device, models.PROTECT, null=True, blank=True, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, null=True, blank=True, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, null=True, blank=True, related_name="+")
    first_on = models.DateField(_("first day"), null=True, blank=True)
    last_on = models.DateField(_("last day"), null=True, blank=True)
    begun_at = models.DateTimeField(_("begun at"))
    begun_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("begun by"))

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        verbose_name = _("recall")
        verbose_name_plural = _("recalls")
        ordering = ["-begun_at", "pk"]
        constraints = [
            exactly_one(
                "recall_one_thing",
                "lot",
                "device",
                "practitioner",
                "room",
                message=_("A recall is about one lot, device, practitioner or room."),
            ),
            check(
                "recall_of_days",
                Q(lot__isnull=False) | Q(first_on__isnull=False, last_on__isnull=False),
                _("Choose the first and the last day."),
            ),
            check(
                "recall_order",
                Q(first_on=None) | Q(last_on=None) | Q(first_on__lte=F("last_on")),
                _("The last day lies before the first."),
            ),
        ]
        triggers = append_only("recall")

    def __str__(self) -> str:
        return str(self.lot or self.device or self.practitioner or self.room)


class RecallCall(models.Model):
    """The place on the contact list of one patient of a recall. Two recalls may share it while it is open."""

    recall = models.ForeignKey(Recall, models.PROTECT, related_name="calls")
    entry = models.ForeignKey(ContactEntry, models.PROTECT, related_name="recall_calls")

    class Meta:
        verbose_name = _("call of a recall")
        verbose_name_plural = _("calls of a recall")
        constraints = [
            models.UniqueConstraint(
                fields=["recall", "entry"],
                name="recall_call_once",
                violation_error_message=_("This patient is called for this recall already."),
            )
        ]
        triggers = append_only("recall_call")

    def __str__(self) -> str:
        return f"{self.recall}: {self.entry}"
