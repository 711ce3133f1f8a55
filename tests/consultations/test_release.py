"""Visits the pathway does not allow any more: listed with whom to call, released on one confirmation, and taken back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import replanning, visits
from clinic.actions.replanning import Return
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.errors import NotCleared
from clinic.models import Appointment, Patient, User
from consultations import purposes
from consultations.models import Plan
from tests.clinic.desk import Desk, make_desk, on
from tests.factories import PatchTestFactory, PatientFactory, TestReadingFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, ago

_S = AppointmentStatus
TUESDAY = date(2026, 3, 3)


@pytest.fixture
def desk(rows: None, clinic_now: datetime, reception: User) -> Desk:
    """The small clinic, with the clinical pathway connected."""
    return make_desk(reception)


def closed_course(desk: Desk, count: int = 3) -> tuple[Plan, list[Appointment]]:
    """All sessions are booked; then a later reaction makes the test positive."""
    plan = cleared_plan(sessions=count)
    booked = [
        desk.book(
            on(TUESDAY + timedelta(weeks=each.ordinal - 1), "10:00"),
            patient=plan.patient,
            purpose=purposes.session_of(each),
        )
        for each in plan.planned_sessions.all()
    ]
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)), positive=True)
    return plan, booked


def url(patient: Patient) -> str:
    return reverse("clinic:release", args=[patient.pk])


def text(response: Any) -> str:
    return unescape(response.content.decode())


def keys(visits_: list[Appointment]) -> list[str]:
    return [f"{each.pk.hex}:{each.version}" for each in visits_]


def states(visits_: list[Appointment]) -> list[str]:
    return [Appointment.objects.get(pk=each.pk).status for each in visits_]


def test_the_page_lists_the_visits_and_whom_to_call_without_a_finding(
    desk: Desk, reception_client: Client
) -> None:
    plan, booked = closed_course(desk)
    desk.book(on(TUESDAY, "14:00"), patient=plan.patient)  # a check-up: nothing stands in its way
    shown = reception_client.get(url(plan.patient))
    assert [row["visit"] for row in shown.context["visits"]] == booked
    assert plan.patient.phone in text(shown)
    assert "Not cleared: ask" in text(shown)
    assert "positive" not in text(shown)


def test_one_button_releases_them_all_as_a_clinical_decision_and_undo_puts_them_back(
    desk: Desk, reception_client: Client
) -> None:
    plan, booked = closed_course(desk)
    answer = reception_client.post(url(plan.patient), {"release": keys(booked), "reason": ""})
    assert answer.status_code == 302
    assert states(booked) == [_S.CANCELLED] * 3
    rows = Appointment.objects.filter(pk__in=[each.pk for each in booked])
    assert set(rows.values_list("cancelled_by", flat=True)) == {CancelledBy.CLINICAL}
    assert not plan.planned_sessions.exclude(appointment=None).exists()
    undo = reception_client.get("/diary/").context["undo"]
    assert reception_client.post(undo["url"], undo["fields"]).status_code == 302
    # As before: they hold their time, and cannot start.
    assert states(booked) == [_S.PROVISIONAL] * 3
    assert plan.planned_sessions.exclude(appointment=None).count() == 3


@pytest.mark.parametrize(
    ("by_whom", "later", "returns"),
    [
        (CancelledBy.CLINICAL, timedelta(minutes=59), True),
        (CancelledBy.CLINICAL, timedelta(minutes=61), False),
        (CancelledBy.PATIENT, timedelta(minutes=1), False),
    ],
)
def test_what_the_pathway_refuses_returns_only_as_the_undo_of_a_clinical_release(
    desk: Desk, by_whom: str, later: timedelta, returns: bool
) -> None:
    _plan, (visit, *_others) = closed_course(desk)
    visits.cancel(appointment=visit, cancelled_by=CancelledBy(by_whom), by=desk.user, at=CLINIC_NOW)
    back = [Return(Appointment.objects.get(pk=visit.pk), 2)]
    if returns:
        replanning.rearrange(put_back=back, by=desk.user, at=CLINIC_NOW + later)
    else:
        with pytest.raises(NotCleared):
            replanning.rearrange(put_back=back, by=desk.user, at=CLINIC_NOW + later)
    assert states([visit]) == [_S.PROVISIONAL if returns else _S.CANCELLED]


def test_only_what_is_ticked_is_released(desk: Desk, reception_client: Client) -> None:
    plan, booked = closed_course(desk)
    reception_client.post(url(plan.patient), {"release": keys(booked[1:])})
    assert states(booked) == [_S.BOOKED, _S.CANCELLED, _S.CANCELLED]


def test_a_visit_that_is_cleared_is_not_released_here(desk: Desk, reception_client: Client) -> None:
    plan, booked = closed_course(desk)
    check_up = desk.book(on(TUESDAY, "14:00"), patient=plan.patient)
    answer = reception_client.post(url(plan.patient), {"release": keys([*booked, check_up])})
    assert answer.status_code == 422
    assert states([*booked, check_up]) == [_S.BOOKED] * 4


def test_another_patients_visit_is_not_released_here(desk: Desk, reception_client: Client) -> None:
    _plan, booked = closed_course(desk)
    answer = reception_client.post(url(PatientFactory()), {"release": keys(booked)})
    assert (answer.status_code, states(booked)) == (422, [_S.BOOKED] * 3)


def test_a_visit_that_somebody_changed_meanwhile_keeps_them_all(desk: Desk, reception_client: Client) -> None:
    plan, booked = closed_course(desk)
    sent = keys(booked)
    visits.confirm(appointment=booked[1], by=desk.user, at=CLINIC_NOW)
    answer = reception_client.post(url(plan.patient), {"release": sent})
    assert answer.status_code == 409
    assert states(booked) == [_S.BOOKED, _S.CONFIRMED, _S.BOOKED]


@pytest.mark.parametrize("fields", [{}, {"release": ["x"]}, {"release": [], "reason": "r" * 501}])
def test_a_page_that_says_nothing_or_too_much_releases_nothing(
    desk: Desk, reception_client: Client, fields: dict[str, Any]
) -> None:
    plan, booked = closed_course(desk)
    assert reception_client.post(url(plan.patient), {"csrf": "x", **fields}).status_code == 422
    assert states(booked) == [_S.BOOKED] * 3


def test_a_patient_in_whose_way_nothing_stands_has_nothing_to_release(
    desk: Desk, reception_client: Client
) -> None:
    assert "Nothing to release" in text(reception_client.get(url(desk.patient)))


def test_the_panel_of_such_a_visit_leads_there(desk: Desk, reception_client: Client) -> None:
    plan, booked = closed_course(desk, 1)
    shown = text(reception_client.get(reverse("clinic:appointment", args=[booked[0].pk])))
    assert url(plan.patient) in shown


def test_an_admin_releases_nothing(desk: Desk, admin_client: Client) -> None:
    plan, booked = closed_course(desk)
    assert admin_client.post(url(plan.patient), {"release": keys(booked)}).status_code == 403
    assert states(booked) == [_S.BOOKED] * 3


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_the_visits(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    plan, _booked = closed_course(desk, count)
    with django_assert_num_queries(21):
        reception_client.get(url(plan.patient))


def test_a_closed_plan_offers_no_course_that_could_not_be_booked(
    desk: Desk, reception_client: Client
) -> None:
    plan = cleared_plan(sessions=3)
    course = reverse("clinic:course_for", args=[plan.patient_id])
    page = reverse("consultations:patient", args=[plan.patient_id])
    assert course in text(reception_client.get(page))
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)), positive=True)
    assert course not in text(reception_client.get(page))
