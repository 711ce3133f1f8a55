"""A page of a record that was opened may say that it is printed; nobody can say so of another."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import Patient, Practitioner, RecordOpened, User
from clinic.views.reading import opened
from tests.factories import ConsentFactory, UserFactory
from tests.factories.clock import CLINIC_NOW
from tests.guards import sql
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
PRINTED = "/records/printed/"


def token(response: Any) -> str:
    return re.search(r'data-opened="([^"]+)" data-printed="/records/printed/"', response.text).group(1)


def page(client: Client) -> tuple[Any, Patient]:
    consent = ConsentFactory()
    return client.get(reverse("consultations:consent", args=[consent.pk])), consent.patient


def test_printing_a_page_is_written_down_beside_its_opening(
    practitioner_client: Client, practitioner_user: User
) -> None:
    response, patient = page(practitioner_client)
    assert practitioner_client.post(PRINTED, {"opened": token(response)}).status_code == 204
    said = RecordOpened.objects.order_by("pk").values_list("user", "patient", "page", "kind", "at")
    beside = (practitioner_user.pk, patient.pk, "consultations:consent")
    assert list(said) == [(*beside, "opened", CLINIC_NOW), (*beside, "printed", CLINIC_NOW)]


def test_pages_without_a_record_have_nothing_to_say(
    practitioner_client: Client, reception_client: Client
) -> None:
    _response, patient = page(practitioner_client)
    for client, address in [
        (practitioner_client, reverse("clinic:diary")),
        (reception_client, reverse("consultations:patient", args=[patient.pk])),
    ]:
        assert "data-opened" not in client.get(address).text


def test_nobody_says_so_for_somebody_else_or_of_a_page_that_was_not_opened(
    practitioner_client: Client,
) -> None:
    response, _patient = page(practitioner_client)
    colleague = sign_in(Client(), UserFactory(practitioner=True))
    said = token(response)
    tries = [(colleague, said), (practitioner_client, said[:-1] + "x"), (practitioner_client, "")]
    assert [client.post(PRINTED, {"opened": text}).status_code for client, text in tries] == [404] * 3
    assert practitioner_client.get(PRINTED).status_code == 405
    assert not RecordOpened.objects.filter(kind="printed").exists()


def test_a_page_that_stood_open_for_days_says_nothing(
    practitioner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    response, _patient = page(practitioner_client)
    monkeypatch.setattr("clinic.views.reading._KEPT_FOR", -1)
    assert practitioner_client.post(PRINTED, {"opened": token(response)}).status_code == 404


def test_writing_it_down_costs_one_insert(
    rf: Any, doctor: Practitioner, django_assert_num_queries: Any
) -> None:
    """Of which the patient notices nothing: nothing else is read, locked or waited for."""
    request, patient = rf.get("/"), ConsentFactory().patient
    request.user = doctor.user
    with django_assert_num_queries(1):
        opened(request, patient, "consultations:consent", at=CLINIC_NOW)


@pytest.mark.parametrize(
    "statement", ["UPDATE clinic_recordopened SET page = 'x'", "DELETE FROM clinic_recordopened"]
)
def test_what_was_read_stays_written_down(practitioner_client: Client, statement: str) -> None:
    page(practitioner_client)
    with pytest.raises(Exception, match="This entry is permanent"):
        sql(statement)()
