"""What is typed into a session's draft is kept by itself: over a closed tab, never over somebody else's words."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from clinic.models import Practitioner, User
from consultations.actions import records
from consultations.models import BodyZone, Session, SessionTyping
from tests.factories import PractitionerFactory, SessionFactory, SessionTypingFactory
from tests.factories.clock import CLINIC_NOW
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
HERE, ELSEWHERE = UUID(int=1), UUID(int=2)


@pytest.fixture
def draft(doctor: Practitioner) -> Session:
    """The signed-in practitioner's own."""
    return SessionFactory(practitioner=doctor)


def typed(session: Session, **fields: Any) -> dict[str, Any]:
    """What the page sends by itself."""
    return {"version": session.version, "window": HERE, "shows": "", **fields}


def keep(client: Client, session: Session, **fields: Any) -> HttpResponse:
    return client.post(reverse("consultations:session_typing", args=[session.pk]), typed(session, **fields))


def page_of(client: Client, session: Session) -> HttpResponse:
    return client.get(reverse("consultations:session", args=[session.pk]))


def test_half_a_figure_is_kept_and_is_there_again_when_the_page_is_opened(
    practitioner_client: Client, draft: Session
) -> None:
    zone = BodyZone.objects.current().first()
    answer = keep(
        practitioner_client,
        draft,
        zone_rows="2",
        **{"zone0-zone": zone.pk, "zone0-points": "12", "zone0-ml_per_point": "0.1", "zone1-points": "4x"},
        depth_mm="1,",
        note="slept well",
    )
    assert (answer.status_code, answer.json()) == (200, {"at": "09:00"})
    page = page_of(practitioner_client, draft)
    form, rows = page.context["form"], page.context["rows"].forms
    assert (form["depth_mm"].value(), form["note"].value()) == ("1,", "slept well")
    assert [row["points"].value() for row in rows] == ["12", "4x"]
    assert [bar.value for bar in page.context["bars"][:2]] == [12 * rows[0].dose.ml_per_point, 12]
    words = page.content.decode()
    assert "and not saved yet" in words and "invalid-feedback" not in words


def test_it_is_no_record_and_changes_no_version(practitioner_client: Client, draft: Session) -> None:
    keep(practitioner_client, draft, note="slept well")
    before = draft.events.count()
    keep(practitioner_client, draft, note="slept well, no pain")
    draft.refresh_from_db()
    assert (draft.note, draft.version, draft.events.count()) == ("", 1, before)
    assert draft.typing.typed["note"] == ["slept well, no pain"]


def test_what_is_about_the_page_is_not_kept(practitioner_client: Client, draft: Session) -> None:
    keep(practitioner_client, draft, note="x", csrfmiddlewaretoken="t", sign="1", forget="1")
    assert set(draft.typing.typed) == {"note"}


def test_saving_the_draft_empties_it(practitioner_client: Client, draft: Session) -> None:
    keep(practitioner_client, draft, note="slept well")
    saved = typed(draft, zone_rows="1", note="slept well", save="1")
    answer = practitioner_client.post(reverse("consultations:session", args=[draft.pk]), saved)
    draft.refresh_from_db()
    assert (answer.status_code, draft.note) == (302, "slept well")
    assert not SessionTyping.objects.exists()
    assert "and not saved yet" not in page_of(practitioner_client, draft).content.decode()


def test_a_save_that_is_refused_keeps_it(practitioner_client: Client, draft: Session) -> None:
    keep(practitioner_client, draft, depth_mm="deep")
    refused = typed(draft, zone_rows="1", depth_mm="deep", save="1")
    answer = practitioner_client.post(reverse("consultations:session", args=[draft.pk]), refused)
    assert answer.status_code == 422
    assert draft.typing.typed["depth_mm"] == ["deep"]


def test_one_can_go_back_to_the_draft_as_saved(practitioner_client: Client, draft: Session) -> None:
    keep(practitioner_client, draft, note="wrong patient")
    answer = practitioner_client.post(reverse("consultations:session", args=[draft.pk]), {"forget": "1"})
    assert answer.status_code == 302
    assert page_of(practitioner_client, draft).context["form"]["note"].value() == ""


def test_a_stale_page_keeps_nothing(practitioner_client: Client, draft: Session) -> None:
    answer = keep(practitioner_client, draft, version=draft.version + 1, note="from the other window")
    assert (answer.status_code, SessionTyping.objects.count()) == (409, 0)
    assert answer.json()["sentence"].startswith("This record was saved in another window meanwhile.")


def test_two_windows_do_not_overwrite_each_other(practitioner_client: Client, draft: Session) -> None:
    keep(practitioner_client, draft, note="first window")
    answer = keep(practitioner_client, draft, window=ELSEWHERE, note="second window")
    assert answer.status_code == 409
    saved = typed(draft, window=ELSEWHERE, zone_rows="1", note="second window", save="1")
    refused = practitioner_client.post(reverse("consultations:session", args=[draft.pk]), saved)
    assert (refused.status_code, refused.context["form"].error_codes) == (409, {"stale_typing"})
    assert draft.typing.typed["note"] == ["first window"]


def test_the_page_opened_after_a_closed_tab_goes_on_from_there(
    practitioner_client: Client, draft: Session
) -> None:
    keep(practitioner_client, draft, note="first window")
    opened = page_of(practitioner_client, draft).context["keeping"]
    assert opened["shows"] == HERE
    answer = keep(practitioner_client, draft, window=opened["window"], shows=opened["shows"], note="and more")
    assert (answer.status_code, draft.typing.window) == (200, opened["window"])


def test_a_colleague_types_nothing_into_it_before_taking_it_over_by_name(
    practitioner_client: Client, practitioner_user: User, doctor: Practitioner
) -> None:
    colleague = PractitionerFactory(signs_in=True)
    session = SessionFactory(practitioner=colleague)
    SessionTypingFactory(session=session, typed={"note": ["theirs"]}, typed_by=colleague.user)
    answer = keep(practitioner_client, session, note="mine")
    assert (answer.status_code, session.typing.typed) == (403, {"note": ["theirs"]})
    records.take_over(record=session, by=practitioner_user, at=CLINIC_NOW)
    page = page_of(practitioner_client, session)
    assert page.context["form"]["note"].value() == "theirs"
    assert f"Typed by {colleague.user}" in page.content.decode()


def test_nothing_is_typed_into_a_signed_session(practitioner_client: Client, doctor: Practitioner) -> None:
    signed = SessionFactory(practitioner=doctor, signed=True)
    assert keep(practitioner_client, signed, note="later").status_code == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"note": "x" * 100_001},
        {f"field{number}": "1" for number in range(501)},
        {"window": "x"},
        {"version": ""},
    ],
    ids=["too long", "too many fields", "no window", "no version"],
)
def test_what_cannot_be_kept_is_refused_in_words(
    practitioner_client: Client, draft: Session, fields: dict[str, str]
) -> None:
    answer = keep(practitioner_client, draft, **fields)
    assert answer.status_code in (413, 422)
    assert not SessionTyping.objects.exists()


def test_a_character_that_no_database_keeps_is_left_out(practitioner_client: Client, draft: Session) -> None:
    assert keep(practitioner_client, draft, note="fine\x00").status_code == 200
    assert draft.typing.typed["note"] == ["fine"]


def test_asked_with_get_it_says_that_one_may_go_on_and_gives_a_token(
    practitioner_client: Client, draft: Session
) -> None:
    address = reverse("consultations:session_typing", args=[draft.pk])
    assert set(practitioner_client.get(address).json()) == {"token"}
    assert Client().get(address)["Location"].startswith("/accounts/login/")


def test_the_footer_says_when_it_was_kept(
    practitioner_client: Client, practitioner_user: User, draft: Session
) -> None:
    with time_machine.travel(CLINIC_NOW + timedelta(minutes=42), tick=False):
        sign_in(practitioner_client, practitioner_user)
        keep(practitioner_client, draft, note="x")
        assert page_of(practitioner_client, draft).context["keeping"]["saved_at"] == datetime.now(
            CLINIC_NOW.tzinfo
        )


def test_keeping_takes_a_fixed_number_of_queries(
    practitioner_client: Client, draft: Session, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    keep(practitioner_client, draft, note="x")
    with django_assert_num_queries(KEEP_QUERIES):
        keep(practitioner_client, draft, note="y", zone_rows="3", window=HERE, shows=uuid4())


KEEP_QUERIES = 11
