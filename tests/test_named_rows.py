"""The admin pages and the logs call a row by what it is, never by its table and its key."""

import pytest
from django.db import models

from clinic.models import Practitioner
from tests import factories
from tests.addresses import World
from tests.consultations.test_erasing import ROWS
from tests.guards import tables

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

OUR_MODELS = [*tables("clinic"), *tables("consultations")]
# Of no patient, and of no address either.
OTHERS = (
    factories.ClosedDayFactory,
    factories.DeviceCareErrorFactory,
    factories.ErasureDoneFactory,
    factories.ExtraOpeningFactory,
    factories.HistorySealFactory,
    factories.OutOfServiceFactory,
    factories.ScreenPinFactory,
    factories.SecondFactorResetFactory,
    factories.WorkingHoursFactory,
)
# Only actions write these: of them it is known that they do not leave their name to Django.
UNMADE = {
    "AdverseEventLot",
    "Asked",
    "DiscussedRisk",
    "NotADuplicate",
    "RecordOpened",
    "SessionReaction",
    "SignInEvent",
}


def nameless(row: models.Model) -> bool:
    """Whether it is called nothing, or what Django calls any row."""
    return str(row).strip() in {"", models.Model.__str__(row)}


def test_every_row_has_a_name(doctor: Practitioner) -> None:
    World.built_for(doctor)
    for make in (*ROWS, *OTHERS):
        make()
    rows = {model: model._base_manager.first() for model in OUR_MODELS}
    assert [row for row in rows.values() if row and nameless(row)] == []
    assert {model.__name__ for model, row in rows.items() if row is None} == UNMADE
    assert [model for model in OUR_MODELS if model.__str__ is models.Model.__str__] == []


def test_one_without_would_be_found(doctor: Practitioner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not nameless(doctor)
    monkeypatch.setattr(Practitioner, "__str__", models.Model.__str__)
    assert nameless(doctor)
