"""Everybody else: patients who fill the days around today, so that the diary looks like a working clinic's."""

import random
from collections.abc import Callable
from datetime import date, timedelta

from django.utils import timezone

from clinic.actions import booking, visits
from clinic.availability import free_starts
from clinic.enums import CancelledBy
from clinic.intervals import local_day
from clinic.models import Appointment, AppointmentType, Patient
from consultations.demo.clinic import DemoClinic
from consultations.demo.journey import Journey

_FAMILY = [
    "Almeida",
    "Bakker",
    "Chevalier",
    "Demir",
    "Esposito",
    "Fischer",
    "Garnier",
    "Hansen",
    "Ibrahim",
    "Jensen",
    "Kowalska",
    "Laurent",
    "Martin",
    "Novak",
    "Olsen",
    "Pereira",
    "Quinn",
    "Renard",
    "Santos",
    "Thomas",
    "Urban",
    "Vidal",
    "Wagner",
    "Yilmaz",
    "Zimmer",
    "Baker",
    "Clarke",
    "Duarte",
    "Evans",
    "Fabre",
]
_GIVEN = [
    "Alice",
    "Bruno",
    "Camille",
    "David",
    "Emma",
    "Fatima",
    "Georg",
    "Helena",
    "Ivan",
    "Julia",
    "Karim",
    "Laura",
    "Marc",
    "Nora",
    "Oscar",
    "Pia",
    "Quentin",
    "Rosa",
    "Samir",
    "Teresa",
    "Ursula",
    "Victor",
    "Wanda",
    "Xavier",
    "Yasmin",
    "Zoé",
]
_BUSY_DAYS = (-2, -1, 0, 1, 2, 3, 5, 7)


def register(clinic: DemoClinic, rng: random.Random, count: int) -> list[Patient]:
    """So many patients with ordinary names."""
    crowd = []
    for number in range(count):
        family, given = (
            _FAMILY[number % len(_FAMILY)],
            _GIVEN[(number * 7 + number // len(_FAMILY)) % len(_GIVEN)],
        )
        details = {
            "family_name": family,
            "given_names": given,
            "birth_date": date(1950, 1, 1) + timedelta(days=rng.randint(0, 19_000)),
            "sex": rng.choice(["female", "female", "female", "male"]),
            "phone": f"+33 6 {number % 90 + 10} {number // 90 + 10} {rng.randint(10, 99)} {rng.randint(10, 99)}",
            "email": f"{given}.{family}{number}@demo.invalid".lower(),
        }
        crowd.append(Journey.start(clinic, details, clinic.moment(-90 + number % 60, 9), rng).patient)
    return crowd


def fill(clinic: DemoClinic, rng: random.Random, crowd: list[Patient], step: Callable[[str], None]) -> None:
    """Book consultations and reviews into the days around today, and live the past ones through."""
    types = list(AppointmentType.objects.active().filter(purpose__in=["consultation", "review"]))
    for offset in _BUSY_DAYS:
        for _place in range(24 if abs(offset) <= 1 else 10):
            _book_one(clinic, rng, rng.choice(types), rng.choice(crowd), clinic.day(offset))
        step(f"The day {offset:+d} from today")
    for appointment in Appointment.objects.select_related("practitioner__user").filter(
        starts_at__lt=clinic.now,
        status__in=["booked", "provisional", "confirmed"],
        patient__in=crowd,
    ):
        _live_through(clinic, rng, appointment)


def _book_one(
    clinic: DemoClinic, rng: random.Random, kind: AppointmentType, patient: Patient, day: date
) -> None:
    window = local_day(day, timezone.get_default_timezone())
    at = min(window.starts_at, clinic.now) - timedelta(days=1)
    starts = free_starts(type=kind, window=window, at=at, patient=patient)
    if not starts:
        return
    start = rng.choice(starts)
    if kind.purpose == "consultation" and start.starts_at < clinic.now:
        return  # a past consultation would have its record; the cast has those
    wish = booking.Wish(
        patient,
        kind,
        start.practitioner,
        start.room,
        start.starts_at,
        start.device,
        kind.purpose if kind.purpose == "consultation" else "",
    )
    appointment = booking.book(wish=wish, by=clinic.reception, at=at)
    if start.starts_at > clinic.now:
        chance = rng.random()
        if chance < 0.4:
            visits.confirm(appointment=appointment, by=clinic.reception, at=at)
        elif chance < 0.48:
            visits.cancel(
                appointment=appointment,
                cancelled_by=rng.choice(list(CancelledBy)[:2]),
                reason="Something came up",
                by=clinic.reception,
                at=at + timedelta(hours=2),
            )


def _live_through(clinic: DemoClinic, rng: random.Random, appointment: Appointment) -> None:
    start, desk = appointment.starts_at, clinic.reception
    if rng.random() < 0.07 and start + timedelta(minutes=20) < clinic.now:
        visits.no_show(appointment=appointment, by=desk, at=start + timedelta(minutes=20))
        return
    arrived = visits.arrive(
        appointment=appointment, by=desk, at=start - timedelta(minutes=rng.randint(-3, 9))
    )
    seen = start + timedelta(minutes=rng.randint(0, 12))
    if seen > clinic.now:
        return
    begun = visits.start(appointment=arrived, by=desk, at=seen)
    over = appointment.ends_at + timedelta(minutes=rng.randint(-6, 8))
    if over < clinic.now:
        visits.complete(appointment=begun, by=desk, at=over)
