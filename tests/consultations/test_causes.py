"""After a positive test: its components tested one by one, the cause, and what it opens. Python and SQL say the same."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from clinic.errors import DomainError, NotCleared
from clinic.models import Practitioner, User
from consultations.actions import causes as actions
from consultations.actions import patch_tests, records
from consultations.actions.causes import Place
from consultations.enums import AllergyStatus, Grade, PlanStatus
from consultations.enums import TestRequirement as Requirement
from consultations.enums import TestResult as Result
from consultations.models import Allergy, CauseFinding, CauseSearch, PatchTest, Plan
from consultations.models import TestReading as Reading
from consultations.queries import facts_of_one
from consultations.rules import causes, clearance
from consultations.rules import patch_test as rules
from consultations.rules.clearance import Gate
from tests.consultations.test_gate import refusal
from tests.factories import (
    AllergyFactory,
    CauseFindingFactory,
    CauseSearchFactory,
    ClinicalReportFactory,
    ComponentFactory,
    ConsentWithdrawalFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PatchTestFactory,
    TestReadingFactory,
    cause_found,
    cleared_plan,
    component_tested,
    consented_plan,
    lots_of,
    stopped_by_test,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.guards import refusal_of, without

pytestmark = pytest.mark.django_db
QUIET = {"wheal_start_mm": Decimal(5), "wheal_end_mm": Decimal(5)}
GIVEN_AT = ago(days=5)
UNCLEAR = {"grade": Grade.DOUBTFUL, "result": Result.EQUIVOCAL, "valid_from": None, "valid_until": None}


def search_of(plan: Plan) -> CauseSearch:
    return CauseSearchFactory(patch_test=plan.patch_tests.get(search=None))


def in_python(search: CauseSearch, code: str) -> list[str]:
    """What a test of the component alone lacks at CLINIC_NOW."""
    alone = causes.for_component(facts_of_one(search.patch_test.plan), search, code)
    return [each.code for each in clearance.judge(alone, gate=Gate.TEST, on=CLINIC_NOW).conditions]


def in_sql(search: CauseSearch, code: str, *, at: datetime = CLINIC_NOW) -> str | None:
    plan = search.patch_test.plan
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT component_test_refusal(%s, %s, %s, %s, %s, 'infinity')",
            [plan.pk, plan.patient_id, at, search.pk, [code]],
        )
        return cursor.fetchone()[0]


def both(plan: Plan, gate: Gate = Gate.TEST) -> list[str]:
    """What the plan lacks, by the rules; the database's gate names the first of it."""
    facts = facts_of_one(plan)
    planned = facts.planned[0] if gate == Gate.SESSION else None
    found = [
        each.code for each in clearance.judge(facts, gate=gate, on=CLINIC_NOW, planned=planned).conditions
    ]
    assert refusal(plan, gate=str(gate)) == (found[0] if found else None)
    return found


def plan_of(stopped: Plan, *places: int, **plan: Any) -> Plan:
    """A new plan of the same patient with components of the stopped one, and one more that was never tested."""
    codes, parts = stopped.formula.component_codes, stopped.formula.parts
    chosen = [(parts.get(component__code=codes[place]).component, 1) for place in places]
    mixed = FormulaFactory(parts=[*chosen, (ComponentFactory(), 1)])
    return consented_plan(patient=stopped.patient, formula=mixed, **plan)


# --- The gate of a test of one component -----------------------------------------------------------------------------


def test_it_looks_through_the_positive_test_its_allergy_and_the_end_of_the_plan() -> None:
    plan = stopped_by_test()
    search, code = search_of(plan), plan.formula.component_codes[0]
    assert both(plan) == ["plan_stopped", "allergy", "allergy", "allergy", "test_positive"]
    assert (in_python(search, code), in_sql(search, code)) == ([], None)


Closer = Callable[[Plan, str], object]


NOS: dict[str, tuple[str, Closer]] = {
    "consent withdrawn": ("consent", lambda p, c: ConsentWithdrawalFactory(consent=p.consents.get())),
    "consultation in error": (
        "consultation",
        lambda p, c: EnteredInErrorFactory(consultation=p.consultation),
    ),
    "a report waits": ("report_open", lambda p, c: ClinicalReportFactory(patient=p.patient)),
    "an allergy in words": ("allergy_unassessed", lambda p, c: AllergyFactory(patient=p.patient)),
    "another allergy to it": (
        "allergy",
        lambda p, c: AllergyFactory(patient=p.patient, component_codes=[c]),
    ),
    "the allergy of the test was confirmed": (
        "allergy",
        lambda p, c: Allergy.objects.filter(patient=p.patient).update(
            status=AllergyStatus.CONFIRMED, assessed_at=ago(days=1), assessed_by=p.created_by
        ),
    ),
    "it reacted alone before": (
        "test_positive",
        lambda p, c: component_tested(CauseSearch.objects.get(), c, reacts=True),
    ),
}


@pytest.mark.parametrize("name", NOS)
def test_every_other_no_still_holds(name: str) -> None:
    code, close = NOS[name]
    plan = stopped_by_test()
    search, component = search_of(plan), plan.formula.component_codes[0]
    close(plan, component)
    assert (in_python(search, component)[0], in_sql(search, component)) == (code, code)
    assert _insert(search, component) == "patch_test_cleared"
    with without("patch_test_cleared"):
        PatchTestFactory(plan=plan, search=search, component_codes=[component], given_at=ago(hours=1))


def _insert(search: CauseSearch, code: str, **test: Any) -> str:
    """The guard that refuses a test of the component alone."""
    plan = search.patch_test.plan
    return refusal_of(
        lambda: PatchTestFactory(
            plan=plan, search=search, **{"component_codes": [code], "given_at": ago(hours=1)} | test
        )
    )


def test_a_plan_that_somebody_stopped_for_another_reason_stays_stopped() -> None:
    other = consented_plan()
    test = PatchTestFactory(plan=other)
    TestReadingFactory(patch_test=test, positive=True)
    other.status = PlanStatus.STOPPED
    other.save(update_fields=["status"])
    search = CauseSearchFactory(patch_test=test)
    code = test.component_codes[0]
    assert (in_python(search, code), in_sql(search, code)) == (["plan_stopped"], "plan_stopped")


def test_what_closes_another_component_does_not_close_it() -> None:
    plan = stopped_by_test()
    search = search_of(plan)
    first, second, _third = plan.formula.component_codes
    component_tested(search, second, reacts=True)
    AllergyFactory(patient=plan.patient, component_codes=[second])
    assert (in_python(search, first), in_sql(search, first)) == ([], None)


def test_another_positive_test_of_the_component_still_closes_it() -> None:
    shared = ComponentFactory()
    first = consented_plan(formula=FormulaFactory(parts=[(shared, 1), (ComponentFactory(), 1)]))
    with_shared = FormulaFactory(parts=[(shared, 1), (ComponentFactory(), 1)])
    second = consented_plan(patient=first.patient, formula=with_shared)
    tests = [PatchTestFactory(plan=plan) for plan in (first, second)]
    for test in tests:
        TestReadingFactory(patch_test=test, positive=True)
    search = CauseSearchFactory(patch_test=tests[0])
    assert (in_python(search, shared.code), in_sql(search, shared.code)) == (
        ["test_positive"],
        "test_positive",
    )


def test_no_component_is_tested_before_the_decision_or_that_the_test_did_not_hold() -> None:
    search = search_of(stopped_by_test())
    code = search.patch_test.component_codes[0]
    assert in_sql(search, code, at=search.signed_at - timedelta(seconds=1)) == "no_search"
    assert in_sql(search, ComponentFactory().code) == "no_search"
    assert in_sql(search, code) is None


def test_one_component_needs_the_lot_of_that_component_alone() -> None:
    search = search_of(stopped_by_test())
    code = search.patch_test.component_codes[0]
    others = [lot for lot in lots_of(search.patch_test.formula) if lot.component.code != code]
    assert _insert(search, code, lots=others) == "patch_test_cleared"
    assert component_tested(search, code).lots.count() == 1


def test_a_test_of_one_component_clears_nothing() -> None:
    stopped = stopped_by_test()
    search, code = search_of(stopped), stopped.formula.component_codes[0]
    component_tested(search, code)
    Allergy.objects.update(status="refuted", assessed_at=ago(days=1), assessed_by=stopped.created_by)
    part = stopped.formula.parts.get(component__code=code)
    alone = consented_plan(patient=stopped.patient, formula=FormulaFactory(parts=[(part.component, 1)]))
    EnteredInErrorFactory(reading=Reading.objects.get(patch_test=search.patch_test), confirmed=True)
    assert both(alone, Gate.SESSION) == ["test"]


# --- What the cause opens ---------------------------------------------------------------------------------------------


def test_only_what_was_tested_alone_without_reaction_opens_and_only_without_the_cause() -> None:
    stopped = cause_found()
    assert both(plan_of(stopped, 1)) == []
    assert both(plan_of(stopped, 0)) == ["allergy", "test_positive"]
    assert both(plan_of(stopped, 0, 1)) == ["allergy", "test_positive"]
    assert both(plan_of(stopped, 1, 2)) == ["allergy", "test_positive"]
    assert both(stopped)[0] == "plan_stopped"


@pytest.mark.parametrize("requirement", Requirement)
def test_what_opened_needs_a_new_test_of_its_formula_whatever_the_policy_asks_for(requirement: str) -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1, test_policy__requirement=requirement)
    assert both(plan, Gate.SESSION) == ["test"]
    test = PatchTestFactory(plan=plan, given_at=ago(minutes=40))
    TestReadingFactory(patch_test=test, read_at=ago(minutes=5))
    assert both(plan, Gate.SESSION) == []


def test_a_test_given_before_the_finding_does_not_count() -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    with without("patch_test_cleared"):
        TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=4)))
        assert both(plan, Gate.SESSION) == ["test"]


def test_without_a_cause_nothing_opens_and_the_last_word_counts() -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    assert both(plan) == []
    CauseFindingFactory(search=CauseSearch.objects.get(), signed_at=ago(minutes=10))
    assert both(plan) == ["allergy", "test_positive"]


def test_a_finding_counts_from_the_moment_of_what_it_was_found_by() -> None:
    stopped = cause_found()
    second, moment = stopped.formula.component_codes[1], timedelta(microseconds=1)
    facts = facts_of_one(plan_of(stopped, 1))
    (found,), test = facts.causes, stopped.patch_tests.get(search=None)
    read = next(each for each in facts.readings if each.patch_test.component_codes == [second]).signed_at

    def opened(signed_at: datetime, since: datetime) -> frozenset[str]:
        said = replace(facts, causes=[replace(found, signed_at=signed_at)])
        return causes.opened(said, test.pk, since=since)

    assert [opened(read, read), opened(read, read + moment), opened(read - moment, read - moment)] == [
        {second},
        frozenset(),
        frozenset(),
    ]


def test_a_finding_asks_nothing_of_plans_with_other_components() -> None:
    assert both(cleared_plan(patient=cause_found().patient), Gate.SESSION) == []


def test_a_test_alone_whose_reading_was_superseded_closes_again() -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    _superseded(Reading.objects.get(patch_test__component_codes=[stopped.formula.component_codes[1]]))
    assert both(plan) == ["allergy", "test_positive"]


def _superseded(reading: Reading) -> Reading:
    """A later look at it that leaves it in doubt."""
    return TestReadingFactory(
        patch_test=reading.patch_test,
        supersedes=reading,
        read_at=reading.read_at + timedelta(hours=2),
        **UNCLEAR,
    )


@pytest.mark.parametrize("record", ["reading", "patch_test"])
def test_a_test_alone_that_is_called_an_error_closes_again_at_once(record: str) -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    reading = Reading.objects.get(patch_test__component_codes=[stopped.formula.component_codes[1]])
    EnteredInErrorFactory(**{record: reading if record == "reading" else reading.patch_test})
    assert both(plan) == ["allergy", "test_positive"]


def test_a_reaction_reported_after_the_finding_closes_again() -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    TestReadingFactory(
        patch_test=stopped.patch_tests.get(search=None),
        kind="reported",
        positive=True,
        read_at=ago(minutes=10),
    )
    assert both(plan) == ["test_positive"]


def test_an_allergy_that_was_confirmed_names_what_it_names() -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    Allergy.objects.update(status="confirmed", assessed_at=ago(days=1), assessed_by=stopped.created_by)
    assert both(plan) == ["allergy"]


def test_a_session_given_before_a_later_word_can_be_signed() -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    test = PatchTestFactory(plan=plan, given_at=ago(minutes=50))
    TestReadingFactory(patch_test=test, read_at=ago(minutes=40))
    before = ago(minutes=20)
    CauseFindingFactory(search=CauseSearch.objects.get(), signed_at=ago(minutes=10))
    facts = facts_of_one(plan)
    judged = clearance.judge(facts, gate=Gate.SESSION, on=before, planned=facts.planned[0], known_by=before)
    assert (judged.conditions, refusal(plan, at=before, known_by=before)) == ([], None)
    assert refusal(plan, at=before) == "allergy"


def test_by_what_was_known_before_the_finding_everything_was_closed() -> None:
    stopped = cause_found()
    plan = plan_of(stopped, 1)
    before = ago(hours=2)
    judged = clearance.judge(facts_of_one(plan), gate=Gate.TEST, on=before, known_by=before)
    assert [each.code for each in judged.conditions] == ["allergy", "test_positive"]
    assert refusal(plan, gate="test", at=before, known_by=before) == "allergy"


# --- The actions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def search(doctor: Practitioner) -> CauseSearch:
    return search_of(stopped_by_test())


def _places(search: CauseSearch, *codes: str, **immediate: Any) -> list[Place]:
    lots = {lot.component.code: lot for lot in lots_of(search.patch_test.formula)}
    return [
        Place(code, lots[code], "left", f"forearm {number}", QUIET | immediate)
        for number, code in enumerate(codes)
    ]


def _give(search: CauseSearch, user: User, places: list[Place], **details: Any) -> list[PatchTest]:
    given_at = details.get("given_at", GIVEN_AT)
    seen = given_at + timedelta(minutes=20)
    usual = {"given_at": given_at, "observed_until": seen, "method": "intradermal"}
    usual["volume_ml"] = Decimal("0.05")
    return actions.give(
        search=search, appointment=None, details=usual | details, places=places, by=user, at=seen
    )


def _read(test: PatchTest, user: User, grade: Grade = Grade.NEGATIVE) -> Reading:
    read_at = test.given_at + timedelta(hours=72)
    return patch_tests.read(test=test, details={"read_at": read_at, "grade": grade}, by=user, at=read_at)


def test_a_form_that_is_sent_twice_leaves_one_test_of_each_component(
    search: CauseSearch, doctor: Practitioner
) -> None:
    places = _places(search, *search.patch_test.component_codes)
    _give(search, doctor.user, places)
    with pytest.raises(DomainError, match="on record already") as refused:
        _give(search, doctor.user, places)
    assert (refused.value.code, refused.value.field) == ("given_already", "given_at")
    assert search.component_tests.count() == len(places)


def test_from_the_decision_to_a_plan_without_the_cause(doctor: Practitioner) -> None:
    stopped = stopped_by_test()
    user = doctor.user
    search = actions.decide(
        test=stopped.patch_tests.get(), reason="Vitamins are wanted.", by=user, at=ago(days=6)
    )
    first, second, third = stopped.formula.component_codes
    tests = _give(search, user, _places(search, first, second, third))
    assert [test.component_codes for test in tests] == [[first], [second], [third]]
    results = [
        _read(test, user, grade).result
        for test, grade in zip(tests, [Grade.WEAK, Grade.NEGATIVE, Grade.DOUBTFUL], strict=True)
    ]
    assert results == [Result.POSITIVE, Result.NEGATIVE, Result.EQUIVOCAL]
    finding = actions.find(search=search, words="It was the first.", by=user, at=ago(hours=1))
    assert (finding.cause_codes, finding.opened_codes) == ([first], [second])
    assert both(plan_of(stopped, 1)) == []
    assert both(plan_of(stopped, 2)) == ["allergy", "test_positive"]


def test_a_component_that_reacts_is_an_allergy_of_its_own_that_names_its_reading(
    search: CauseSearch, doctor: Practitioner
) -> None:
    code = search.patch_test.component_codes[0]
    (test,) = _give(search, doctor.user, _places(search, code))
    reading = _read(test, doctor.user, Grade.WEAK)
    allergy = Allergy.objects.get(test_reading=reading)
    assert (allergy.component_codes, allergy.status) == ([code], AllergyStatus.REPORTED)
    later = GIVEN_AT + timedelta(hours=80)
    assert _refused(lambda: _give(search, doctor.user, _places(search, code), given_at=later)) == "allergy"


def _refused(act: Callable[[], object]) -> str:
    with pytest.raises((DomainError, NotCleared)) as raised:
        act()
    return raised.value.code


def test_two_components_at_one_place_are_refused_and_nothing_is_saved(
    search: CauseSearch, doctor: Practitioner
) -> None:
    first, second = search.patch_test.component_codes[:2]
    places = _places(search, first, second)
    same = [place.__class__(**vars(place) | {"site": "Forearm  1"}) for place in places]
    assert _refused(lambda: _give(search, doctor.user, same)) == "same_site"
    assert _refused(lambda: _give(search, doctor.user, [])) == "no_component"
    assert not PatchTest.objects.filter(search=search).exists()


def test_one_wheal_that_was_not_measured_saves_none_of_them(
    search: CauseSearch, doctor: Practitioner
) -> None:
    first, second = search.patch_test.component_codes[:2]
    places = [*_places(search, first), *_places(search, second, wheal_end_mm=None)]
    apart = [places[0], Place(second, places[1].lot, "right", "forearm", places[1].immediate)]
    with pytest.raises(DomainError) as raised:
        _give(search, doctor.user, apart)
    assert raised.value.field == f"wheal_end_mm_{second}"
    assert not PatchTest.objects.filter(search=search).exists()


def test_a_lot_of_another_component_or_an_injection_before_the_decision_is_refused(
    search: CauseSearch, doctor: Practitioner
) -> None:
    first, second = search.patch_test.component_codes[:2]
    wrong = Place(first, _places(search, second)[0].lot, "left", "forearm", QUIET)
    assert _refused(lambda: _give(search, doctor.user, [wrong])) == "lot_unusable"
    early = ago(days=7)
    assert (
        _refused(lambda: _give(search, doctor.user, _places(search, first), given_at=early))
        == "before_decision"
    )


def test_an_unclear_component_is_repeated_as_any_test_and_does_not_hold_another_one(
    search: CauseSearch, doctor: Practitioner
) -> None:
    first, second = search.patch_test.component_codes[:2]
    (test,) = _give(search, doctor.user, _places(search, first))
    assert _read(test, doctor.user, Grade.DOUBTFUL).result == Result.EQUIVOCAL
    (other,) = _give(search, doctor.user, _places(search, first, second)[1:])
    assert _read(other, doctor.user, Grade.DOUBTFUL).result == Result.EQUIVOCAL
    soon = GIVEN_AT + timedelta(days=4)
    assert _refused(lambda: _give(search, doctor.user, _places(search, first), given_at=soon)) == (
        "repeat_too_soon"
    )
    later = PatchTest(search=search, component_codes=[first], policy=test.policy)
    assert rules.last_unclear(facts_of_one(search.patch_test.plan), before=later) == test


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        ({}, "not_positive"),
        ({"positive": True, "grade": Grade.EXTREME}, "strong_reaction"),
        ({"positive": True, "systemic_sign": True}, "strong_reaction"),
    ],
)
def test_the_cause_is_looked_for_only_after_a_positive_test_that_was_not_strong(
    doctor: Practitioner, reading: dict[str, Any], code: str
) -> None:
    test = TestReadingFactory(patch_test=PatchTestFactory(plan=consented_plan()), **reading).patch_test
    assert _refused(lambda: actions.decide(test=test, reason="x", by=doctor.user, at=CLINIC_NOW)) == code


@pytest.mark.parametrize("record", ["reading", "patch_test"])
@pytest.mark.parametrize(("confirmed", "code"), [(False, "search_exists"), (True, "not_positive")])
def test_no_cause_is_looked_for_of_what_two_people_call_an_error(
    record: str, confirmed: bool, code: str, search: CauseSearch, doctor: Practitioner
) -> None:
    test = search.patch_test
    wrong = {"reading": test.readings.get(), "patch_test": test}[record]
    EnteredInErrorFactory(**{record: wrong}, confirmed=confirmed)
    assert _refused(lambda: actions.decide(test=test, reason="x", by=doctor.user, at=CLINIC_NOW)) == code


def test_of_one_component_there_is_nothing_to_look_for(doctor: Practitioner) -> None:
    alone = stopped_by_test(components=1).patch_tests.get()
    assert not causes.may_search(alone, alone.readings.all())
    assert _refused(lambda: actions.decide(test=alone, reason="x", by=doctor.user, at=CLINIC_NOW)) == (
        "one_component"
    )


def test_a_decision_is_made_once_and_says_why(search: CauseSearch, doctor: Practitioner) -> None:
    again = search.patch_test
    assert _refused(lambda: actions.decide(test=again, reason="x", by=doctor.user, at=CLINIC_NOW)) == (
        "search_exists"
    )
    other = stopped_by_test().patch_tests.get()
    assert _refused(lambda: actions.decide(test=other, reason=" ", by=doctor.user, at=CLINIC_NOW)) == (
        "reason_missing"
    )


def test_nothing_is_found_before_every_test_is_read(search: CauseSearch, doctor: Practitioner) -> None:
    def find(words: str = "x") -> CauseFinding:
        return actions.find(search=search, words=words, by=doctor.user, at=CLINIC_NOW)

    assert _refused(find) == "nothing_tested"
    test = component_tested(search, search.patch_test.component_codes[0], reacts=None)
    assert _refused(find) == "reading_open"
    TestReadingFactory(patch_test=test)
    assert (_refused(lambda: find(" ")), CauseFinding.objects.count()) == ("words_missing", 0)
    assert (find().cause_codes, CauseFinding.objects.get().opened_codes) == ([], [])


def test_a_cause_whose_error_two_people_confirm_is_none(search: CauseSearch, doctor: Practitioner) -> None:
    first = search.patch_test.component_codes[0]
    reacted = component_tested(search, first, reacts=True)
    EnteredInErrorFactory(reading=reacted.readings.get())
    facts = facts_of_one(search.patch_test.plan)
    assert causes.conclusion(facts, search).causes == [first]
    records.confirm_error(entry=reacted.readings.get().entered_in_error, by=doctor.user, at=CLINIC_NOW)
    assert causes.conclusion(facts_of_one(search.patch_test.plan), search).causes == []


def test_of_each_component_the_last_test_counts_unless_one_reacted() -> None:
    stopped = stopped_by_test(components=5)
    search, (cleared, reacted, kept, wrong, open_) = search_of(stopped), stopped.formula.component_codes
    soon, later = ago(days=5), ago(days=3)
    with without("patch_test_cleared"):
        TestReadingFactory(
            patch_test=component_tested(search, cleared, reacts=None, given_at=soon), **UNCLEAR
        )
        again = component_tested(search, cleared, given_at=later)
        cause = component_tested(search, reacted, reacts=True, given_at=soon)
        component_tested(search, reacted, given_at=later)
        quiet = component_tested(search, kept, given_at=soon)
        mistaken = component_tested(search, kept, reacts=None, given_at=later)
        TestReadingFactory(patch_test=mistaken, **UNCLEAR)
        EnteredInErrorFactory(patch_test=mistaken, confirmed=True)
        EnteredInErrorFactory(patch_test=component_tested(search, wrong, reacts=True), confirmed=True)
        unread = component_tested(search, open_)
        EnteredInErrorFactory(reading=_superseded(unread.readings.get()), confirmed=True)
        found = causes.tested(facts_of_one(stopped), search)
    assert [(each.code, each.test, each.result) for each in found] == [
        (cleared, again, Result.NEGATIVE),
        (reacted, cause, Result.POSITIVE),
        (kept, quiet, Result.NEGATIVE),
        (wrong, None, None),
        (open_, unread, Result.AWAITING),
    ]
