"""Registering patients and correcting their records."""

from datetime import date
from typing import Any

import pytest

from clinic.actions import people, readings
from clinic.errors import DomainError, NotAllowed, Stale
from clinic.models import NotADuplicate, Patient, RecordOpened, User
from clinic.rules.people import is_minor
from tests.factories import PatientFactory
from tests.factories.clock import CLINIC_NOW, TODAY

pytestmark = pytest.mark.django_db


def details(**changes: Any) -> dict[str, Any]:
    """A grown-up's record."""
    return {"family_name": "Moreau", "given_names": "Jeanne", "birth_date": date(1984, 3, 12), **changes}


def register(by: User, **changes: Any) -> Patient:
    return people.register(details=details(**changes), by=by, at=CLINIC_NOW)


class TestRegister:
    def test_gives_the_next_clinic_number_and_says_who_and_when(self, reception: User) -> None:
        first, second = register(reception), register(reception, family_name="Okoro")
        assert second.number == first.number + 1
        assert (first.created_by, first.created_at, first.version) == (reception, CLINIC_NOW, 1)

    def test_takes_a_single_name_in_any_script(self, reception: User) -> None:
        patient = register(reception, family_name="أميرة", given_names="", family_name_latin="Amira")
        assert (patient.name, patient.latin_name) == ("أميرة", "Amira")

    def test_is_refused_to_an_admin(self, admin: User) -> None:
        with pytest.raises(NotAllowed, match="Ask the front desk"):
            register(admin)
        assert Patient.objects.count() == 0

    def test_takes_who_was_born_today(self, reception: User) -> None:
        newborn = register(reception, birth_date=date(2026, 3, 2), representative_name="Clara Moreau")
        assert newborn.birth_date == date(2026, 3, 2)

    def test_takes_who_is_125(self, reception: User) -> None:
        assert register(reception, birth_date=date(1900, 3, 3)).age_on(TODAY) == 125

    @pytest.mark.parametrize(
        ("wrong", "code", "field"),
        [
            ({"family_name": "  "}, "name_missing", "family_name"),
            ({"family_name": "\u200b\u2060"}, "name_missing", "family_name"),
            ({"birth_date": date(2026, 3, 3)}, "born_in_future", "birth_date"),
            ({"birth_date": date(1900, 3, 2)}, "too_old", "birth_date"),
            ({"birth_date": date(2008, 3, 3)}, "representative_missing", "representative_name"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, reception: User, wrong: dict[str, Any], code: str, field: str
    ) -> None:
        with pytest.raises(DomainError) as refusal:
            register(reception, **wrong)
        assert (refusal.value.code, refusal.value.field) == (code, field)
        assert Patient.objects.count() == 0

    def test_takes_a_minor_with_a_representative(self, reception: User) -> None:
        patient = register(reception, birth_date=date(2014, 5, 17), representative_name="Clara Moreau")
        assert patient.representative_name == "Clara Moreau"


class TestLookAlikes:
    def test_an_unseen_look_alike_stops_the_registration(self, reception: User) -> None:
        register(reception)
        with pytest.raises(DomainError) as refusal:
            register(reception, given_names="Jeane")
        assert refusal.value.code == "likely_duplicate"
        assert Patient.objects.count() == 1

    def test_a_look_alike_that_was_told_apart_is_remembered_as_another_person(self, reception: User) -> None:
        first = register(reception)
        second = people.register(
            details=details(given_names="Jeane"), not_duplicates=[first], by=reception, at=CLINIC_NOW
        )
        (pair,) = NotADuplicate.objects.all()
        assert {pair.first, pair.second} == {first, second}
        assert (pair.decided_by, pair.decided_at) == (reception, CLINIC_NOW)

    def test_telling_one_apart_does_not_cover_another(self, reception: User) -> None:
        first = register(reception)
        people.register(
            details=details(given_names="Jeane"), not_duplicates=[first], by=reception, at=CLINIC_NOW
        )
        with pytest.raises(DomainError, match="Compare before you save"):
            people.register(
                details=details(given_names="Jeanna"), not_duplicates=[first], by=reception, at=CLINIC_NOW
            )

    def test_saying_it_twice_or_the_other_way_round_keeps_one_row(self, reception: User) -> None:
        first, second = PatientFactory(), PatientFactory()
        for patient, other in ((first, second), (first, second), (second, first)):
            people.not_a_duplicate(patient=patient, other=other, by=reception, at=CLINIC_NOW)
        assert NotADuplicate.objects.count() == 1

    def test_a_record_is_not_compared_with_itself(self, reception: User) -> None:
        patient = PatientFactory()
        with pytest.raises(DomainError) as refusal:
            people.not_a_duplicate(patient=patient, other=patient, by=reception, at=CLINIC_NOW)
        assert refusal.value.code == "not_a_duplicate_ordered"


class TestCorrect:
    def test_changes_what_is_given_and_counts_the_version(self, reception: User) -> None:
        patient = PatientFactory(desk_note="left her scarf")
        people.correct(patient=patient, details={"phone": "+33 1"}, version=1, by=reception, at=CLINIC_NOW)
        patient.refresh_from_db()
        assert (patient.phone, patient.desk_note, patient.version) == ("+33 1", "left her scarf", 2)

    def test_a_stale_page_changes_nothing(self, reception: User) -> None:
        patient = PatientFactory()
        people.correct(patient=patient, details={"phone": "first"}, version=1, by=reception, at=CLINIC_NOW)
        with pytest.raises(Stale) as refusal:
            people.correct(
                patient=patient, details={"phone": "second"}, version=1, by=reception, at=CLINIC_NOW
            )
        assert refusal.value.status == 409
        assert Patient.objects.get(pk=patient.pk).phone == "first"

    def test_a_grown_up_who_turns_out_a_minor_needs_a_representative(self, reception: User) -> None:
        patient = PatientFactory()
        with pytest.raises(DomainError) as refusal:
            people.correct(
                patient=patient,
                details={"birth_date": date(2015, 1, 1)},
                version=1,
                by=reception,
                at=CLINIC_NOW,
            )
        assert refusal.value.field == "representative_name"

    def test_is_refused_to_an_admin(self, admin: User) -> None:
        patient = PatientFactory()
        with pytest.raises(NotAllowed):
            people.correct(patient=patient, details={"phone": "x"}, version=1, by=admin, at=CLINIC_NOW)


@pytest.mark.parametrize(
    ("born", "minor"), [(date(2008, 3, 2), False), (date(2008, 3, 3), True), (date(2008, 2, 29), False)]
)
def test_majority_begins_on_the_eighteenth_birthday(born: date, minor: bool) -> None:
    assert is_minor(Patient(birth_date=born), at=CLINIC_NOW) is minor


def test_opening_a_record_is_written_down_without_what_it_says(reception: User) -> None:
    patient = PatientFactory()
    readings.note_opened(patient=patient, page="Patient page", by=reception, at=CLINIC_NOW)
    row = RecordOpened.objects.get()
    assert (row.user, row.patient, row.at, row.page) == (reception, patient, CLINIC_NOW, "Patient page")


def test_somebody_born_on_29_february_has_a_birthday_every_year() -> None:
    assert [
        Patient(birth_date=date(2004, 2, 29)).age_on(day)
        for day in (date(2026, 2, 28), date(2026, 3, 1), TODAY)
    ] == [
        21,
        22,
        22,
    ]
