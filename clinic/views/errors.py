"""The pages after a fault. Named as `handler400` and `handler500` in clinic.urls."""

import secrets
import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another one when it is read out


@login_not_required
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, also before anybody knows who asks: a host that is not ours."""
    known = request if hasattr(request, "user") else None
    return HttpResponse(render_to_string("400.html", {"message": ""}, known), status=400)


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where it was the database that did not answer. Asks the database nothing itself.

    The number on the page of a 500 stands in the log as well (clinic.logs), beside where it happened.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "60"})
    request.fault_number = _number()
    return HttpResponse(render_to_string("500.html", {"number": request.fault_number}), status=500)


def _number() -> str:
    """Short enough to be read out: "K7QM-29XP"."""
    letters = "".join(secrets.choice(_LETTERS) for _letter in range(8))
    return f"{letters[:4]}-{letters[4:]}"
