"""Every component in all its states, on one page: for whoever builds or checks a page."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.enums import AppointmentStatus, ContactChannel, Readiness, Role, Sex
from clinic.errors import NotAllowed
from clinic.forms.gallery import EveryFieldForm
from clinic.models import Patient
from clinic.readiness import Condition, Warning


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """The components with invented contents; reads no table. Admins only, except in the demo."""
    if settings.MODE != "demo" and not request.user.has_role(Role.ADMIN):
        raise NotAllowed(_("The gallery is for admins. Ask one of them."), "gallery_not_allowed")
    messages.success(request, _("Booked: Tue 24 Nov, 09:15, Dr Silva, Room 2."))
    messages.error(request, _("Room 2 has just been taken for 09:15. Free: 09:15 in Room 3."))
    at = timezone.now().replace(second=0, microsecond=0)
    return render(request, "clinic/gallery.html", {**_people(), **_states(at), **_pathway(at), **_forms()})


def _people() -> dict[str, Any]:
    """Patients that exist in no table: a long name, another script, a minor."""
    jeanne = Patient(
        number=1047,
        family_name="Moreau",
        given_names="Jeanne",
        birth_date=date(1984, 3, 12),
        sex=Sex.FEMALE,
        phone="+33 6 12 00 44 71",
        prefers=ContactChannel.PHONE,
    )
    layla = Patient(
        number=1052,
        family_name="حداد",
        given_names="ليلى",
        family_name_latin="Haddad",
        given_names_latin="Layla",
        birth_date=date(2011, 5, 17),
        representative_name="Nour Haddad",
    )
    twin = Patient(number=1048, family_name="Moreau", given_names="Jeannette", birth_date=date(1984, 3, 12))
    warnings = [Warning(_("Soy allergy")), Warning(_("Anticoagulant (Dr Silva, 3 Nov)"), serious=False)]
    return {"patient": jeanne, "minor": layla, "similar": [twin], "warnings": warnings}


def _states(at: datetime) -> dict[str, Any]:
    """The words for appointments and pages."""
    return {
        "statuses": AppointmentStatus.values,
        "readiness": Readiness.values,
        "tones": ["info", "ok", "warn", "bad"],
        "facts": [
            {"label": _("Practitioner"), "value": "Dr Silva"},
            {"label": _("Room"), "value": _("Room 2"), "note": _("treatment room")},
            {"label": _("Device"), "value": ""},
        ],
        "tabs": [
            {"label": _("Timeline"), "url": "#tabs", "current": True, "count": ""},
            {"label": _("Outcomes"), "url": "#tabs", "current": False, "count": ""},
            {"label": _("Appointments"), "url": "#tabs", "current": False, "count": 8},
        ],
        "entries": [
            {"at": at, "title": _("Session 2 signed"), "by": "Dr Silva", "icon": "vaccine", "tone": "ok"},
            {
                "at": at - timedelta(days=8),
                "title": _("Test read"),
                "text": _("No reaction seen."),
                "icon": "eye",
            },
            {"at": at - timedelta(days=10), "title": _("Consent signed"), "by": _("the patient")},
        ],
    }


def _pathway(at: datetime) -> dict[str, Any]:
    """The words for the way to a session."""
    return {
        "steps": [
            {"label": _("Consultation"), "state": "done", "detail": _("3 Nov")},
            {"label": _("Consent"), "state": "done", "detail": _("version 2")},
            {"label": _("Test"), "state": "done", "detail": _("24 Nov")},
            {"label": _("Reading"), "state": "current", "detail": _("due Thu 26 Nov, 09:00")},
            {"label": _("Sessions"), "state": "blocked", "detail": _("0 of 6")},
            {"label": _("Review"), "state": "todo", "detail": ""},
        ],
        "conditions": [
            Condition(
                "reading", _("The test injection has not been read."), "Dr Silva", at + timedelta(days=2)
            ),
            Condition("consent", _("Consent is to be signed for the formula."), _("the patient"), None),
        ],
        "doses": [
            {"label": _("Deoxycholate"), "value": Decimal("42.00"), "cap": Decimal(100), "unit": "mg"},
            {"label": _("Phosphatidylcholine"), "value": Decimal("2375"), "cap": Decimal(2500), "unit": "mg"},
            {"label": _("Points"), "value": Decimal(51), "cap": Decimal(50), "unit": ""},
        ],
    }


def _forms() -> dict[str, Any]:
    """The same form as it comes, as it is refused, and as the one form of a page."""
    typed = {"name": "M" * 30, "starts_at_0": "2027-03-28", "starts_at_1": "02:30", "volume": "1,000"}
    refused = EveryFieldForm({f"refused-{name}": value for name, value in typed.items()}, prefix="refused")
    return {
        "form": EveryFieldForm(initial={"prefers": ContactChannel.PHONE}),
        "refused": refused,
        "page_form": EveryFieldForm(prefix="page"),
    }
