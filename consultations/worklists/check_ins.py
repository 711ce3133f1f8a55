"""Check-ins of the day that are still to be settled, for the desk: who is here and has not answered, or waits to be seen."""

from datetime import datetime

from django.db.models import Exists, F, Q, QuerySet
from django.utils import timezone

from clinic.enums import AppointmentStatus
from clinic.intervals import local_day
from clinic.models import Appointment
from consultations.models import CheckInQuestion
from consultations.purposes import Kind


def to_settle(*, at: datetime) -> QuerySet[Appointment]:
    """Visits of the clinic's day whose patient has arrived and is asked something, until every answer is a plain no or a
    practitioner has looked. Each carries `asked_at` and `answered_at`. One query; the answers themselves are not in it."""
    day = local_day(timezone.localdate(at), timezone.get_default_timezone())
    asked = CheckInQuestion.objects.current()
    is_asked = Q(purpose__startswith=f"{Kind.SESSION}:") & Exists(asked.filter(before_sessions=True))
    is_asked |= Q(purpose__startswith=f"{Kind.TEST}:") & Exists(asked.filter(before_tests=True))
    waits = Q(check_in__answered_at=None) | Q(check_in__needs_review=True)
    return (
        Appointment.objects.filter(
            is_asked,
            Q(check_in=None) | waits & Q(check_in__reviewed_at=None),
            status=AppointmentStatus.ARRIVED,
            starts_at__gte=day.starts_at,
            starts_at__lt=day.ends_at,
        )
        .select_related("patient", "practitioner")
        .annotate(asked_at=F("check_in__asked_at"), answered_at=F("check_in__answered_at"))
        .order_by("starts_at", "pk")
    )
