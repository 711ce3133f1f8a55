"""Finding a patient by whatever was typed: who is found, in which order, and at which cost."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.finding import find_patients
from clinic.models import Patient, User
from tests.factories import PatientFactory, UserFactory

pytestmark = pytest.mark.django_db


def found(people: dict[str, Patient], text: str, user: User) -> list[str]:
    names = {patient.pk: name for name, patient in people.items()}
    return [names[patient.pk] for patient in find_patients(text, user=user)]


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
        ("12 03 84", ["moreau"]),
        ("12.3.84", ["moreau"]),
        ("31/12/90", ["lefevre"]),
        ("30 02 84", []),
        ("06 12 34", ["moreau"]),
        ("06.12.34.44", ["moreau"]),
        ("44 71 12 6", ["moreau"]),
        ("01 98 76", ["lefevre"]),
        ("moreau amira", []),
        ("Moraeu 1984", ["moreau"]),
        ("Moraeu 1985", []),
        ("jeanne moraeu", ["moreau"]),
        ("Al-Hadad", ["haddad"]),
        ("الحدادد", ["haddad"]),
        ("nobody of that name", []),
        ("", []),
        ("   ", []),
        ("%", []),
        ("_", []),
        ("％", []),
        ("m%u", []),
        ("m_u", []),
        ("\\", []),
    ],
)
def test_finds_by_any_part(people: dict[str, Patient], reception: User, text: str, who: list[str]) -> None:
    assert found(people, text, reception) == who


def test_finds_the_clinic_number(people: dict[str, Patient], reception: User) -> None:
    assert found(people, str(people["sukarno"].number), reception)[0] == "sukarno"


def test_what_matches_exactly_comes_before_what_is_only_similar(reception: User) -> None:
    similar = PatientFactory(family_name="Morreau", birth_date=date(1950, 1, 1))
    exact = PatientFactory(family_name="Moreau", birth_date=date(1960, 1, 1))
    assert find_patients("moreau", user=reception) == [exact, similar]


def test_a_record_merged_into_another_is_not_found(people: dict[str, Patient], reception: User) -> None:
    Patient.objects.filter(pk=people["moreau"].pk).update(merged_into=people["lefevre"])
    assert found(people, "moreau", reception) == []


def test_finds_nothing_for_somebody_without_a_role(people: dict[str, Patient]) -> None:
    assert found(people, "moreau", UserFactory()) == []


def test_the_clinic_number_comes_before_phones_that_contain_it(reception: User) -> None:
    PatientFactory(family_name="Abel")
    wanted = PatientFactory(family_name="Zola")
    PatientFactory(family_name="Adam", phone=f"+33 6 {wanted.number}")
    assert find_patients(str(wanted.number), user=reception)[0] == wanted


def test_many_matches_come_by_name_without_the_similar_ones(reception: User) -> None:
    many = [PatientFactory(family_name=f"Moreau {letter}") for letter in "jihgfedcba"]
    PatientFactory(family_name="Morreau")
    assert find_patients("moreau", user=reception) == many[::-1]


def named(*names: str, **facts: Any) -> list[Patient]:
    """One patient for each "Family Given"."""
    parts = (name.split(" ") for name in names)
    return [PatientFactory(family_name=family, given_names=given, **facts) for family, given in parts]


def names(patients: Sequence[Patient]) -> list[str]:
    return [f"{patient.family_name} {patient.given_names}" for patient in patients]


def test_whose_family_name_begins_so_comes_before_those_who_have_it_elsewhere(reception: User) -> None:
    named("Lamarck Zoé", "Abel Marie", "Marchand Ida", "Márai Ada")
    assert names(find_patients("mar", user=reception)) == [
        "Márai Ada",
        "Marchand Ida",
        "Abel Marie",
        "Lamarck Zoé",
    ]


@pytest.mark.parametrize("text", ["mar ida", "ida mar"])
def test_any_of_the_words_may_begin_the_family_name(reception: User, text: str) -> None:
    named("Lamarck Ida", "Marchand Ida", "Marchand Zoé", "Idamar Eve")
    begun, elsewhere = ["Marchand Ida", "Idamar Eve"], ["Lamarck Ida"]
    expected = begun if text == "mar ida" else begun[::-1]
    assert names(find_patients(text, user=reception)) == expected + elsewhere


def test_names_sort_by_the_family_name_before_the_given_names(reception: User) -> None:
    named("Moreau-Abel Ann", "Moreau Zoé", "Moreaux Ada", "MOREAU Émile", "Moreau Eve")
    PatientFactory(family_name="Moreau Abel", given_names="Ann")
    assert names(find_patients("moreau", user=reception)) == [
        "MOREAU Émile",
        "Moreau Eve",
        "Moreau Zoé",
        "Moreau Abel Ann",
        "Moreau-Abel Ann",
        "Moreaux Ada",
    ]


def test_arabic_names_come_in_order_however_alef_is_written(reception: User) -> None:
    named("أحمد ثالث", "احمد اول", "إحمد ثان")
    assert names(find_patients("احمد", user=reception)) == ["احمد اول", "أحمد ثالث", "إحمد ثان"]


def test_a_name_that_is_corrected_is_found_and_sorted_by_the_new_one(reception: User) -> None:
    abel, _other = named("Abel Ida", "Moreau Ida")
    Patient.objects.filter(pk=abel.pk).update(family_name="Zola")
    assert names(find_patients("ida", user=reception)) == ["Moreau Ida", "Zola Ida"]
    assert find_patients("abel", user=reception) == []


def test_pages_follow_each_other_over_the_steps_without_a_gap(reception: User) -> None:
    named(*(f"Mar{letter} Ida" for letter in "fedcba"), *(f"Lamar{letter} Ida" for letter in "fedcba"))
    pages = [find_patients("mar", user=reception, start=start, count=5) for start in (0, 5, 10, 15)]
    assert [len(page) for page in pages] == [5, 5, 2, 0]
    together = [each.family_name for page in pages for each in page]
    assert together == [f"Mar{letter}" for letter in "abcdef"] + [f"Lamar{letter}" for letter in "abcdef"]


def test_similar_names_follow_few_matches_nearest_first_and_no_name_twice(reception: User) -> None:
    named("Morreau Ida", "Moureaux Ida", "Moreau Ida", "Bakker Ida")
    assert names(find_patients("moreau", user=reception)) == ["Moreau Ida", "Morreau Ida", "Moureaux Ida"]


def test_nine_matches_are_few_and_ten_are_not_whatever_part_is_shown(reception: User) -> None:
    named(*(f"Moreau {letter}" for letter in "abcdefghi"), "Morreau Ida")
    assert len(find_patients("moreau", user=reception)) == 10
    assert names(find_patients("moreau", user=reception, start=9, count=1)) == ["Morreau Ida"]
    assert names(find_patients("moreau", user=reception, count=1)) == ["Moreau a"]
    named("Moreau j")
    assert len(find_patients("moreau", user=reception)) == 10
    assert find_patients("moreau", user=reception, start=10, count=5) == []


def test_the_pieces_of_a_number_count_apart_only_where_nobody_has_it_whole(reception: User) -> None:
    apart, whole = PatientFactory(phone="+33 7 34 99 12"), PatientFactory(phone="+33 7 12 34 99")
    assert find_patients("12 34 99", user=reception) == [whole]
    assert find_patients("99 34 12", user=reception) == [apart, whole]


def test_two_digits_of_a_year_are_a_birth_date_in_either_century(reception: User) -> None:
    old = PatientFactory(family_name="Abel", birth_date=date(1909, 3, 12), phone="")
    young = PatientFactory(family_name="Zola", birth_date=date(2009, 3, 12), phone="")
    PatientFactory(birth_date=date(2009, 12, 3), phone="")
    assert find_patients("12 3 09", user=reception) == [old, young]


@pytest.mark.parametrize("text", ["moreau jeanne 1984", "Moreau", "Moraeu", "jeanne", "12 03 84"])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_the_number_of_queries_is_the_same_whoever_is_found(
    reception: User, django_assert_num_queries: Any, text: str, count: int
) -> None:
    PatientFactory.create_batch(count)
    with django_assert_num_queries(2):
        assert len(find_patients(text, user=reception)) == min(count, 20)


def test_a_step_is_not_taken_where_those_before_it_fill_the_page(reception: User) -> None:
    """Similar names are never compared, and the others never gathered, for a page that is full already."""
    named(*(f"Moreau {letter}" for letter in "abcdefghijkl"), "Lamoreau Ida", "Morreau Ida")
    with CaptureQueriesContext(connection) as captured:
        assert len(find_patients("moreau", user=reception, count=10)) == 10
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {captured.captured_queries[0]['sql']}")
        plan = [line for (line,) in cursor.fetchall()]
    # The table, not its indexes: PostgreSQL may read them apart from it once it has grown.
    read = [line for line in plan if re.search(r" on clinic_patient(?!\w)", line)]
    assert [" (never executed)" in line for line in read] == [False, True, True]
