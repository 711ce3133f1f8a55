"""The demo's patients with whom something went wrong: every worklist and the incident list has a true entry."""

import random
from datetime import date, timedelta

from django.utils import timezone

from clinic.actions import case_files, emergencies
from clinic.enums import CaseKind
from consultations.actions import adverse_events, allergies, events, patch_tests, plans, records, sessions
from consultations.demo.clinic import DemoClinic
from consultations.demo.scenes import eligible, new_patient, tested, user_of
from consultations.enums import Causality, EventOutcome, Seriousness, TriageOutcome
from consultations.models import ReactionType, Session


def on_hold(clinic: DemoClinic, rng: random.Random) -> None:
    """A plan on hold after a report from the desk."""
    journey = new_patient(
        clinic, rng, -40, family_name="Petrov", given_names="Irina", birth_date=date(1975, 8, 9)
    )
    eligible(journey, clinic, -35, "TENDINITIS")
    tested(journey, clinic, -32)
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
        by=user_of(clinic, "silva"),
        at=at + timedelta(hours=3),
    )


def nodule(clinic: DemoClinic, rng: random.Random) -> None:
    """A nodule that came ten days after the session and grows: a red flag, the plan on hold, a review due."""
    journey = new_patient(
        clinic, rng, -50, family_name="Ferreira", given_names="Inês", birth_date=date(1979, 5, 14)
    )
    eligible(journey, clinic, -45, "CELLULITE")
    tested(journey, clinic, -42)
    journey.give_session(journey.book("session", clinic.moment(-12, 10), at=clinic.moment(-20, 9)))
    journey.book("session", clinic.moment(3, 10), at=clinic.moment(-12, 11))
    session = Session.objects.given().filter(patient=journey.patient).get()
    events.record(
        patient=journey.patient,
        details={
            "reaction": ReactionType.objects.current().get(code="nodule"),
            "grade": 1,
            "onset_at": clinic.moment(-2, 8),
            "words": "A tender lump above the right knee, the size of a pea, larger than yesterday.",
            "causality": Causality.POSSIBLE,
            "seriousness": Seriousness.NOT_SERIOUS,
            "outcome": EventOutcome.ONGOING,
            "is_growing": True,
            "plan": session.plan,
            "session": session,
            "practitioner": session.practitioner,
            "component_codes": session.formula.component_codes,
        },
        lots=[used.lot for used in session.used_lots.select_related("lot")],
        by=user_of(clinic, "silva"),
        at=clinic.now - timedelta(hours=3),
    )


def answered_for(clinic: DemoClinic, rng: random.Random) -> None:
    """A complaint about the session before the nodule, and an emergency at the desk that nobody has reviewed."""
    patient = Session.objects.given().get(patient__family_name="Ferreira").patient
    emergencies.open_summary(
        patient=patient,
        reason="Felt faint at the desk, the ambulance asked what she was given",
        by=clinic.reception,
        at=clinic.moment(-1, 16, 20),
    )
    at = (
        timezone.now()
    )  # later than all that was written for the demo, or the record would show nothing of it
    case_files.open_case(
        patient=patient,
        kind=CaseKind.COMPLAINT,
        title="Complaint about a session",
        reference="Letter of the patient",
        reason="She asks in writing what was injected; the answer is due within a month.",
        as_of=at,
        by=clinic.admin,
        at=at,
    )


def stopped(clinic: DemoClinic, rng: random.Random) -> None:
    """A plan that was stopped, and a consent withdrawn."""
    journey = new_patient(
        clinic, rng, -60, family_name="Silveira", given_names="Rui", birth_date=date(1969, 3, 3), sex="male"
    )
    eligible(journey, clinic, -55, "NEURALGIA")
    assert journey.plan is not None
    plans.stop(
        plan=journey.plan, reason="Prefers tablets.", by=user_of(clinic, "amari"), at=clinic.moment(-50, 10)
    )


def reported(clinic: DemoClinic, rng: random.Random) -> None:
    """A red-flag report that nobody has looked at yet."""
    journey = new_patient(
        clinic, rng, -30, family_name="O’Brien", given_names="Sinéad", birth_date=date(1981, 7, 19)
    )
    eligible(journey, clinic, -26, "FACE-HA")
    tested(journey, clinic, -23)
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
    journey = new_patient(
        clinic, rng, -20, family_name="Dubois", given_names="Nadia", birth_date=date(1991, 1, 21)
    )
    eligible(journey, clinic, -14, "FAT-PCDC")
    tested(journey, clinic, -11)
    journey.book("session", clinic.moment(1, 14), at=clinic.moment(-5, 9))
    allergies.report(
        patient=journey.patient,
        words="Soy milk makes her lips swell",
        group_code="soy",
        by=clinic.reception,
        at=clinic.moment(-1, 16),
    )


def unsigned_draft(clinic: DemoClinic, rng: random.Random) -> None:
    """A consultation that has been unsigned for more than a day."""
    journey = new_patient(
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
    journey = new_patient(
        clinic, rng, -18, family_name="Schmidt", given_names="Jonas", birth_date=date(1972, 4, 4), sex="male"
    )
    eligible(journey, clinic, -15, "NEURALGIA")
    assert journey.plan is not None
    by, at = user_of(clinic, "amari"), clinic.moment(-12, 11)
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
    journey = new_patient(
        clinic, rng, -32, family_name="Andersen", given_names="Freja", birth_date=date(1983, 6, 6)
    )
    eligible(journey, clinic, -28, "SPRAIN")
    tested(journey, clinic, -25)
    signed = journey.give_session(journey.book("session", clinic.moment(-18, 10), at=clinic.moment(-20, 9)))
    records.add(
        record=signed,
        text="Called the day after: no pain, small bruise.",
        by=user_of(clinic, "laurent"),
        at=clinic.moment(-17, 12),
    )
    records.call_error(
        record=Session.objects.get(pk=signed.pk),
        reason="Meant for another patient of the same morning.",
        by=user_of(clinic, "laurent"),
        at=clinic.moment(-2, 9),
    )


def late_reaction(clinic: DemoClinic, rng: random.Random) -> None:
    """A reaction to the test that showed a week after a clean reading."""
    journey = new_patient(
        clinic, rng, -26, family_name="Costa", given_names="Beatriz", birth_date=date(1987, 9, 28)
    )
    eligible(journey, clinic, -22, "FACE-HA")
    tested(journey, clinic, -19)
    assert journey.test is not None
    at = clinic.moment(-8, 10)
    patch_tests.report_reaction(
        test=journey.test,
        details={"read_at": at, "note": "Itching papules at the test site since the weekend."},
        by=user_of(clinic, "silva"),
        at=at,
    )
