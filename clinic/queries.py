"""Questions of the desk that span tables or need PostgreSQL's text search. Read only."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat, ExtractIsoWeekDay, Greatest, TruncDate, TruncTime
from django.utils import timezone

from clinic.db import Fold
from clinic.enums import CareKind
from clinic.models import (
    Absence,
    Appointment,
    AppointmentType,
    ClosedDay,
    ContactEntry,
    Device,
    DeviceCare,
    ExtraOpening,
    NotADuplicate,
    OutOfService,
    Patient,
    Practitioner,
    Room,
    User,
    WorkingHours,
)
from clinic.prepared import Prepared

_ALIKE = 0.45  # trigram similarity of folded names from which two records are worth a look; found by trying


def likely_duplicates(patient: Patient, *, limit: int = 5) -> list[Patient]:
    """Other records that may be the same person, without the pairs somebody has called two people.

    Alike are: the same birth date and a similar name in either script; or the same phone or e-mail and the same name.
    """
    name = Fold(Value(f"{patient.family_name} {patient.given_names}".strip()))
    latin = Fold(Value(f"{patient.family_name_latin} {patient.given_names_latin}".strip()))
    native, latinised = _folded(1, 2), _folded(3, 4)
    others = (
        Patient.objects.current()
        .exclude(pk=patient.pk)
        .annotate(
            alike=Greatest(
                TrigramSimilarity(native, name),
                TrigramSimilarity(latinised, latin),
                TrigramSimilarity(latinised, name),
                TrigramSimilarity(native, latin),
            )
        )
    )
    same_contact = Q(pk=None)
    if patient.phone:
        same_contact |= Q(phone=patient.phone)
    if patient.email:
        same_contact |= Q(email__iexact=patient.email)
    alike = others.filter(Q(birth_date=patient.birth_date) | same_contact, alike__gte=_ALIKE)
    settled = NotADuplicate.objects.in_force().filter(Q(first=patient) | Q(second=patient))
    pairs = settled.values_list("first_id", "second_id")
    alike = alike.exclude(pk__in={key for pair in pairs for key in pair} - {patient.pk})
    return list(alike.order_by("-alike", "number")[:limit])


_BEFORE_BOOKING = Prepared(
    """
SELECT EXISTS (SELECT FROM clinic_appointment WHERE created_by_id = %(by)s AND request_id = %(request)s),
       EXISTS (SELECT FROM clinic_appointment WHERE status = 'held' AND held_until <= %(at)s),
       EXISTS (SELECT FROM clinic_waitlistentry WHERE closed_at IS NULL AND patient_id = ANY(%(patients)s)),
       EXISTS (SELECT FROM clinic_erasure WHERE withdrawn_at IS NULL AND patient_id = ANY(%(patients)s))
""",
    by="uuid",
    request="uuid",
    at="timestamptz",
    patients="uuid[]",
)


class BeforeBooking(NamedTuple):
    """Whether this request has booked already, a hold has run out and waits to be cleared away, a patient waits, and the
    erasure of a record was decided."""

    is_retry: bool
    holds_ran_out: bool
    somebody_waits: bool
    erasure_decided: bool


def before_booking(*, patients: Collection[UUID], by: User, request_id: UUID, at: datetime) -> BeforeBooking:
    """What every booking has to know first; `patients` are those who are booked.

    In SQL and in one round trip: every booking asks, and the answers are nearly always no.
    """
    [answers] = _BEFORE_BOOKING.rows(by=by.pk, request=request_id, at=at, patients=list(patients))
    return BeforeBooking(*answers)


def affected_by(entry: Absence | OutOfService | ClosedDay, *, at: datetime) -> QuerySet[Appointment]:
    """Upcoming and held visits that stand in time which this entry closes, in the order of the day."""
    visits = Appointment.objects.expected(at).with_people()
    if isinstance(entry, ClosedDay):
        return visits.on_day(entry.day).order_by("starts_at")
    if isinstance(entry, Absence):
        mine = visits.filter(practitioner=entry.practitioner)
        inside = {
            "practitioner_from__lt": entry.ends_at,
            "practitioner_until__gt": entry.starts_at,
        }
    else:
        mine = visits.filter(room=entry.room) if entry.room_id else visits.filter(device=entry.device)
        inside = {"room_from__lt": entry.ends_at, "room_until__gt": entry.starts_at}
    return mine.filter(**inside).order_by("starts_at")


def patients_to_call(*, user: User, at: datetime) -> int:
    """How many patients are on the contact list; an offer of a time that has passed is nothing to call about."""
    entries = ContactEntry.objects.visible_to(user).open()
    return entries.exclude(offer__starts_at__lte=at).values("patient").distinct().count()


def told_by_visit(visits: Iterable[Appointment]) -> dict[UUID, bool]:
    """For each visit its patient had to be told about: whether they have been. Others are not in it."""
    entries = ContactEntry.objects.filter(about__in=[each.pk for each in visits]).exclude(told=False)
    # What still has to be told comes last, and so decides.
    rows = entries.order_by(F("told").asc(nulls_last=True)).values_list("about", "told")
    return {visit: bool(told) for visit, told in rows}


def contact_about(visit: Appointment) -> ContactEntry | None:
    """What the patient still has to be told about the visit; else what they were told last."""
    entries = visit.contact_entries.exclude(told=False).select_related("closed_by")
    return entries.order_by(F("told").desc(nulls_first=True), "-asked_at").first()


def due_for_service(*, before: date, limit: int = 20) -> QuerySet[Device]:
    """Devices in use whose service is due before the day, or was due: longest due first."""
    due = Device.objects.active().filter(service_due_on__lt=before)
    return due.order_by("service_due_on", "name")[:limit]


def perhaps_outside(
    *, at: datetime, **of: Practitioner | Room | Device | AppointmentType
) -> QuerySet[Appointment]:
    """Upcoming and held visits that may stand outside opening time, in order; `clinic.outside` says which do, and why.

    `of` narrows them: practitioner, room, device or type. All that do are among them; a few too many may be (hours
    that adjoin count as two here, and the clock is read without its changes).
    """
    zone = timezone.get_default_timezone()
    visits = (
        Appointment.objects.expected(at)
        .filter(**of)
        .annotate(
            local_day=TruncDate("practitioner_from", tzinfo=zone),
            last_day=TruncDate("practitioner_until", tzinfo=zone),
            room_day=TruncDate("room_until", tzinfo=zone),
            weekday=ExtractIsoWeekDay("practitioner_from", tzinfo=zone),
            since=TruncTime("practitioner_from", tzinfo=zone),
            until=TruncTime("practitioner_until", tzinfo=zone),
        )
    )
    return (
        visits.filter(~_open() | _closed_by_an_entry() | _unfit()).with_people().order_by("starts_at", "pk")
    )


def _open() -> Q:
    """Inside one interval of weekly hours on an open day, or inside one extra opening, at the place of the room."""
    here = {"practitioner": OuterRef("practitioner"), "location": OuterRef("room__location")}
    hours = WorkingHours.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=OuterRef("local_day")),
        valid_from__lte=OuterRef("local_day"),
        weekday=OuterRef("weekday"),
        starts__lte=OuterRef("since"),
        ends__gte=OuterRef("until"),
        **here,
    )
    extra = ExtraOpening.objects.filter(
        starts_at__lte=OuterRef("practitioner_from"), ends_at__gte=OuterRef("practitioner_until"), **here
    )
    closed = ClosedDay.objects.filter(day=OuterRef("local_day"))
    return Q(Exists(extra)) | Q(Exists(hours), ~Exists(closed), local_day=F("last_day"))


def _closed_by_an_entry() -> Q:
    """The practitioner is away, the room or the device is out of service, or the device is out of use or due for service."""
    away = Absence.objects.filter(
        practitioner=OuterRef("practitioner"),
        starts_at__lt=OuterRef("practitioner_until"),
        ends_at__gt=OuterRef("practitioner_from"),
    )
    broken = OutOfService.objects.filter(
        Q(room=OuterRef("room")) | Q(device=OuterRef("device")),
        starts_at__lt=OuterRef("room_until"),
        ends_at__gt=OuterRef("room_from"),
    )
    due = Q(device__service_due_on__lt=F("room_day"))
    return Q(Exists(away)) | Q(Exists(broken)) | Q(Exists(_out_of_use())) | due


def _out_of_use() -> QuerySet[DeviceCare]:
    """What took the visit's device out of use, while nothing later has brought it back."""
    turns = DeviceCare.objects.in_force().filter(device=OuterRef("device"))
    later = DeviceCare.objects.in_force().filter(
        device=OuterRef("device"), kind=CareKind.BACK_IN_USE, recorded_at__gt=OuterRef("recorded_at")
    )
    return turns.filter(~Exists(later), kind=CareKind.OUT_OF_USE, happened_at__lt=OuterRef("room_until"))


def _unfit() -> Q:
    """Somebody or something is no longer in use, or no longer what the kind of visit asks for."""
    retired = Q(practitioner__is_active=False) | Q(room__is_active=False) | Q(device__is_active=False)
    untrained = ~Q(type__skill="") & ~Q(practitioner__skills__contains=[F("type__skill")])
    wrong_device = ~Q(type__device_kind="") & (Q(device=None) | ~Q(device__kind=F("type__device_kind")))
    elsewhere = Q(device__isnull=False) & ~Q(device__location=F("room__location"))
    return retired | untrained | ~Q(room__kind=F("type__room_kind")) | wrong_device | elsewhere


def similar_on_record(patient: Patient) -> list[Patient]:
    """For the header: other patients with this birth date and a similar name, settled or not."""
    return [each for each in likely_duplicates(Patient(**_identity(patient))) if each.pk != patient.pk]


def _identity(patient: Patient) -> dict[str, str | date]:
    names = (
        "family_name",
        "given_names",
        "family_name_latin",
        "given_names_latin",
        "birth_date",
    )
    return {name: getattr(patient, name) for name in names}


def _folded(*places: int) -> Concat:
    """Parts of the folded name, joined; thousands may share a birth date, where it stands for "not known"."""
    first, second = (
        Func("folded_name", Value("\t"), Value(place), function="SPLIT_PART", output_field=TextField())
        for place in places
    )
    return Concat(first, Value(" "), second, output_field=TextField())
