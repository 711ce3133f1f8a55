"""Files that browsers send: read only where a page asks for one, and only from who has signed in."""

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from clinic.uploads import takes_file
from tests.signing_in import sign_in

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@takes_file
def wants(request: HttpRequest) -> HttpResponse:
    """A view that asks for a file."""
    return HttpResponse(f"{request.FILES['picture'].size} {request.POST['note']}")


def page(request: HttpRequest) -> HttpResponse:
    """A view that does not."""
    return HttpResponse("page")


urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("wants/", wants),
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
                ],
                "clinic",
            )
        ),
    ),
]
# Larger than what is kept in memory: it would be written to the disk.
LARGE = 3 * 1024 * 1024


def sent(size: int = 1000, note: str = "x") -> dict[str, Any]:
    return {"picture": SimpleUploadedFile("p.jpg", b"\xff" * size, "image/jpeg"), "note": note}


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every file that one of Django's own handlers begins to take."""
    begun: list[str] = []
    for handler in (MemoryFileUploadHandler, TemporaryFileUploadHandler):
        original = handler.new_file

        def new_file(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
            begun.append(type(self).__name__)
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(handler, "new_file", new_file)
    return begun


def test_where_a_page_asks_for_one_it_arrives_with_the_fields_beside_it(
    reception_client: Client, received: list[str]
) -> None:
    assert reception_client.post("/wants/", sent(LARGE)).content == f"{LARGE} x".encode()
    assert received == ["MemoryFileUploadHandler", "TemporaryFileUploadHandler"]


def test_elsewhere_it_is_refused_with_a_sentence_and_nothing_is_written(
    reception_client: Client, received: list[str]
) -> None:
    answer = reception_client.post("/page/", sent(LARGE))
    assert answer.status_code == 413
    assert "This page takes no files." in answer.content.decode()
    assert received == []


@pytest.mark.parametrize("address", ["/wants/", "/page/", "/no/such/page/"])
def test_without_signing_in_no_file_is_read(client: Client, received: list[str], address: str) -> None:
    answer = client.post(address, sent(LARGE))
    assert answer.status_code in (302, 413)
    assert received == []


def test_without_signing_in_the_page_that_asks_for_one_leads_to_the_sign_in(client: Client) -> None:
    answer = client.post("/wants/", sent())
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/wants/")


def test_the_body_is_capped_by_what_the_browser_says_of_it_before_it_is_read(
    reception_client: Client, settings: Any, received: list[str]
) -> None:
    settings.LARGEST_UPLOAD_BYTES = 1024
    answer = reception_client.post("/wants/", sent(LARGE))
    assert answer.status_code == 413
    assert "more than the page takes" in answer.content.decode()
    assert received == []


def test_where_no_file_is_asked_for_the_cap_is_lower(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    body = BytesIO(b"note=" + b"x" * 2000)
    answer = client.post("/page/", body.getvalue(), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "more than the page takes" in answer.content.decode()


def test_a_text_beside_a_file_may_not_be_longer_than_elsewhere(reception_client: Client) -> None:
    answer = reception_client.post("/wants/", sent(note="x" * 100_001))
    assert answer.status_code == 413
    assert "One of the texts is longer" in answer.content.decode()


def test_the_csrf_check_holds_for_files_too() -> None:
    from tests.factories import UserFactory

    client = Client(enforce_csrf_checks=True)
    sign_in(client, UserFactory())
    assert client.post("/wants/", sent()).status_code == 403
