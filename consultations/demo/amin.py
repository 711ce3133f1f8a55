"""Real input: the course of Amin, Phelps and Goldberg (2006), with its own dates and numbers.

Ten patients, four monthly sessions from 15 January 2025, 225 points of 0.01 ml each: 2.25 ml a session; reviewed after
three and six months, without a change in any of the ten.
"""

import random
from collections.abc import Callable
from datetime import date, datetime, time

from django.utils import timezone

from clinic.intervals import clock_time
from consultations.demo.clinic import DemoClinic
from consultations.demo.journey import Journey
from consultations.demo.outcomes import aim, hold_review
from consultations.demo.pictures import photographed

SESSIONS = [date(2025, 1, 15), date(2025, 2, 15), date(2025, 3, 15), date(2025, 4, 15)]
AFTER_SIX_MONTHS = date(2025, 7, 15)
PATIENTS = 10
# The paper found no significant difference: nobody changes, at any review.
_REVIEWED = {3: "FACE-AMIN-S3", 4: "FACE-AMIN-M3"}
_NO_CHANGE, _WORDS = {"gais": 4}, "No difference to the photographs before."
_NAMES = [
    ("Abbott", "Claire"),
    ("Bianchi", "Giulia"),
    ("Carvalho", "Inês"),
    ("Dufour", "Hélène"),
    ("Eriksen", "Maja"),
    ("Ferrari", "Paola"),
    ("Grégoire", "Anne"),
    ("Holm", "Sofie"),
    ("Ivanova", "Elena"),
    ("Jansen", "Marijke"),
]


def enrol(clinic: DemoClinic, rng: random.Random, step: Callable[[str], None]) -> list[Journey]:
    """Consultation, test, reading without reaction, four sessions for each of the ten."""
    journeys = []
    for number in range(PATIENTS):
        family, given = _NAMES[number]
        journey = Journey.start(
            clinic,
            {
                "family_name": family,
                "given_names": given,
                "birth_date": date(1960 + number, 1 + number, 3 + number),
                "sex": "female",
                "phone": f"+33 6 20 25 01 {number:02}",
            },
            _at(date(2025, 1, 6), 9),
            rng,
        )
        _course(journey)
        journeys.append(journey)
        step(f"Amin course, patient {number + 1} of {PATIENTS}")
    return journeys


def _course(journey: Journey) -> None:
    visit = journey.book("consultation", _at(date(2025, 1, 8), 8, 30), at=_at(date(2025, 1, 6), 10))
    journey.consult(visit, "FACE-AMIN", starts_on=SESSIONS[0], aims=[aim("gais", "", "2")])
    journey.consent(visit)
    test, reading = journey.book_test(_at(date(2025, 1, 9), 8, 30), at=_at(date(2025, 1, 8), 19))
    journey.give_test(test)
    journey.read(reading)
    by, reviews = visit.practitioner.user, []
    for number, day in enumerate(SESSIONS, start=1):
        session = journey.book("session", _at(day, 8, 30), at=_at(day, 7))
        if number == 1:
            taken = "Photographs taken before the first session."
            reviews.append(hold_review(journey, "FACE-AMIN-M0", {}, words=taken, by=by, at=_at(day, 8, 20)))
        journey.give_session(session)
        if number in _REVIEWED:
            reviews.append(hold_review(journey, _REVIEWED[number], _NO_CHANGE, words=_WORDS, visit=session))
    last = hold_review(journey, "FACE-AMIN-M6", _NO_CHANGE, words=_WORDS, by=by, at=_at(AFTER_SIX_MONTHS, 9))
    photographed(journey, [*reviews, last], by=by)


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return clock_time(day, time(hour, minute), timezone.get_default_timezone())
