"""Test injections and readings."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from consultations.dates import add_months
from consultations.enums import Grade, ReadingKind
from consultations.enums import TestMethod as Method
from consultations.enums import TestResult as Result
from consultations.models import Lot, PatchTest, PatchTestLot
from consultations.models import TestReading as Reading
from tests.factories.clock import ago
from tests.factories.consents import ConsentFactory
from tests.factories.consultations import CONTENT_HASH, SignableFactory
from tests.factories.formulas import lots_of
from tests.factories.plans import PlanFactory


class PatchTestFactory(SignableFactory):
    """Signed, ten days ago, from a lot of each component. The plan needs a consent: see `consented_plan()`."""

    class Meta:
        model = PatchTest

    _child_names = ("lots",)
    plan = factory.LazyFunction(lambda: consented_plan())
    patient = factory.SelfAttribute("plan.patient")
    formula = factory.SelfAttribute("plan.formula")
    policy = factory.SelfAttribute("plan.test_policy")
    practitioner = factory.SelfAttribute("plan.consultation.practitioner")
    component_codes = factory.LazyAttribute(
        lambda test: sorted(test.formula.parts.values_list("component__code", flat=True))
    )
    given_at = factory.LazyFunction(lambda: ago(days=10))
    observed_until = factory.LazyAttribute(lambda test: test.given_at + timedelta(minutes=20))
    created_at = factory.SelfAttribute("given_at")
    method = Method.INTRADERMAL
    site = "left forearm"
    volume_ml = Decimal("0.05")
    lots = factory.LazyAttribute(lambda test: lots_of(test.formula))
    signed_at = factory.SelfAttribute("observed_until")
    signed_by = factory.SelfAttribute("plan.created_by")
    content_hash = CONTENT_HASH

    class Params:
        draft = factory.Trait(signed_at=None, signed_by=None, content_hash=None)

    @classmethod
    def add_children(cls, record: PatchTest, name: str, rows: list[Lot]) -> None:
        """The lots it used."""
        PatchTestLot.objects.bulk_create(PatchTestLot(patch_test=record, lot=lot) for lot in rows)


class TestReadingFactory(DjangoModelFactory):
    """Delayed, after 48 hours: no reaction seen, clears for six months. `positive=True` for the other thing."""

    __test__ = False

    class Meta:
        model = Reading

    class Params:
        positive = factory.Trait(
            result=Result.POSITIVE, grade=Grade.STRONG, valid_from=None, valid_until=None
        )

    patch_test = factory.SubFactory(PatchTestFactory)
    patient = factory.SelfAttribute("patch_test.patient")
    kind = ReadingKind.DELAYED
    read_at = factory.LazyAttribute(lambda reading: reading.patch_test.given_at + timedelta(hours=48))
    grade = Grade.NEGATIVE
    result = Result.NEGATIVE
    valid_from = factory.SelfAttribute("read_at")
    valid_until = factory.LazyAttribute(lambda reading: add_months(reading.read_at, 6))
    signed_at = factory.SelfAttribute("read_at")
    signed_by = factory.SelfAttribute("patch_test.plan.created_by")
    content_hash = CONTENT_HASH


class LateReadingFactory(TestReadingFactory):
    """The optional late reading of a test read without reaction, on the eighth day: nothing new. `positive` or `unclear`
    for the other things. The test's policy has to ask for it: see `read_late_plan()`."""

    class Params:
        positive = factory.Trait(
            result=Result.POSITIVE,
            grade=Grade.WEAK,
            supersedes=factory.LazyAttribute(lambda row: read_of(row)),
        )
        unclear = factory.Trait(
            result=Result.EQUIVOCAL,
            grade=Grade.DOUBTFUL,
            supersedes=factory.LazyAttribute(lambda row: read_of(row)),
        )

    kind = ReadingKind.LATE
    read_at = factory.LazyAttribute(lambda reading: reading.patch_test.given_at + timedelta(days=8))
    result = Result.UNCHANGED
    valid_from = None
    valid_until = None


def read_of(reading: Any) -> Reading:
    """The delayed reading without reaction of the same test."""
    return reading.patch_test.readings.get(result=Result.NEGATIVE)


LATE_DAYS = {"late_reading_from_days": 7, "late_reading_until_days": 28}


def read_late_plan(**late: Any) -> Any:
    """A cleared plan whose test, given ten days ago, was looked at again two days ago; arguments go to LateReadingFactory."""
    plan = cleared_plan(**{f"test_policy__{name}": days for name, days in LATE_DAYS.items()})
    LateReadingFactory(patch_test=plan.patch_tests.get(), **late)
    return plan


def consented_plan(**plan: Any) -> Any:
    """An active plan with consent in force: the test injection may be given. Arguments go to PlanFactory."""
    made = PlanFactory(**plan)
    ConsentFactory(plan=made)
    return made


def cleared_plan(**plan: Any) -> Any:
    """A plan cleared for its first session at CLINIC_NOW: consulted 30 days ago, consented 20, tested 10, read 8.

    Arguments go to PlanFactory.
    """
    made = consented_plan(**plan)
    TestReadingFactory(patch_test__plan=made)
    return made
