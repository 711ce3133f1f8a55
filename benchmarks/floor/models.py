"""The row: a booking as the simplest application would keep it, without history and without constraints of its own."""

import uuid

from django.db import models

from clinic.models import AppointmentType, Patient, Practitioner, Room, User


class Booking(models.Model):
    """Who, what, with whom, where and when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    type = models.ForeignKey(AppointmentType, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=20)
    note = models.CharField(max_length=500)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        app_label = "floor"

    def __str__(self) -> str:
        return f"{self.patient}, {self.starts_at}"
