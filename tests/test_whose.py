"""What is somebody's own is changed and read by nobody who may not, however right the form is.

tests/test_routes.py asks with empty forms, which may be refused before anybody looks at whose it is. Here each form is
one that its owner gets through with; the others' requests must write nothing at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from clinic.models import Practitioner, User
from consultations.models import Review, Session
from consultations.rules import authorship
from tests.addresses import World
from tests.consultations.test_consultation_pages import typed
from tests.consultations.test_review_pages import filled as filled_review
from tests.consultations.test_session_pages import filled as filled_session
from tests.signing_in import sign_in
from tests.test_routes import EMPTY_FORM, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

WHO = ("owner", "colleague", "reception", "admin")


@dataclass(frozen=True)
class Deed:
    """A form that its owner gets through with, and the answers in the order of WHO."""

    route: str
    answers: str
    form: Callable[[World, Practitioner], dict[str, Any]] = lambda _world, _owner: {}


def _day(world: World, owner: Practitioner) -> dict[str, Any]:
    days = {
        "starts_at_0": "2026-03-09",
        "starts_at_1": "09:00",
        "ends_at_0": "2026-03-09",
        "ends_at_1": "12:00",
    }
    return {"practitioner": owner.pk, "kind": "leave", "note": "", **days}


DEEDS = {
    "write into a consultation": Deed(
        "consultations:consultation", "302 403 404 404", lambda *_of: typed(version=1)
    ),
    "sign a consultation": Deed(
        "consultations:consultation", "302 403 404 404", lambda *_of: typed(version=1, sign="1")
    ),
    "write into a session": Deed(
        "consultations:session",
        "302 403 404 404",
        lambda world, _owner: filled_session(Session.objects.get(pk=world.ids["session_id"]), (10, "0.05")),
    ),
    "type into a session": Deed(
        "consultations:session_typing",
        "200 403 404 404",
        lambda *_of: {"version": 1, "window": UUID(int=1), "shows": "", "note": "x"},
    ),
    "write into a review": Deed(
        "consultations:review",
        "302 403 404 404",
        lambda world, _owner: filled_review(Review.objects.get(pk=world.ids["review_id"])),
    ),
    "take an absence back": Deed("clinic:opening_remove", "302 404 302 302"),
    "enter an absence": Deed("clinic:opening_add", "302 422 302 302", _day),
    "make a feed": Deed(
        "clinic:feed_new", "201 422 201 201", lambda _world, owner: {"of": owner.pk, "name": "x"}
    ),
    "revoke a feed": Deed("clinic:feed_revoke", "302 404 302 302"),
    "withdraw an invitation": Deed("clinic:staff_withdraw", "403 403 403 302"),
}
DRAFTS = [name for name, deed in DEEDS.items() if deed.answers == "302 403 404 404"]


@pytest.fixture
def world(standing_world: World) -> World:
    """The owner's things, as in tests/test_routes.py."""
    return standing_world


@pytest.fixture
def clients(
    practitioner_client: Client, colleague: Practitioner, reception_client: Client, admin_client: Client
) -> dict[str, Client]:
    other = sign_in(Client(), colleague.user)
    return dict(zip(WHO, [practitioner_client, other, reception_client, admin_client], strict=True))


class Writes:
    """What is written while it looks, sessions apart; passed to `connection.execute_wrapper`."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")) and '"clinic_signin"' not in sql:
            self.statements.append(sql)
        return execute(sql, *rest)


def tried(client: Client, deed: Deed, world: World, owner: Practitioner) -> tuple[int, bool]:
    """The status, and whether anything was written; it is taken back."""
    writes = Writes()
    address = world.address(deed.route)
    with connection.execute_wrapper(writes):
        answer = ask(client, "post", address, EMPTY_FORM | deed.form(world, owner))
    return answer.status_code, bool(writes.statements)


def test_whoever_may_not_writes_nothing_with_a_form_that_is_right(
    world: World, clients: dict[str, Client], doctor: Practitioner
) -> None:
    found = {name: [tried(clients[who], deed, world, doctor) for who in WHO] for name, deed in DEEDS.items()}
    assert found == {
        name: [(int(status), int(status) < 400) for status in deed.answers.split()]
        for name, deed in DEEDS.items()
    }


def test_the_owner_neither_once_they_have_left(
    world: World, clients: dict[str, Client], doctor: Practitioner
) -> None:
    User.objects.filter(pk=doctor.user_id).update(is_active=False)
    found = {name: tried(clients["owner"], deed, world, doctor) for name, deed in DEEDS.items()}
    assert found == dict.fromkeys(DEEDS, (302, False))


def test_without_the_question_whose_it_is_a_colleague_would_write(
    world: World, clients: dict[str, Client], doctor: Practitioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(authorship, "check_may_edit", lambda *_of: None)
    found = {name: tried(clients["colleague"], DEEDS[name], world, doctor) for name in DRAFTS}
    assert found == dict.fromkeys(DRAFTS, (302, True)) and len(DRAFTS) == 4
