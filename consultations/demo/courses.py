"""The demo's patients on courses with doses of their own: a formula for each session, and a dose at its caps."""

import random
from datetime import date, datetime
from decimal import Decimal

from consultations.actions import sessions
from consultations.demo.clinic import DemoClinic
from consultations.demo.journey import Journey
from consultations.demo.outcomes import aim, hold_review
from consultations.demo.scenes import eligible, new_patient, tested, user_of
from consultations.models import BodyZone


def formula_by_session(clinic: DemoClinic, rng: random.Random) -> None:
    """Acute back pain: methylprednisolone 40, 40, 20 and 20 mg given, the fifth session today with 20 mg.

    Real input: the course of Costantino, PMC2952299, 3 ml a session on days 0, 3, 6, 9 and 12.
    """
    journey = new_patient(
        clinic, rng, -16, family_name="Vogt", given_names="Thomas", birth_date=date(1974, 2, 26), sex="male"
    )
    eligible(journey, clinic, -14, "PAIN-ACUTE-LBP", aims=[aim("pain_nrs", "8", "3"), aim("rmdq", "15", "8")])
    by, at = user_of(clinic, "silva"), clinic.moment(-12, 8, 30)
    hold_review(journey, "PAIN-ACUTE-LBP-T0", {"pain_nrs": 8, "rmdq": 15}, words="Cannot sit.", by=by, at=at)
    for offset in (-12, -9, -6, -3):
        journey.give_session(
            journey.book("session", clinic.moment(offset, 9), at=clinic.moment(offset - 1, 9))
        )
    silva = clinic.practitioners["silva"]  # whoever is not on leave today
    journey.book("session", clinic.moment(0, 13, 30), at=clinic.moment(-3, 12), who=silva)


def at_the_caps(clinic: DemoClinic, rng: random.Random) -> None:
    """Fat under the chin: 50 points of 0.2 ml deoxycholic acid twice, just within every cap, the third session today."""
    journey = new_patient(
        clinic, rng, -80, family_name="Sokolova", given_names="Petra", birth_date=date(1981, 10, 8)
    )
    eligible(journey, clinic, -77, "FAT-DCA", aims=[aim("gais", "", "2")])
    tested(journey, clinic, -74)
    for offset in (-66, -33):
        visit = journey.book("session", clinic.moment(offset, 10), at=clinic.moment(offset - 4, 9))
        journey.give_session(visit, fifty_points(journey, visit.starts_at))
    laurent = clinic.practitioners["laurent"]
    journey.book("session", clinic.moment(0, 14), at=clinic.moment(-33, 15), who=laurent)


def fifty_points(journey: Journey, on: datetime) -> sessions.Contents:
    """What the label allows in one session at most: 50 points of 0.2 ml on a grid of 1 cm, 10 ml, 100 mg."""
    assert journey.plan is not None
    each = Decimal("0.2")
    zone = BodyZone.objects.current().get(code="submental")
    lots = journey.lots(journey.plan.formula, on)
    return sessions.Contents(zones=[sessions.Zone(zone, 50, each, 50 * each, Decimal(50))], lots=lots)
