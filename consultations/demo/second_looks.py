"""The demo's patients whose test was looked at a second time, or asks for another one."""

import random
from datetime import date

from consultations.actions import lots
from consultations.demo.clinic import DemoClinic
from consultations.demo.scenes import eligible, looked_at_late, new_patient, tested, user_of
from consultations.enums import Grade
from consultations.models import Lot


def nothing_new(clinic: DemoClinic, rng: random.Random) -> None:
    """A late reading that showed nothing: the sessions go on as booked."""
    journey = new_patient(
        clinic, rng, -18, family_name="Virtanen", given_names="Hanna", birth_date=date(1984, 4, 12)
    )
    eligible(journey, clinic, -15, "FACE-HA")
    tested(journey, clinic, -13)
    looked_at_late(journey, clinic, -4)
    journey.book("session", clinic.moment(2, 9), at=clinic.moment(-4, 11))


def reacted_late(clinic: DemoClinic, rng: random.Random) -> None:
    """A papule on the tenth day after a test of two components: visits to release, and a cause to be looked for."""
    journey = new_patient(
        clinic, rng, -20, family_name="Navarro", given_names="Pilar", birth_date=date(1971, 11, 23)
    )
    eligible(journey, clinic, -16, "TENDON-CALC")
    tested(journey, clinic, -13)
    journey.book("session", clinic.moment(3, 11), at=clinic.moment(-9, 9))
    note = "A firm red papule at the test site since two days; the saline control is quiet."
    looked_at_late(journey, clinic, -3, grade=Grade.WEAK, note=note)


def another_maker(clinic: DemoClinic, rng: random.Random) -> None:
    """Tested and cleared, and since then the shelf holds another maker's lot only: a session today asks for a new test."""
    journey = new_patient(
        clinic, rng, -24, family_name="Rahmani", given_names="Samira", birth_date=date(1966, 2, 17)
    )
    eligible(journey, clinic, -21, "LYMPH")
    tested(journey, clinic, -18)
    journey.book("session", clinic.moment(0, 15), at=clinic.moment(-10, 9))
    by, at = user_of(clinic, "amari"), clinic.moment(-1, 8)
    on_shelf = list(Lot.objects.usable_on(clinic.day(-1)).filter(component__code="hyaluronidase"))
    for lot in on_shelf:
        lots.use_up(lot=lot, by=by, at=at)
    lots.receive(
        component=on_shelf[0].component,
        maker="Atelier du Nord",
        number="HY-77",
        expires_on=clinic.day(200),
        label_amount=on_shelf[0].label_amount,
        label_ml=on_shelf[0].label_ml,
        by=by,
        at=at,
    )
