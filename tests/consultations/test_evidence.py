"""What trials found: on the page, talked about, and kept word for word with the signed consultation."""

from html import unescape
from typing import Any

import pytest
from django.test import Client

from clinic.models import Practitioner, User
from consultations.actions import consultations as actions
from consultations.models import Consultation, EvidenceDiscussed, Formula, Indication
from consultations.rules import evidence
from tests.consultations.course import agreed
from tests.consultations.test_consultation_pages import page, typed
from tests.factories import IndicationFactory, PatientFactory
from tests.factories.clock import CLINIC_NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def draft(doctor: Practitioner, practitioner_user: User) -> Consultation:
    return actions.begin(patient=PatientFactory(), appointment=None, by=practitioner_user, at=CLINIC_NOW)


def _posted(client: Client, draft: Consultation, **changes: Any) -> Any:
    return client.post(page(draft), typed(**changes))


def test_the_very_words_and_versions_stay_with_the_signed_consultation(
    practitioner_client: Client, draft: Consultation
) -> None:
    assert _posted(practitioner_client, draft, sign="1").status_code == 302
    kept = EvidenceDiscussed.objects.get(consultation=draft)
    indication = Indication.objects.current().get(code="face_rejuvenation")
    formula = Formula.objects.current().get(code="F-FACE-AMIN")
    assert (kept.indication_version, kept.indication_words) == (1, indication.evidence)
    assert (kept.formula_name, kept.formula_version, kept.formula_words) == (
        formula.name,
        1,
        formula.evidence,
    )
    Indication.objects.filter(pk=indication.pk).update(retired_at=CLINIC_NOW)
    IndicationFactory(code=indication.code, version=2, evidence="For: a new trial.")
    shown = unescape(practitioner_client.get(page(draft)).content.decode())
    assert "What trials found, as it was discussed (indication, version 1)" in shown
    assert indication.evidence in shown
    assert formula.evidence in shown
    assert "a new trial" not in shown


def test_it_is_in_the_seal(doctor: Practitioner) -> None:
    plan = agreed("FACE-AMIN", by=doctor.user, at=CLINIC_NOW)
    signed = plan.consultation
    children = (
        signed.answers.all(),
        signed.discussed_risks.through.objects.filter(consultation=signed),
        signed.scored_goals.all(),
    )
    told = EvidenceDiscussed.objects.get(consultation=signed)
    assert signed.content_hash == actions.content_hash(signed, *children, [told])
    told.formula_words = "For: everything."
    assert signed.content_hash != actions.content_hash(signed, *children, [told])


@pytest.mark.parametrize("read", ["", "0" * 64])
def test_what_did_not_stand_on_the_page_is_not_ticked_as_discussed(
    practitioner_client: Client, draft: Consultation, read: str
) -> None:
    refused = _posted(practitioner_client, draft, sign="1", evidence_read=read)
    shown = unescape(refused.content.decode())
    assert refused.status_code == 422
    assert "What trials found for this choice stands under the indication now" in shown
    assert Indication.objects.current().get(code="face_rejuvenation").evidence in shown
    seal = refused.context["form"].evidence_seal
    assert f'name="evidence_read" value="{seal}"' in shown
    assert not Consultation.objects.signed().exists()
    assert _posted(practitioner_client, draft, sign="1", evidence_read=seal).status_code == 302


def test_another_choice_shows_its_own_notes(practitioner_client: Client, draft: Consultation) -> None:
    other = Indication.objects.current().get(code="cellulite")
    redrawn = _posted(practitioner_client, draft, indication=other.pk, redraw="indication")
    assert other.evidence in unescape(redrawn.content.decode())
    formula = Formula.objects.current().get(code="F-FACE-AMIN")
    assert redrawn.context["form"].evidence_seal == evidence.seal_of(evidence.words_of(other, formula))


def test_without_the_tick_nothing_is_kept(practitioner_client: Client, draft: Consultation) -> None:
    _posted(practitioner_client, draft)
    assert EvidenceDiscussed.objects.count() == 1
    draft.refresh_from_db()
    _posted(practitioner_client, draft, discussed_expectations=None, version=draft.version)
    assert EvidenceDiscussed.objects.count() == 0
