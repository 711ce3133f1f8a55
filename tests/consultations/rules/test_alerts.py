"""Allergies and alerts: what is on record is not written twice, and nobody's assessment is written over unseen."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from clinic.models import User
from consultations.enums import AllergyStatus
from consultations.models import Alert, Allergy
from consultations.rules import alerts
from tests.factories import (
    AdverseEventFactory,
    AlertFactory,
    AllergyFactory,
    PatientFactory,
    TestReadingFactory,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.refusals import code_and_field


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("there", "is_refused"),
    [
        ({}, True),
        ({"words": "SOY"}, True),
        ({"confirmed": True}, True),
        ({"refuted": True}, False),
        ({"words": "nuts"}, False),
        ({"group_code": "soybean"}, False),
        ({"reaction": "a rash"}, False),
        ({"test_reading": TestReadingFactory}, False),
        ({"adverse_event": AdverseEventFactory}, False),
        ({"patient": PatientFactory}, False),
    ],
)
def test_an_allergy_is_reported_once(clinic_now: datetime, there: dict[str, Any], is_refused: bool) -> None:
    patient = PatientFactory()
    said = {"patient": patient, "words": "soy", "reaction": "swollen lips"}
    made = {name: each() if isinstance(each, type) else each for name, each in there.items()}
    AllergyFactory(**said | made)
    expected = ("reported_already", "words") if is_refused else ("", None)
    assert code_and_field(lambda: alerts.check_reported_once(Allergy(**said))) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("there", "is_refused"),
    [
        ({}, True),
        ({"text": "FAINTS"}, True),
        ({"text": "takes an anticoagulant"}, False),
        ({"patient": PatientFactory}, False),
        ({"lifted_at": CLINIC_NOW}, False),
    ],
)
def test_an_alert_is_raised_once(
    clinic_now: datetime, admin: User, there: dict[str, Any], is_refused: bool
) -> None:
    said = {"patient": PatientFactory(), "text": "faints"}
    made = {name: each() if isinstance(each, type) else each for name, each in there.items()}
    AlertFactory(**said | made | ({"lifted_by": admin} if "lifted_at" in there else {}))
    expected = ("raised_already", "text") if is_refused else ("", None)
    assert code_and_field(lambda: alerts.check_raised_once(Alert(**said))) == expected


@pytest.mark.parametrize(
    ("assessed_at", "seen", "is_refused"),
    [
        (None, None, False),
        (None, ago(days=1), False),
        (ago(days=1), ago(days=1), False),
        (ago(days=1), None, True),
        (ago(days=1), ago(days=2), True),
        (ago(days=1), ago(days=1) + timedelta(microseconds=1), True),
    ],
)
def test_the_last_assessment_was_seen(
    assessed_at: datetime | None, seen: datetime | None, is_refused: bool
) -> None:
    allergy = Allergy(assessed_at=assessed_at, status=AllergyStatus.REFUTED, assessment="eats it")
    expected = ("assessed_meanwhile", None) if is_refused else ("", None)
    assert code_and_field(lambda: alerts.check_assessment_seen(allergy, seen)) == expected
