"""Consent on screen: read with this plan's formula, signed by who may, kept as it was, withdrawn at once."""

import json
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.models import RecordOpened, User
from consultations import purposes
from consultations.enums import PlanStatus, Signer
from consultations.models import Consent, ConsentText, ConsentWithdrawal, Plan
from consultations.models.consent import MOST_POINTS, MOST_STROKES
from consultations.rules import consent_texts
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    ConsentFactory,
    ConsentTextFactory,
    ConsentWithdrawalFactory,
    PatientFactory,
    PlanFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

DRAWN = [[[10, 20, 0], [30, 40, 16], [50, 20, 33]], [[60, 60, 400]]]


def sign_url(plan: Plan) -> str:
    return reverse("consultations:consent_sign", args=[plan.pk])


def url(consent: Consent, route: str = "consent") -> str:
    return reverse(f"consultations:{route}", args=[consent.pk])


def typed(plan: Plan, **changes: Any) -> dict[str, Any]:
    """What a page with the text in force posts, with the seal of its words."""
    text = ConsentText.objects.current().get(code="needle")
    read = consent_texts.seal_of(consent_texts.wording(plan, text))
    fields = {
        "text": text.pk,
        "words_read": read,
        "signer": "patient",
        "signer_name": "Jeanne Moreau",
        "agreed": "on",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def text(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def test_the_page_shows_the_text_with_formula_components_and_technique(practitioner_client: Client) -> None:
    plan = PlanFactory()
    shown = text(practitioner_client.get(sign_url(plan)))
    for part in plan.formula.parts.all():
        assert str(part.component) in shown
    assert f"The mixture is {plan.formula}." in shown
    assert f"The technique is {plan.technique}. Small amounts are injected" in shown
    assert "About 3 sessions are planned." in shown
    assert "- Blue marks where the needle went in" in shown
    assert "- Washing or showering the area: for 8 hours" in shown
    assert "{" not in shown.split('class="consent-paper">')[1].split("</div>")[0]


def test_signed_on_screen_it_is_kept_word_for_word(
    practitioner_client: Client, practitioner_user: User
) -> None:
    plan = PlanFactory()
    response = practitioner_client.post(sign_url(plan), typed(plan))
    consent = Consent.objects.get()
    assert response.headers["Location"] == url(consent)
    assert (consent.plan, consent.signer, consent.signer_name, consent.signed_by, consent.signed_at) == (
        plan,
        Signer.PATIENT,
        "Jeanne Moreau",
        practitioner_user,
        CLINIC_NOW,
    )
    shown = text(practitioner_client.get(url(consent)))
    assert consent.words.replace("\r\n", "\n") in shown
    assert "Jeanne Moreau" in shown
    assert "Signed by Rui Silva" in shown


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"agreed": None}, "The text has to be read and agreed to before it is signed."),
        ({"signer_name": ""}, "Please fill this in."),
        ({"signer_name": "x" * 201}, "Write at most 200 characters"),
        ({"signer_name": "Jeanne\x00"}, "This contained an invisible character"),
        ({"signer": "a friend"}, "This is not offered, or not any more."),
        ({"signer": "representative"}, "Say how the representative is related to the patient."),
        (
            {"signer": "representative", "signer_relation": "mother"},
            "Say how the identity of the representative was seen.",
        ),
        ({"strokes": "[[[1, 2"}, "The drawing did not arrive whole."),
        ({"strokes": "[[[1, 2]]]"}, "The drawing did not arrive whole."),
        ({"strokes": "[[[1, 2, 3]]]"}, "That is only a dot."),
        ({"strokes": json.dumps([[[1, 2, 3]]] * (MOST_STROKES + 1))}, "That is too much for a signature."),
        ({"strokes": json.dumps([[[1, 2, 3]] * (MOST_POINTS + 1)])}, "That is too much for a signature."),
        ({"text": "999999"}, "The text has been changed meanwhile."),
    ],
)
def test_bad_input_keeps_what_was_typed_and_signs_nothing(
    practitioner_client: Client, changes: dict[str, Any], sentence: str
) -> None:
    plan = PlanFactory()
    response = practitioner_client.post(sign_url(plan), typed(plan, **changes))
    assert response.status_code == 422
    assert sentence in text(response)
    kept = changes.get("signer_name", "Jeanne Moreau").replace("\x00", "")
    assert f'value="{kept}"' in text(response) or not kept
    assert Consent.objects.count() == 0


def test_a_text_published_meanwhile_has_to_be_read_before_it_is_agreed_to(
    practitioner_client: Client,
) -> None:
    plan = PlanFactory()
    stale = typed(plan)
    old = ConsentText.objects.current().get(code="needle")
    ConsentText.objects.filter(pk=old.pk).update(retired_at=CLINIC_NOW)
    new = ConsentTextFactory(code=old.code, version=2, family="needle", body="A newer text about {formula}.")
    response = practitioner_client.post(sign_url(plan), stale)
    shown = text(response)
    assert response.status_code == 422
    assert f"A newer text about {plan.formula}." in shown
    assert f'name="text" value="{new.pk}"' in shown
    assert "checked" not in shown.split('name="agreed"')[1].split(">")[0]
    assert Consent.objects.count() == 0


def test_for_a_minor_only_a_representative_can_sign(practitioner_client: Client) -> None:
    plan = PlanFactory(patient=PatientFactory(minor=True))
    shown = text(practitioner_client.get(sign_url(plan)))
    assert "The patient is under 18: a representative signs" in shown
    assert 'value="patient"' not in shown
    assert practitioner_client.post(sign_url(plan), typed(plan)).status_code == 422
    represented = {
        "signer": "representative",
        "signer_relation": "mother",
        "signer_name": "Clara Moreau",
        "identity_seen": "passport",
    }
    unasked = practitioner_client.post(sign_url(plan), typed(plan, **represented))
    assert "Type the young person's name if they agree too, or say why there is no assent." in text(unasked)
    practitioner_client.post(sign_url(plan), typed(plan, **represented, assent_name="Léa Moreau"))
    consent = Consent.objects.get()
    assert (consent.signer, consent.signer_relation) == (Signer.REPRESENTATIVE, "mother")
    shown = text(practitioner_client.get(url(consent)))
    assert "Clara Moreau</strong>, mother" in shown
    assert "<dt>Identity seen</dt><dd>passport</dd>" in shown
    assert "<dt>Assent of the young person</dt><dd>Léa Moreau</dd>" in shown


def test_who_is_asked_to_sign_anew_reads_why(practitioner_client: Client) -> None:
    plan = PlanFactory(patient__birth_date=TODAY.replace(year=TODAY.year - 18))
    first = text(practitioner_client.get(sign_url(plan)))
    by = {"signer": "representative", "signer_name": "Clara Moreau", "signer_relation": "mother"}
    ConsentFactory(plan=plan, signed_at=ago(days=30), **by)
    shown = text(practitioner_client.get(sign_url(plan)))
    why = "the patient signs, who is of age then."
    assert [why in each for each in (first, shown)] == [False, True]
    assert "Signed by Clara Moreau for the patient on" in shown


def test_a_drawn_signature_is_kept_stroke_by_stroke_and_drawn_again(practitioner_client: Client) -> None:
    plan = PlanFactory()
    practitioner_client.post(
        sign_url(plan), typed(plan, strokes=json.dumps(DRAWN), interpreter_name="Amina Haddad")
    )
    consent = Consent.objects.get()
    assert consent.strokes == DRAWN
    assert consent.interpreter_name == "Amina Haddad"
    shown = text(practitioner_client.get(url(consent)))
    assert '<path d="M10 20L30 40L50 20M60 60h0"/>' in shown
    assert "drawn on screen" in shown
    assert "<dt>Interpreter</dt><dd>Amina Haddad</dd>" in shown


def test_a_typed_name_signs_just_the_same(practitioner_client: Client) -> None:
    plan = PlanFactory()
    practitioner_client.post(sign_url(plan), typed(plan, strokes=""))
    consent = Consent.objects.get()
    assert consent.strokes == []
    shown = text(practitioner_client.get(url(consent)))
    assert "signed by typing the name" in shown
    assert "signature-drawn" not in shown


def test_a_refused_form_keeps_the_drawing(practitioner_client: Client) -> None:
    plan = PlanFactory()
    refused = practitioner_client.post(sign_url(plan), typed(plan, strokes=json.dumps(DRAWN), agreed=None))
    assert f'name="strokes" value="{json.dumps(DRAWN)}"' in text(refused)
    assert Consent.objects.count() == 0


def test_a_young_persons_drawing_without_a_name_is_refused_and_kept(practitioner_client: Client) -> None:
    plan = PlanFactory(patient=PatientFactory(minor=True))
    represented = {"signer": "representative", "signer_relation": "mother", "identity_seen": "passport"}
    refused = practitioner_client.post(
        sign_url(plan),
        typed(plan, **represented, assent_missing="shy of strangers", assent_strokes=json.dumps(DRAWN)),
    )
    shown = text(refused)
    assert refused.status_code == 422
    assert "Type the young person's name beside their drawing, or clear the drawing." in shown
    assert f'name="assent_strokes" value="{json.dumps(DRAWN)}"' in shown
    assert 'value="shy of strangers"' in shown
    assert Consent.objects.count() == 0


def test_a_text_for_another_procedure_is_not_signed(practitioner_client: Client) -> None:
    plan = PlanFactory()
    other = ConsentText.objects.current().get(code="gun")
    refused = practitioner_client.post(sign_url(plan), typed(plan, text=other.pk))
    assert refused.status_code == 422
    assert "The text has been changed meanwhile." in text(refused)
    assert Consent.objects.count() == 0


def test_a_closed_plan_takes_no_consent(practitioner_client: Client) -> None:
    plan = PlanFactory(status=PlanStatus.STOPPED)
    response = practitioner_client.post(sign_url(plan), typed(plan))
    assert response.status_code == 422
    assert "This plan is not open; there is nothing to consent to." in text(response)


def test_a_consent_in_force_is_pointed_at(practitioner_client: Client) -> None:
    consent = ConsentFactory()
    shown = text(practitioner_client.get(sign_url(consent.plan)))
    assert "There is a consent in force" in shown
    assert url(consent) in shown


def test_without_a_text_nothing_can_be_signed_and_the_page_says_who_can_help(
    practitioner_client: Client,
) -> None:
    ConsentText.objects.update(retired_at=CLINIC_NOW)
    assert "An admin publishes one" in text(practitioner_client.get(sign_url(PlanFactory())))


# --- Withdrawn -------------------------------------------------------------------------------------------------------


def test_the_question_names_the_consequence_and_asking_changes_nothing(practitioner_client: Client) -> None:
    consent = ConsentFactory()
    planned = consent.plan.planned_sessions.first()
    AppointmentFactory(
        patient=consent.patient,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(planned),
        starts_at=ahead(days=2),
    )
    shown = text(practitioner_client.get(url(consent, "consent_withdraw")))
    assert "From this moment nothing may be injected under this plan." in shown
    assert "1 visit on the books keeps its time but cannot be started; tell the desk." in shown
    assert ConsentWithdrawal.objects.count() == 0


def test_a_withdrawal_is_on_record_and_offers_nothing_more(practitioner_client: Client) -> None:
    consent = ConsentFactory()
    response = practitioner_client.post(url(consent, "consent_withdraw"), {"reason": "second thoughts"})
    assert response.headers["Location"] == url(consent)
    shown = text(practitioner_client.get(url(consent)))
    assert "Withdrawn: second thoughts" in shown
    assert url(consent, "consent_withdraw") not in shown


def test_a_second_withdrawal_is_refused_with_a_sentence(practitioner_client: Client) -> None:
    consent = ConsentWithdrawalFactory().consent
    response = practitioner_client.post(url(consent, "consent_withdraw"), {})
    assert response.status_code == 422
    assert "This consent has been withdrawn already." in text(response)


# --- Who may -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reception_client", "admin_client"])
def test_others_find_nothing(role: str, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(role)
    consent = ConsentFactory()
    for address in (sign_url(consent.plan), url(consent), url(consent, "consent_withdraw")):
        assert client.get(address).status_code == 404
    assert client.post(url(consent, "consent_withdraw"), {}).status_code == 404
    assert ConsentWithdrawal.objects.count() == 0


def test_nobody_signed_in_is_sent_to_sign_in(client: Client) -> None:
    consent = ConsentFactory()
    for address in (sign_url(consent.plan), url(consent), url(consent, "consent_withdraw")):
        assert client.get(address).status_code == 302


def test_opening_is_written_down(practitioner_client: Client) -> None:
    consent = ConsentFactory()
    practitioner_client.get(url(consent))
    practitioner_client.get(sign_url(consent.plan))
    opened = RecordOpened.objects.order_by("pk").values_list("patient", "page")
    assert list(opened) == [
        (consent.patient_id, "consultations:consent"),
        (consent.patient_id, "consultations:consent_sign"),
    ]


def test_the_pages_ask_a_fixed_number_of_queries(
    practitioner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    consent = ConsentFactory(signed_at=CLINIC_NOW - timedelta(days=3))
    for _round in range(2):
        with django_assert_num_queries(SIGN_QUERIES):
            practitioner_client.get(sign_url(consent.plan))
        with django_assert_num_queries(RECORD_QUERIES):
            practitioner_client.get(url(consent))
        ConsentFactory(plan=consent.plan, patient=consent.patient)


SIGN_QUERIES, RECORD_QUERIES = 30, 22
