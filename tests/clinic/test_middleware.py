"""What every request passes, seen from outside: through the whole stack, on addresses made for these tests."""

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from clinic.errors import DomainError, NotAllowed, NotCleared, SlotTaken, Stale
from clinic.readiness import Condition
from clinic.views.health import health

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/diary/?day=2026-03-02"}
MISSING = Condition(
    "reading", "The test has not been read.", "Dr Silva", datetime(2026, 3, 4, 8, 0, tzinfo=UTC)
)
REFUSALS = {
    "not-allowed": NotAllowed("Ask the front desk.", "booking_not_allowed"),
    "taken": SlotTaken("Room 2 has just been taken for 09:15.", "room_taken"),
    "stale": Stale("Ana Costa changed this visit at 10:42.", "stale"),
    "not-cleared": NotCleared("Session 1 cannot start yet.", "not_cleared", conditions=[MISSING]),
    "other": DomainError("The end must come after the start.", "order"),
    "gone": Http404("No Patient matches the given query."),
    "denied": PermissionDenied(),
    "broken": RuntimeError("secret detail"),
    "unreachable": OperationalError("secret detail"),
}


def refuse(request: HttpRequest, why: str) -> HttpResponse:
    """A view whose action refuses."""
    raise REFUSALS[why]


def page(request: HttpRequest) -> HttpResponse:
    """A view that answers."""
    return HttpResponse("page")


urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path(
        "",
        include(
            (
                [
                    path("page/", page, name="patients"),
                    path("privacy/", page, name="privacy"),
                    path("calendars/", page, name="feeds"),
                    path("sign-ins/", page, name="sign_ins"),
                    path("health/", health, name="health"),
                ],
                "clinic",
            )
        ),
    ),
    path("refuse/<slug:why>/", refuse),
]
handler500 = "clinic.views.errors.server_error"


class TestARefusal:
    @pytest.mark.parametrize(
        ("why", "status", "sentence"),
        [
            ("not-allowed", 403, "Ask the front desk."),
            ("taken", 409, "Room 2 has just been taken for 09:15."),
            ("stale", 409, "Ana Costa changed this visit at 10:42."),
            ("not-cleared", 422, "Session 1 cannot start yet."),
            ("other", 422, "The end must come after the start."),
        ],
    )
    def test_is_a_page_with_its_sentence(
        self, reception_client: Client, why: str, status: int, sentence: str
    ) -> None:
        response = reception_client.get(f"/refuse/{why}/")
        assert response.status_code == status
        assert f"<p>{sentence}</p>" in response.content.decode()
        assert response.templates[0].name == f"{status}.html"

    def test_says_what_is_missing_who_can_fix_it_and_when(self, reception_client: Client) -> None:
        text = reception_client.get("/refuse/not-cleared/").content.decode()
        assert '<p class="condition-what">The test has not been read.</p>' in text
        assert "Dr Silva" in text
        assert "earliest Wed 4 Mar 2026, 09:00" in text

    @pytest.mark.parametrize(
        ("why", "status"), [("taken", 409), ("not-cleared", 422), ("denied", 403), ("gone", 404)]
    )
    def test_asked_by_htmx_is_a_message_beside_the_page(
        self, reception_client: Client, why: str, status: int
    ) -> None:
        response = reception_client.get(f"/refuse/{why}/", headers=HTMX)
        assert response.status_code == status
        assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#messages", "innerHTML")
        assert "<html" not in response.content.decode()

    def test_of_what_is_not_there_never_tells_what_was_looked_for(self, reception_client: Client) -> None:
        response = reception_client.get("/refuse/gone/")
        assert response.status_code == 404
        assert "No Patient matches" not in response.content.decode()


class TestAFault:
    def test_keeps_its_details_to_itself(self, reception_client: Client) -> None:
        reception_client.raise_request_exception = False
        response = reception_client.get("/refuse/broken/")
        assert response.status_code == 500
        assert "Something went wrong here" in response.content.decode()
        assert "secret" not in response.content.decode()

    def test_of_the_database_says_to_wait(self, reception_client: Client) -> None:
        reception_client.raise_request_exception = False
        response = reception_client.get("/refuse/unreachable/")
        assert (response.status_code, response["Retry-After"]) == (503, "60")
        assert "secret" not in response.content.decode()


class TestBadText:
    @pytest.mark.parametrize("address", ["/page/%00", "/page/?day=%00", "/page/?%00=1"])
    def test_nul_in_an_address_is_refused_with_a_sentence(
        self, reception_client: Client, address: str
    ) -> None:
        response = reception_client.get(address)
        assert response.status_code == 400
        assert "a character that cannot be part of one" in response.content.decode()

    def test_nul_in_the_session_cookie_is_refused(self, client: Client) -> None:
        client.cookies["sessionid"] = "a" * 31 + "\x00"
        assert client.get("/page/").status_code == 400

    def test_a_text_of_a_hundred_thousand_characters_passes(self, reception_client: Client) -> None:
        response = reception_client.post("/page/", {"note": "x" * 100_000})
        assert response.content == b"page"

    def test_a_longer_text_is_refused_with_a_sentence(self, reception_client: Client) -> None:
        response = reception_client.post("/page/", {"note": "x" * 100_001})
        assert response.status_code == 413
        assert "Shorten it and send it again." in response.content.decode()

    def test_nul_in_a_posted_form_is_left_to_the_form(self, reception_client: Client) -> None:
        assert reception_client.post("/page/", {"note": "a\x00b"}).content == b"page"


class TestPrivacy:
    def test_no_cache_keeps_a_page_and_no_page_uses_the_device(self, reception_client: Client) -> None:
        response = reception_client.get("/page/")
        assert response["Cache-Control"] == "no-store"
        assert "camera=()" in response["Permissions-Policy"]

    @pytest.mark.parametrize("address", ["/page/", "/refuse/broken/"])
    def test_who_is_not_signed_in_is_sent_to_the_sign_in(self, client: Client, address: str) -> None:
        response = client.get(address)
        assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={address}")

    def test_a_part_of_a_page_never_becomes_the_sign_in(self, client: Client) -> None:
        response = client.get("/page/", headers=HTMX)
        assert response.status_code == 200
        assert response["HX-Redirect"] == "/accounts/login/?next=/diary/%3Fday%3D2026-03-02"


class TestHealth:
    def test_is_ok_without_signing_in(self, client: Client) -> None:
        response = client.get("/health/")
        assert (response.status_code, response.content) == (200, b"ok\n")

    def test_says_so_when_the_database_does_not_answer(self, client: Client) -> None:
        def dead(*_asked: object) -> None:
            raise OperationalError("secret detail")

        with connection.execute_wrapper(dead):
            response = client.get("/health/")
        assert (response.status_code, response.content) == (503, b"the database does not answer\n")
