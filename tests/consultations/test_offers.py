"""What a patient may book next: when a test is asked for at all."""

from uuid import uuid4

import pytest
from django.urls import reverse

from clinic.enums import AppointmentStatus
from clinic.models import Appointment, AppointmentType
from consultations import offers, purposes
from consultations.enums import PlanStatus
from consultations.models import Plan
from consultations.offers import cleared_from
from consultations.offers import test_wanted as wanted
from consultations.purposes import Kind, Purpose
from consultations.queries import facts_of_one, under_way
from tests.factories import (
    AppointmentFactory,
    PatchTestFactory,
    PlanFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.mark.parametrize(
    ("status", "is_wanted"),
    [
        (PlanStatus.PROPOSED, True),
        (PlanStatus.ACTIVE, True),
        (PlanStatus.ON_HOLD, True),
        (PlanStatus.COMPLETED, False),
        (PlanStatus.STOPPED, False),
    ],
)
def test_of_a_finished_plan_no_test_is_asked_for(status: PlanStatus, is_wanted: bool) -> None:
    """A proposed one is open: it is under way, though nothing is booked for it before it is agreed."""
    plan = PlanFactory(status=status)
    assert wanted(facts_of_one(plan), CLINIC_NOW) is is_wanted
    assert [plan in found for found in (Plan.objects.open(), under_way(plan.patient))] == [is_wanted] * 2


def test_a_reading_of_another_plan_whose_hours_still_run_leaves_the_test_wanted() -> None:
    """One patient, two formulas without a component in common: what will clear the one says nothing of the other."""
    tested = consented_plan()
    plan = consented_plan(patient=tested.patient)
    soon = {"read_at": ago(hours=1), "valid_from": ahead(hours=20)}
    TestReadingFactory(patch_test=PatchTestFactory(plan=tested, given_at=ago(hours=28)), **soon)
    assert [wanted(facts_of_one(each), CLINIC_NOW) for each in (tested, plan)] == [False, True]
    assert [cleared_from(facts_of_one(each), CLINIC_NOW) for each in (tested, plan)] == [
        ahead(hours=20),
        CLINIC_NOW,
    ]


def types(*purposes_: str) -> list[AppointmentType]:
    return [AppointmentType(name=each, purpose=each) for each in purposes_]


def test_nothing_of_a_plan_is_offered_before_it_is_agreed() -> None:
    kinds = types("test", "reading", "review")
    found = [
        bool(offers.for_facts([facts_of_one(PlanFactory(status=status))], at=CLINIC_NOW, types=kinds))
        for status in (PlanStatus.PROPOSED, PlanStatus.ACTIVE)
    ]
    assert found == [False, True]


def test_a_test_is_offered_only_together_with_its_reading() -> None:
    facts = facts_of_one(cleared_plan())
    found = [
        len(offers.other_lot_offers(facts, types(*kinds), at=CLINIC_NOW))
        for kinds in (("test", "reading"), ("test",), ("reading",))
    ]
    assert found == [1, 0, 0]


def test_another_lot_is_tested_for_a_plan_that_is_active_and_cleared() -> None:
    plan = cleared_plan()
    may = offers.may_test_another_lot
    assert may(facts_of_one(plan), at=CLINIC_NOW)
    assert not may(facts_of_one(consented_plan()), at=CLINIC_NOW)  # the test is wanted anyway
    PatchTestFactory(plan=plan, given_at=ago(hours=1))
    assert not may(facts_of_one(plan), at=CLINIC_NOW)  # another one waits for its reading
    held = cleared_plan()
    held.status = PlanStatus.ON_HOLD
    held.save(update_fields=["status"])
    assert not may(facts_of_one(held), at=CLINIC_NOW)


def test_a_card_says_what_the_visit_is_for_and_nothing_of_a_session_that_is_not_the_plans() -> None:
    plan = cleared_plan(sessions=3)
    facts = facts_of_one(plan)
    asked = [
        Purpose(Kind.LATE_READING, plan.pk),
        Purpose(Kind.SESSION, plan.planned_sessions.get(ordinal=2).pk),
        Purpose(Kind.SESSION, uuid4()),
    ]
    assert [offers.label(each, facts) for each in asked] == ["Late reading", "Session 2 of 3", ""]


@pytest.mark.parametrize(
    ("kind", "label", "page"),
    [
        (Kind.TEST, "Record the test injection", "patch_test_give"),
        (Kind.READING, "Open reading", "reading_of_plan"),
        (Kind.LATE_READING, "Open late reading", "late_reading_of_plan"),
        (Kind.SESSION, "Open session", "session_of"),
        (Kind.REVIEW, "Open review", "reviews_of"),
    ],
)
def test_a_visit_leads_to_the_page_it_is_for(kind: Kind, label: str, page: str) -> None:
    key = uuid4()
    visit = Appointment(purpose=f"{kind}:{key}", status=AppointmentStatus.IN_PROGRESS)
    (link,) = offers.clinical_links(visit)
    assert (str(link.label), link.primary) == (label, True)
    assert link.url == reverse(f"consultations:{page}", args=[key])
    visit.status = AppointmentStatus.BOOKED
    assert not offers.clinical_links(visit)[0].primary


def test_a_consultation_is_opened_by_its_visit_and_what_is_for_nothing_leads_nowhere() -> None:
    visit = Appointment(purpose=Kind.CONSULTATION, status=AppointmentStatus.IN_PROGRESS)
    (link,) = offers.clinical_links(visit)
    assert (str(link.label), link.primary) == ("Open consultation", True)
    assert link.url == reverse("consultations:consultation_of", args=[visit.pk])
    assert offers.clinical_links(Appointment(purpose="")) == []


def test_where_the_test_and_its_reading_are_booked_nothing_of_them_is_offered() -> None:
    plan = consented_plan()
    booked: list[str] = []
    counts = []
    for purpose in ("", purposes.reading_of(plan), purposes.test_of(plan)):
        if purpose:
            AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=ahead(days=3 - len(booked)))
            booked.append(purpose)
        counts.append(len(offers.test_offers(facts_of_one(plan), types("test", "reading"), at=CLINIC_NOW)))
    assert counts == [1, 1, 0]
