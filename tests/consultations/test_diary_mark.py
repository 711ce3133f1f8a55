"""An open diary learns of what changes a badge although no visit changed: its mark watches the pathway's journals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from clinic import diary, readiness
from clinic.actions import booking
from clinic.models import Appointment, User
from consultations import purposes
from consultations.actions import adverse_events, allergies, consents, lots, plans
from consultations.enums import PlanStatus
from consultations.models import Allergy, Consent, Lot, Plan, PlanStatusChange
from tests.clinic.desk import Desk, make_desk, on
from tests.consultations.policies import decided
from tests.factories import (
    AdverseEventFactory,
    AllergyFactory,
    AppointmentFactory,
    ConsultationConfirmationFactory,
    EnteredInErrorFactory,
    PatchTestFactory,
    PatientFactory,
    PlanStopFactory,
    ReviewFactory,
    ReviewRuleFactory,
    SessionFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
    consented_plan,
    waiting_for_review,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

Change = Callable[[Plan, User], object]
CHANGES_SEEN: dict[str, Change] = {
    "a reaction reported by phone": lambda plan, by: adverse_events.report(
        patient=plan.patient, words="It swells", call_back="", red_flag=False, by=by, at=CLINIC_NOW
    ),
    "an allergy reported": lambda plan, by: allergies.report(
        patient=plan.patient, words="Nuts, she says", by=by, at=CLINIC_NOW
    ),
    "a consent withdrawn": lambda plan, by: consents.withdraw(
        consent=Consent.objects.get(plan=plan), reason="", by=by, at=CLINIC_NOW
    ),
    "a plan held": lambda plan, by: plans.hold(plan=plan, reason="holiday", by=by, at=CLINIC_NOW),
    "a test read as positive": lambda plan, by: TestReadingFactory(
        patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)), positive=True
    ),
    "a reading called an error": lambda plan, by: EnteredInErrorFactory(
        reading=plan.patch_tests.get().readings.get()
    ),
    "an answer that stops the plan": lambda plan, by: PlanStopFactory(plan=plan),
    "a shorter validity decided": lambda plan, by: decided(ago(minutes=1), consultation_valid_months=1),
    "a session signed": lambda plan, by: SessionFactory(plan=plan, signed=True),
}


@pytest.fixture
def desk(rows: None, clinic_now: datetime, reception: User) -> Desk:
    """The small clinic, with the clinical pathway connected."""
    return make_desk(reception)


@pytest.fixture
def clinician(desk: Desk, practitioner_user: User) -> User:
    """Dr Silva's own sign-in."""
    desk.silva.user = practitioner_user
    desk.silva.save()
    return practitioner_user


def todays_session(desk: Desk) -> tuple[Plan, Appointment]:
    plan = cleared_plan()
    second = plan.planned_sessions.get(ordinal=2)
    visit = desk.book(on(TODAY, "15:00"), patient=plan.patient, purpose=purposes.session_of(second))
    return plan, visit


def shown(visit: Appointment, user: User) -> readiness.Badge:
    visit.refresh_from_db()
    return readiness.pathway().badges([visit], user=user, at=CLINIC_NOW)[visit.pk]


def mark() -> str:
    return diary.mark_of([TODAY], at=CLINIC_NOW)


@pytest.mark.parametrize("change", CHANGES_SEEN)
def test_the_mark_is_another_one_after_what_changes_a_badge(desk: Desk, clinician: User, change: str) -> None:
    plan, visit = todays_session(desk)
    was, before = shown(visit, clinician), mark()
    CHANGES_SEEN[change](plan, clinician)
    assert shown(visit, clinician) != was
    assert mark() != before


@pytest.mark.parametrize("change", CHANGES_SEEN)
def test_it_is_the_journals_that_tell_not_the_visits_status(desk: Desk, clinician: User, change: str) -> None:
    """On a day the patient has no visit on, too: a practitioner's list elsewhere counts them."""
    plan = cleared_plan()
    before = mark()
    CHANGES_SEEN[change](plan, clinician)
    assert not Appointment.objects.exists()
    assert mark() != before


def test_a_review_that_is_required_and_then_held_shows(desk: Desk, clinician: User) -> None:
    plan = waiting_for_review(is_required=False)
    second = plan.planned_sessions.get(ordinal=2)
    visit = desk.book(on(TODAY, "15:00"), patient=plan.patient, purpose=purposes.session_of(second))
    marks, badges = [mark()], [shown(visit, clinician)]
    rule = ReviewRuleFactory(template_code=plan.template.code, required=True)
    marks.append(mark())
    badges.append(shown(visit, clinician))
    ReviewFactory(plan=plan, rule=rule, signed=True)
    marks.append(mark())
    badges.append(shown(visit, clinician))
    assert (len(set(marks)), badges[0] == badges[2], badges[0] == badges[1]) == (3, True, False)


def test_a_consultation_confirmed_shows(desk: Desk, clinician: User) -> None:
    plan, visit = todays_session(desk)
    decided(ago(minutes=1), consultation_valid_months=1)
    was, before = shown(visit, clinician), mark()
    ConsultationConfirmationFactory(consultation=plan.consultation, confirmed_at=CLINIC_NOW)
    assert shown(visit, clinician) != was
    assert mark() != before


def test_a_hold_that_becomes_an_allergic_one_shows(desk: Desk, clinician: User) -> None:
    """The plan's status stays what it was; the test that the hold waits for may be given from then on."""
    plan = cleared_plan()
    plans.hold(plan=plan, reason="holiday", by=clinician, at=ago(hours=1))
    visit = AppointmentFactory(
        patient=plan.patient,
        practitioner=desk.silva,
        purpose=purposes.test_of(plan),
        starts_at=on(TODAY, "15:00"),
    )
    was, before = shown(visit, clinician), mark()
    PlanStatusChange.objects.create(
        plan=plan,
        status=PlanStatus.ON_HOLD,
        reason="An allergic reaction",
        adverse_event=AdverseEventFactory(patient=plan.patient, plan=plan, is_allergic=True),
        changed_at=CLINIC_NOW,
        changed_by=clinician,
    )
    assert shown(visit, clinician) != was
    assert mark() != before


def test_another_visit_of_the_plan_moved_on_another_day_shows(desk: Desk, clinician: User) -> None:
    plan = consented_plan()
    more = {"patient": plan.patient, "practitioner": desk.silva}
    visit = AppointmentFactory(purpose=purposes.test_of(plan), starts_at=on(TODAY, "15:00"), **more)
    reading = AppointmentFactory(
        purpose=purposes.reading_of(plan), starts_at=on(TODAY + timedelta(days=2), "15:30"), **more
    )
    was, before = shown(visit, clinician), mark()
    booking.put(reading, on(TODAY + timedelta(days=9), "15:30"))
    reading.version += 1  # the row alone, without whom to call: a journal would tell of that
    reading.save()
    assert shown(visit, clinician) != was
    assert mark() != before


def test_a_visit_of_somebody_else_on_another_day_leaves_the_mark_alone(desk: Desk) -> None:
    todays_session(desk)
    before = mark()
    desk.book(on(TODAY + timedelta(days=2), "15:00"))
    assert mark() == before


def test_a_quarantined_lot_and_a_corrected_name_show(desk: Desk, clinician: User) -> None:
    plan, _visit = todays_session(desk)
    marks = [mark()]
    lots.quarantine(lot=Lot.objects.first(), reason="cloudy", by=clinician, at=CLINIC_NOW)
    marks.append(mark())
    plan.patient.family_name = "Moreau-Petit"
    plan.patient.save()
    marks.append(mark())
    assert len(set(marks)) == 3


def test_a_change_numbered_earlier_and_committed_later_is_seen(desk: Desk) -> None:
    """Two people save at once: whose row got the smaller number may be the last to appear."""
    history = Allergy.pgh_event_model
    AllergyFactory()
    early = history.objects.latest("pgh_id").pgh_id + 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'pgh_id'))", [history._meta.db_table])
        assert cursor.fetchone() == (early,)
    AllergyFactory()
    before, row = mark(), history.objects.latest("pgh_id")
    row.pgh_id = early
    row.save(force_insert=True)
    assert mark() != before


def test_what_nobody_sees_in_the_diary_leaves_it_alone(desk: Desk) -> None:
    todays_session(desk)
    before = mark()
    UserFactory(practitioner=True)
    assert mark() == before


def test_asking_is_one_question_that_reads_no_table_through(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _n in range(3):
        PatientFactory()
    with django_assert_num_queries(3):  # the session, the person, and the mark
        reception_client.get("/diary/changes/", {"day": TODAY.isoformat()})
    with CaptureQueriesContext(connection) as asked:
        mark()
    (question,) = asked.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off"
        )  # so small a table is read through even where an index serves
        cursor.execute(f"EXPLAIN {question['sql']}")
        plan = "\n".join(row for (row,) in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert plan.count("Index") >= len(readiness.pathway().journals())


def test_every_journal_is_append_only_and_numbered() -> None:
    for journal in readiness.pathway().journals():
        assert isinstance(journal._meta.pk, models.AutoField), journal
        guards = [str(trigger.name) for trigger in journal._meta.triggers]
        assert any("append_only" in name or "protect" in name for name in guards), journal
