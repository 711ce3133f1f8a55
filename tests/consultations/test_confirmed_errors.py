"""A test reading that is called an error: what it closes stays closed until a second person confirms, what it opened closes
at once (ADR 42). Rules, database and pages say the same; with the gate as it was before, one word was enough.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from html import unescape
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.migrations import RunSQL
from django.test import Client
from django.urls import reverse

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotCleared
from clinic.models import Practitioner, User
from consultations import purposes
from consultations.actions import causes as cause_actions
from consultations.actions import patch_tests, records
from consultations.enums import AllergyStatus, Grade
from consultations.enums import TestRequirement as Requirement
from consultations.enums import TestResult as Result
from consultations.models import (
    Alert,
    Allergy,
    CauseSearch,
    EnteredInError,
    PatchTest,
    Plan,
    Session,
)
from consultations.models import TestReading as Reading
from consultations.next_steps import next_of
from consultations.queries import facts_of_one, followed
from consultations.rules import causes, clearance, plans
from tests.consultations.test_causes import (
    QUIET,
    UNCLEAR,
    both,
    in_python,
    in_sql,
    plan_of,
    search_of,
)
from tests.factories import (
    AppointmentFactory,
    CauseFindingFactory,
    CauseSearchFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PatchTestFactory,
    SessionFactory,
    TestReadingFactory,
    cause_found,
    cleared_plan,
    component_tested,
    consented_plan,
    lots_of,
    stopped_by_test,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead
from tests.guards import check_deferred, refusal_of, without

pytestmark = pytest.mark.django_db
MIGRATION: Any = import_module("consultations.migrations.0056_readings_until_confirmed")
JUST_NOW = ago(minutes=30)
BOTH_RECORDS = pytest.mark.parametrize("record", ["reading", "patch_test"])


def called(reading: Reading, record: str = "reading", **entry: Any) -> EnteredInError:
    """One person calls the reading, or its test, an error."""
    wrong = reading if record == "reading" else reading.patch_test
    made: EnteredInError = EnteredInErrorFactory(**{record: wrong}, **entry)
    return made


def confirm(entry: EnteredInError, by: User, at: datetime = CLINIC_NOW) -> None:
    """The second person."""
    records.confirm_error(entry=entry, by=by, at=at)


def unclear_since(plan: Plan) -> Reading:
    """The patient was tested again nine days ago, and that was unclear."""
    test = PatchTestFactory(plan=plan, given_at=ago(days=9), arm="left")
    made: Reading = TestReadingFactory(patch_test=test, **UNCLEAR)
    return made


def injected(plan: Plan) -> Session:
    made: Session = SessionFactory(plan=plan, signed=True, started_at=CLINIC_NOW)
    return made


@contextmanager
def as_it_was() -> Iterator[None]:
    """The database's functions as they were before the migration; put back, with all rows, afterwards."""
    check_deferred()
    with transaction.atomic(), connection.cursor() as cursor:
        for step in reversed(MIGRATION.Migration.operations):
            if isinstance(step, RunSQL) and "test_reacted" not in str(step.reverse_sql):
                cursor.execute(step.reverse_sql)
        yield
        transaction.set_rollback(True)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises((DomainError, NotCleared)) as raised:
        act()
    return raised.value.code


def text(response: Any) -> str:
    return unescape(response.content.decode())


# --- An unclear test -----------------------------------------------------------------------------------------------------


@BOTH_RECORDS
def test_no_session_is_injected_before_a_second_person_confirms(record: str, admin: User) -> None:
    plan = cleared_plan()
    entry = called(unclear_since(plan), record)
    assert both(plan, clearance.Gate.SESSION) == ["test"]
    assert refusal_of(lambda: injected(plan)) == "session_cleared"
    confirm(entry, admin)
    assert both(plan, clearance.Gate.SESSION) == []
    assert injected(plan).is_signed


@BOTH_RECORDS
def test_without_the_gate_it_is_injected_and_with_the_gate_as_it_was_too(record: str) -> None:
    """What the guard keeps away, and what one person's word did."""
    plan = cleared_plan()
    called(unclear_since(plan), record)
    with without("session_cleared"):
        assert injected(plan).is_signed
    with as_it_was():
        assert injected(plan).is_signed
    assert refusal_of(lambda: injected(plan)) == "session_cleared"


def test_the_migration_and_its_way_back_leave_every_row() -> None:
    plan = cause_found()
    called(unclear_since(cleared_plan(patient=plan.patient)))
    tables = (Reading, PatchTest, EnteredInError, CauseSearch, Allergy)
    before = [sorted(model.objects.values_list(), key=str) for model in tables]
    check_deferred()
    with connection.cursor() as cursor:
        for step in [each for each in MIGRATION.Migration.operations if isinstance(each, RunSQL)][1:]:
            cursor.execute(step.reverse_sql)
            cursor.execute(step.sql)
    assert [sorted(model.objects.values_list(), key=str) for model in tables] == before
    assert both(plan_of(plan, 1)) == []


def test_a_booked_visit_is_provisional_until_the_second_person_confirms(
    doctor: Practitioner, admin: User, clinic_now: Any
) -> None:
    plan = cleared_plan()
    planned = plans.next_to_give(facts_of_one(plan))
    visit = AppointmentFactory(
        patient=plan.patient,
        starts_at=ahead(days=3),
        purpose=purposes.session_of(planned),
        status=AppointmentStatus.BOOKED,
    )
    planned.appointment = visit
    planned.save()
    reading = unclear_since(plan)

    def status() -> str:
        visit.refresh_from_db()
        return str(visit.status)

    entry = records.call_error(record=reading, reason="the other arm", by=doctor.user, at=clinic_now)
    assert status() == AppointmentStatus.PROVISIONAL
    records.confirm_error(entry=entry, by=admin, at=clinic_now)
    assert status() == AppointmentStatus.BOOKED


def _give(plan: Plan, user: User, **details: Any) -> PatchTest:
    usual = {
        "given_at": ago(minutes=30),
        "observed_until": ago(minutes=5),
        "method": "intradermal",
        "site": "forearm",
        "arm": "right",
        "volume_ml": Decimal("0.05"),
    }
    return patch_tests.give(
        plan=plan,
        appointment=None,
        details=usual | details,
        lots=lots_of(plan.formula),
        immediate=QUIET,
        by=user,
        at=CLINIC_NOW,
    )


def test_nobody_repeats_it_sooner_on_their_own_word(
    doctor: Practitioner, admin: User, clinic_now: Any
) -> None:
    plan = cleared_plan()
    entry = called(unclear_since(plan))
    assert refused(lambda: _give(plan, doctor.user)) == "repeat_too_soon"
    confirm(entry, admin)
    assert _give(plan, doctor.user).is_signed


@pytest.mark.parametrize(("confirmed", "result"), [(False, Result.POSITIVE), (True, Result.EQUIVOCAL)])
def test_the_next_unclear_test_is_the_second_one_until_then(
    confirmed: bool, result: Result, doctor: Practitioner
) -> None:
    plan = consented_plan()
    first = TestReadingFactory(patch_test__plan=plan, patch_test__given_at=ago(days=20), **UNCLEAR)
    called(first, confirmed=confirmed)
    test = PatchTestFactory(plan=plan, given_at=ago(days=3))
    TestReadingFactory(
        patch_test=test,
        kind="immediate",
        result=Result.AWAITING,
        grade="",
        read_at=ago(days=3),
        valid_from=None,
        valid_until=None,
    )
    details = {"read_at": CLINIC_NOW, "grade": Grade.DOUBTFUL}
    assert patch_tests.read(test=test, details=details, by=doctor.user, at=CLINIC_NOW).result == result


def test_every_page_says_that_nobody_has_confirmed_it_yet(
    practitioner_client: Client, admin: User, clinic_now: Any
) -> None:
    plan = cleared_plan()
    reading = unclear_since(plan)
    entry = called(reading)
    waits = "called an error, not yet confirmed by a second person"
    pages = [
        reverse("consultations:patient", args=[plan.patient_id]),
        reverse("consultations:patch_test", args=[reading.patch_test_id]),
        reverse("consultations:patch_test_give", args=[plan.pk]),
        reverse("consultations:session_of", args=[plan.planned_sessions.first().pk]),
    ]
    assert [waits in text(practitioner_client.get(page)) for page in pages] == [True] * 4
    shown = text(practitioner_client.get(pages[1]))
    assert "Unclear: repeat" in shown
    assert "Called an error, not yet confirmed by a second person: wrong patient" in shown
    assert reverse("consultations:patch_test_read", args=[reading.patch_test_id]) in shown
    confirm(entry, admin)
    assert [waits in text(practitioner_client.get(page)) for page in pages] == [False] * 4


# --- The search for a cause: what a strong reading closes ------------------------------------------------------------------


def strongly(test: PatchTest, **reading: Any) -> Reading:
    """A sign beyond the test site."""
    made: Reading = TestReadingFactory(patch_test=test, positive=True, systemic_sign=True, **reading)
    return made


@BOTH_RECORDS
def test_a_search_that_a_strong_reading_closed_opens_once_its_error_is_confirmed(
    record: str, doctor: Practitioner, admin: User
) -> None:
    """It was another patient's; read again, the place reacted weakly. Where the whole test is the error, nothing did."""
    test = PatchTestFactory(plan=consented_plan())
    wrong = strongly(test)
    TestReadingFactory(patch_test=test, positive=True)

    def decide() -> CauseSearch:
        return cause_actions.decide(test=test, reason="Vitamins.", by=doctor.user, at=CLINIC_NOW)

    def by_the_database() -> str:
        return refusal_of(lambda: CauseSearchFactory(patch_test=test, signed_at=CLINIC_NOW))

    assert (refused(decide), by_the_database()) == ("strong_reaction", "cause_search_of_positive")
    entry = called(wrong, record)
    assert (refused(decide), by_the_database()) == ("strong_reaction", "cause_search_of_positive")
    confirm(entry, admin)
    if record == "patch_test":
        assert (refused(decide), by_the_database()) == ("not_positive", "cause_search_of_positive")
    else:
        assert decide().patch_test == test


def test_without_its_guard_a_search_begins_after_a_strong_reaction() -> None:
    test = PatchTestFactory(plan=consented_plan())
    strongly(test)
    with without("cause_search_of_positive"):
        assert CauseSearchFactory(patch_test=test).pk


def test_a_strong_reaction_ends_a_search_under_way_until_its_error_is_confirmed(
    doctor: Practitioner, admin: User
) -> None:
    stopped = stopped_by_test()
    search, code = search_of(stopped), stopped.formula.component_codes[0]
    details = {"read_at": ago(days=1), "grade": Grade.EXTREME, "systemic_sign": True}
    strong = patch_tests.report_reaction(
        test=search.patch_test, details=details, by=doctor.user, at=ago(days=1)
    )
    Allergy.objects.filter(test_reading=strong).update(status=AllergyStatus.REFUTED)  # the test alone decides
    assert (in_python(search, code), in_sql(search, code)) == ([], "search_over")
    assert refused(lambda: _alone(search, code, doctor.user)) == "strong_reaction"
    entry = records.call_error(record=strong, reason="another patient", by=doctor.user, at=ago(hours=2))
    assert (in_sql(search, code), refused(lambda: _alone(search, code, doctor.user))) == (
        "search_over",
        "strong_reaction",
    )
    confirm(entry, admin, ago(hours=1))
    assert (in_python(search, code), in_sql(search, code)) == ([], None)
    early = ago(hours=1, minutes=30)  # nobody had confirmed it then
    assert refused(lambda: _alone(search, code, doctor.user, early)) == "strong_reaction"
    assert _alone(search, code, doctor.user).search == search


def _alone(search: CauseSearch, code: str, user: User, given_at: datetime = JUST_NOW) -> PatchTest:
    (lot,) = [each for each in lots_of(search.patch_test.formula) if each.component.code == code]
    place = cause_actions.Place(code, lot, "left", "forearm 1", QUIET)
    details = {"given_at": given_at, "observed_until": ago(minutes=5), "method": "intradermal"}
    (made,) = cause_actions.give(
        search=search,
        appointment=None,
        details=details | {"volume_ml": Decimal("0.05")},
        places=[place],
        by=user,
        at=CLINIC_NOW,
    )
    return made


def test_what_was_found_opens_again_once_the_later_strong_reaction_was_an_error(
    doctor: Practitioner, admin: User
) -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    assert both(plan) == []
    strong = patch_tests.report_reaction(
        test=stopped.patch_tests.get(search=None),
        details={"read_at": ago(minutes=9), "grade": Grade.EXTREME},
        by=doctor.user,
        at=ago(minutes=9),
    )
    plan = plan_of(stopped, 1)
    closed = ["allergy", "test_positive"]
    assert both(plan) == closed
    entry = records.call_error(record=strong, reason="another patient", by=doctor.user, at=CLINIC_NOW)
    assert both(plan) == closed
    confirm(entry, admin)
    assert both(plan) == []


@BOTH_RECORDS
def test_the_allergy_and_the_alert_of_a_strong_reading_go_back_with_it_unless_somebody_assessed_them(
    record: str, doctor: Practitioner, admin: User
) -> None:
    def reacted() -> tuple[Reading, Allergy, Alert]:
        test = PatchTestFactory(plan=consented_plan())
        details = {"read_at": ago(days=1), "grade": Grade.EXTREME, "note": "hives"}
        made = patch_tests.report_reaction(test=test, details=details, by=doctor.user, at=ago(days=1))
        return made, Allergy.objects.get(test_reading=made), Alert.objects.get(patient=test.patient)

    (wrong, allergy, alert), (assessed, kept, other) = reacted(), reacted()
    Allergy.objects.filter(pk=kept.pk).update(assessed_at=ago(hours=3))
    entry = called(wrong, record)
    assert Allergy.objects.get(pk=allergy.pk).status == AllergyStatus.CONFIRMED
    confirm(entry, admin)
    confirm(called(assessed, record), admin)
    assert [each.status for each in Allergy.objects.filter(pk__in=[allergy.pk])] == [AllergyStatus.REFUTED]
    assert [each.status for each in Allergy.objects.filter(pk__in=[kept.pk])] == [AllergyStatus.CONFIRMED]
    assert Alert.objects.get(pk=alert.pk).lifted_at == CLINIC_NOW
    assert Alert.objects.get(pk=other.pk).lifted_at == CLINIC_NOW
    note = "The test reading behind it was entered in error."
    assert Allergy.objects.get(pk=allergy.pk).assessment == note


def test_before_confirming_the_page_says_what_goes_back(admin_client: Client, doctor: Practitioner) -> None:
    test = PatchTestFactory(plan=consented_plan())
    details = {"read_at": ago(days=1), "grade": Grade.EXTREME}
    wrong = patch_tests.report_reaction(test=test, details=details, by=doctor.user, at=ago(days=1))
    page = reverse("consultations:error_confirm", args=[called(wrong).pk])
    shown = text(admin_client.get(page))
    said = ["What it closed as a reported allergy opens.", "Its alert is lifted.", "One plan stays stopped"]
    assert [each in shown for each in said] == [True] * 3


# --- The search for a cause: what it opened ---------------------------------------------------------------------------------


def cause_reading(stopped: Plan) -> Reading:
    """The reaction to the one component that was found as the cause."""
    first = stopped.formula.component_codes[0]
    return Reading.objects.get(patch_test__search__isnull=False, patch_test__component_codes=[first])


@BOTH_RECORDS
def test_what_a_cause_opened_closes_at_once_when_somebody_calls_that_cause_an_error(
    record: str, doctor: Practitioner, admin: User
) -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    assert (both(plan), list(followed(stopped.patient))) == ([], [plan])
    entry = called(cause_reading(stopped), record)
    closed = ["allergy", "test_positive"]
    assert both(plan) == closed
    assert refusal_of(lambda: PatchTestFactory(plan=plan, given_at=ago(hours=1))) == "patch_test_cleared"
    with as_it_was():
        assert PatchTestFactory(plan=plan, given_at=ago(hours=1)).pk
    assert stopped not in followed(stopped.patient)
    confirm(entry, admin)
    assert both(plan) == closed
    assert stopped in followed(stopped.patient)
    todo = next_of(facts_of_one(stopped), at=CLINIC_NOW)
    assert todo.primary.label == "Look for the cause"


def test_another_cause_that_stands_keeps_open_what_was_opened(doctor: Practitioner) -> None:
    stopped = stopped_by_test(components=4)
    first, second, third, _rest = stopped.formula.component_codes
    search = search_of(stopped)
    for code in (first, second):
        component_tested(search, code, reacts=True)
    component_tested(search, third)
    CauseFindingFactory(search=search, cause_codes=[first, second], opened_codes=[third])
    plan = plan_of(stopped, 2)
    called(cause_reading(stopped), confirmed=True)
    assert both(plan) == []


def one_reacted_and_one_did_not() -> tuple[Plan, CauseSearch, str, str]:
    """A plan stopped by its test, the search for the cause, and its two components, both tested alone."""
    stopped = stopped_by_test(components=2)
    first, second = stopped.formula.component_codes
    search = search_of(stopped)
    component_tested(search, first, reacts=True)
    component_tested(search, second)
    return stopped, search, first, second


def test_nothing_is_found_while_a_reading_waits_for_the_second_person(
    doctor: Practitioner, admin: User
) -> None:
    stopped, search, first, second = one_reacted_and_one_did_not()

    def find() -> Any:
        return cause_actions.find(search=search, words="x", by=doctor.user, at=CLINIC_NOW)

    def by_the_database() -> str:
        return refusal_of(
            lambda: CauseFindingFactory(search=search, cause_codes=[first], opened_codes=[second])
        )

    entry = called(cause_reading(stopped), "patch_test")
    said = causes.conclusion(facts_of_one(stopped), search)
    assert (said.causes, said.opened) == ([first], [])
    assert (refused(find), by_the_database()) == ("error_open", "cause_finding_grounded")
    with without("cause_finding_grounded"):
        assert CauseFindingFactory(search=search, cause_codes=[first], opened_codes=[second]).pk
    confirm(entry, admin)
    finding = find()
    assert (finding.cause_codes, finding.opened_codes) == ([], [])


def test_a_component_that_was_unclear_alone_opens_only_once_two_people_call_that_an_error(
    doctor: Practitioner, admin: User
) -> None:
    stopped, search, first, second = one_reacted_and_one_did_not()
    with without("patch_test_cleared"):
        doubtful = component_tested(search, second, reacts=None, given_at=ago(days=4))
        entry = called(TestReadingFactory(patch_test=doubtful, **UNCLEAR))
        opens = {"search": search, "cause_codes": [first], "opened_codes": [second]}
        assert causes.conclusion(facts_of_one(stopped), search).opened == []
        assert refusal_of(lambda: CauseFindingFactory(**opens)) == "cause_finding_grounded"
        confirm(entry, admin)
        confirm(called(doubtful.readings.get(), "patch_test"), admin)
        assert causes.conclusion(facts_of_one(stopped), search).opened == [second]
        assert CauseFindingFactory(**opens).pk


@pytest.mark.parametrize("requirement", [Requirement.NOT_REQUIRED, Requirement.REQUIRED])
def test_where_the_positive_test_was_an_error_the_policy_alone_asks_for_a_test(
    requirement: Requirement, admin: User
) -> None:
    """What a finding opened needs a test of its formula because the mixture reacted; it did not."""
    stopped = cause_found()
    plan = plan_of(stopped, 1, test_policy__requirement=requirement)
    assert both(plan, clearance.Gate.SESSION) == ["test"]
    search = CauseSearch.objects.get()
    entry = called(search.patch_test.readings.get())
    assert both(plan, clearance.Gate.SESSION) == ["test"]
    confirm(entry, admin)
    asked = ["test"] if requirement == Requirement.REQUIRED else []
    assert both(plan, clearance.Gate.SESSION) == asked
    third = stopped.formula.component_codes[2]
    assert in_sql(search, third) == "search_over"


def test_the_page_of_the_search_says_what_closed_again_and_why_nothing_is_tested(
    practitioner_client: Client, admin: User, clinic_now: Any
) -> None:
    stopped = cause_found()
    search = CauseSearch.objects.get()
    page = reverse("consultations:cause", args=[search.patch_test_id])
    finding = reverse("consultations:cause_finding", args=[search.pk])
    assert "Closed again since" not in text(practitioner_client.get(page))
    entry = called(cause_reading(stopped))
    shown = text(practitioner_client.get(page))
    assert "Closed again since" in shown
    assert "May be injected again" not in shown
    assert "called an error, not yet confirmed by a second person" in shown
    assert "have that confirmed first" in text(practitioner_client.get(finding))
    confirm(entry, admin)
    assert "called an error, not yet" not in text(practitioner_client.get(page))
    confirm(called(search.patch_test.readings.get()), admin)
    shown = text(practitioner_client.get(page))
    assert "The components are tested one by one only after a positive test." in shown
    assert reverse("consultations:component_test", args=[search.pk]) not in shown
    assert "Closed again since" not in shown


def test_a_whole_journey_from_a_strong_reading_that_was_wrong(doctor: Practitioner, admin: User) -> None:
    """Strong, called an error, confirmed; read again as weak; searched; the cause called an error, confirmed; found anew."""
    user, stopped = (
        doctor.user,
        consented_plan(formula=FormulaFactory(parts=None) if False else FormulaFactory()),
    )
    test = PatchTestFactory(plan=stopped, given_at=ago(days=10))
    wrong = patch_tests.report_reaction(
        test=test,
        details={"read_at": ago(days=8), "grade": Grade.EXTREME},
        by=user,
        at=ago(days=8),
    )
    entry = records.call_error(record=wrong, reason="another patient", by=user, at=ago(days=8))
    records.confirm_error(entry=entry, by=admin, at=ago(days=8))
    patch_tests.report_reaction(
        test=test, details={"read_at": ago(days=7), "grade": Grade.WEAK}, by=user, at=ago(days=7)
    )
    search = cause_actions.decide(test=test, reason="Vitamins.", by=user, at=ago(days=6))
    first, second = stopped.formula.component_codes
    component_tested(search, first, reacts=True)
    component_tested(search, second)
    cause_actions.find(search=search, words="The first.", by=user, at=ago(hours=3))
    plan = plan_of(stopped, 1)
    assert both(plan) == []
    mistaken = records.call_error(record=cause_reading(stopped), reason="typed", by=user, at=ago(hours=2))
    assert both(plan) == ["allergy", "test_positive"]
    records.confirm_error(entry=mistaken, by=admin, at=ago(hours=2))
    again = component_tested(search, first, reacts=True, given_at=ago(days=4))
    assert again.readings.get().result == Result.POSITIVE
    confirm(
        called(Reading.objects.filter(patch_test__component_codes=[first]).earliest("read_at"), "patch_test"),
        admin,
    )
    found = cause_actions.find(search=search, words="The first after all.", by=user, at=ago(minutes=1))
    assert (found.cause_codes, found.opened_codes) == ([first], [second])
    assert both(plan) == []
