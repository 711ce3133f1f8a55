"""What the desk's own tests stand on."""

from collections.abc import Iterator
from datetime import date

import pytest

from clinic import readiness
from clinic.models import Patient, User
from tests.clinic.desk import Desk, ToldPathway, make_desk
from tests.factories import PatientFactory


class DeskAlone(readiness.Pathway):
    """A pathway that says what a test tells it to, and nothing else."""

    def __init__(self) -> None:
        self.said_warnings: list[readiness.Warning] = []
        self.said_notices: list[readiness.Notice] = []
        self.said_badges: dict[str, readiness.Badge] = {}

    def warnings(self, patients, *, user):
        return {patient.pk: self.said_warnings for patient in patients}

    def notices(self, *, user, at):
        return self.said_notices

    def badges(self, appointments, *, user, at):
        return {each.pk: self.said_badges.get(each.purpose, readiness.Badge()) for each in appointments}


@pytest.fixture
def desk_alone() -> Iterator[DeskAlone]:
    """The desk without the clinical pathway, as it must work too; queries are then the desk's own."""
    pathway = DeskAlone()
    before = readiness.connect(pathway)
    yield pathway
    readiness.connect(before)


@pytest.fixture
def pathway() -> Iterator[ToldPathway]:
    """Connected instead of the clinical one for the length of a test."""
    told = ToldPathway()
    before = readiness.connect(told)
    yield told
    readiness.connect(before)


@pytest.fixture
def desk(rows: None, clinic_now: object, pathway: ToldPathway, reception: User) -> Desk:
    """A small clinic on Monday 2 March 2026, 09:00."""
    return make_desk(reception)


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
