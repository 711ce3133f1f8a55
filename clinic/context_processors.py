"""What every page may show without asking: the clinic's name and the person's roles."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from clinic import screen_lock, second_factor
from clinic.models import ClinicSettings
from clinic.views.privacy import hides_names


def clinic(request: HttpRequest) -> dict[str, object]:
    """The clinic's own settings (one cached row), how one signs in to a demo, and whether names are hidden."""
    return {
        "clinic": ClinicSettings.current(),
        "demo": settings.MODE == "demo",
        "demo_password": settings.DEMO_PASSWORD,
        "reading_token": getattr(request, "reading_token", ""),
        # Until then no page but the setting up opens, so that there is nowhere to go to.
        "needs_second_factor": request.user.is_authenticated and second_factor.is_missing(request),
        # Then nothing is said of anybody but who signed in.
        "screen_is_locked": request.user.is_authenticated and screen_lock.is_locked(request, timezone.now()),
        "lock_minutes": settings.LOCK_IDLE_MINUTES,
        "hides_names": request.user.is_authenticated and hides_names(request),
    }
