"""The emergency summary: two clicks and a sentence, an hour, nothing more than an ambulance asks for."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from clinic.enums import Reading
from clinic.models import EmergencyOpening, Patient, RecordOpened, User
from clinic.models.people import PSEUDONYM
from consultations.enums import Answer, Decision
from consultations.models import AdverseEvent, Session, SessionReaction
from tests.factories import (
    AdverseEventFactory,
    AlertFactory,
    AllergyFactory,
    ConsultationFactory,
    ContraindicationQuestionFactory,
    EmergencyOpeningFactory,
    EnteredInErrorFactory,
    HealthAnswerFactory,
    PatientFactory,
    ReactionTypeFactory,
    SessionFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import ago, ahead
from tests.guards import without
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
WHY = "Fainted in the waiting room"


@pytest.fixture
def session() -> Session:
    """Given yesterday, to somebody with an allergy."""
    found = SessionFactory(signed=True, started_at=ago(days=1), note="Nervous before the needle")
    patient = found.patient
    Patient.objects.filter(pk=patient.pk).update(
        representative_name="Ana Reis", representative_relation="mother", representative_phone="+351 911 222"
    )
    AllergyFactory(patient=patient, words="Penicillin")
    AlertFactory(patient=patient, text="Faints at needles")
    AdverseEventFactory(patient=patient, words="Told at length", onset_at=ago(hours=20))
    return found


def opened(client: Client, patient: Patient) -> str:
    """The address of the summary: asked for on the patient page, opened with a sentence."""
    page = client.get(f"/patients/{patient.pk}/").text
    ask = f"/patients/{patient.pk}/emergency/"
    assert f'href="{ask}"' in page
    return client.post(ask, {"reason": WHY})["Location"]


@pytest.mark.parametrize("client_name", ["reception_client", "admin_client"])
def test_it_says_what_an_ambulance_asks_for_and_no_more(
    request: pytest.FixtureRequest, client_name: str, session: Session
) -> None:
    client = request.getfixturevalue(client_name)
    text = client.get(opened(client, session.patient)).text
    lot = session.used_lots.select_related("lot").first().lot
    for words in (
        "Penicillin",
        "Faints at needles",
        str(session.plan.formula),
        lot.number,
        lot.maker,
        str(session.zones.get().zone),
        "Ana Reis",
        "+351 911 222",
        str(AdverseEvent.objects.get()),
    ):
        assert words in text
    assert session.note not in text and "Told at length" not in text


def test_it_says_what_was_last_answered_and_what_the_skin_did(reception_client: Client) -> None:
    over, begun, unclear, never = ContraindicationQuestionFactory.create_batch(4)
    consultation = ConsultationFactory(
        signed=True,
        signed_at=ago(days=20),  # after those of the plans below
        answers=[
            {"question": over, "answer": Answer.YES, "decision": Decision.ASK},
            {"question": begun},
            {"question": unclear, "answer": Answer.UNKNOWN, "decision": Decision.ASK},
            {"question": never},
        ],
    )
    patient = consultation.patient
    ConsultationFactory(patient=patient, answers=[{"question": never, "yes": True}])  # a draft says nothing
    HealthAnswerFactory(patient=patient, question=begun, recorded_at=ago(days=2))
    HealthAnswerFactory(patient=patient, question=over, answer=Answer.NO)
    swelling = ReactionTypeFactory(name="Swelling")
    given = SessionFactory(plan=cleared_plan(patient=patient), started_at=ago(days=1), reactions=[swelling])
    SessionReaction.objects.filter(session=given).update(grade=2)
    tested = TestReadingFactory(patch_test__plan=consented_plan(patient=patient), positive=True)
    summary = reception_client.get(opened(reception_client, patient)).context["summary"]
    assert summary.answers == [begun.name, f"{unclear.name} (not known)"]
    assert [(each.at, each.words) for each in summary.reactions] == [
        (given.started_at, "Swelling, grade 2, at a session"),
        (tested.read_at, f"positive test injection of {tested.patch_test.formula}"),
    ]
    EnteredInErrorFactory(session=given, confirmed=True)
    assert len(reception_client.get(opened(reception_client, patient)).context["summary"].reactions) == 1


def test_what_is_being_injected_now_stands_first_though_it_is_not_signed(reception_client: Client) -> None:
    now = SessionFactory()
    summary = reception_client.get(opened(reception_client, now.patient)).context["summary"]
    first, test = summary.injections
    assert (first.at, first.is_draft, first.formula) == (now.started_at, True, str(now.formula))
    assert (test.title, test.is_draft) == ("Test injection", False)


def test_opening_and_printing_are_written_down_with_the_reason_and_told(
    reception_client: Client,
    practitioner_client: Client,
    admin_client: Client,
    reception: User,
    session: Session,
) -> None:
    answer = reception_client.get(opened(reception_client, session.patient))
    reception_client.post("/records/printed/", {"opened": answer.context["reading_token"]})
    opening = EmergencyOpening.objects.get()
    log = RecordOpened.objects.filter(emergency=opening).order_by("pk")
    assert [(row.user, row.kind) for row in log] == [
        (reception, Reading.OPENED),
        (reception, Reading.PRINTED),
    ]
    page = practitioner_client.get(f"/patients/{session.patient_id}/").text
    assert f"{reception} opened the emergency summary, Mon 2 Mar 2026, 09:00" in page and WHY in page
    assert WHY in admin_client.get("/emergencies/").text
    assert WHY in admin_client.get("/review/records-opened/").text
    notice = next(
        each for each in admin_client.get("/review/").context["notices"] if each.url == "/emergencies/"
    )
    assert (notice.count, notice.label) == (1, "Emergency opening to review")


def test_without_a_sentence_it_stays_closed_and_says_what_to_write(
    reception_client: Client, session: Session
) -> None:
    answer = reception_client.post(f"/patients/{session.patient_id}/emergency/", {"reason": "  help  "})
    assert answer.status_code == 422 and "Say in a few words what has happened" in answer.text
    assert 'value="  help  "' in answer.text and not EmergencyOpening.objects.exists()


def test_within_the_hour_it_opens_again_without_another_sentence(
    reception_client: Client, session: Session
) -> None:
    address = opened(reception_client, session.patient)
    assert reception_client.get(f"/patients/{session.patient_id}/emergency/")["Location"] == address


class TestItsEnd:
    def test_after_sixty_minutes_it_has_closed_by_itself_and_asks_anew(
        self, reception_client: Client, reception: User, session: Session
    ) -> None:
        address = opened(reception_client, session.patient)
        assert reception_client.get(address)["Refresh"] == "3601"  # the browser asks again by itself
        with time_machine.travel(ahead(minutes=60), tick=False):
            sign_in(reception_client, reception)
            assert reception_client.get(address)["Location"] == f"/patients/{session.patient_id}/emergency/"
        assert RecordOpened.objects.count() == 1

    def test_without_the_look_at_the_clock_it_would_stay_open(
        self,
        reception_client: Client,
        reception: User,
        session: Session,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The negative control."""
        address = opened(reception_client, session.patient)
        monkeypatch.setattr("clinic.models.emergency.EmergencyOpeningQuerySet.running", lambda self, at: self)
        with time_machine.travel(ahead(minutes=61), tick=False):
            sign_in(reception_client, reception)
            assert "Penicillin" in reception_client.get(address).text

    def test_it_is_nobody_elses(self, practitioner_client: Client, admin_client: Client) -> None:
        address = f"/emergencies/{EmergencyOpeningFactory().pk}/"
        colleague = Client()
        sign_in(colleague, UserFactory(reception=True))
        for client in (practitioner_client, admin_client, colleague):
            assert client.get(address).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow(
    reception_client: Client, session: Session, django_assert_num_queries: Any, count: int
) -> None:
    for hours in range(count):
        AdverseEventFactory(patient=session.patient, onset_at=ago(hours=hours + 1))
        AllergyFactory(patient=session.patient)
    address = opened(reception_client, session.patient)
    with django_assert_num_queries(30):
        reception_client.get(address)


def test_of_a_record_that_is_erased_or_merged_nothing_is_opened(reception_client: Client) -> None:
    patient, survivor = PatientFactory(), PatientFactory()
    ask, its_own = f"/patients/{patient.pk}/emergency/", f"/patients/{survivor.pk}/emergency/"
    address = opened(reception_client, patient)
    Patient.objects.filter(pk=patient.pk).update(merged_into=survivor)
    for client_sees in (reception_client.get(address), reception_client.post(ask, {"reason": WHY})):
        assert client_sees["Location"] == its_own
    with without("patient_erased_for_good"):
        Patient.objects.filter(pk=survivor.pk).update(**PSEUDONYM, erased_at=ago(hours=1))
        assert reception_client.post(its_own, {"reason": WHY})["Location"] == f"/patients/{survivor.pk}/"
        assert EmergencyOpening.objects.filter(patient=survivor).count() == 0
    assert (EmergencyOpening.objects.count(), RecordOpened.objects.count()) == (1, 0)
