"""The page after a fault. Named as `handler500` in clinic.urls."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where it was the database that did not answer. Asks the database nothing itself."""
    unreachable = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    response = HttpResponse(
        render_to_string("503.html" if unreachable else "500.html"), status=503 if unreachable else 500
    )
    if unreachable:
        response["Retry-After"] = "60"
    return response
