"""What every request passes, seen from outside: through the whole stack, on addresses made for these tests."""

import logging
import re
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.log import AdminEmailHandler

from clinic.errors import DomainError, NotAllowed, NotCleared, SlotTaken, Stale
from clinic.logs import HideAddresses, HideData
from clinic.models import User
from clinic.readiness import Condition
from clinic.views.health import health
from tests.factories import AccountChangeFactory
from tests.headers import lacking

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
    "suspicious": SuspiciousOperation("secret detail"),
    "quoted": RuntimeError("Moreau, secret detail"),
}
REFUSALS["quoted"].__cause__ = IntegrityError("DETAIL: Failing row contains (Moreau, secret detail)")


def refuse(request: HttpRequest, why: str) -> HttpResponse:
    """A view whose action refuses."""
    raise REFUSALS[why]


def _recorded(error: Exception) -> logging.LogRecord:
    """As Django logs a fault."""
    said, what = "%s: %s", ("Internal Server Error", "/page/")
    return logging.LogRecord(
        "django.request", 40, "", 1, said, what, (type(error), error, error.__traceback__)
    )


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
                    path("lock/", page, name="lock"),
                    path("lock/used/", page, name="lock_used"),
                    path("unlock/", page, name="unlock"),
                    path("unlock/passkey/", page, name="unlock_passkey"),
                    path("health/", health, name="health"),
                ],
                "clinic",
            )
        ),
    ),
    path("refuse/<slug:why>/", refuse, name="refuse"),
]
handler400 = "clinic.views.errors.bad_request"
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


class TestWhoWasRefused:
    @pytest.mark.parametrize(
        ("why", "status"), [("not-allowed", 403), ("denied", 403), ("gone", 404), ("suspicious", 400)]
    )
    def test_is_written_down_with_the_account_and_the_page(
        self,
        reception_client: Client,
        reception: User,
        caplog: pytest.LogCaptureFixture,
        why: str,
        status: int,
    ) -> None:
        reception_client.post(f"/refuse/{why}/?q=Moreau", {"note": "zqx"}, headers={"X-Said": "zqx"})
        assert refused(caplog) == [f"{status} POST refuse: account {reception.pk}"]

    def test_also_of_nobody_of_no_page_and_of_a_form_without_its_token(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.get("/Moreau/")
        strict.post("/accounts/login/", {"login": "Moreau"})
        strict.put("/accounts/login/")
        assert refused(caplog) == [
            "404 GET no page of ours: nobody signed in",
            "403 POST account_login: nobody signed in",
            "405 PUT no page of ours: nobody signed in",
        ]

    @pytest.mark.parametrize("why", ["taken", "not-cleared", "other", "unreachable"])
    def test_what_the_clinics_rules_say_is_no_refusal_of_somebody(
        self, reception_client: Client, caplog: pytest.LogCaptureFixture, why: str
    ) -> None:
        reception_client.raise_request_exception = False
        reception_client.get(f"/refuse/{why}/")
        reception_client.get("/page/")
        assert refused(caplog) == []

    def test_goes_to_the_standard_error(self) -> None:
        [handler] = logging.getLogger("clinic.refused").handlers
        assert isinstance(handler, logging.StreamHandler) and handler.level <= logging.WARNING


def refused(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log of refusals got."""
    return [each.getMessage() for each in caplog.records if each.name == "clinic.refused"]


class TestAFault:
    def test_keeps_its_details_to_itself(self, reception_client: Client) -> None:
        reception_client.raise_request_exception = False
        response = reception_client.get("/refuse/broken/")
        assert response.status_code == 500
        assert "Something went wrong here" in response.content.decode()
        assert "secret" not in response.content.decode()

    def test_is_no_refusal_when_htmx_asked_and_reaches_django(self, reception_client: Client) -> None:
        with pytest.raises(RuntimeError, match="secret detail"):
            reception_client.get("/refuse/broken/", headers=HTMX)
        reception_client.raise_request_exception = False
        answer = reception_client.get("/refuse/broken/", headers=HTMX)
        assert (answer.status_code, "HX-Retarget" in answer) == (500, False)

    def test_is_found_in_the_log_by_the_number_on_the_page(
        self, reception_client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        reception_client.raise_request_exception = False
        page = reception_client.post("/refuse/quoted/?day=x", {"note": "typed by somebody"}).text
        [number] = re.findall(r"<strong class=\"figures\">([A-Z2-9]{4}-[A-Z2-9]{4})</strong>", page)
        [record] = [each for each in caplog.records if each.levelname == "ERROR"]
        logged = logging.Formatter().format(record)
        assert logged.startswith(f"Internal Server Error: /refuse/quoted/\nnumber shown: {number}\n")
        assert (
            "\nbuiltins.RuntimeError\n" in logged and "\ncaused by django.db.utils.IntegrityError" in logged
        )
        assert re.search(r'File ".*/tests/clinic/test_middleware.py", line \d+, in refuse\n', logged)

    @pytest.mark.parametrize(
        ("why", "status"), [("quoted", 500), ("broken", 500), ("unreachable", 503), ("suspicious", 400)]
    )
    def test_puts_nothing_of_a_patient_in_any_log(
        self, reception_client: Client, caplog: pytest.LogCaptureFixture, why: str, status: int
    ) -> None:
        """Neither what the error says, nor what was sent, nor the request for somebody else to look into."""
        reception_client.raise_request_exception = False
        answer = reception_client.post(f"/refuse/{why}/", {"note": "zqx typed"}, headers={"X-Said": "zqx"})
        assert answer.status_code == status
        records = [each for each in caplog.records if each.levelname == "ERROR"]
        kept = "".join(f"{logging.Formatter().format(each)}{vars(each)}" for each in records)
        assert records and "secret detail" not in kept and "zqx" not in kept

    def test_without_the_filter_it_would(self, caplog: pytest.LogCaptureFixture) -> None:
        record = _recorded(REFUSALS["quoted"])
        assert "Moreau, secret detail" in logging.Formatter().format(record)
        record = _recorded(REFUSALS["quoted"])
        assert HideData().filter(record) and "secret" not in logging.Formatter().format(record)

    def test_names_the_constraint_that_refused(self) -> None:
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            AccountChangeFactory(reason="")
        record = _recorded(caught.value)
        HideData().filter(record)
        logged = logging.Formatter().format(record)
        assert "caused by psycopg2.errors.CheckViolation (account_change_because)\n" in logged

    def test_goes_to_the_standard_error_and_to_nobody_by_mail(self) -> None:
        handlers = {type(each) for name in ("", "django") for each in logging.getLogger(name).handlers}
        assert AdminEmailHandler not in handlers
        [handler] = [each for each in logging.getLogger().handlers if each.name == "faults"]
        assert {type(each) for each in handler.filters} == {HideAddresses, HideData}

    def test_of_the_database_says_to_wait(self, reception_client: Client) -> None:
        reception_client.raise_request_exception = False
        response = reception_client.get("/refuse/unreachable/")
        assert (response.status_code, response["Retry-After"]) == (503, "60")
        assert "secret" not in response.content.decode()


class TestAHostThatIsNotOurs:
    @pytest.mark.parametrize("leads_to_https", [False, True])
    @pytest.mark.parametrize("host", ["evil.example", "a b", "testserver:1x"])
    def test_is_refused_with_the_headers_of_every_answer(
        self, client: Client, host: str, leads_to_https: bool
    ) -> None:
        with override_settings(SECURE_SSL_REDIRECT=leads_to_https):
            answer = client.get("/page/", headers={"Host": host})
        assert (answer.status_code, lacking(answer)) == (400, [])
        assert "This request could not be read" in answer.text and host not in answer.text

    def test_the_way_to_https_has_them_too(self, client: Client) -> None:
        with override_settings(SECURE_SSL_REDIRECT=True):
            answer = client.get("/page/")
        assert (answer.status_code, answer["Location"]) == (301, "https://testserver/page/")
        assert lacking(answer) == []


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
