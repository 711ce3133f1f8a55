"""What stands around every page, as Django asks for it; settings.MIDDLEWARE says in which order."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class Around:
    """Passes everything on. Each kind looks at the request first, or at the answer, or at what page was found."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """As asked."""
        return self.get_response(request)
