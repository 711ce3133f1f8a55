"""One address."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from benchmarks.floor.models import Booking


@require_POST
def insert(request: HttpRequest) -> HttpResponse:
    """One row; then a redirect, as after any form."""
    keys = ("patient_id", "type_id", "practitioner_id", "room_id")
    starts_at = parse_datetime(request.POST["starts_at"])
    Booking.objects.create(
        **{key: request.POST[key] for key in keys},
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        status="booked",
        note="",
        created_by=request.user,
        created_at=timezone.now(),
    )
    return redirect("/")


urlpatterns = [path("insert/", insert, name="account_login")]
