"""The front desk's tables."""

from clinic.models.appointment import Appointment
from clinic.models.catalogue import AppointmentType
from clinic.models.history import RecordOpened
from clinic.models.opening import (
    Absence,
    ClosedDay,
    ExtraOpening,
    OutOfService,
    WorkingHours,
)
from clinic.models.people import NotADuplicate, Patient, Practitioner
from clinic.models.places import Device, Location, Room
from clinic.models.settings import ClinicSettings
from clinic.models.user import User
from clinic.models.waitlist import WalkIn

__all__ = [
    "Absence",
    "Appointment",
    "AppointmentType",
    "ClinicSettings",
    "ClosedDay",
    "Device",
    "ExtraOpening",
    "Location",
    "NotADuplicate",
    "OutOfService",
    "Patient",
    "Practitioner",
    "RecordOpened",
    "Room",
    "User",
    "WalkIn",
    "WorkingHours",
]
