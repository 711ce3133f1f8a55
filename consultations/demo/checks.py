"""The demo's patients whom the clinic asks how it has been: one due check of each kind, one of them called in vain."""

import random
from datetime import date

from clinic.actions import contacts
from clinic.enums import ContactChannel, ContactOutcome
from consultations.actions import follow_ups
from consultations.demo.clinic import DemoClinic
from consultations.demo.scenes import eligible, new_patient, tested, user_of
from consultations.enums import FollowUpAnswer
from consultations.models import FollowUpRule, Session
from consultations.rules.follow_ups import Told

# Days since the only session so far, and whose it was.
_SINCE = (
    (2, "Lindqvist", "Maja", date(1988, 2, 11), "female"),
    (9, "Okafor", "Chidi", date(1976, 11, 3), "male"),
    (30, "Rossi", "Elena", date(1984, 4, 27), "female"),
    (87, "Janssen", "Pieter", date(1969, 8, 15), "male"),
)


def checks_due(clinic: DemoClinic, rng: random.Random) -> None:
    """The day after, a week, four and twelve weeks after; the week's patient was not reached yet."""
    for since, family_name, given_names, birth_date, sex in _SINCE:
        who = {"family_name": family_name, "given_names": given_names, "birth_date": birth_date, "sex": sex}
        _treated(clinic, rng, since, **who)
    session = Session.objects.given().get(patient__family_name="Okafor")
    made = FollowUpRule.objects.current().get(code="day_1")
    told = Told(FollowUpAnswer.NOTHING, "A little sore in the evening, gone by the morning.")
    by = user_of(clinic, "silva")
    follow_ups.record(session=session, rule=made, told=told, by=by, at=clinic.moment(-8, 11))
    entry = follow_ups.ask_to_call(session=session, by=by, at=clinic.moment(-1, 9))
    contacts.record_try(
        entry=entry,
        channel=ContactChannel.PHONE,
        outcome=ContactOutcome.NO_ANSWER,
        by=clinic.reception,
        at=clinic.moment(-1, 16),
    )


def _treated(clinic: DemoClinic, rng: random.Random, since: int, **who: object) -> None:
    """A first session so many days ago, nothing booked after it."""
    journey = new_patient(clinic, rng, -since - 20, **who)
    eligible(journey, clinic, -since - 14, "TENDINITIS")
    tested(journey, clinic, -since - 11)
    journey.give_session(journey.book("session", clinic.moment(-since, 11), at=clinic.moment(-since - 5, 9)))
