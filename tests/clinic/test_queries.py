"""Look-alikes, and what closing time affects."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.db import Fold, joined
from clinic.models import Appointment, NotADuplicate, Patient, User
from clinic.queries import affected_by, likely_duplicates, similar_on_record
from tests.factories import (
    AbsenceFactory,
    AppointmentFactory,
    ClosedDayFactory,
    DeviceFactory,
    OutOfServiceFactory,
    PatientFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


class TestLikelyDuplicates:
    def typed(self, **changes: Any) -> Patient:
        return Patient(
            **{"family_name": "Moreau", "given_names": "Jeanne", "birth_date": date(1984, 3, 12), **changes}
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"given_names": "Jeane"},
            {"family_name": "Jeanne", "given_names": "Moreau"},
            {"birth_date": date(1984, 12, 3), "phone": "+33 6 12 34 44 71"},
            {"birth_date": date(1948, 3, 12), "email": "JEANNE@moreau.example"},
        ],
    )
    def test_the_same_person_typed_another_way_is_noticed(
        self, people: dict[str, Patient], changes: dict[str, Any]
    ) -> None:
        assert likely_duplicates(self.typed(**changes)) == [people["moreau"]]

    @pytest.mark.parametrize(
        "changes",
        [
            {"birth_date": date(1985, 3, 12)},
            {"family_name": "Okoro", "given_names": "Chidi"},
            {"family_name": "Okoro", "given_names": "Chidi", "phone": "+33 6 12 34 44 71"},
        ],
    )
    def test_somebody_else_is_not(self, people: dict[str, Patient], changes: dict[str, Any]) -> None:
        assert likely_duplicates(self.typed(**changes)) == []

    def test_a_name_in_another_script_is_compared_in_latin_letters(self, people: dict[str, Patient]) -> None:
        typed = self.typed(family_name="Al Haddad", given_names="Amira", birth_date=date(1975, 6, 1))
        assert likely_duplicates(typed) == [people["haddad"]]

    def test_a_pair_that_was_settled_is_not_asked_again_but_stays_on_record(self, reception: User) -> None:
        one, other = (
            PatientFactory(family_name="Twin"),
            PatientFactory(family_name="Twin", given_names="Jeanna"),
        )
        assert likely_duplicates(one) == [other]
        first, second = sorted((one, other), key=lambda each: each.pk)
        NotADuplicate.objects.create(first=first, second=second, decided_by=reception, decided_at=CLINIC_NOW)
        assert (likely_duplicates(one), likely_duplicates(other)) == ([], [])
        assert similar_on_record(one) == [other]

    def test_they_are_looked_for_by_index_and_not_among_all_patients(self, reception: User) -> None:
        facts = {"family_name": "Okoro", "created_by": reception, "created_at": CLINIC_NOW}
        Patient.objects.bulk_create(
            Patient(birth_date=date(1950, 1, 1) + n * DAY, phone=f"{n}", email=f"{n}@example.org", **facts)
            for n in range(500)
        )
        one = PatientFactory(family_name="Twin", phone="+33 6 99", email="twin@example.org")
        other = PatientFactory(family_name="Twin")
        with CaptureQueriesContext(connection) as captured:
            assert likely_duplicates(one) == [other]
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE clinic_patient")
            cursor.execute(f"EXPLAIN {captured.captured_queries[-1]['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        indexes = ("patient_birth_date", "patient_phone", "patient_email")
        assert [name for name in indexes if name in plan] == list(indexes)
        assert "Seq Scan on clinic_patient" not in plan


class TestAffectedBy:
    def test_an_absence_affects_the_practitioners_upcoming_visits_in_it(self) -> None:
        visit = AppointmentFactory(starts_at=ahead(days=1))
        AppointmentFactory(starts_at=ahead(days=1))  # somebody else's
        AppointmentFactory(practitioner=visit.practitioner, starts_at=ahead(days=1, hours=2))
        absence = AbsenceFactory(
            practitioner=visit.practitioner, starts_at=ahead(days=1), ends_at=ahead(days=1, hours=2)
        )
        assert list(affected_by(absence, at=CLINIC_NOW)) == [visit]

    def test_visits_that_only_touch_the_absence_are_not_affected(self) -> None:
        visit = AppointmentFactory(starts_at=ahead(days=1))
        before = AbsenceFactory(
            practitioner=visit.practitioner,
            starts_at=visit.starts_at - (ahead(hours=1) - CLINIC_NOW),
            ends_at=visit.starts_at,
        )
        after = AbsenceFactory(practitioner=visit.practitioner, starts_at=visit.practitioner_until)
        assert (list(affected_by(before, at=CLINIC_NOW)), list(affected_by(after, at=CLINIC_NOW))) == ([], [])

    @pytest.mark.parametrize("status", ["cancelled", "no_show", "completed"])
    def test_visits_that_are_not_to_come_are_not_affected(self, status: str) -> None:
        visit = AppointmentFactory(starts_at=ahead(days=1), status=status)
        absence = AbsenceFactory(
            practitioner=visit.practitioner, starts_at=ahead(hours=1), ends_at=ahead(days=3)
        )
        assert list(affected_by(absence, at=CLINIC_NOW)) == []

    def test_past_visits_are_not_affected(self) -> None:
        visit = AppointmentFactory(starts_at=ago(days=1))
        absence = AbsenceFactory(
            practitioner=visit.practitioner, starts_at=ago(days=2), ends_at=ahead(days=3)
        )
        assert list(affected_by(absence, at=CLINIC_NOW)) == []

    def test_a_room_and_a_device_affect_the_visits_that_need_them(self) -> None:
        visit = AppointmentFactory(starts_at=ahead(days=1), device=DeviceFactory())
        AppointmentFactory(starts_at=ahead(days=1))
        room = OutOfServiceFactory(room=visit.room, starts_at=ahead(days=1))
        device = OutOfServiceFactory(room=None, device=visit.device, starts_at=ahead(days=1))
        assert list(affected_by(room, at=CLINIC_NOW)) == [visit]
        assert list(affected_by(device, at=CLINIC_NOW)) == [visit]

    def test_a_closed_day_affects_everybodys_visits_of_that_day_in_order(self) -> None:
        late, early = (
            AppointmentFactory(starts_at=ahead(days=1, hours=3)),
            AppointmentFactory(starts_at=ahead(days=1)),
        )
        AppointmentFactory(starts_at=ahead(days=2))
        closed = ClosedDayFactory(day=date.fromordinal(TODAY.toordinal() + 1))
        assert list(affected_by(closed, at=CLINIC_NOW)) == [early, late]


def test_fold_takes_case_accents_and_arabic_letter_forms_away() -> None:
    PatientFactory(family_name="ÉÇÕ آأإ")
    assert Patient.objects.values_list(Fold("family_name"), flat=True).get() == "eco ااا"


def test_where_no_name_is_given_no_table_is_joined() -> None:
    def joins(rows: Any) -> int:
        return str(rows.query).count(" JOIN ")

    rows = Appointment.objects.order_by("pk")
    assert [joins(joined(rows, names)) for names in ([], ["room"], ["room", "patient"])] == [0, 1, 2]
    assert joins(rows.select_related()) > 5  # the negative control: what it would be without us
