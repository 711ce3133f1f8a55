"""Runs in the peer's environment: fills its database, then measures its search, one request per line of input.

Input and output are lines of JSON: first what to build, answered with the keys of what was built; then days, answered
with the seconds the search took and the starts it found.
"""

import json
import logging
import sys
from datetime import date, datetime, time, timedelta
from importlib import import_module
from time import perf_counter

import django

# The peer logs to standard output, from its first import on.
ANSWERS, sys.stdout = sys.stdout, sys.stderr
django.setup()

from appointment.models import (  # noqa: E402  needs Django set up
    Appointment,
    AppointmentRequest,
    Config,
    Service,
    StaffMember,
    WorkingHours,
)
from appointment.services import get_available_slots_for_staff  # noqa: E402
from appointment.utils.db_helpers import get_weekday_num_from_date  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402

HALF_HOUR = timedelta(minutes=30)


def build(wanted):
    """Staff, hours, one service of half an hour, the bookings given, and clients with a session each."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command(
        "migrate", run_syncdb=True, verbosity=0, interactive=False
    )  # the package brings no migrations
    Config.objects.create(
        slot_duration=30, lead_time=time(8), finish_time=time(17), appointment_buffer_time=0
    )
    service = Service.objects.create(name="Visit", duration=HALF_HOUR, price=0)
    users = get_user_model().objects
    staff = [
        _staff(users.create_user(f"staff{n}", f"staff{n}@example.org"), service)
        for n in range(wanted["staff"])
    ]
    clients = [users.create_user(f"client{n}", f"client{n}@example.org") for n in range(wanted["clients"])]
    _book(wanted["bookings"], staff, service, clients)
    return {
        "service": service.pk,
        "staff": [each.pk for each in staff],
        "sessions": [_session(client) for client in clients],
    }


def _staff(user, service):
    staff = StaffMember.objects.create(user=user, work_on_saturday=True, work_on_sunday=True)
    staff.services_offered.add(service)
    for day in range(7):
        WorkingHours.objects.create(
            staff_member=staff, day_of_week=day, start_time=time(8), end_time=time(17)
        )
    return staff


def _book(bookings, staff, service, clients):
    """As many rows as the product has, in bulk; each is [number of the member of staff, local start]."""
    requests = []
    for number, (who, start) in enumerate(bookings):
        begins = datetime.fromisoformat(start)
        requests.append(
            AppointmentRequest(
                date=begins.date(),
                start_time=begins.time(),
                end_time=(begins + HALF_HOUR).time(),
                service=service,
                staff_member=staff[who],
                id_request=f"r{number}",
            )
        )
    AppointmentRequest.objects.bulk_create(requests, batch_size=2000)
    rows = [
        Appointment(
            client=clients[n % len(clients)], appointment_request=each, id_request=f"a{n}", amount_to_pay=0
        )
        for n, each in enumerate(requests)
    ]
    Appointment.objects.bulk_create(rows, batch_size=2000)


def _session(user):
    """A signed-in session, as `login` would make it."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    store["_auth_user_hash"] = user.get_session_auth_hash()
    store.save()
    return store.session_key


def search(day, staff, service):
    """The seconds of one search in this process, and what it found."""
    started = perf_counter()
    slots = get_available_slots_for_staff(day, staff, get_weekday_num_from_date(day), service=service)
    return {"seconds": perf_counter() - started, "starts": [slot.isoformat() for slot in slots]}


def main():
    """Serve requests until the input ends."""
    logging.disable(logging.CRITICAL)
    built = build(json.loads(sys.stdin.readline()))
    print(json.dumps(built), file=ANSWERS, flush=True)
    staff, service = StaffMember.objects.get(pk=built["staff"][0]), Service.objects.get(pk=built["service"])
    for line in sys.stdin:
        found = search(date.fromisoformat(line.strip()), staff, service)
        print(json.dumps(found), file=ANSWERS, flush=True)


main()
