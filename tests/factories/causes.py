"""Tests of single components after a positive test, and the cause they found."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from consultations.enums import Grade, PlanStatus
from consultations.models import CauseFinding, CauseSearch, PatchTest, Plan, PlanStatusChange
from tests.factories.alerts import AllergyFactory
from tests.factories.clock import ago
from tests.factories.consultations import CONTENT_HASH
from tests.factories.formulas import ComponentFactory, FormulaFactory, lots_of
from tests.factories.patch_tests import PatchTestFactory, TestReadingFactory, consented_plan
from tests.factories.users import UserFactory


class CauseSearchFactory(DjangoModelFactory):
    """Decided six days ago, after the test of `stopped_by_test()`."""

    class Meta:
        model = CauseSearch

    patch_test = factory.LazyFunction(lambda: stopped_by_test().patch_tests.get())
    patient = factory.SelfAttribute("patch_test.patient")
    reason = "The vitamins are wanted, without what it was."
    signed_at = factory.LazyFunction(lambda: ago(days=6))
    signed_by = factory.SubFactory(UserFactory, practitioner=True)
    content_hash = CONTENT_HASH


class CauseFindingFactory(DjangoModelFactory):
    """Signed an hour ago; name what it opens."""

    class Meta:
        model = CauseFinding

    search = factory.SubFactory(CauseSearchFactory)
    patient = factory.SelfAttribute("search.patient")
    cause_codes = factory.LazyFunction(list)
    opened_codes = factory.LazyFunction(list)
    words = "It was the first one."
    signed_at = factory.LazyFunction(lambda: ago(hours=1))
    signed_by = factory.SubFactory(UserFactory, practitioner=True)
    content_hash = CONTENT_HASH


def stopped_by_test(*, components: int = 3, **plan: Any) -> Plan:
    """A plan of a formula of so many components whose test was positive, read eight days ago: the plan is stopped by it, and
    an allergy to all of it is reported. Arguments go to PlanFactory."""
    plan.setdefault("formula", FormulaFactory(parts=[(ComponentFactory(), 1) for _ in range(components)]))
    made: Plan = consented_plan(**plan)
    reading = TestReadingFactory(patch_test__plan=made, positive=True)
    made.status = PlanStatus.STOPPED
    made.save(update_fields=["status"])
    PlanStatusChange.objects.create(
        plan=made,
        status=PlanStatus.STOPPED,
        reason="Positive test injection.",
        test_reading=reading,
        changed_at=reading.signed_at,
        changed_by=reading.signed_by,
    )
    AllergyFactory(
        patient=made.patient,
        group_code="",
        component_codes=made.formula.component_codes,
        test_reading=reading,
        reported_at=reading.signed_at,
    )
    return made


def component_tested(
    search: CauseSearch, code: str, *, reacts: bool | None = False, **test: Any
) -> PatchTest:
    """A test of the one component given five days ago and read two days later; `reacts=None` leaves it unread."""
    plan = search.patch_test.plan
    (lot,) = [each for each in lots_of(plan.formula) if each.component.code == code]
    usual = {"given_at": ago(days=5), "lots": [lot], "component_codes": [code]}
    made: PatchTest = PatchTestFactory(plan=plan, search=search, **usual | test)
    if reacts is not None:
        TestReadingFactory(patch_test=made, **{"positive": True, "grade": Grade.WEAK} if reacts else {})
    return made


def cause_found(**plan: Any) -> Plan:
    """Of three components the first was the cause; the second was tested alone without reaction; the third was not tested.
    The plan that was stopped."""
    stopped = stopped_by_test(**plan)
    first, second, *_rest = stopped.formula.component_codes
    search = CauseSearchFactory(patch_test=stopped.patch_tests.get())
    component_tested(search, first, reacts=True)
    component_tested(search, second)
    CauseFindingFactory(search=search, cause_codes=[first], opened_codes=[second])
    return stopped
