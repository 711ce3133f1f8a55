"""A reading of a test injection that is called an error: what it still does, and what goes back once that is confirmed."""

from django.db.models import F, Q

from consultations.enums import AllergyStatus, Grade, PlanStatus, TestResult
from consultations.models import Alert, Allergy, PatchTest, Plan, TestReading
from consultations.queries import confirmed_error, in_error
from consultations.rules.event_errors import Undone


def still_closes(reading: TestReading) -> bool:
    """Whether what a reading closes, or leaves in doubt, stays so: until two people have called it, or its test, an error."""
    return not confirmed_error(reading) and not confirmed_error(reading.patch_test)


def still_opens(reading: TestReading) -> bool:
    """Whether what a reading opens stays open: until anybody calls it, or its test, an error."""
    return not in_error(reading) and not in_error(reading.patch_test)


def undone_by(record: TestReading | PatchTest) -> Undone:
    """What the positive reading closed beside the gate, or the readings of the test that is the error.

    The allergy that was written down with it, unless a practitioner has assessed it since, and the alert that a strong one
    raised. Another reading has an allergy of its own, which stays. A stopped plan is never opened again (policy of the
    clinic).
    """
    test = record if isinstance(record, PatchTest) else record.patch_test
    of_test = TestReading.objects.filter(patch_test=test, result=TestResult.POSITIVE)
    readings = list(of_test if isinstance(record, PatchTest) else of_test.filter(pk=record.pk))
    strong = [each.signed_at for each in readings if each.systemic_sign or each.grade == Grade.EXTREME]
    untouched = Q(assessed_at=None) | Q(assessed_at=F("reported_at"), status=AllergyStatus.CONFIRMED)
    stopped = Plan.objects.filter(status=PlanStatus.STOPPED, status_changes__test_reading__in=readings)
    return Undone(
        plans=[],
        allergies=list(Allergy.objects.filter(untouched, test_reading__in=readings)),
        alerts=list(
            Alert.objects.filter(
                patient_id=test.patient_id, adverse_event=None, raised_at__in=strong, lifted_at=None
            )
        ),
        stopped=list(stopped.distinct().select_related("indication", "formula").order_by("pk")),
    )
