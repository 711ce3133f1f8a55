"""What a patient may book next: when a test is asked for at all."""

import pytest

from consultations.enums import PlanStatus
from consultations.offers import test_wanted as wanted
from consultations.queries import facts_of_one
from tests.factories import consented_plan
from tests.factories.clock import CLINIC_NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.mark.parametrize(
    ("status", "is_wanted"),
    [
        (PlanStatus.ACTIVE, True),
        (PlanStatus.ON_HOLD, True),
        (PlanStatus.COMPLETED, False),
        (PlanStatus.STOPPED, False),
    ],
)
def test_of_a_finished_plan_no_test_is_asked_for(status: PlanStatus, is_wanted: bool) -> None:
    plan = consented_plan()
    if status != PlanStatus.ACTIVE:
        plan.status = status
        plan.save(update_fields=["status"])
    assert wanted(facts_of_one(plan), CLINIC_NOW) is is_wanted
