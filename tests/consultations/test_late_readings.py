"""The optional late reading of a test injection: nothing waits for it, nothing seen changes nothing, a reaction closes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic import readiness
from clinic.enums import AppointmentStatus, ContactReason, Readiness
from clinic.errors import DomainError
from clinic.models import Appointment, ContactEntry, Practitioner, User
from clinic.readiness import Condition, Offer, Visit
from consultations import offers, purposes
from consultations.actions import patch_tests as actions
from consultations.enums import Grade, PlanStatus
from consultations.enums import TestResult as Result
from consultations.models import Allergy, PatchTest, PatchTestPolicy, Plan
from consultations.models import TestReading as Reading
from consultations.queries import facts_of_one
from consultations.rules import clearance, late_readings, visits
from consultations.worklists import readings
from tests.consultations.test_gate import refusal
from tests.factories import (
    LATE_DAYS,
    AppointmentFactory,
    AppointmentTypeFactory,
    EnteredInErrorFactory,
    LateReadingFactory,
    PatchTestFactory,
    PatchTestPolicyFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
    read_late_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
ASKED = {f"test_policy__{name}": days for name, days in LATE_DAYS.items()}


@pytest.fixture
def plan(doctor: Practitioner) -> Plan:
    """Its test was given ten days ago and read without reaction; the late reading is possible from day 7 to day 28."""
    return cleared_plan(**ASKED)


@pytest.fixture
def test(plan: Plan) -> PatchTest:
    return plan.patch_tests.get()


def _look(test: PatchTest, user: User, **details: Any) -> Reading:
    seen = {"read_at": CLINIC_NOW, "site_readable": True, "grade": Grade.NEGATIVE, **details}
    return actions.read_late(test=test, details=seen, by=user, at=CLINIC_NOW)


def _session_visit(plan: Plan, starts_at: datetime) -> Appointment:
    planned = plan.planned_sessions.first()
    planned.appointment = AppointmentFactory(
        patient=plan.patient,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(planned),
        starts_at=starts_at,
        status=AppointmentStatus.BOOKED,
    )
    planned.save()
    return planned.appointment


# --- What it means -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "is_inside"),
    [
        ("2026-03-27 23:59", False),
        ("2026-03-28 00:00", True),
        ("2026-04-18 23:59", True),
        ("2026-04-19 00:00", False),
    ],
)
def test_its_days_are_whole_days_of_the_clinic_also_over_a_clock_change(moment: str, is_inside: bool) -> None:
    zone = timezone.get_default_timezone()
    given_at = datetime(2026, 3, 21, 18, tzinfo=zone)
    window = late_readings.window_of(PatchTest(policy=PatchTestPolicyFactory(**LATE_DAYS), given_at=given_at))
    assert window is not None
    assert window.contains(datetime.fromisoformat(moment).replace(tzinfo=zone)) is is_inside
    assert window.due_at == window.opens_at


def test_nothing_seen_neither_ends_nor_extends_what_the_test_clears(
    plan: Plan, test: PatchTest, practitioner_user: User
) -> None:
    visit, before = _session_visit(plan, ahead(days=2)), test.readings.get()
    made = _look(test, practitioner_user)
    assert (made.result, made.supersedes, made.valid_from, made.valid_until) == (
        Result.UNCHANGED,
        None,
        None,
        None,
    )
    facts = facts_of_one(plan)
    assert clearance.clearing_reading(facts, CLINIC_NOW) == before
    assert clearance.clearing_reading(facts, before.valid_until) is None
    assert refusal(plan, gate="session") is None
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED
    assert facts.plan.status == PlanStatus.ACTIVE


@pytest.mark.parametrize(
    "seen", [{"grade": Grade.WEAK}, {"grade": Grade.NEGATIVE, "systemic_sign": True}], ids=["papule", "hives"]
)
def test_a_late_reaction_closes_every_plan_that_the_test_had_cleared_with_calls_to_make(
    plan: Plan, test: PatchTest, practitioner_user: User, seen: dict[str, Any]
) -> None:
    other = consented_plan(patient=plan.patient, formula=plan.formula)
    visit, before = _session_visit(other, ahead(days=2)), test.readings.get()
    assert refusal(other, gate="session") is None
    made = _look(test, practitioner_user, **seen)
    assert (made.result, made.supersedes) == (Result.POSITIVE, before)
    assert [refusal(each, gate="session") for each in (plan, other)] == ["plan_stopped"] * 2
    assert set(Plan.objects.values_list("status", flat=True)) == {PlanStatus.STOPPED}
    (verdict,) = readiness.pathway().judge(
        [Visit(plan.patient, visit.purpose, visit.starts_at, visit)], at=CLINIC_NOW, starting=False
    )
    assert verdict.state == Readiness.REFUSED
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.PROVISIONAL
    assert ContactEntry.objects.filter(patient=plan.patient, reason=ContactReason.POSITIVE_TEST).exists()
    assert Allergy.objects.get().component_codes == test.component_codes


def test_a_doubtful_place_holds_the_sessions_until_the_test_is_repeated(
    plan: Plan, test: PatchTest, practitioner_user: User
) -> None:
    made = _look(test, practitioner_user, grade=Grade.DOUBTFUL)
    assert (made.result, made.supersedes is not None) == (Result.EQUIVOCAL, True)
    assert refusal(plan, gate="session") == "test"
    assert facts_of_one(plan).plan.status == PlanStatus.ACTIVE


def test_a_place_that_cannot_be_read_late_takes_nothing_back(
    plan: Plan, test: PatchTest, practitioner_user: User
) -> None:
    made = _look(test, practitioner_user, site_readable=False, grade=Grade.NOT_DONE)
    assert (made.result, refusal(plan, gate="session")) == (Result.UNCHANGED, None)


def test_a_clinician_may_judge_it_stricter_with_a_reason(
    plan: Plan, test: PatchTest, practitioner_user: User
) -> None:
    made = _look(test, practitioner_user, stricter=Result.INVALID, stricter_reason="scratched open")
    assert (made.computed, made.result) == (Result.UNCHANGED, Result.INVALID)
    assert refusal(plan, gate="session") == "test"


def test_a_reaction_told_after_a_quiet_late_reading_supersedes_the_one_that_cleared(
    test: PatchTest, practitioner_user: User
) -> None:
    before = test.readings.get()
    _look(test, practitioner_user)
    told = actions.report_reaction(
        test=test, details={"read_at": CLINIC_NOW, "note": "a lump"}, by=practitioner_user, at=CLINIC_NOW
    )
    assert (told.result, told.supersedes) == (Result.POSITIVE, before)


@pytest.mark.parametrize(
    ("make", "read_at", "code"),
    [
        (cleared_plan, CLINIC_NOW, "late_not_asked"),
        (lambda: read_late_plan(positive=True), CLINIC_NOW, "late_nothing_read"),
        (lambda: cleared_plan(**ASKED), ago(days=4), "late_window"),
    ],
)
def test_it_is_refused_where_there_is_no_second_look(
    make: Any, read_at: datetime, code: str, doctor: Practitioner, practitioner_user: User
) -> None:
    test = make().patch_tests.get()
    count = Reading.objects.count()
    with pytest.raises(DomainError) as refused:
        _look(test, practitioner_user, read_at=read_at)
    assert (refused.value.code, Reading.objects.count()) == (code, count)
    assert refused.value.field == ("read_at" if code == "late_window" else None)
    if code == "late_window":
        assert str(refused.value) == (
            "The late reading is from 27 Feb 2026 to 20 Mar 2026. What shows before or after is recorded as a reaction."
        )


def test_when_the_reading_before_it_is_an_error_the_test_waits_to_be_read_again(
    plan: Plan, test: PatchTest, practitioner_user: User
) -> None:
    before = test.readings.get()
    _look(test, practitioner_user)
    EnteredInErrorFactory(reading=before)
    assert visits.open_test(facts_of_one(plan)) == test


@pytest.mark.parametrize(
    "taken_back",
    [
        pytest.param(lambda test: EnteredInErrorFactory(patch_test=test), id="the test in error"),
        pytest.param(
            lambda test: EnteredInErrorFactory(reading=test.readings.get()), id="its reading in error"
        ),
        pytest.param(
            lambda test: LateReadingFactory(patch_test=test, unclear=True), id="its reading superseded"
        ),
    ],
)
def test_what_no_longer_stands_is_not_looked_at_again(
    plan: Plan, test: PatchTest, taken_back: Callable[[PatchTest], object]
) -> None:
    before, facts = test.readings.get(), facts_of_one(plan)
    assert late_readings.check_may_read(test, facts.readings) == before
    assert [look.test for look in late_readings.looks(facts, at=CLINIC_NOW)] == [test]
    taken_back(test)
    facts = facts_of_one(plan)
    with pytest.raises(DomainError) as refused:
        late_readings.check_may_read(facts.tests[0], facts.readings)
    assert refused.value.code == "late_nothing_read"
    assert late_readings.looks(facts, at=CLINIC_NOW) == []


def test_a_look_that_was_an_error_is_made_again(plan: Plan, test: PatchTest) -> None:
    look = LateReadingFactory(patch_test=test)
    assert late_readings.looks(facts_of_one(plan), at=CLINIC_NOW) == []
    EnteredInErrorFactory(reading=look)
    assert [each.test for each in late_readings.looks(facts_of_one(plan), at=CLINIC_NOW)] == [test]


def test_neither_a_test_that_was_not_read_nor_another_plans_is_looked_at_again(plan: Plan) -> None:
    other = consented_plan(patient=plan.patient, formula=plan.formula, **ASKED)
    unread = PatchTestFactory(plan=other, given_at=ago(days=10))
    facts = facts_of_one(other)
    assert late_readings.standing(facts.readings, unread) is None
    assert late_readings.looks(facts, at=CLINIC_NOW) == []


def test_of_two_tests_the_one_whose_days_are_not_over_is_looked_at(plan: Plan, test: PatchTest) -> None:
    later = PatchTestFactory(plan=plan, given_at=ago(days=5))
    TestReadingFactory(patch_test=later)
    facts = facts_of_one(plan)
    first, second = late_readings.window_of(test), late_readings.window_of(later)
    assert first is not None
    assert second is not None
    last = first.closes_at - timedelta(minutes=1)
    assert [late_readings.window_at(facts, at=at) for at in (last, first.closes_at)] == [first, second]
    assert late_readings.window_at(facts, at=second.closes_at) == second
    found = [[look.test for look in late_readings.looks(facts, at=at)] for at in (last, first.closes_at)]
    assert found == [[test, later], [later]]


def test_what_keeps_its_visit_away_says_from_when_it_can_be(plan: Plan, test: PatchTest) -> None:
    window = late_readings.window_of(test)
    assert window is not None
    sentence = "The late reading has to be between 27 Feb 2026 and 20 Mar 2026."
    early = late_readings.missing(facts_of_one(plan), on=ago(days=4))
    assert early == [Condition("late_window", sentence, earliest=window.opens_at)]
    nothing = late_readings.missing(facts_of_one(cleared_plan()), on=CLINIC_NOW)
    assert nothing == [Condition("no_test", "There is no test injection to read late.")]


# --- Its visit ---------------------------------------------------------------------------------------------------------


def _late_offers(plan: Plan) -> list[Offer]:
    wanted = purposes.late_reading_of(plan)
    return [each for each in offers.for_patient(plan.patient, at=CLINIC_NOW) if each.purpose == wanted]


def test_the_desk_is_offered_it_in_its_days_last_of_all_until_it_is_booked_or_made(
    plan: Plan, test: PatchTest
) -> None:
    AppointmentTypeFactory(session=True)
    kind = AppointmentTypeFactory(purpose="reading")
    *_before, last, _consultation = offers.for_patient(plan.patient, at=CLINIC_NOW)
    (offer,) = _late_offers(plan)
    assert (last, offer.type, offer.conditions) == (offer, kind, ())
    assert offer.label.startswith("Late reading, optional, until 20 Mar 2026")
    assert (offer.earliest, offer.latest) == (CLINIC_NOW, late_readings.window_of(test).closes_at)
    AppointmentFactory(patient=plan.patient, purpose=offer.purpose, starts_at=ahead(days=4), type=kind)
    assert _late_offers(plan) == _late_offers(read_late_plan()) == []


@pytest.mark.parametrize(
    ("days", "state", "codes"),
    [(4, Readiness.CLEAR, []), (19, Readiness.REFUSED, ["late_window"])],
)
def test_its_visit_lies_in_its_days(plan: Plan, days: int, state: Readiness, codes: list[str]) -> None:
    visit = Visit(plan.patient, purposes.late_reading_of(plan), ahead(days=days))
    for starting in (False, True):
        (verdict,) = readiness.pathway().judge([visit], at=CLINIC_NOW, starting=starting)
        assert (verdict.state, [each.code for each in verdict.conditions]) == (state, codes)


def test_its_visit_may_be_moved_within_its_days(plan: Plan, test: PatchTest) -> None:
    visit = AppointmentFactory(
        patient=plan.patient, purpose=purposes.late_reading_of(plan), starts_at=ahead(days=4)
    )
    span = readiness.pathway().consequences([visit], at=CLINIC_NOW).span(visit, {})
    window = late_readings.window_of(test)
    assert window is not None
    assert span is not None
    assert (span.earliest, span.until) == (window.opens_at, window.closes_at)


def test_its_visit_neither_brings_forward_nor_delays_what_the_delayed_reading_clears(
    doctor: Practitioner,
) -> None:
    plan = consented_plan(**ASKED)
    PatchTestFactory(plan=plan, given_at=ago(hours=30))
    AppointmentFactory(patient=plan.patient, purpose=purposes.reading_of(plan), starts_at=ahead(days=2))
    clears_from = visits.test_clears_from(facts_of_one(plan), together=visits.Together())
    for days in (1, 9):
        AppointmentFactory(
            patient=plan.patient, purpose=purposes.late_reading_of(plan), starts_at=ahead(days=days)
        )
    assert clears_from is not None
    assert visits.test_clears_from(facts_of_one(plan), together=visits.Together()) == clears_from


# --- Pages -------------------------------------------------------------------------------------------------------------


def _text(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def _url(test: PatchTest, route: str = "patch_test_read_late") -> str:
    return reverse(f"consultations:{route}", args=[test.pk])


def _typed(**more: str) -> dict[str, str]:
    """A quiet place, now."""
    local = timezone.localtime(CLINIC_NOW)
    seen = {"read_at_0": f"{local:%Y-%m-%d}", "read_at_1": f"{local:%H:%M}", "site_readable": "on"}
    return seen | {"grade": "neg"} | more


def test_a_practitioner_records_it_without_a_visit_and_reads_what_follows(
    practitioner_client: Client, plan: Plan, test: PatchTest
) -> None:
    way_in = reverse("consultations:late_reading_of_plan", args=[plan.pk])
    assert practitioner_client.get(way_in).headers["Location"] == _url(test)
    assert "Late reading of the test of" in _text(practitioner_client.get(_url(test, "patch_test")))
    local = timezone.localtime(CLINIC_NOW)
    sent = {"read_at_0": f"{local:%Y-%m-%d}", "read_at_1": f"{local:%H:%M}", "site_readable": "on"}
    refused = practitioner_client.post(_url(test), sent | {"note": "kept as typed"})
    assert refused.status_code == 422
    assert "Choose the grade you see." in _text(refused)
    assert "kept as typed" in _text(refused)
    assert practitioner_client.post(_url(test), sent | {"grade": "neg"}).headers["Location"] == _url(
        test, "patch_test"
    )
    shown = _text(practitioner_client.get(_url(test, "patch_test")))
    assert "Looked at again on 2 Mar 2026: no late reaction seen." in shown
    assert "toast-success" in shown
    assert "Late reading of the test of" not in shown
    practitioner_client.post(_url(test), sent | {"grade": "pos1"})
    assert "Closed at once" in _text(practitioner_client.get(_url(test, "patch_test")))


def test_where_there_is_no_second_look_the_page_leads_to_the_test(practitioner_client: Client) -> None:
    test = cleared_plan().patch_tests.get()
    assert practitioner_client.get(_url(test)).headers["Location"] == _url(test, "patch_test")


def test_the_diarys_way_in_leads_to_what_came_of_the_test_where_there_is_no_second_look(
    practitioner_client: Client, plan: Plan, test: PatchTest
) -> None:
    LateReadingFactory(patch_test=test)
    shown = practitioner_client.get(reverse("consultations:late_reading_of_plan", args=[plan.pk]))
    assert (shown.status_code, shown.context["last"]) == (200, test)


def test_out_of_its_days_the_page_says_so_beforehand_and_signs_nothing(practitioner_client: Client) -> None:
    test = PatchTestFactory(plan=consented_plan(**ASKED), given_at=ago(days=5))
    TestReadingFactory(patch_test=test)
    shown = practitioner_client.get(_url(test))
    assert "Not in its days" in _text(shown)
    assert "The late reading is from Wed 4 Mar 2026 to Wed 25 Mar 2026, with these days." in _text(shown)
    refused = practitioner_client.post(_url(test), _typed())
    assert "What shows before or after is recorded as a reaction." in _text(refused)
    assert (refused.status_code >= 400, test.readings.count()) == (True, 1)


def test_where_somebody_has_reported_a_reaction_meanwhile_what_was_typed_stays(
    practitioner_client: Client, practitioner_user: User, test: PatchTest
) -> None:
    actions.report_reaction(
        test=test, details={"read_at": ago(hours=1), "grade": "pos1"}, by=practitioner_user, at=CLINIC_NOW
    )
    refused = practitioner_client.post(_url(test), _typed(note="kept as typed"))
    assert "A late reading follows a reading without reaction." in _text(refused)
    assert "kept as typed" in _text(refused)
    assert not test.readings.filter(kind="late").exists()


def test_patient_page_and_session_remind_of_it_while_it_is_possible(
    practitioner_client: Client, plan: Plan, doctor: Practitioner
) -> None:
    draft = SessionFactory(plan=plan, started_at=CLINIC_NOW, practitioner=doctor)
    pages = [
        reverse("consultations:patient", args=[plan.patient_id]),
        reverse("consultations:session", args=[draft.pk]),
        reverse("consultations:session_of", args=[plan.planned_sessions.last().pk]),
    ]
    address = _url(plan.patch_tests.get())
    assert [page for page in pages if address not in _text(practitioner_client.get(page))] == []
    LateReadingFactory(patch_test=plan.patch_tests.get())
    assert [page for page in pages if address in _text(practitioner_client.get(page))] == []


@pytest.mark.parametrize(
    ("given", "is_listed"), [(6, False), (7, True), (28, True), (29, False)], ids=lambda days: f"{days}"
)
def test_the_worklist_has_it_on_its_days_only(practitioner_user: User, given: int, is_listed: bool) -> None:
    plan = cleared_plan(**ASKED)
    found = readings.to_look_at_again(user=practitioner_user, at=CLINIC_NOW + timedelta(days=given - 10))
    assert [each.plan for each in found] == [plan] * is_listed


def test_the_worklist_leaves_out_what_was_looked_at_and_what_no_longer_clears(
    practitioner_user: User,
) -> None:
    read_late_plan()
    read_late_plan(positive=True)
    cleared_plan()
    assert list(readings.to_look_at_again(user=practitioner_user, at=CLINIC_NOW)) == []


# --- Clinics that have the shipped policy already -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("versions", "days"), [([1], [(None, None), (7, 28)]), ([1, 2], [(None, None), (None, None)])]
)
def test_the_shipped_policy_gets_a_next_version_and_a_clinics_own_is_left_alone(
    versions: list[int], days: list[tuple[int | None, int | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = import_module("consultations.migrations.0049_late_reading")
    monkeypatch.setattr(migration, "_SHIPPED", ("shipped",))
    for version in versions:
        retired_at = ago(days=9) if version < versions[-1] else None
        PatchTestPolicyFactory(code="shipped", version=version, retired_at=retired_at)
    migration.offer_the_late_reading(apps, None)
    rows = PatchTestPolicy.objects.filter(code="shipped").order_by("version")
    assert [(row.late_reading_from_days, row.late_reading_until_days) for row in rows] == days
    assert [row.retired_at is None for row in rows] == [False, True]
