"""What goes back with a reading that was an error: its own allergy and alert, and nothing that somebody else has said."""

import pytest
from django.db.models import QuerySet

from consultations.enums import AllergyStatus, PlanStatus
from consultations.enums import TestResult as Result
from consultations.models import Alert, Allergy, PatchTest, PlanStatusChange
from consultations.models import TestReading as Reading
from consultations.rules.reading_errors import undone_by
from tests.factories import (
    AdverseEventFactory,
    AlertFactory,
    AllergyFactory,
    TestReadingFactory,
    stopped_by_test,
)
from tests.factories.clock import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def test() -> PatchTest:
    """Positive; its plan is stopped by it."""
    found: PatchTest = stopped_by_test().patch_tests.get()
    return found


@pytest.fixture
def reading(test: PatchTest) -> Reading:
    return test.readings.get()


def strong(test: PatchTest, days: float) -> Reading:
    """Another reading of the test, with a sign beyond its site; its alert was raised as it was signed."""
    moment = ago(days=days)
    made: Reading = TestReadingFactory(
        patch_test=test, positive=True, systemic_sign=True, read_at=moment, signed_at=moment
    )
    AlertFactory(patient=test.patient, raised_at=moment)
    return made


def allergy_of(reading: Reading, **fields: object) -> Allergy:
    made: Allergy = AllergyFactory(
        patient=reading.patient, test_reading=reading, reported_at=reading.signed_at, **fields
    )
    return made


def alerts() -> QuerySet[Alert]:
    return Alert.objects.order_by("raised_at")


def test_with_a_reading_goes_what_was_written_down_with_it_and_with_the_test_what_was_with_any(
    test: PatchTest, reading: Reading
) -> None:
    first, second = strong(test, 6), strong(test, 5)
    ours, theirs = allergy_of(first), allergy_of(second)
    mine = Allergy.objects.get(test_reading=reading)
    AllergyFactory(patient=test.patient)  # in the patient's words, of no test
    raised = list(alerts())
    found = undone_by(first)
    assert (found.allergies, found.alerts, found.plans) == ([ours], [raised[0]], [])
    whole = undone_by(test)
    assert set(whole.allergies) == {mine, ours, theirs}
    assert (set(whole.alerts), whole.plans) == (set(raised), [])


def test_a_reading_that_was_not_positive_takes_nothing_back(test: PatchTest) -> None:
    quiet = TestReadingFactory(patch_test=test, read_at=ago(days=6), signed_at=ago(days=6))
    assert quiet.result == Result.NEGATIVE
    allergy_of(quiet)
    found = undone_by(quiet)
    assert (found.allergies, found.alerts, found.stopped) == ([], [], [])


@pytest.mark.parametrize(
    ("status", "days", "goes"),
    [
        (AllergyStatus.REPORTED, None, True),
        (AllergyStatus.CONFIRMED, 0, True),
        (AllergyStatus.REFUTED, 0, False),
        (AllergyStatus.CONFIRMED, 1, False),
        (AllergyStatus.REFUTED, 1, False),
    ],
    ids=[
        "as it was reported",
        "confirmed as it was reported",
        "refuted then",
        "confirmed later",
        "refuted later",
    ],
)
def test_an_allergy_that_a_practitioner_has_assessed_since_stays(
    test: PatchTest, status: str, days: float | None, goes: bool
) -> None:
    written = strong(test, 5)
    assessed = (
        {}
        if days is None
        else {"assessed_at": ago(days=5 - days), "assessed_by": written.signed_by, "status": status}
    )
    made = allergy_of(written, **assessed)
    assert undone_by(written).allergies == ([made] if goes else [])


def test_an_alert_of_another_patient_of_an_event_of_another_time_or_lifted_stays(test: PatchTest) -> None:
    written = strong(test, 5)
    (own,) = alerts()
    AlertFactory(raised_at=written.signed_at)
    AlertFactory(patient=test.patient, raised_at=ago(days=4))
    event = AdverseEventFactory(patient=test.patient)
    AlertFactory(patient=test.patient, raised_at=written.signed_at, adverse_event=event)
    lifted = {"lifted_at": ago(days=1), "lifted_by": written.signed_by}
    AlertFactory(patient=test.patient, raised_at=written.signed_at, **lifted)
    assert undone_by(written).alerts == [own]


def test_the_plans_that_it_stopped_are_named_and_none_that_something_else_did(
    test: PatchTest, reading: Reading
) -> None:
    plan = test.plan
    other = stopped_by_test(patient=test.patient)
    assert plan.status == other.status == PlanStatus.STOPPED
    assert [undone_by(each).stopped for each in (reading, test)] == [[plan], [plan]]
    change = PlanStatusChange.objects.get(plan=plan, status=PlanStatus.STOPPED)
    PlanStatusChange.objects.create(
        plan=plan,
        status=PlanStatus.STOPPED,
        reason="Again.",
        test_reading=reading,
        changed_at=change.changed_at,
        changed_by=change.changed_by,
    )
    assert undone_by(reading).stopped == [plan]
