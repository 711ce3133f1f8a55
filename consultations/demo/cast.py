"""The demo's named patients: one in every state a clinic meets, so that every page has something true to show."""

import random
from collections.abc import Callable
from datetime import date, timedelta

from django.utils import timezone

from clinic.actions import visits, walk_ins
from consultations.actions import allergies, check_ins, health
from consultations.demo import checks, courses, second_looks, troubles
from consultations.demo.choices import questions
from consultations.demo.clinic import DemoClinic
from consultations.demo.outcomes import aim, hold_review
from consultations.demo.scenes import eligible, new_patient, tested, user_of
from consultations.enums import Answer, AnswerSource, Grade, Outcome
from consultations.models import CheckInQuestion
from consultations.rules.check_ins import Said, questions_for

Step = Callable[[str], None]


def enter(clinic: DemoClinic, rng: random.Random, step: Step) -> None:
    """Everybody, in an order that leaves today's first places to those who need them."""
    for scene in SCENES:
        scene(clinic, rng)
        step((scene.__doc__ or "").splitlines()[0].rstrip("."))


def new_caller(clinic: DemoClinic, rng: random.Random) -> None:
    """A new caller with a consultation today."""
    journey = new_patient(
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
    soon = max(clinic.moment(0, 10), clinic.now + timedelta(minutes=30))
    journey.book("consultation", soon, at=clinic.moment(-1, 9))


def reading_due(clinic: DemoClinic, rng: random.Random) -> None:
    """A reading due today."""
    journey = new_patient(
        clinic, rng, -8, family_name="Haddad", given_names="Amal", birth_date=date(1990, 7, 2)
    )
    eligible(journey, clinic, -5, "FACE-HA")
    test, _reading = journey.book_test(clinic.moment(-3, 9), at=clinic.moment(-4, 9))
    journey.give_test(test)
    journey.book("session", clinic.moment(6, 9), at=clinic.moment(-1, 9))


def reading_overdue(clinic: DemoClinic, rng: random.Random) -> None:
    """A reading that nobody came to."""
    journey = new_patient(
        clinic, rng, -12, family_name="Okoro", given_names="Ngozi", birth_date=date(1978, 1, 30)
    )
    eligible(journey, clinic, -10, "PIGMENT")
    test, reading = journey.book_test(clinic.moment(-8, 10), at=clinic.moment(-9, 9))
    journey.give_test(test)
    journey.miss(reading)


def positive_test(clinic: DemoClinic, rng: random.Random) -> None:
    """A positive test: every formula that shares a component is closed."""
    journey = new_patient(
        clinic, rng, -20, family_name="Lindqvist", given_names="Sara", birth_date=date(1988, 11, 5)
    )
    eligible(journey, clinic, -14, "FACE-HA")
    test, reading = journey.book_test(clinic.moment(-9, 9), at=clinic.moment(-10, 9))
    journey.book("session", clinic.moment(3, 9), at=clinic.moment(-9, 18))
    journey.give_test(test)
    journey.read(reading, grade=Grade.STRONG, note="Redness, papules and small vesicles over 14 mm.")


def unclear_test(clinic: DemoClinic, rng: random.Random) -> None:
    """An unclear test that has to be repeated."""
    journey = new_patient(
        clinic, rng, -12, family_name="Popescu", given_names="Ioana", birth_date=date(1995, 5, 22)
    )
    eligible(journey, clinic, -9, "HAIR-DUT")
    tested(journey, clinic, -7, grade=Grade.DOUBTFUL, note="Faint redness only.")


def deferred(clinic: DemoClinic, rng: random.Random) -> None:
    """Deferred after an infection."""
    journey = new_patient(
        clinic, rng, -6, family_name="Nguyen", given_names="Linh", birth_date=date(1982, 9, 14)
    )
    visit = journey.book("consultation", clinic.moment(-4, 9), at=clinic.moment(-6, 10))
    journey.consult(
        visit,
        "CELLULITE",
        outcome=Outcome.DEFERRED,
        reason="Antibiotics for a chest infection until last week.",
        yes={"infection_systemic": ""},
        since={"infection_systemic": clinic.day(-4)},
        until=clinic.day(10),
    )


def not_eligible(clinic: DemoClinic, rng: random.Random) -> None:
    """Not eligible: pregnant."""
    journey = new_patient(
        clinic, rng, -8, family_name="Galli", given_names="Chiara", birth_date=date(1993, 2, 8)
    )
    visit = journey.book("consultation", clinic.moment(-7, 11), at=clinic.moment(-8, 10))
    journey.consult(visit, "FACE-HA", outcome=Outcome.NOT_ELIGIBLE, reason="Pregnant.", yes={"pregnancy": ""})


def consent_missing(clinic: DemoClinic, rng: random.Random) -> None:
    """A test today for which the consent is still to be signed."""
    journey = new_patient(
        clinic, rng, -3, family_name="Sousa", given_names="Marta", birth_date=date(1979, 12, 1)
    )
    visit = journey.book("consultation", clinic.moment(-2, 14), at=clinic.moment(-3, 10))
    journey.consult(visit, "FACE-HA")
    journey.book_test(clinic.moment(0, 14), at=clinic.moment(-1, 10))


def in_course(clinic: DemoClinic, rng: random.Random) -> None:
    """In the middle of a course for the knee, with a session today."""
    journey = new_patient(
        clinic, rng, -40, family_name="Bernard", given_names="Paul", birth_date=date(1958, 6, 18), sex="male"
    )
    eligible(journey, clinic, -33, "KNEE-OA", aims=[aim("pain_nrs", "8", "3")])
    tested(journey, clinic, -30)
    for offset in (-21, -14, -7):
        visit = journey.book("session", clinic.moment(offset, 9), at=clinic.moment(offset - 3, 9))
        journey.give_session(visit)
    hold_review(journey, "KNEE-OA-S3", {"pain_nrs": 4}, words="Walks the stairs again.", visit=visit)
    journey.book("session", clinic.moment(0, 11), at=clinic.moment(-7, 15))


def review_due(clinic: DemoClinic, rng: random.Random) -> None:
    """Three sessions for the face; the fourth is booked and waits for the review."""
    journey = new_patient(
        clinic, rng, -70, family_name="Galli", given_names="Chiara", birth_date=date(1971, 9, 9)
    )
    eligible(journey, clinic, -63, "FACE-HA", aims=[aim("fine_lines", "3", "2"), aim("gais", "", "2")])
    tested(journey, clinic, -59)
    for offset in (-48, -33, -18):
        journey.give_session(
            journey.book("session", clinic.moment(offset, 10), at=clinic.moment(offset - 3, 9))
        )
    journey.book("session", clinic.moment(1, 10), at=clinic.moment(-15, 9))


def with_gun(clinic: DemoClinic, rng: random.Random) -> None:
    """A course with the gun."""
    journey = new_patient(
        clinic, rng, -30, family_name="Kaya", given_names="Elif", birth_date=date(1986, 4, 27)
    )
    thigh = aim("circumference_cm", "61.5", "58.5", "right thigh")
    eligible(journey, clinic, -25, "CELLULITE", technique="gun", aims=[aim("cellulite_nm", "3", "1"), thigh])
    tested(journey, clinic, -22)
    for offset in (-15, -8):
        journey.give_session(
            journey.book("session", clinic.moment(offset, 13), at=clinic.moment(offset - 3, 9))
        )
    journey.book("session", clinic.moment(0, 15), at=clinic.moment(-2, 9))


def needleless(clinic: DemoClinic, rng: random.Random) -> None:
    """Afraid of needles: a needleless course, booked for tomorrow."""
    journey = new_patient(
        clinic, rng, -16, family_name="Weber", given_names="Lena", birth_date=date(1999, 10, 3)
    )
    eligible(journey, clinic, -13, "FACE-HA", technique="needleless")
    tested(journey, clinic, -10)
    journey.book("session", clinic.moment(1, 9), at=clinic.moment(-3, 9))


def twins(clinic: DemoClinic, rng: random.Random) -> None:
    """Twins: the same birth date, almost the same name, two people."""
    for given in ("Anna", "Hanna"):
        journey = new_patient(
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
        journey = new_patient(clinic, rng, -4, birth_date=date(1970 + 9 * number, 5, 6 + number), **names)
        journey.book("consultation", clinic.moment(number, 11), at=clinic.moment(-3, 9))


def minor(clinic: DemoClinic, rng: random.Random) -> None:
    """A young athlete of sixteen whose mother signs."""
    born = date(clinic.today.year - 17, 1, 1) + timedelta(days=200)
    journey = new_patient(
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
    eligible(
        journey,
        clinic,
        -7,
        "PAIN-ACUTE-LBP",
        outcome=Outcome.CONDITIONS,
        reason="Mother agrees and is present.",
        yes={"age_min": ""},
    )
    journey.book("session", clinic.moment(0, 16), at=clinic.moment(-3, 9))


def two_plans(clinic: DemoClinic, rng: random.Random) -> None:
    """Two plans side by side: the face and the knee."""
    journey = new_patient(
        clinic, rng, -50, family_name="Tanaka", given_names="Yuki", birth_date=date(1963, 12, 12)
    )
    eligible(journey, clinic, -45, "KNEE-OA")
    tested(journey, clinic, -42)
    for offset in (-34, -27, -20, -13):
        journey.give_session(
            journey.book("session", clinic.moment(offset, 15), at=clinic.moment(offset - 2, 9))
        )
    eligible(journey, clinic, -6, "FACE-HA")


def consulted_long_ago(clinic: DemoClinic, rng: random.Random) -> None:
    """A patient who comes back after a year: consultation to confirm, consent to sign anew."""
    journey = new_patient(
        clinic, rng, -385, family_name="Vidal", given_names="Carmen", birth_date=date(1971, 6, 9)
    )
    eligible(journey, clinic, -380, "KNEE-OA")
    tested(journey, clinic, -377)
    journey.give_session(journey.book("session", clinic.moment(-370, 15), at=clinic.moment(-372, 9)))


def answer_changed(clinic: DemoClinic, rng: random.Random) -> None:
    """An antibiotic told on the phone between two sessions: the next one has to wait."""
    journey = new_patient(
        clinic, rng, -30, family_name="Ferrari", given_names="Giulia", birth_date=date(1980, 10, 3)
    )
    eligible(journey, clinic, -28, "KNEE-OA")
    tested(journey, clinic, -25)
    journey.give_session(journey.book("session", clinic.moment(-15, 15), at=clinic.moment(-17, 9)))
    journey.book("session", clinic.moment(5, 15), at=clinic.moment(-2, 9))
    health.answer(
        patient=journey.patient,
        question=next(each for each in questions() if each.code == "infection_systemic"),
        said=Answer.YES,
        source=AnswerSource.PHONE,
        event_on=clinic.day(3),
        note="Amoxicillin for a tooth; the last tablet is in three days.",
        by=user_of(clinic, "silva"),
        at=clinic.moment(-1, 11),
    )


def asked_again(clinic: DemoClinic, rng: random.Random) -> None:
    """A vaccine told on the tablet at check-in: the desk asks the practitioner before the session begins."""
    journey = new_patient(
        clinic, rng, -45, family_name="Lindgren", given_names="Maja", birth_date=date(1988, 5, 21)
    )
    eligible(journey, clinic, -40, "KNEE-OA")
    tested(journey, clinic, -37)
    journey.give_session(journey.book("session", clinic.moment(-25, 10), at=clinic.moment(-27, 9)))
    visit = journey.book("session", clinic.now, at=clinic.moment(-5, 9))
    if timezone.localdate(visit.starts_at) != clinic.today:
        return  # set up in the evening: there is no place left today
    visits.arrive(appointment=visit, by=clinic.reception, at=clinic.now - timedelta(minutes=9))
    check_in = check_ins.ask(appointment=visit, by=clinic.reception, at=clinic.now - timedelta(minutes=8))
    said = [
        Said(asked, Answer.YES, clinic.day(-4)) if asked.code == "vaccine" else Said(asked, Answer.NO)
        for asked in questions_for(visit, CheckInQuestion.objects.current())
    ]
    check_ins.answer(check_in=check_in, said=said, by=clinic.reception, at=clinic.now - timedelta(minutes=6))


def calls_back(clinic: DemoClinic, rng: random.Random) -> None:
    """A time held for a patient who calls back."""
    journey = new_patient(
        clinic, rng, -1, family_name="Keller", given_names="Anna", birth_date=date(1986, 2, 17)
    )
    journey.hold("consultation", clinic.moment(1, 10), at=clinic.now, until=clinic.now + timedelta(hours=4))


def walk_in(clinic: DemoClinic, rng: random.Random) -> None:
    """Somebody at the counter without an appointment."""
    journey = new_patient(
        clinic, rng, 0, family_name="Morel", given_names="Inès", birth_date=date(1994, 8, 8)
    )
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
    review_due,
    with_gun,
    needleless,
    troubles.on_hold,
    troubles.stopped,
    troubles.reported,
    troubles.allergy_meets_formula,
    twins,
    other_scripts,
    minor,
    troubles.unsigned_draft,
    troubles.deviation,
    troubles.entered_in_error,
    troubles.late_reaction,
    two_plans,
    consulted_long_ago,
    answer_changed,
    asked_again,
    walk_in,
    calls_back,
    troubles.nodule,
    troubles.answered_for,
    checks.checks_due,
    courses.formula_by_session,
    courses.at_the_caps,
    second_looks.nothing_new,
    second_looks.reacted_late,
    second_looks.another_maker,
]
