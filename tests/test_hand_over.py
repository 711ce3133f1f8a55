"""A screen in a patient's hands shows the pages it was handed over for, until the staff takes it back by password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from clinic import handed_over
from clinic.enums import AppointmentStatus
from clinic.models import Appointment, Practitioner, User
from clinic.sessions import SessionStore
from consultations.models import Plan
from tests.addresses import ADMIN, OURS, World, admin_address
from tests.consultations.test_confirmations import session_visit
from tests.factories import PatientFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW
from tests.factories.users import PASSWORD
from tests.test_routes import ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

TAKE_BACK = "/take-back/"
VERBS = ("get", "post", "head")  # the others are refused to everybody (tests/test_routes.py)


@pytest.fixture
def plan() -> Plan:
    return cleared_plan(patient=PatientFactory(family_name="Moreau", given_names="Jeanne"))


@pytest.fixture
def visit(plan: Plan, doctor: Practitioner) -> Appointment:
    return session_visit(plan, doctor, AppointmentStatus.BOOKED)


@pytest.fixture
def page(visit: Appointment) -> str:
    return reverse("consultations:check_in_answer", args=[visit.pk])


@pytest.fixture
def back(visit: Appointment) -> str:
    return reverse("consultations:check_in", args=[visit.pk])


@pytest.fixture
def tablet(reception_client: Client, back: str, page: str) -> Client:
    """Signed in by reception and handed to the patient."""
    assert reception_client.post(back)["Location"] == page
    return reception_client


def leads(client: Client, verb: str, address: str) -> tuple[int, str]:
    answer = ask(client, verb, address)
    return answer.status_code, answer.headers.get("Location", "")


@pytest.mark.parametrize("verb", VERBS)
def test_every_other_address_leads_back_to_the_patients_page(
    tablet: Client, page: str, verb: str, doctor: Practitioner
) -> None:
    world = World.built_for(doctor)
    addresses = {name: world.address(name) for name in OURS if name != "clinic:take_back"}
    addresses |= {name: admin_address(name) for name in ADMIN}
    addresses |= {"unknown": "/no/such/page/", "the_prefix_of_another": page.rstrip("/") + "x/"}
    elsewhere = {name: leads(tablet, verb, address) for name, address in addresses.items()}
    assert {name: found for name, found in elsewhere.items() if found != (302, page)} == {}
    assert len(elsewhere) > 150


def test_a_part_of_a_page_in_an_old_tab_sends_the_whole_tab_there(tablet: Client, page: str) -> None:
    answer = tablet.get("/diary/changes/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (200, page)


def test_it_survives_a_reload_and_says_for_whom_it_is(tablet: Client, page: str) -> None:
    for _reload in range(2):
        shown = tablet.get(page)
        assert shown.status_code == 200
        assert "Moreau, Jeanne" in shown.content.decode()
        assert shown["Cache-Control"] == "no-store"


def test_nothing_leads_elsewhere_from_the_patients_page(tablet: Client, page: str) -> None:
    shown = tablet.get(page).content.decode()
    links = {part.split('"')[0] for part in shown.split('<a class="btn" href="')[1:]}
    assert links == {f"{TAKE_BACK}?not-me"}
    assert 'class="topbar' not in shown and "/patients/" not in shown


def test_the_key_of_the_session_changes_with_the_hands(reception_client: Client, back: str) -> None:
    keys = [reception_client.cookies["sessionid"].value]
    reception_client.post(back)
    keys.append(reception_client.cookies["sessionid"].value)
    reception_client.post(TAKE_BACK, {"password": PASSWORD})
    keys.append(reception_client.cookies["sessionid"].value)
    assert len(set(keys)) == 3


class TestTakingItBack:
    def test_the_password_of_who_is_signed_in_leads_back(self, tablet: Client, back: str) -> None:
        assert tablet.post(TAKE_BACK, {"password": PASSWORD})["Location"] == back
        assert [tablet.get(address).status_code for address in (back, "/diary/")] == [200, 200]

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("", "Type your password to go on."),
            ("wrong", "This is not the password of the person who is signed in."),
            ("another person", "This is not the password of the person who is signed in."),
        ],
    )
    def test_anything_else_does_not(self, tablet: Client, admin: User, typed: str, sentence: str) -> None:
        if typed == "another person":
            typed = "the-admins-own-words"
            admin.set_password(typed)
            admin.save()
        answer = tablet.post(TAKE_BACK, {"password": typed})
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
        assert tablet.get("/diary/")["Location"] == TAKE_BACK

    def test_it_can_be_tried_as_often_as_a_sign_in(self, tablet: Client) -> None:
        cache.clear()
        for _try in range(5):
            tablet.post(TAKE_BACK, {"password": "wrong"})
        answer = tablet.post(TAKE_BACK, {"password": PASSWORD})
        assert (answer.status_code, "Too many tries." in answer.content.decode()) == (422, True)
        assert tablet.get("/diary/")["Location"] == TAKE_BACK
        cache.clear()

    def test_somebody_else_signs_out_and_sees_nothing(self, tablet: Client) -> None:
        assert tablet.post(TAKE_BACK, {"sign_out": "yes"})["Location"] == "/accounts/login/"
        assert tablet.get("/diary/")["Location"].startswith("/accounts/login/")

    def test_once_given_back_the_patients_page_is_closed(self, tablet: Client, page: str) -> None:
        shown = tablet.get(TAKE_BACK, {"not-me": ""}).content.decode()
        assert "You were given the screen for somebody else" in shown and "Moreau" not in shown
        assert tablet.get(page)["Location"] == TAKE_BACK

    def test_in_the_staffs_hands_there_is_nothing_to_take_back(self, reception_client: Client) -> None:
        answers = [reception_client.get(TAKE_BACK), reception_client.post(TAKE_BACK, {"password": "x"})]
        assert [answer["Location"] for answer in answers] == ["/", "/"]


def test_a_screen_laid_aside_closes_by_itself(tablet: Client, page: str) -> None:
    minutes = settings.HAND_OVER_IDLE_MINUTES
    with time_machine.travel(CLINIC_NOW + timedelta(minutes=minutes), tick=False):
        assert tablet.get(page).status_code == 200
    with time_machine.travel(CLINIC_NOW + timedelta(minutes=2 * minutes, seconds=1), tick=False):
        assert [tablet.get(page)["Location"], tablet.post(page)["Location"]] == [TAKE_BACK, TAKE_BACK]
        assert "Moreau" not in tablet.get(TAKE_BACK).content.decode()


@pytest.mark.parametrize("prefix", ["/", "patients/", "https://example.com/"])
def test_only_one_page_and_what_is_below_it_can_be_handed_over(prefix: str, rf: Any) -> None:
    with pytest.raises(ValueError, match="one page"):
        handed_over.begin(rf.get("/"), prefix=prefix, page=prefix, back="/", name="", at=CLINIC_NOW)


def test_in_the_staffs_hands_there_is_nothing_to_end(rf: Any) -> None:
    request = rf.get("/")
    request.session = SessionStore()
    handed_over.ended(request)
    assert (handed_over.state(request), request.session.modified) == (None, False)
    handed_over.begin(request, prefix="/page/", page="/page/", back="/", name="", at=CLINIC_NOW)
    handed_over.ended(request)
    assert handed_over.state(request).has_ended


def test_without_the_middleware_the_patient_walks_into_the_diary(tablet: Client) -> None:
    unguarded = [each for each in settings.MIDDLEWARE if "HandOver" not in each]
    with override_settings(MIDDLEWARE=unguarded):
        client = Client()
        client.cookies = tablet.cookies
        assert client.get("/diary/").status_code == 200
