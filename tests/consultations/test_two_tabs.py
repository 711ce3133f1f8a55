"""Two tabs, two patients: what is saved belongs to the patient whose id stands in the address, whatever was opened last."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from consultations.models import Session
from tests.consultations.test_session_pages import filled, first, post
from tests.consultations.test_session_typing import keep
from tests.factories import PatientFactory, cleared_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def tabs(clinic_now: datetime, practitioner_client: Client) -> list[Session]:
    """Two drafts of two patients, both open in one browser; the second was opened last."""
    drafts = []
    for name in ("Moreau", "Haddad"):
        plan = cleared_plan(patient__family_name=name)
        post(practitioner_client, "session_begin", first(plan).pk)
        drafts.append(Session.objects.get(plan=plan))
    for draft in drafts:
        page = practitioner_client.get(reverse("consultations:session", args=[draft.pk])).text
        assert [name in page for name in ("Moreau", "Haddad")] == [
            draft.patient.family_name == name for name in ("Moreau", "Haddad")
        ]
    return drafts


def points(draft: Session) -> list[int]:
    return list(draft.zones.values_list("points", flat=True))


def test_the_first_tab_saves_to_its_own_patient_after_the_second_was_opened(
    practitioner_client: Client, tabs: list[Session]
) -> None:
    one, other = tabs
    post(practitioner_client, "session", one.pk, filled(one, (7, "0.1"), save=1))
    assert (points(one), points(other)) == ([7], [])
    post(practitioner_client, "session", other.pk, filled(other, (9, "0.1"), save=1))
    assert (points(one), points(other)) == ([7], [9])


def test_another_patient_in_what_is_sent_changes_nothing_of_theirs(
    practitioner_client: Client, tabs: list[Session]
) -> None:
    one, other = tabs
    theirs = {
        **dict.fromkeys(("patient", "patient_id"), other.patient_id),
        **dict.fromkeys(("plan", "plan_id"), other.plan_id),
        **dict.fromkeys(("session", "session_id", "record_id", "id", "pk"), other.pk),
    }
    before = Session.objects.filter(pk=other.pk).values().get()
    address = f"{reverse('consultations:session', args=[one.pk])}?{urlencode(theirs)}"
    practitioner_client.post(address, filled(one, (7, "0.1"), save=1) | theirs)
    assert (points(one), points(other)) == ([7], [])
    one.refresh_from_db()
    assert one.patient.family_name == "Moreau"
    assert Session.objects.filter(pk=other.pk).values().get() == before


def test_what_is_typed_is_kept_apart(practitioner_client: Client, tabs: list[Session]) -> None:
    for number, draft in enumerate(tabs):
        keep(practitioner_client, draft, note=f"note {number}")
    pages = [practitioner_client.get(reverse("consultations:session", args=[each.pk])).text for each in tabs]
    assert [["note 0" in page, "note 1" in page] for page in pages] == [[True, False], [False, True]]


def test_who_somebody_is_is_corrected_for_the_patient_of_the_address(reception_client: Client) -> None:
    one, other = PatientFactory(family_name="Moreau"), PatientFactory(family_name="Haddad")
    addresses = [reverse("clinic:patient_edit", args=[patient.pk]) for patient in (one, other)]
    forms = [reception_client.get(address).context["form"] for address in addresses]
    sent: dict[str, Any] = {name: value for name, value in forms[0].initial.items() if value is not None}
    reception_client.post(addresses[0], sent | {"family_name": "Morel", "patient": other.pk, "id": other.pk})
    for patient in (one, other):
        patient.refresh_from_db()
    assert (one.family_name, other.family_name) == ("Morel", "Haddad")
