"""Finding patients, look-alikes, and what closing time affects."""

from datetime import date
from typing import Any

import pytest

from clinic.db import Fold
from clinic.models import NotADuplicate, Patient, User
from clinic.queries import affected_by, find_patients, likely_duplicates, similar_on_record
from tests.factories import (
    AbsenceFactory,
    AppointmentFactory,
    ClosedDayFactory,
    DeviceFactory,
    OutOfServiceFactory,
    PatientFactory,
    UserFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db: None) -> dict[str, Patient]:
    """Patients whose names, scripts, phones and dates differ."""
    return {
        "moreau": PatientFactory(
            family_name="Moreau",
            given_names="Jeanne",
            phone="+33 6 12 34 44 71",
            email="jeanne@moreau.example",
        ),
        "lefevre": PatientFactory(
            family_name="Lefèvre", given_names="Zoé", birth_date=date(1990, 12, 31), phone="01.98.76.54.32"
        ),
        "haddad": PatientFactory(
            family_name="الحداد",
            given_names="أميرة",
            family_name_latin="Al-Haddad",
            given_names_latin="Amira",
            birth_date=date(1975, 6, 1),
            phone="",
        ),
        "sukarno": PatientFactory(
            family_name="Sukarno", given_names="", birth_date=date(1960, 1, 2), phone="", email=""
        ),
    }


def found(people: dict[str, Patient], text: str, user: User) -> list[str]:
    names = {patient.pk: name for name, patient in people.items()}
    return [names[patient.pk] for patient in find_patients(text, user=user)]


class TestFindPatients:
    @pytest.mark.parametrize(
        ("text", "who"),
        [
            ("moreau", ["moreau"]),
            ("MOREAU jeanne", ["moreau"]),
            ("jea mor", ["moreau"]),
            ("Lefevre", ["lefevre"]),
            ("zoe", ["lefevre"]),
            ("Moraeu", ["moreau"]),
            ("haddad", ["haddad"]),
            ("amira", ["haddad"]),
            ("الحداد", ["haddad"]),
            ("اميرة", ["haddad"]),
            ("sukarno", ["sukarno"]),
            ("4471", ["moreau"]),
            ("0612344471", ["moreau"]),
            ("06 12 34 44 71", ["moreau"]),
            ("+33 6 12 34", ["moreau"]),
            ("0198765432", ["lefevre"]),
            ("jeanne@moreau", ["moreau"]),
            ("1984-03-12", ["moreau"]),
            ("12.03.1984", ["moreau"]),
            ("31/12/1990", ["lefevre"]),
            ("12.1990", ["lefevre"]),
            ("nobody of that name", []),
            ("", []),
            ("   ", []),
            ("%", []),
            ("_", []),
        ],
    )
    def test_finds_by_any_part(
        self, people: dict[str, Patient], reception: User, text: str, who: list[str]
    ) -> None:
        assert found(people, text, reception) == who

    def test_finds_the_clinic_number(self, people: dict[str, Patient], reception: User) -> None:
        assert found(people, str(people["sukarno"].number), reception)[0] == "sukarno"

    def test_what_matches_exactly_comes_before_what_is_only_similar(self, reception: User) -> None:
        similar = PatientFactory(family_name="Morreau", birth_date=date(1950, 1, 1))
        exact = PatientFactory(family_name="Moreau", birth_date=date(1960, 1, 1))
        assert list(find_patients("moreau", user=reception)) == [exact, similar]

    def test_a_record_merged_into_another_is_not_found(
        self, people: dict[str, Patient], reception: User
    ) -> None:
        Patient.objects.filter(pk=people["moreau"].pk).update(merged_into=people["lefevre"])
        assert found(people, "moreau", reception) == []

    def test_finds_nothing_for_somebody_without_a_role(self, people: dict[str, Patient]) -> None:
        assert found(people, "moreau", UserFactory()) == []

    def test_the_clinic_number_comes_before_phones_that_contain_it(self, reception: User) -> None:
        PatientFactory(family_name="Abel")
        wanted = PatientFactory(family_name="Zola")
        PatientFactory(family_name="Adam", phone=f"+33 6 {wanted.number}")
        assert find_patients(str(wanted.number), user=reception)[0] == wanted

    def test_many_matches_come_by_name_without_the_similar_ones(self, reception: User) -> None:
        many = [PatientFactory(family_name=f"Moreau {letter}") for letter in "jihgfedcba"]
        PatientFactory(family_name="Morreau")
        assert list(find_patients("moreau", user=reception)) == many[::-1]

    @pytest.mark.parametrize(("count", "queries"), [(1, 3), (3, 3), (12, 2)])
    def test_the_number_of_queries_does_not_grow(
        self, reception: User, django_assert_num_queries: Any, count: int, queries: int
    ) -> None:
        PatientFactory.create_batch(count)
        with django_assert_num_queries(queries):
            assert len(find_patients("moreau jeanne 1984", user=reception)) == count


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
