"""What several scenes of the demo share."""

import random
from typing import Any

from clinic.models import User
from consultations.actions import patch_tests
from consultations.demo.clinic import DemoClinic
from consultations.demo.journey import Journey
from consultations.enums import Grade


def new_patient(clinic: DemoClinic, rng: random.Random, offset: int, **details: Any) -> Journey:
    """Register somebody on the day `offset` from today."""
    base = {
        "sex": "female",
        "phone": f"+33 6 {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)} 71",
    }
    return Journey.start(clinic, base | details, clinic.moment(offset, 8), rng)


def eligible(journey: Journey, clinic: DemoClinic, offset: int, template: str, **kwargs: Any) -> None:
    """Consultation and consent on the day `offset`."""
    visit = journey.book("consultation", clinic.moment(offset, 9), at=clinic.moment(offset - 2, 10))
    journey.consult(visit, template, **kwargs)
    journey.consent(visit, representative=journey.patient.representative_name)


def tested(journey: Journey, clinic: DemoClinic, offset: int, **reading: Any) -> None:
    """Test on the day `offset` and its reading in the window."""
    test, visit = journey.book_test(clinic.moment(offset, 9), at=clinic.moment(offset - 1, 10))
    journey.give_test(test)
    journey.read(visit, **reading)


def looked_at_late(
    journey: Journey, clinic: DemoClinic, offset: int, *, grade: Grade = Grade.NEGATIVE, note: str = ""
) -> None:
    """The optional late reading of the test, without a visit, on the day `offset`."""
    assert journey.test is not None
    at = clinic.moment(offset, 10, 20)
    seen = {"read_at": at, "site_readable": True, "grade": grade, "note": note}
    patch_tests.read_late(test=journey.test, details=seen, by=user_of(clinic, "silva"), at=at)


def user_of(clinic: DemoClinic, username: str) -> User:
    """The sign-in of one of the demo\'s practitioners."""
    user = clinic.practitioners[username].user
    assert user is not None
    return user
