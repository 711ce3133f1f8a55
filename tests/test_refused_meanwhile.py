"""What only the action can refuse, because a colleague was quicker or the day went on while the form was open: the page says
why in words, keeps what was typed, and nothing is written.

Each form here is one that the page finds right. Forms that are wrong in themselves are in the tests of their own pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any, NamedTuple, NoReturn

import pytest
from django.db import connection, transaction
from django.test import Client

from clinic import merging
from clinic.chooser import Slot
from clinic.errors import DomainError
from clinic.forms.patients import PatientEditForm
from clinic.models import Patient, PatientMerge, User, WaitlistOffer
from consultations.actions import check_ins
from consultations.enums import Answer
from consultations.models import CheckIn, CheckInQuestion
from consultations.rules.check_ins import Said
from tests.addresses import World
from tests.factories import RoomFactory
from tests.factories.clock import ahead
from tests.test_routes import EMPTY_FORM
from tests.test_whose import Writes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

SENTENCE, CODE = "A colleague was quicker.", "outrun"
TYPED = "Words that took a while to find"
Form = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Sent:
    """A form, the action that has the last word on it, and who sends it."""

    action: str
    form: Form
    who: str = "practitioner"


class Seen(NamedTuple):
    """The first answer's status; whether the page it ends on says why and has what was typed; what was written."""

    status: int
    says_why: bool
    has_typed: bool
    written: list[str]


def says(**fields: str) -> Form:
    """Whatever there is in the world."""
    return lambda _world: fields


def _new_feed(_world: World) -> dict[str, Any]:
    return {"of": RoomFactory().pk, "name": TYPED}


def _two_records(_world: World) -> dict[str, Any]:
    return {"reason": TYPED, "digest": merging.apart(PatientMerge.objects.get()).digest}


def _identity(world: World) -> dict[str, Any]:
    form = PatientEditForm.of(Patient.objects.get(pk=world.ids["patient_id"]))
    known = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in known.items() if value is not None} | {"desk_note": TYPED}


def _place(_world: World) -> dict[str, Any]:
    made = WaitlistOffer.objects.get()
    return {"choice": str(Slot(ahead(days=2), made.practitioner_id, made.room_id, None))}


# They answer with the form again.
PAGES = {
    "clinic:case_file_close": Sent("clinic.views.case_files.actions.close", says(outcome=TYPED), "admin"),
    "clinic:case_file_extend": Sent("clinic.views.case_files.actions.extend", says(reason=TYPED), "admin"),
    "clinic:emergency_review": Sent("clinic.views.emergencies.actions.review", says(note=TYPED), "admin"),
    "clinic:feed_new": Sent("clinic.views.feeds.feeds.make", _new_feed, "reception"),
    "clinic:opening_holidays": Sent(
        "clinic.views.holidays.opening.close_days", says(days="2026-04-06"), "reception"
    ),
    "clinic:patient_take_apart": Sent("clinic.views.merging.actions.take_apart", _two_records, "reception"),
    "clinic:patient_edit": Sent("clinic.views.patients.people.correct", _identity, "reception"),
    "clinic:staff_new_password": Sent(
        "clinic.views.staff_changes.accounts.ask_for_new_password", says(reason=TYPED), "admin"
    ),
    "consultations:cause": Sent("consultations.views.causes.actions.decide", says(reason=TYPED)),
    "consultations:event_follow": Sent(
        "consultations.views.events.events.follow",
        says(
            grade="1",
            words=TYPED,
            causality="possible",
            seriousness="not_serious",
            outcome="ongoing",
            sure="yes",
        ),
    ),
    "consultations:allergy_new": Sent(
        "consultations.views.patients.allergies.report", says(words=TYPED), "reception"
    ),
    "consultations:allergy_assess": Sent(
        "consultations.views.patients.allergies.assess", says(status="confirmed", assessment=TYPED)
    ),
    "consultations:alert_new": Sent("consultations.views.patients.allergies.raise_alert", says(text=TYPED)),
    "consultations:photo_consent_withdraw": Sent(
        "consultations.views.photo_consents.actions.withdraw_consent", says(reason=TYPED)
    ),
    "consultations:photo_remove": Sent("consultations.views.photos.actions.remove", says(reason=TYPED)),
    "consultations:report_new": Sent(
        "consultations.views.reports.adverse_events.report", says(words=TYPED), "reception"
    ),
    "consultations:reviews_of": Sent("consultations.views.reviews.actions.begin", says(rule="")),
    "consultations:session_not_given": Sent(
        "consultations.views.sessions.actions.not_given", says(reason=TYPED)
    ),
    "consultations:session_deviation": Sent(
        "consultations.views.sessions.actions.record_deviating",
        says(reason=TYPED, started_at_0="2026-03-02", started_at_1="08:00"),
    ),
}
# They lead on to a list, which says why.
QUESTIONS = {
    "clinic:feed_revoke": Sent("clinic.views.feeds.feeds.revoke", says()),
    "clinic:waitlist_offer": Sent("clinic.views.offers.offers.offer", _place, "reception"),
    "clinic:offer_decline": Sent("clinic.views.offers.offers.decline", says(), "reception"),
    "consultations:lot_use_up": Sent("consultations.views.lots.actions.use_up", says()),
    "consultations:photo_removal": Sent("consultations.views.photos.actions.confirm_removal", says()),
}
FORMS = PAGES | QUESTIONS
# What the action says by itself where the same has been done before.
DONE_BEFORE = {
    "clinic:case_file_close": "This case is closed. Open another one.",
    "clinic:emergency_review": "Lea Roth has reviewed this, on 2 Mar 2026, 09:00.",
    "clinic:opening_holidays": "Some of these days are closed already, or over.",
    "consultations:cause": "The cause of this test is looked for already.",
    "consultations:event_follow": "Somebody has followed this event up already. Open the latest word on it.",
    "consultations:photo_consent_withdraw": "This consent has been withdrawn already.",
    "consultations:photo_remove": "This photograph has been called an error already.",
    "clinic:feed_revoke": "This address has been revoked already.",
    "clinic:offer_decline": "This offer has been answered already.",
    "consultations:lot_use_up": "This lot has been used up already.",
}


@pytest.fixture
def world(standing_world: World) -> World:
    """One of everything that a form is about."""
    return standing_world


@pytest.fixture
def clients(reception_client: Client, practitioner_client: Client, admin_client: Client) -> dict[str, Client]:
    return {"reception": reception_client, "practitioner": practitioner_client, "admin": admin_client}


def seen(client: Client, route: str, world: World, sentence: str) -> Seen:
    """What the form is answered with."""
    form, writes = FORMS[route].form(world), Writes()
    with connection.execute_wrapper(writes):
        answer = client.post(world.address(route), EMPTY_FORM | form, follow=True)
    status = answer.redirect_chain[0][1] if answer.redirect_chain else answer.status_code
    page = unescape(answer.text)
    has_typed = TYPED in page or TYPED not in form.values()
    return Seen(status, sentence in page and CODE not in page, has_typed, writes.statements)


def outrun(
    clients: dict[str, Client], world: World, monkeypatch: pytest.MonkeyPatch, *, caught: bool = True
) -> dict[str, Seen]:
    """What each form is answered with where its action refuses; `caught`: its view expects that."""

    def refuse(**_told: object) -> NoReturn:
        raise DomainError(SENTENCE, CODE)

    found = {}
    for route, sent in FORMS.items():
        with transaction.atomic(), monkeypatch.context() as patch:
            patch.setattr(sent.action, refuse)
            if not caught:
                module, _, _ = sent.action.rsplit(".", 2)
                patch.setattr(f"{module}.DomainError", LookupError)
            found[route] = seen(clients[sent.who], route, world, SENTENCE)
            transaction.set_rollback(True)
    return found


def test_a_refusal_of_the_action_is_read_beside_what_was_typed(
    world: World, clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outrun(clients, world, monkeypatch) == {
        **dict.fromkeys(PAGES, Seen(422, says_why=True, has_typed=True, written=[])),
        **dict.fromkeys(QUESTIONS, Seen(302, says_why=True, has_typed=True, written=[])),
    }


def test_a_view_that_does_not_expect_it_would_lose_what_was_typed(
    world: World, clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the page for refusals that nobody caught."""
    untyped = {*QUESTIONS, "clinic:opening_holidays", "consultations:reviews_of"}
    assert outrun(clients, world, monkeypatch, caught=False) == {
        route: Seen(422, says_why=True, has_typed=route in untyped, written=[]) for route in FORMS
    }


def test_so_is_what_the_action_refuses_since_it_was_done_before(
    world: World, clients: dict[str, Client]
) -> None:
    found = {}
    for route, sentence in DONE_BEFORE.items():
        sent = FORMS[route]
        with transaction.atomic():
            before = {
                name: "Somebody else's words" if value == TYPED else value
                for name, value in sent.form(world).items()
            }
            clients[sent.who].post(world.address(route), EMPTY_FORM | before)
            found[route] = seen(clients[sent.who], route, world, sentence)
            transaction.set_rollback(True)
    assert found == {
        route: Seen(422 if route in PAGES else 302, says_why=True, has_typed=True, written=[])
        for route in DONE_BEFORE
    }


def test_the_patients_answers_stay_on_the_screen_that_was_handed_over(
    world: World, reception_client: Client, reception: User
) -> None:
    page = reception_client.post(world.address("consultations:check_in"))["Location"]
    handed = CheckIn.objects.get(appointment=world.by_route["consultations:check_in"]["appointment_id"])
    asked = CheckInQuestion.objects.current()
    check_ins.answer(
        check_in=handed, said=[Said(each, Answer.NO, None) for each in asked], by=reception, at=ahead()
    )
    day = {"answer_fever_or_antibiotics": "yes", "event_fever_or_antibiotics": "2026-02-20"}
    answer = reception_client.post(page, day)
    assert (answer.status_code, answer.context["form"].error_codes) == (422, {"answered_already"})
    assert 'value="2026-02-20"' in answer.text
