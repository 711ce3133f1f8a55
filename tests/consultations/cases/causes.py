"""The search for the cause of a positive test, and what it found."""

from datetime import timedelta

from consultations.models import PatchTest
from tests.consultations.cases.events import allergic_event, held_for
from tests.consultations.cases.gate import gates_open
from tests.factories import (
    CauseFindingFactory,
    CauseSearchFactory,
    ComponentFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PatchTestFactory,
    PatientFactory,
    TestReadingFactory,
    cleared_plan,
    component_tested,
    consented_plan,
    stopped_by_test,
)
from tests.factories.clock import ago
from tests.final_records import Record, records
from tests.guards import Cases, sql

constraints = Cases()
triggers = Cases()
records(
    triggers,
    Record(CauseSearchFactory, "reason", "cause_search_append_only"),
    Record(CauseFindingFactory, "words", "cause_finding_append_only"),
)


@constraints.refused_by("cause_search_reasoned")
def _a_search_without_a_reason() -> None:
    CauseSearchFactory(reason="")


@constraints.refused_by("cause_finding_worded")
def _a_finding_without_a_word() -> None:
    CauseFindingFactory(words="")


@constraints.refused_by("cause_finding_one_at_a_time")
def _two_findings_at_one_moment() -> None:
    first = CauseFindingFactory()
    CauseFindingFactory(search=first.search, signed_at=first.signed_at)


@constraints.refused_by("cause_finding_opens")
def _nothing_reacted_and_yet_something_opens() -> None:
    search = CauseSearchFactory()
    code = search.patch_test.component_codes[0]
    component_tested(search, code)
    CauseFindingFactory(search=search, opened_codes=[code])


@constraints.refused_by("patch_test_component_alone")
def _two_components_tested_as_one() -> None:
    search = CauseSearchFactory()
    PatchTestFactory(
        plan=search.patch_test.plan,
        search=search,
        component_codes=search.patch_test.component_codes[:2],
        given_at=ago(days=5),
    )


@triggers.refused_by("cause_search_of_positive")
def _a_search_after_a_test_without_reaction() -> None:
    CauseSearchFactory(patch_test=TestReadingFactory().patch_test)


@triggers.refused_by("cause_search_of_positive")
def _a_search_after_the_test_of_one_component() -> None:
    CauseSearchFactory(patch_test=stopped_by_test(components=1).patch_tests.get())


@triggers.refused_by("cause_search_of_positive")
def _a_search_after_a_strong_reaction() -> None:
    test = PatchTestFactory(plan=consented_plan())
    TestReadingFactory(patch_test=test, positive=True, grade="pos3")
    CauseSearchFactory(patch_test=test)


@triggers.refused_by("cause_search_of_positive")
def _a_search_after_a_sign_beyond_the_test_site() -> None:
    test = PatchTestFactory(plan=consented_plan())
    TestReadingFactory(patch_test=test, positive=True, systemic_sign=True)
    CauseSearchFactory(patch_test=test)


@triggers.refused_by("cause_search_of_positive")
def _a_search_for_somebody_else() -> None:
    CauseSearchFactory(patient=PatientFactory())


@triggers.refused_by("cause_search_of_positive")
def _a_search_decided_before_the_reaction() -> None:
    test = stopped_by_test().patch_tests.get()
    CauseSearchFactory(patch_test=test, signed_at=test.readings.get().signed_at - timedelta(minutes=1))


@triggers.refused_by("cause_finding_grounded")
def _a_cause_that_did_not_react_alone() -> None:
    search = CauseSearchFactory()
    code = search.patch_test.component_codes[0]
    component_tested(search, code)
    CauseFindingFactory(search=search, cause_codes=[code])


@triggers.refused_by("cause_finding_grounded")
def _something_opens_that_nobody_tested_alone() -> None:
    search = CauseSearchFactory()
    first, second, _third = search.patch_test.component_codes
    component_tested(search, first, reacts=True)
    CauseFindingFactory(search=search, cause_codes=[first], opened_codes=[second])


@triggers.refused_by("cause_finding_grounded")
def _something_opens_whose_test_was_called_an_error() -> None:
    search = CauseSearchFactory()
    first, second, _third = search.patch_test.component_codes
    component_tested(search, first, reacts=True)
    EnteredInErrorFactory(patch_test=component_tested(search, second))
    CauseFindingFactory(search=search, cause_codes=[first], opened_codes=[second])


@triggers.refused_by("cause_finding_grounded")
def _something_opens_that_reacted_in_another_test() -> None:
    search = CauseSearchFactory()
    first = search.patch_test.component_codes[0]
    component_tested(search, first)
    with gates_open(PatchTest):
        component_tested(search, first, reacts=True, given_at=ago(days=4))
    CauseFindingFactory(search=search, cause_codes=[first], opened_codes=[first])


@triggers.refused_by("cause_finding_grounded")
def _a_finding_for_somebody_else() -> None:
    CauseFindingFactory(patient=PatientFactory())


@triggers.refused_by("cause_finding_grounded")
def _a_finding_before_its_search() -> None:
    search = CauseSearchFactory()
    CauseFindingFactory(search=search, signed_at=search.signed_at - timedelta(minutes=1))


@triggers.refused_by("plan_resume_cleared")
def _a_held_plan_resumed_after_a_test_of_its_component_alone() -> None:
    shared = ComponentFactory()
    plan = cleared_plan(formula=FormulaFactory(parts=[(shared, 1)]))
    mixed = FormulaFactory(parts=[(shared, 1), (ComponentFactory(), 1)])
    stopped = stopped_by_test(patient=plan.patient, formula=mixed)
    event = allergic_event(plan, onset_at=ago(days=7))
    component_tested(CauseSearchFactory(patch_test=stopped.patch_tests.get()), shared.code)
    held_for(event)
    sql("UPDATE consultations_plan SET status = 'active' WHERE id = %s", plan.pk)()
