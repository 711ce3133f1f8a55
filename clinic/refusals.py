"""What answers a refusal: its page, or, asked by htmx, a message among those of the page that asked."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django_htmx.http import reswap, retarget

from clinic import sign_in_log
from clinic.enums import SignInEventKind
from clinic.errors import DomainError, NotCleared, TooMuch

# What admins read of each among the events at the door.
_STOPPED = {
    "too_many_records": SignInEventKind.RECORDS_STOPPED,
    "too_many_pages": SignInEventKind.PAGES_STOPPED,
    "too_many_entries": SignInEventKind.ENTRIES_STOPPED,
}


def stopped(request: HttpRequest, error: TooMuch) -> HttpResponse:
    """Until when, to whoever asks for more than a person can; and that it was, to the admins."""
    sign_in_log.stopped(request, _STOPPED[error.code], request.user)
    answer = refusal(request, error.status, said_by(error))
    answer["Retry-After"] = str(error.seconds)
    return answer


def said_by(error: DomainError) -> dict[str, object]:
    """What the page shows of a refusal."""
    return {
        "message": str(error.message),
        "code": error.code,
        "conditions": error.conditions if isinstance(error, NotCleared) else (),
    }


def refusal(request: HttpRequest, status: int, said: Mapping[str, object]) -> HttpResponse:
    """The refusal as a page, or as a message that htmx puts with the others, leaving the rest of the page alone."""
    for_htmx = request.headers.get("HX-Request") == "true"
    context = {"code": "", "conditions": (), **said}
    # BadTextMiddleware stands before the session, and a page without a signed-in person needs none.
    known = request if hasattr(request, "user") else None
    text = render_to_string("components/refusal.html" if for_htmx else f"{status}.html", context, known)
    response = HttpResponse(text, status=status)
    return reswap(retarget(response, "#messages"), "innerHTML") if for_htmx else response
