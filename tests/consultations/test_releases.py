"""Visits that cannot take place wait for somebody until their times are released."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import visits
from clinic.enums import CancelledBy
from clinic.models import Appointment, User
from consultations import purposes
from consultations.actions import allergies, plans
from consultations.enums import PlanStatus
from consultations.models import Plan
from consultations.queries import facts_of_one
from consultations.releases import refused_among, to_release
from consultations.worklists.notices import notices
from tests.clinic.desk import Desk, make_desk, on
from tests.factories import (
    AllergenGroupFactory,
    AllergyFactory,
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    PatchTestFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead
from tests.signing_in import sign_in

LABEL = "visits to release"
TUESDAY = date(2026, 3, 3)


@pytest.fixture
def desk(rows: None, clinic_now: datetime, reception: User) -> Desk:
    """The small clinic, with the clinical pathway connected."""
    return make_desk(reception)


def course(desk: Desk, clock: str = "10:00", **plan_: Any) -> tuple[Plan, list[Appointment]]:
    """Two sessions on the books that are cleared so far."""
    plan = cleared_plan(sessions=2, **plan_)
    days = [TUESDAY, TUESDAY + timedelta(weeks=1)]
    purposes_ = [purposes.session_of(each) for each in plan.planned_sessions.all()]
    return plan, [
        desk.book(on(day, clock), patient=plan.patient, purpose=purpose)
        for day, purpose in zip(days, purposes_, strict=True)
    ]


@pytest.fixture
def doctor_user(desk: Desk, practitioner_user: User) -> User:
    """Dr Silva's own sign-in."""
    desk.silva.user = practitioner_user
    desk.silva.save()
    return practitioner_user


def closed(desk: Desk, clock: str = "10:00") -> tuple[Plan, list[Appointment]]:
    """Then the test turns out positive."""
    plan, booked = course(desk, clock)
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)), positive=True)
    return plan, booked


def labels(user: User) -> dict[str, tuple[int, str]]:
    found = notices(user=user, at=CLINIC_NOW)
    return {each.label: (each.count, each.url) for each in found if LABEL in each.label}


def test_a_positive_test_tells_the_desk_whose_times_to_release(desk: Desk) -> None:
    plan, booked = closed(desk)
    (found,) = to_release(user=desk.user, at=CLINIC_NOW)
    assert (found.patient, found.visits) == (plan.patient, booked)
    address = reverse("clinic:release", args=[plan.patient_id])
    assert labels(desk.user) == {"Patient with visits to release": (1, address)}


def test_a_stopped_plan_does_too(desk: Desk, doctor_user: User) -> None:
    plan, booked = course(desk)
    assert to_release(user=desk.user, at=CLINIC_NOW) == []
    plans.stop(plan=plan, reason="moved away", by=doctor_user, at=CLINIC_NOW)
    assert [each.visits for each in to_release(user=desk.user, at=CLINIC_NOW)] == [booked]


def allergic(plan: Plan, desk: Desk) -> None:
    """The patient tells the desk of an allergy to a group that a component of the plan's formula is in."""
    component = plan.formula.parts.first().component
    (group, *_others) = component.allergen_groups
    allergies.report(patient=plan.patient, words="soy", group_code=group, by=desk.user, at=CLINIC_NOW)


def soy_course(desk: Desk, clock: str = "10:00") -> tuple[Plan, list[Appointment]]:
    """The same course with a formula that contains something people are allergic to."""
    AllergenGroupFactory(code="soy-lecithin")
    component = ComponentFactory(allergen_groups=["soy-lecithin"])
    formula = FormulaFactory(parts=[(component, 1)])
    return course(desk, clock, formula=formula)


def test_an_allergy_to_a_component_does_too(desk: Desk) -> None:
    plan, booked = soy_course(desk)
    assert to_release(user=desk.user, at=CLINIC_NOW) == []
    allergic(plan, desk)
    (found,) = to_release(user=desk.user, at=CLINIC_NOW)
    assert (found.visits, found.is_paused) == (booked, False)
    assert labels(desk.user) == {
        "Patient with visits to release": (1, reverse("clinic:release", args=[plan.patient_id]))
    }


def test_an_allergy_to_what_is_not_in_the_formula_closes_nothing(desk: Desk) -> None:
    plan, _booked = soy_course(desk)
    AllergenGroupFactory(code="nuts")
    AllergyFactory(patient=plan.patient, group_code="nuts")
    AllergyFactory(patient=plan.patient, group_code="soy-lecithin", refuted=True)
    assert to_release(user=desk.user, at=CLINIC_NOW) == []


def test_a_plan_on_hold_offers_and_does_not_urge(desk: Desk, doctor_user: User) -> None:
    plan, booked = course(desk)
    plans.hold(plan=plan, reason="pregnant sister to care for", by=doctor_user, at=CLINIC_NOW)
    (found,) = to_release(user=desk.user, at=CLINIC_NOW)
    assert (found.visits, found.is_paused) == (booked, True)
    assert found.words == "2 visits on hold, the first on 3 Mar 2026"
    (notice,) = [each for each in notices(user=desk.user, at=CLINIC_NOW) if "on hold" in each.label]
    assert (notice.count, notice.serious) == (1, False)
    assert labels(desk.user) == {}
    plans.resume(plan=plan, reason="back", by=doctor_user, at=CLINIC_NOW)
    assert to_release(user=desk.user, at=CLINIC_NOW) == []


def test_what_is_refused_for_good_comes_first_and_is_never_called_on_hold(
    desk: Desk, doctor_user: User
) -> None:
    held, _booked = course(desk, "09:00")
    plans.hold(plan=held, reason="later", by=doctor_user, at=CLINIC_NOW)
    both, _booked = closed(desk, "11:00")
    plans.hold(plan=both, reason="the test", by=doctor_user, at=CLINIC_NOW)
    found = to_release(user=desk.user, at=CLINIC_NOW)
    assert [(each.patient, each.is_paused) for each in found] == [(both.patient, False), (held.patient, True)]


def test_the_page_leaves_it_to_the_person_which_visits_on_hold_to_release(
    desk: Desk, doctor_user: User, reception_client: Client
) -> None:
    plan, booked = course(desk)
    plans.hold(plan=plan, reason="later", by=doctor_user, at=CLINIC_NOW)
    url = reverse("clinic:release", args=[plan.patient_id])
    shown = reception_client.get(url)
    assert [row["ticked"] for row in shown.context["visits"]] == [False, False]
    assert "Visits on hold" in shown.content.decode()
    assert reception_client.post(url, {"reason": ""}).status_code == 422
    key = shown.context["visits"][0]["key"]
    assert reception_client.post(url, {"release": [key], "reason": ""}).status_code == 302
    assert [Appointment.objects.get(pk=each.pk).status for each in booked] == ["cancelled", "provisional"]


def test_patient_and_plan_page_lead_to_the_release(
    desk: Desk, doctor_user: User, reception_client: Client, client: Client
) -> None:
    plan, _booked = soy_course(desk)
    sign_in(client, doctor_user)
    ways = [
        (reception_client, reverse("consultations:patient", args=[plan.patient_id])),
        (client, reverse("consultations:patient", args=[plan.patient_id])),
        (client, reverse("consultations:plan", args=[plan.pk])),
    ]
    address = reverse("clinic:release", args=[plan.patient_id])
    assert [address in who.get(url).content.decode() for who, url in ways] == [False] * 3
    allergic(plan, desk)
    assert [address in who.get(url).content.decode() for who, url in ways] == [True] * 3


def test_visits_of_a_stopped_plan_are_said_to_be_off_on_its_patients_and_its_own_page(
    desk: Desk, doctor_user: User, reception_client: Client, client: Client
) -> None:
    plan, booked = course(desk)
    plans.stop(plan=plan, reason="moved away", by=doctor_user, at=CLINIC_NOW)
    assert Appointment.objects.get(pk=booked[0].pk).status == "provisional"
    sign_in(client, doctor_user)
    patient = reverse("consultations:patient", args=[plan.patient_id])
    ways = [(reception_client, patient), (client, patient)]
    for who, url in [*ways, (client, reverse("consultations:plan", args=[plan.pk]))]:
        shown = who.get(url).content.decode()
        assert reverse("clinic:release", args=[plan.patient_id]) in shown
        assert shown.count("<span>cannot take place</span>") == len(booked)
    for visit in booked:
        visits.cancel(appointment=visit, cancelled_by=CancelledBy.CLINICAL, by=desk.user, at=CLINIC_NOW)
    assert ["cannot take place" in who.get(url).content.decode() for who, url in ways] == [False] * 2


def test_what_is_released_or_over_waits_for_nobody(desk: Desk) -> None:
    _plan, booked = closed(desk)
    for visit in booked:
        visits.cancel(appointment=visit, cancelled_by=CancelledBy.CLINICAL, by=desk.user, at=CLINIC_NOW)
    assert to_release(user=desk.user, at=CLINIC_NOW) == []
    assert labels(desk.user) == {}


def test_several_patients_lead_to_the_list_and_from_there_to_each(
    desk: Desk, reception_client: Client
) -> None:
    patients = [closed(desk, clock)[0].patient for clock in ("10:00", "11:00")]
    assert labels(desk.user) == {"Patients with visits to release": (2, reverse("consultations:late"))}
    shown = reception_client.get(reverse("consultations:late")).content.decode()
    assert all(reverse("clinic:release", args=[each.pk]) in shown for each in patients)
    assert "positive" not in shown


def test_a_practitioner_finds_them_on_the_worklist(desk: Desk, doctor_user: User, client: Client) -> None:
    plan, _booked = closed(desk)
    sign_in(client, doctor_user)
    shown = client.get(reverse("consultations:worklists")).content.decode()
    assert reverse("clinic:release", args=[plan.patient_id]) in shown


def test_an_admin_who_releases_nothing_is_led_to_the_list(desk: Desk) -> None:
    closed(desk)
    admin = UserFactory(admin=True)
    assert labels(admin) == {"Patient with visits to release": (1, reverse("consultations:late"))}


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_queries_does_not_grow(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for clock in ("10:00", "11:00", "14:00")[:count]:
        closed(desk, clock)
    with django_assert_num_queries(16):
        assert len(to_release(user=desk.user, at=CLINIC_NOW)) == count


def test_what_may_still_take_place_is_not_among_what_is_to_be_released(desk: Desk, doctor_user: User) -> None:
    plan, booked = course(desk)
    other, kept = course(desk, "14:00", patient=plan.patient)
    plans.stop(plan=plan, reason="moved away", by=doctor_user, at=CLINIC_NOW)
    (found,) = to_release(user=desk.user, at=CLINIC_NOW)
    assert (found.patient, found.visits, set(kept) & set(found.visits)) == (other.patient, booked, set())


def test_the_patients_other_visits_are_none_of_the_plans(desk: Desk) -> None:
    plan = cleared_plan()
    first = purposes.session_of(plan.planned_sessions.get(ordinal=1))
    of_plan, _review, _past = (
        AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=moment)
        for purpose, moment in (
            (first, ahead(days=2)),
            (purposes.review_of(plan), ahead(days=3)),
            (first, ago(days=2)),
        )
    )
    plan.status = PlanStatus.STOPPED
    plan.save(update_fields=["status"])
    found = refused_among([facts_of_one(plan)], at=CLINIC_NOW)
    assert found is not None and found.visits == [of_plan]
