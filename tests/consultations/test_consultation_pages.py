"""The consultation page: begun by a click, saved and signed with everything typed, read by those who may."""

from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.enums import AppointmentStatus
from clinic.models import Practitioner, RecordOpened, User
from consultations.actions import consultations as actions
from consultations.enums import PlanStatus
from consultations.models import (
    Consultation,
    ContraindicationQuestion,
    Formula,
    Indication,
    Leaflet,
    Plan,
    PlanTemplate,
    ReactionType,
    Technique,
)
from consultations.rules import evidence
from tests.factories import (
    AppointmentFactory,
    EnteredInErrorFactory,
    PatientFactory,
    PlanFactory,
    PractitionerFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
DISCUSSED = ("technique", "visits", "alternatives", "aftercare", "expectations")


@pytest.fixture
def draft(doctor: Practitioner, practitioner_user: User) -> Consultation:
    return actions.begin(patient=PatientFactory(), appointment=None, by=practitioner_user, at=CLINIC_NOW)


def page(record: Consultation) -> str:
    return reverse("consultations:consultation", args=[record.pk])


def typed(**changes: Any) -> dict[str, Any]:
    """A whole consultation of a suitable patient, as the page posts it; a change of None leaves the field out."""
    template = PlanTemplate.objects.current().get(code="FACE-AMIN")
    fields = {
        "version": 1,
        "indication": Indication.objects.current().get(code=template.indication_code).pk,
        "history": "Well otherwise.",
        "goals": "Fewer wrinkles.",
        "weight_kg": "61,5",
        "leaflet": Leaflet.objects.current().first().pk,
        "outcome": "eligible",
        "risks": [risk.pk for risk in ReactionType.objects.current().filter(is_discussed=True)],
        "template": template.pk,
        "technique": Technique.objects.current().get(code=template.technique_code).pk,
        "formula": Formula.objects.current().get(code=template.formula_code).pk,
        "starts_on": "2026-03-10",
    }
    fields |= {f"discussed_{name}": "on" for name in DISCUSSED}
    fields |= {f"answer_{each.code}": "no" for each in ContraindicationQuestion.objects.current()}
    fields |= changes
    chosen = {
        name: model.objects.filter(pk=fields[name] or 0).first()
        if str(fields[name] or "").isdigit()
        else None
        for name, model in (("indication", Indication), ("formula", Formula))
    }
    fields.setdefault("evidence_read", evidence.seal_of(evidence.words_of(**chosen)))
    return {name: value for name, value in fields.items() if value is not None}


def text(response: HttpResponse) -> str:
    return unescape(response.content.decode())


# --- Begun ---------------------------------------------------------------------------------------------------------


def test_beginning_attaches_the_visit_in_progress(practitioner_client: Client, doctor: Practitioner) -> None:
    visit = AppointmentFactory(status=AppointmentStatus.IN_PROGRESS)
    response = practitioner_client.post(reverse("consultations:consultation_begin", args=[visit.patient_id]))
    draft = Consultation.objects.get()
    assert (draft.patient, draft.appointment, draft.practitioner) == (visit.patient, visit, doctor)
    assert response.headers["Location"] == page(draft)


def test_beginning_twice_opens_the_same_draft(practitioner_client: Client) -> None:
    url = reverse("consultations:consultation_begin", args=[PatientFactory().pk])
    places = {practitioner_client.post(url).headers["Location"] for _time in range(2)}
    assert places == {page(Consultation.objects.get())}


def test_looking_at_a_visit_begins_nothing_and_posting_does(practitioner_client: Client) -> None:
    visit = AppointmentFactory(status=AppointmentStatus.ARRIVED)
    url = reverse("consultations:consultation_of", args=[visit.pk])
    assert "A draft opens in your name." in text(practitioner_client.get(url))
    assert Consultation.objects.count() == 0
    practitioner_client.post(url)
    draft = Consultation.objects.get()
    assert draft.appointment == visit
    assert practitioner_client.get(url).headers["Location"] == page(draft)


# --- Who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reception_client", "admin_client"])
def test_others_do_not_see_it_and_are_told_who_writes_records(
    role: str, draft: Consultation, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(role)
    visit = AppointmentFactory(patient=draft.patient)
    assert client.get(page(draft)).status_code == 404
    assert client.post(page(draft), typed()).status_code == 404
    begin = client.post(reverse("consultations:consultation_begin", args=[draft.patient_id]))
    of_visit = client.get(reverse("consultations:consultation_of", args=[visit.pk]))
    for response in (begin, of_visit):
        assert response.status_code == 403
        assert "Clinical records are written by practitioners." in text(response)
    assert Consultation.objects.count() == 1


def test_nobody_signed_in_is_sent_to_sign_in(client: Client, draft: Consultation) -> None:
    assert client.get(page(draft)).status_code == 302


def test_a_colleagues_draft_is_read_only_with_a_take_over_button(
    practitioner_client: Client, doctor: Practitioner
) -> None:
    other = PractitionerFactory(name="Dr Roth", signs_in=True)
    draft = actions.begin(patient=PatientFactory(), appointment=None, by=other.user, at=CLINIC_NOW)
    shown = text(practitioner_client.get(page(draft)))
    assert "Dr Roth is writing this record and has not signed it." in shown
    assert reverse("consultations:take_over", args=["consultation", draft.pk]) in shown
    response = practitioner_client.post(page(draft), typed(history="mine"))
    assert response.status_code == 403
    assert "Take it over by name if you cover for them." in text(response)
    draft.refresh_from_db()
    assert draft.history == ""


def test_opening_is_written_down_and_saving_is_not(
    practitioner_client: Client, practitioner_user: User, draft: Consultation
) -> None:
    practitioner_client.get(page(draft))
    practitioner_client.post(page(draft), typed())
    opened = RecordOpened.objects.get()
    assert (opened.patient, opened.user, opened.page) == (
        draft.patient,
        practitioner_user,
        "consultations:consultation",
    )


# --- Saved and signed ----------------------------------------------------------------------------------------------------


def test_a_draft_keeps_everything(practitioner_client: Client, draft: Consultation) -> None:
    response = practitioner_client.post(
        page(draft), typed(answer_keloid="yes", reason_keloid="small", outcome=None)
    )
    assert response.headers["Location"] == page(draft)
    draft.refresh_from_db()
    assert (draft.history, str(draft.weight_kg), draft.is_signed) == ("Well otherwise.", "61.5", False)
    shown = text(practitioner_client.get(page(draft)))
    assert 'value="small"' in shown
    assert Plan.objects.get().status == PlanStatus.PROPOSED
    assert "2026-03-10" in shown


def test_the_wait_follows_the_event_when_it_is_corrected(
    practitioner_client: Client, draft: Consultation
) -> None:
    said = {"answer_infection_systemic": "yes", "event_infection_systemic": "2026-03-20", "outcome": None}
    practitioner_client.post(page(draft), typed(**said))
    shown = text(practitioner_client.get(page(draft)))
    assert 'name="event_infection_systemic" value="2026-03-20"' in shown
    assert "Left empty: Fri 3 Apr 2026." in shown
    draft.refresh_from_db()
    again = {**said, "event_infection_systemic": "2026-03-01", "version": draft.version}
    practitioner_client.post(page(draft), typed(**again))
    assert draft.answers.get(question__code="infection_systemic").defer_until == date(2026, 3, 15)


def test_a_wait_that_was_named_without_an_event_stands_as_it_was_typed(
    practitioner_client: Client, draft: Consultation
) -> None:
    said = {"answer_infection_systemic": "yes", "until_infection_systemic": "2026-04-17", "outcome": None}
    practitioner_client.post(page(draft), typed(**said))
    answer = draft.answers.get(question__code="infection_systemic")
    assert (answer.event_on, answer.defer_until) == (None, date(2026, 4, 17))
    shown = text(practitioner_client.get(page(draft)))
    assert 'name="until_infection_systemic" value="2026-04-17"' in shown


def test_questions_stand_only_under_weights_that_one_of_them_has(
    practitioner_client: Client, draft: Consultation
) -> None:
    ContraindicationQuestion.objects.current().exclude(code="keloid").update(retired_at=CLINIC_NOW)
    found = practitioner_client.get(page(draft)).context["groups"]
    assert [[row.question.code for row in group.rows] for group in found] == [["keloid"]]


def test_a_wait_of_which_the_day_is_not_said_is_saved_and_not_signed(
    practitioner_client: Client, draft: Consultation
) -> None:
    said = {"answer_infection_systemic": "yes", "sign": "1"}
    refused = practitioner_client.post(page(draft), typed(**said))
    shown = text(refused)
    assert refused.status_code == 422
    assert (
        "enter the day it was or ends, or tick that nobody knows it; the wait then counts from today."
        in shown
    )
    draft.refresh_from_db()
    both = {"unknown_infection_systemic": "on", "event_infection_systemic": "2026-03-01"}
    again = practitioner_client.post(page(draft), typed(**said, **both, version=draft.version))
    assert "Either the day, or that nobody knows it; not both." in text(again)
    ticked = {"unknown_infection_systemic": "on"}
    signed = practitioner_client.post(page(draft), typed(**said, **ticked, version=draft.version))
    assert signed.status_code == 302
    assert "nobody knows the day, counted from when it was said" in text(practitioner_client.get(page(draft)))


def test_a_day_that_does_not_exist_changes_nothing(practitioner_client: Client, draft: Consultation) -> None:
    said = {"answer_infection_systemic": "yes", "event_infection_systemic": "9999-12-31"}
    answer = practitioner_client.post(page(draft), typed(**said))
    assert answer.status_code == 422
    assert "Choose a date between" in text(answer)
    assert not draft.answers.exists()


def test_an_empty_draft_can_be_saved(practitioner_client: Client, draft: Consultation) -> None:
    assert practitioner_client.post(page(draft), {"version": 1}).status_code == 302
    draft.refresh_from_db()
    assert (draft.version, draft.answers.count()) == (2, 0)


def test_signing_saves_signs_and_brings_the_plan_into_force(
    practitioner_client: Client, practitioner_user: User, draft: Consultation
) -> None:
    practitioner_client.post(page(draft), typed(sign="1"))
    draft.refresh_from_db()
    assert (draft.signed_by, draft.goals, draft.plan.status) == (
        practitioner_user,
        "Fewer wrinkles.",
        PlanStatus.ACTIVE,
    )
    assert draft.plan.starts_on == TODAY + timedelta(days=8)
    shown = text(practitioner_client.get(page(draft)))
    assert "Signed by Rui Silva" in shown
    assert reverse("consultations:consent_sign", args=[draft.plan.pk]) in shown


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"answer_pregnancy": None}, "1 question is not answered yet: Are you pregnant"),
        ({"answer_pregnancy": "yes"}, "“Pregnancy” rules treatment out. Choose another outcome."),
        ({"answer_keloid": "yes"}, "give your reason for going on, or choose another outcome."),
        ({"discussed_visits": None}, "Tick what was discussed before you sign"),
        ({"risks": []}, "Discuss every risk before you sign"),
        ({"leaflet": ""}, "Choose the leaflet you gave."),
        ({"outcome": ""}, "Choose the outcome."),
        ({"outcome": "not_eligible"}, "Give the reason or the conditions."),
    ],
)
def test_a_refused_signature_saves_the_draft_and_says_what_is_open(
    practitioner_client: Client, draft: Consultation, changes: dict[str, Any], sentence: str
) -> None:
    response = practitioner_client.post(page(draft), typed(sign="1", **changes))
    assert response.status_code == 422
    shown = text(response)
    assert sentence in shown
    assert "The draft is saved. It is not signed yet, because:" in shown
    assert "Fewer wrinkles." in shown
    draft.refresh_from_db()
    assert (draft.is_signed, draft.goals) == (False, "Fewer wrinkles.")
    assert practitioner_client.post(page(draft), typed(version=2)).status_code == 302


def test_a_refused_signature_names_everything_that_is_open(
    practitioner_client: Client, draft: Consultation
) -> None:
    changes = {
        "answer_keloid": "yes",
        "answer_stroke": None,
        "discussed_visits": None,
        "leaflet": "",
        "risks": [],
    }
    response = practitioner_client.post(page(draft), typed(sign="1", **changes))
    lacking = {"answer_keloid", "answer_stroke", "discussed_visits", "leaflet", "risks"}
    assert set(response.context["form"].errors) == lacking


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weight_kg": "-3"}, "At least 1.1."),
        ({"weight_kg": "1,000"}, "can be read two ways"),
        ({"weight_kg": "heavy"}, "Enter a number, like 0.3."),
        ({"history": "a" * 10_001}, "Write at most 10000 characters"),
        ({"goals": "well\x00known"}, "This contained an invisible character"),
        ({"starts_on": "9999-01-01"}, "Choose a date between"),
        ({"outcome": "deferred"}, "Say until when the treatment is deferred."),
        ({"outcome": "healed"}, "This is not offered, or not any more."),
        ({"indication": "999999"}, "This is not offered, or not any more."),
        ({"template": ""}, "A plan needs indication, course, technique and formula."),
        ({"answer_keloid": "perhaps"}, "This is not offered, or not any more."),
        ({"until_infection_site": "31.02.2026"}, "Enter the date as day, month and year."),
    ],
)
def test_bad_input_keeps_what_was_typed_and_changes_nothing(
    practitioner_client: Client, draft: Consultation, changes: dict[str, Any], sentence: str
) -> None:
    response = practitioner_client.post(page(draft), typed(sign="1", **{"history": "kept", **changes}))
    assert response.status_code == 422
    assert sentence in text(response)
    draft.refresh_from_db()
    assert (draft.version, draft.goals, draft.is_signed) == (1, "", False)
    assert changes.get("history", "kept")[:50] in text(response)


def test_a_stale_page_shows_both_versions_and_then_saves_what_was_typed(
    practitioner_client: Client, draft: Consultation
) -> None:
    practitioner_client.post(page(draft), typed(history="first window"))
    response = practitioner_client.post(page(draft), typed(history="second window"))
    assert response.status_code == 409
    shown = text(response)
    assert "first window" in shown
    assert "second window" in shown
    draft.refresh_from_db()
    assert draft.history == "first window"
    practitioner_client.post(page(draft), typed(history="second window", version=2))
    draft.refresh_from_db()
    assert draft.history == "second window"


# --- Drawn anew ------------------------------------------------------------------------------------------------------------


def test_choosing_a_course_fills_in_technique_and_formula_and_saves_nothing(
    practitioner_client: Client, draft: Consultation
) -> None:
    template = PlanTemplate.objects.current().get(code="FACE-AMIN")
    sent = {"version": 1, "template": template.pk, "redraw": "template", "history": "half a sen"}
    response = practitioner_client.post(page(draft), sent, headers={"HX-Request": "true"})
    form = response.context["form"]
    assert (form["technique"].value(), form["formula"].value()) == (
        Technique.objects.current().get(code=template.technique_code).pk,
        Formula.objects.current().get(code=template.formula_code).pk,
    )
    assert "half a sen" in text(response)
    draft.refresh_from_db()
    assert draft.version == 1


def test_without_a_script_the_course_still_brings_technique_and_formula(
    practitioner_client: Client, draft: Consultation
) -> None:
    read = typed()["evidence_read"]
    practitioner_client.post(page(draft), typed(technique="", formula="", evidence_read=read))
    assert (
        Plan.objects.get().technique.code
        == PlanTemplate.objects.current().get(code="FACE-AMIN").technique_code
    )


def test_the_indication_decides_what_a_yes_means_and_shows_its_evidence(
    practitioner_client: Client, draft: Consultation
) -> None:
    meanings = []
    for code in ("lymphoedema", "FACE"):
        indication = Indication.objects.current().filter(code=code).first()
        indication = indication or Indication.objects.current().filter(group="face").first()
        sent = {"version": 1, "indication": indication.pk, "redraw": "indication"}
        response = practitioner_client.post(page(draft), sent)
        rows = [row for group in response.context["groups"] for row in group.rows]
        meanings.append(next(row.decision for row in rows if row.question.code == "cancer_active"))
        assert indication.evidence in text(response)
    assert meanings == ["override", "block"]


# --- On record -----------------------------------------------------------------------------------------------------------------


def test_the_record_is_complete_and_can_be_added_to(practitioner_client: Client, draft: Consultation) -> None:
    practitioner_client.post(
        page(draft),
        typed(sign="1", answer_keloid="yes", reason_keloid="one small scar", note_keloid="left ear"),
    )
    practitioner_client.post(
        reverse("consultations:addendum", args=["consultation", draft.pk]), {"text": "Called back."}
    )
    shown = text(practitioner_client.get(page(draft)))
    for words in ("Well otherwise.", "61.5 kg", "one small scar", "left ear", "version 1", "Called back."):
        assert words in shown


def test_a_consultation_entered_in_error_says_so_and_leads_nowhere(practitioner_client: Client) -> None:
    plan = PlanFactory()
    EnteredInErrorFactory(consultation=plan.consultation, reason="the twin")
    shown = text(practitioner_client.get(page(plan.consultation)))
    assert "Entered in error; a second person has to confirm" in shown
    assert "the twin" in shown
    assert reverse("consultations:consent_sign", args=[plan.pk]) not in shown


def test_the_pages_ask_a_fixed_number_of_queries(
    practitioner_client: Client, draft: Consultation, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for changes in ({}, {"answer_keloid": "yes", "answer_stroke": "yes", "version": 2}):
        practitioner_client.post(page(draft), typed(**changes))
        with django_assert_num_queries(DRAFT_QUERIES):
            practitioner_client.get(page(draft))
    practitioner_client.post(page(draft), typed(sign="1", version=3))
    with django_assert_num_queries(RECORD_QUERIES):
        practitioner_client.get(page(draft))


DRAFT_QUERIES, RECORD_QUERIES = 35, 33


def test_unknown_ids_are_404(practitioner_client: Client) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for route in ("consultation", "consultation_of"):
        assert practitioner_client.get(reverse(f"consultations:{route}", args=[nobody])).status_code == 404
    assert (
        practitioner_client.post(reverse("consultations:consultation_begin", args=[nobody])).status_code
        == 404
    )
