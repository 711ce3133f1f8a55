"""The front desk's tables."""

from clinic.models.access import AccountChange, Invitation, ScreenPin, SecondFactorReset
from clinic.models.appointment import Appointment
from clinic.models.asked import Asked
from clinic.models.case_file import CaseFile, CaseFilePeriod
from clinic.models.catalogue import AppointmentType
from clinic.models.contact import ContactEntry, ContactTry
from clinic.models.device_care import DeviceCare, DeviceCareError
from clinic.models.emergency import EmergencyOpening
from clinic.models.erasure import Erasure, ErasureDone
from clinic.models.feed import CalendarFeed
from clinic.models.history import RecordOpened
from clinic.models.history_seal import HistorySeal
from clinic.models.merging import PatientMerge
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
from clinic.models.sign_in import SignIn
from clinic.models.sign_in_event import SignInEvent
from clinic.models.user import User
from clinic.models.waitlist import WaitlistEntry, WaitlistOffer, WalkIn

__all__ = [
    "Absence",
    "AccountChange",
    "Appointment",
    "AppointmentType",
    "Asked",
    "CalendarFeed",
    "CaseFile",
    "CaseFilePeriod",
    "ClinicSettings",
    "ClosedDay",
    "ContactEntry",
    "ContactTry",
    "Device",
    "DeviceCare",
    "DeviceCareError",
    "EmergencyOpening",
    "Erasure",
    "ErasureDone",
    "ExtraOpening",
    "HistorySeal",
    "Invitation",
    "Location",
    "NotADuplicate",
    "OutOfService",
    "Patient",
    "PatientMerge",
    "Practitioner",
    "RecordOpened",
    "Room",
    "ScreenPin",
    "SecondFactorReset",
    "SignIn",
    "SignInEvent",
    "User",
    "WaitlistEntry",
    "WaitlistOffer",
    "WalkIn",
    "WorkingHours",
]
