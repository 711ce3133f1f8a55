"""What every page may show without asking: the clinic's name and the person's roles."""

from django.conf import settings
from django.http import HttpRequest

from clinic.models import ClinicSettings


def clinic(request: HttpRequest) -> dict[str, object]:
    """The clinic's own settings (one cached row), whether this is the demo, and how one signs in to a demo."""
    return {
        "clinic": ClinicSettings.current(),
        "demo": settings.MODE == "demo",
        "demo_password": settings.DEMO_PASSWORD,
    }
