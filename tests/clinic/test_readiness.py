"""The desk without a clinical pathway: nothing has to come first, nothing hangs on a visit, and no file is named."""

import pytest

from clinic import readiness
from clinic.enums import Readiness
from clinic.models import Appointment
from tests.factories import AppointmentFactory
from tests.factories.clock import CLINIC_NOW, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]


@pytest.fixture
def visit() -> Appointment:
    return AppointmentFactory(purpose="session:1")


def test_no_visit_has_to_wait_for_anything(visit: Appointment) -> None:
    wished = readiness.Visit(visit.patient, "session:2", ahead(days=1))
    booked = readiness.Visit(visit.patient, visit.purpose, visit.starts_at, visit)
    for starting in (False, True):
        judged = readiness.pathway().judge([wished, booked], at=CLINIC_NOW, starting=starting)
        assert [(each.state, each.conditions) for each in judged] == [(Readiness.CLEAR, ())] * 2


def test_nothing_is_offered_by_itself(visit: Appointment) -> None:
    pathway = readiness.pathway()
    assert pathway.offers(visit.patient, at=CLINIC_NOW) == []
    assert pathway.courses(visit.patient, at=CLINIC_NOW) == []


def test_a_visit_that_moves_or_goes_disturbs_no_other(visit: Appointment) -> None:
    other = AppointmentFactory(patient=visit.patient, starts_at=ahead(days=9))
    pathway = readiness.pathway()
    changes: readiness.Changes = {visit.pk: None}
    judged = pathway.consequences([visit], at=CLINIC_NOW)
    assert judged.of(other, changes) == readiness.Consequence(other)
    assert judged.awaited(other, ahead(days=2), changes) == ()
    assert (judged.label(visit), judged.followers(visit)) == ("", [])
    assert (judged.span(other, changes), judged.refusal(other, ahead(days=2), changes)) == (None, None)
    assert (judged.caution(other), pathway.partner(visit, at=CLINIC_NOW)) == (None, None)


def test_no_table_and_no_file_is_named_and_no_record_stays_where_it_is(visit: Appointment) -> None:
    pathway = readiness.pathway()
    assert (list(pathway.journals()), list(pathway.files()), pathway.moving()) == ([], [], ())
    assert (pathway.keeping([visit.patient_id]), pathway.relied_on([visit.pk])) == (set(), set())
