"""What a patient may book next: when a test is asked for at all."""

import pytest

from consultations.enums import PlanStatus
from consultations.models import Plan
from consultations.offers import cleared_from
from consultations.offers import test_wanted as wanted
from consultations.queries import facts_of_one, under_way
from tests.factories import PatchTestFactory, PlanFactory, TestReadingFactory, consented_plan
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
