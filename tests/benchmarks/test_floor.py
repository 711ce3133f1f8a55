"""The floor stands on the product's settings: a change of them must not leave it answering with an error."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client, override_settings

from benchmarks.floor import settings as floor
from clinic.models import User
from tests.factories import AppointmentTypeFactory, PatientFactory, PractitionerFactory, RoomFactory
from tests.signing_in import sign_in

STANDS_ON = {
    name: getattr(floor, name)
    for name in ("INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "SESSION_ENGINE", "AUTHENTICATION_BACKENDS")
}


@pytest.mark.django_db
def test_it_inserts_one_row_for_who_is_signed_in(reception: User) -> None:
    with override_settings(**STANDS_ON):
        from benchmarks.floor.models import Booking

        with connection.schema_editor() as editor:
            editor.create_model(Booking)
        client = sign_in(Client(), reception, backend=floor.AUTHENTICATION_BACKENDS[0])
        form = {
            "patient_id": PatientFactory().pk,
            "type_id": AppointmentTypeFactory().pk,
            "practitioner_id": PractitionerFactory().pk,
            "room_id": RoomFactory().pk,
            "starts_at": "2026-03-03T09:00:00+01:00",
        }
        assert client.post("/insert/", form).status_code == 302
        assert Booking.objects.get().created_by == reception
