"""The privacy switch: a screen that faces the counter shows clinic numbers instead of names.

It is kept in the session on the server, so that a page is never sent with the names in it.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from clinic import pace
from clinic.diary import numbered
from clinic.models import Appointment, Patient
from clinic.views.changes import moment_of
from clinic.views.posted import way_back

_KEY = "hides_names"


@pace.never_stopped
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Hide the names in this browser session, or show them again."""
    request.session[_KEY] = not hides_names(request)
    return redirect(way_back(request, request.POST) or "clinic:start")


def hides_names(request: HttpRequest) -> bool:
    """Whether names are hidden in this browser session."""
    return bool(request.session.get(_KEY))


def called(request: HttpRequest, patient: Patient) -> str:
    """What a message on the diary may call the patient."""
    return numbered(patient) if hides_names(request) else patient.short_name


def visit_called(request: HttpRequest, visit: Appointment) -> str:
    """What a message on the diary may call the visit: who, what, when."""
    return f"{called(request, visit.patient)}, {visit.type}, {moment_of(visit)}"
