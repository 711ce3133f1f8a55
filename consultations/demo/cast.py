"""The demo's named patients: one in every state a clinic meets, so that every page has something true to show."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from clinic.actions import walk_ins
from clinic.models import User
from consultations.actions import adverse_events, allergies, patch_tests, plans, records, sessions
from consultations.demo.clinic import DemoClinic
from consultations.demo.journey import Journey
from consultations.enums import Grade, Outcome, TriageOutcome
from consultations.models import Session

Step = Callable[[str], None]


def enter(clinic: DemoClinic, rng: random.Random, step: Step) -> None:
    """Everybody, in an order that leaves today's first places to those who need them."""
    for scene in SCENES:
        scene(clinic, rng)
        step((scene.__doc__ or "").splitlines()[0].rstrip("."))


def _patient(clinic: DemoClinic, rng: random.Random, offset: int, **details: Any) -> Journey:
    base = {
        "sex": "female",
        "phone": f"+33 6 {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)} 71",
    }
    return Journey.start(clinic, base | details, clinic.moment(offset, 8), rng)


def _eligible(journey: Journey, clinic: DemoClinic, offset: int, template: str, **kwargs: Any) -> None:
    """Consultation and consent on the day `offset`."""
    visit = journey.book("consultation", clinic.moment(offset, 9), at=clinic.moment(offset - 2, 10))
    journey.consult(visit, template, **kwargs)
    journey.consent(visit, representative=journey.patient.representative_name)


def _tested(journey: Journey, clinic: DemoClinic, offset: int, **reading: Any) -> None:
    """Test on the day `offset` and its reading in the window."""
    test, visit = journey.book_test(clinic.moment(offset, 9), at=clinic.moment(offset - 1, 10))
    journey.give_test(test)
    journey.read(visit, **reading)


def new_caller(clinic: DemoClinic, rng: random.Random) -> None:
    """A new caller with a consultation today."""
    journey = _patient(
        clinic, rng, -1, family_name="Moreau", given_names="Jeanne", birth_date=date(1984, 3, 12)
    )
    allergies.report(
        patient=journey.patient,
        words="Soy",
        group_code="soy",
        reaction="Rash as a child",
        by=clinic.reception,
        at=clinic.moment(-1, 9),
    )
    journey.book("consultation", clinic.moment(0, 10), at=clinic.moment(-1, 9))


def reading_due(clinic: DemoClinic, rng: random.Random) -> None:
    """A reading due today."""
    journey = _patient(clinic, rng, -8, family_name="Haddad", given_names="Amal", birth_date=date(1990, 7, 2))
    _eligible(journey, clinic, -5, "FACE-HA")
    test, _reading = journey.book_test(clinic.moment(-3, 9), at=clinic.moment(-4, 9))
    journey.give_test(test)
    journey.book("session", clinic.moment(6, 9), at=clinic.moment(-1, 9))


def reading_overdue(clinic: DemoClinic, rng: random.Random) -> None:
    """A reading that nobody came to."""
    journey = _patient(
        clinic, rng, -12, family_name="Okoro", given_names="Ngozi", birth_date=date(1978, 1, 30)
    )
    _eligible(journey, clinic, -10, "PIGMENT")
    test, reading = journey.book_test(clinic.moment(-8, 10), at=clinic.moment(-9, 9))
    journey.give_test(test)
    journey.miss(reading)


def positive_test(clinic: DemoClinic, rng: random.Random) -> None:
    """A positive test: every formula that shares a component is closed."""
    journey = _patient(
        clinic, rng, -20, family_name="Lindqvist", given_names="Sara", birth_date=date(1988, 11, 5)
    )
    _eligible(journey, clinic, -14, "FACE-HA")
    test, reading = journey.book_test(clinic.moment(-9, 9), at=clinic.moment(-10, 9))
    journey.book("session", clinic.moment(3, 9), at=clinic.moment(-9, 18))
    journey.give_test(test)
    journey.read(reading, grade=Grade.STRONG, note="Redness, papules and small vesicles over 14 mm.")


def unclear_test(clinic: DemoClinic, rng: random.Random) -> None:
    """An unclear test that has to be repeated."""
    journey = _patient(
        clinic, rng, -12, family_name="Popescu", given_names="Ioana", birth_date=date(1995, 5, 22)
    )
    _eligible(journey, clinic, -9, "HAIR-DUT")
    _tested(journey, clinic, -7, grade=Grade.DOUBTFUL, note="Faint redness only.")


def deferred(clinic: DemoClinic, rng: random.Random) -> None:
    """Deferred after an infection."""
    journey = _patient(
        clinic, rng, -6, family_name="Nguyen", given_names="Linh", birth_date=date(1982, 9, 14)
    )
    visit = journey.book("consultation", clinic.moment(-4, 9), at=clinic.moment(-6, 10))
    journey.consult(
        visit,
        "CELLULITE",
        outcome=Outcome.DEFERRED,
        reason="Antibiotics for a chest infection until last week.",
        until=clinic.day(10),
    )


def not_eligible(clinic: DemoClinic, rng: random.Random) -> None:
    """Not eligible: pregnant."""
    journey = _patient(
        clinic, rng, -8, family_name="Rossi", given_names="Chiara", birth_date=date(1993, 2, 8)
    )
    visit = journey.book("consultation", clinic.moment(-7, 11), at=clinic.moment(-8, 10))
    journey.consult(visit, "FACE-HA", outcome=Outcome.NOT_ELIGIBLE, reason="Pregnant.", yes={"pregnancy": ""})


def consent_missing(clinic: DemoClinic, rng: random.Random) -> None:
    """A test today for which the consent is still to be signed."""
    journey = _patient(
        clinic, rng, -3, family_name="Sousa", given_names="Marta", birth_date=date(1979, 12, 1)
    )
    visit = journey.book("consultation", clinic.moment(-2, 14), at=clinic.moment(-3, 10))
    journey.consult(visit, "FACE-HA")
    journey.book_test(clinic.moment(0, 14), at=clinic.moment(-1, 10))


def in_course(clinic: DemoClinic, rng: random.Random) -> None:
    """In the middle of a course for the knee, with a session today."""
    journey = _patient(
        clinic, rng, -40, family_name="Bernard", given_names="Paul", birth_date=date(1958, 6, 18), sex="male"
    )
    _eligible(journey, clinic, -33, "KNEE-OA")
    _tested(journey, clinic, -30)
    for offset in (-21, -14, -7):
        visit = journey.book("session", clinic.moment(offset, 9), at=clinic.moment(offset - 3, 9))
        journey.give_session(visit)
    journey.book("session", clinic.moment(0, 11), at=clinic.moment(-7, 15))


def with_gun(clinic: DemoClinic, rng: random.Random) -> None:
    """A course with the gun."""
    journey = _patient(clinic, rng, -30, family_name="Kaya", given_names="Elif", birth_date=date(1986, 4, 27))
    _eligible(journey, clinic, -25, "CELLULITE", technique="gun")
    _tested(journey, clinic, -22)
    for offset in (-15, -8):
        journey.give_session(
            journey.book("session", clinic.moment(offset, 13), at=clinic.moment(offset - 3, 9))
        )
    journey.book("session", clinic.moment(0, 15), at=clinic.moment(-2, 9))


def needleless(clinic: DemoClinic, rng: random.Random) -> None:
    """Afraid of needles: a needleless course, booked for tomorrow."""
    journey = _patient(
        clinic, rng, -16, family_name="Weber", given_names="Lena", birth_date=date(1999, 10, 3)
    )
    _eligible(journey, clinic, -13, "FACE-HA", technique="needleless")
    _tested(journey, clinic, -10)
    journey.book("session", clinic.moment(1, 9), at=clinic.moment(-3, 9))


def on_hold(clinic: DemoClinic, rng: random.Random) -> None:
    """A plan on hold after a report from the desk."""
    journey = _patient(
        clinic, rng, -40, family_name="Petrov", given_names="Irina", birth_date=date(1975, 8, 9)
    )
    _eligible(journey, clinic, -35, "TENDINITIS")
    _tested(journey, clinic, -32)
    journey.give_session(journey.book("session", clinic.moment(-20, 10), at=clinic.moment(-24, 9)))
    at = clinic.moment(-12, 9, 40)
    report = adverse_events.report(
        patient=journey.patient,
        words="My shoulder is swollen and warm since yesterday.",
        call_back=journey.patient.phone,
        red_flag=False,
        by=clinic.reception,
        at=at,
    )
    adverse_events.triage(
        entry=report,
        outcome=TriageOutcome.HOLD,
        note="Seen the same day: swelling at the site. Wait until it has settled.",
        by=_user(clinic, "silva"),
        at=at + timedelta(hours=3),
    )


def stopped(clinic: DemoClinic, rng: random.Random) -> None:
    """A plan that was stopped, and a consent withdrawn."""
    journey = _patient(
        clinic, rng, -60, family_name="Silveira", given_names="Rui", birth_date=date(1969, 3, 3), sex="male"
    )
    _eligible(journey, clinic, -55, "NEURALGIA")
    assert journey.plan is not None
    plans.stop(
        plan=journey.plan, reason="Prefers tablets.", by=_user(clinic, "amari"), at=clinic.moment(-50, 10)
    )


def reported(clinic: DemoClinic, rng: random.Random) -> None:
    """A red-flag report that nobody has looked at yet."""
    journey = _patient(
        clinic, rng, -30, family_name="O’Brien", given_names="Sinéad", birth_date=date(1981, 7, 19)
    )
    _eligible(journey, clinic, -26, "FACE-HA")
    _tested(journey, clinic, -23)
    journey.give_session(journey.book("session", clinic.moment(-16, 10), at=clinic.moment(-20, 9)))
    journey.book("session", clinic.moment(1, 11), at=clinic.moment(-10, 9))
    adverse_events.report(
        patient=journey.patient,
        words="A hard, painful lump on my cheek, it came two weeks after and is growing.",
        call_back=journey.patient.phone,
        red_flag=True,
        by=clinic.reception,
        at=clinic.now - timedelta(hours=2),
    )


def allergy_meets_formula(clinic: DemoClinic, rng: random.Random) -> None:
    """An allergy reported after the plan was made: the session is not cleared."""
    journey = _patient(
        clinic, rng, -20, family_name="Dubois", given_names="Nadia", birth_date=date(1991, 1, 21)
    )
    _eligible(journey, clinic, -14, "FAT-PCDC")
    _tested(journey, clinic, -11)
    journey.book("session", clinic.moment(1, 14), at=clinic.moment(-5, 9))
    allergies.report(
        patient=journey.patient,
        words="Soy milk makes her lips swell",
        group_code="soy",
        by=clinic.reception,
        at=clinic.moment(-1, 16),
    )


def twins(clinic: DemoClinic, rng: random.Random) -> None:
    """Twins: the same birth date, almost the same name, two people."""
    for given in ("Anna", "Hanna"):
        journey = _patient(
            clinic, rng, -2, family_name="Keller", given_names=given, birth_date=date(1997, 2, 17)
        )
        journey.book("consultation", clinic.moment(2, 10), at=clinic.moment(-2, 9))


def other_scripts(clinic: DemoClinic, rng: random.Random) -> None:
    """A name in Arabic script, one in Greek, and a single name."""
    people = [
        {
            "family_name": "الأحمد",
            "given_names": "ليلى",
            "family_name_latin": "Al-Ahmad",
            "given_names_latin": "Layla",
        },
        {
            "family_name": "Παπαδοπούλου",
            "given_names": "Ελένη",
            "family_name_latin": "Papadopoulou",
            "given_names_latin": "Eleni",
        },
        {"family_name": "Sukarni"},
    ]
    for number, names in enumerate(people):
        journey = _patient(clinic, rng, -4, birth_date=date(1970 + 9 * number, 5, 6 + number), **names)
        journey.book("consultation", clinic.moment(number, 11), at=clinic.moment(-3, 9))


def minor(clinic: DemoClinic, rng: random.Random) -> None:
    """A young athlete of sixteen whose mother signs."""
    born = date(clinic.today.year - 17, 1, 1) + timedelta(days=200)
    journey = _patient(
        clinic,
        rng,
        -9,
        family_name="Fontaine",
        given_names="Léo",
        birth_date=born,
        sex="male",
        representative_name="Claire Fontaine",
        representative_relation="mother",
        representative_phone="+33 6 44 55 66 77",
    )
    _eligible(
        journey,
        clinic,
        -7,
        "PAIN-ACUTE-LBP",
        outcome=Outcome.CONDITIONS,
        reason="Mother agrees and is present.",
    )
    journey.book("session", clinic.moment(0, 16), at=clinic.moment(-3, 9))


def unsigned_draft(clinic: DemoClinic, rng: random.Random) -> None:
    """A consultation that has been unsigned for more than a day."""
    journey = _patient(
        clinic,
        rng,
        -5,
        family_name="Marchetti",
        given_names="Luca",
        birth_date=date(1965, 10, 25),
        sex="male",
    )
    visit = journey.book("consultation", clinic.moment(-3, 9), at=clinic.moment(-5, 9))
    journey.consult(visit, "PAIN-SPINE", sign=False)
    journey.finish(visit)


def deviation(clinic: DemoClinic, rng: random.Random) -> None:
    """A session given before the test was read: the truth, on the incident list."""
    journey = _patient(
        clinic, rng, -18, family_name="Schmidt", given_names="Jonas", birth_date=date(1972, 4, 4), sex="male"
    )
    _eligible(journey, clinic, -15, "NEURALGIA")
    assert journey.plan is not None
    by, at = _user(clinic, "amari"), clinic.moment(-12, 11)
    draft = sessions.record_deviating(
        planned=journey.next_session(),
        started_at=at,
        reason="The test was taken for read. Noticed when writing up; the patient was told and is well.",
        by=by,
        at=at + timedelta(hours=6),
    )
    draft = sessions.save(
        session=draft,
        details=journey.details(draft),
        contents=journey.contents(draft),
        version=draft.version,
        by=by,
        at=at + timedelta(hours=6),
    )
    sessions.sign(session=draft, version=draft.version, by=by, at=at + timedelta(hours=6))


def entered_in_error(clinic: DemoClinic, rng: random.Random) -> None:
    """A session written into the wrong record, waiting for a second person to confirm."""
    journey = _patient(
        clinic, rng, -32, family_name="Andersen", given_names="Freja", birth_date=date(1983, 6, 6)
    )
    _eligible(journey, clinic, -28, "SPRAIN")
    _tested(journey, clinic, -25)
    signed = journey.give_session(journey.book("session", clinic.moment(-18, 10), at=clinic.moment(-20, 9)))
    records.add(
        record=signed,
        text="Called the day after: no pain, small bruise.",
        by=_user(clinic, "laurent"),
        at=clinic.moment(-17, 12),
    )
    records.call_error(
        record=Session.objects.get(pk=signed.pk),
        reason="Meant for another patient of the same morning.",
        by=_user(clinic, "laurent"),
        at=clinic.moment(-2, 9),
    )


def late_reaction(clinic: DemoClinic, rng: random.Random) -> None:
    """A reaction to the test that showed a week after a clean reading."""
    journey = _patient(
        clinic, rng, -26, family_name="Costa", given_names="Beatriz", birth_date=date(1987, 9, 28)
    )
    _eligible(journey, clinic, -22, "FACE-HA")
    _tested(journey, clinic, -19)
    assert journey.test is not None
    at = clinic.moment(-8, 10)
    patch_tests.report_reaction(
        test=journey.test,
        details={"read_at": at, "note": "Itching papules at the test site since the weekend."},
        by=_user(clinic, "silva"),
        at=at,
    )


def two_plans(clinic: DemoClinic, rng: random.Random) -> None:
    """Two plans side by side: the face and the knee."""
    journey = _patient(
        clinic, rng, -50, family_name="Tanaka", given_names="Yuki", birth_date=date(1963, 12, 12)
    )
    _eligible(journey, clinic, -45, "KNEE-OA")
    _tested(journey, clinic, -42)
    for offset in (-34, -27, -20, -13):
        journey.give_session(
            journey.book("session", clinic.moment(offset, 15), at=clinic.moment(offset - 2, 9))
        )
    _eligible(journey, clinic, -6, "FACE-HA")


def walk_in(clinic: DemoClinic, rng: random.Random) -> None:
    """Somebody at the counter without an appointment."""
    journey = _patient(clinic, rng, 0, family_name="Morel", given_names="Inès", birth_date=date(1994, 8, 8))
    walk_ins.note(
        patient_id=journey.patient.pk,
        wants="Consultation about hair loss",
        by=clinic.reception,
        at=clinic.now - timedelta(minutes=12),
    )


SCENES: list[Callable[[DemoClinic, random.Random], None]] = [
    new_caller,
    reading_due,
    reading_overdue,
    positive_test,
    unclear_test,
    deferred,
    not_eligible,
    consent_missing,
    in_course,
    with_gun,
    needleless,
    on_hold,
    stopped,
    reported,
    allergy_meets_formula,
    twins,
    other_scripts,
    minor,
    unsigned_draft,
    deviation,
    entered_in_error,
    late_reaction,
    two_plans,
    walk_in,
]


def _user(clinic: DemoClinic, username: str) -> User:
    user = clinic.practitioners[username].user
    assert user is not None
    return user
