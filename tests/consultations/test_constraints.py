"""Every constraint of the clinical pathway, by name: the bad write it refuses, and the same write without it.

The bad writes are collected from `cases/`, where each subject files its own.
"""

import pytest

from consultations.models.reference import Versioned
from tests.consultations.cases import collected
from tests.consultations.cases.reference import VERSIONED
from tests.factories import (
    VersionedFactory,
)
from tests.factories.clock import CLINIC_NOW
from tests.guards import (
    Case,
    constraints_in_database,
    constraints_in_models,
    tried_with_and_without,
)

pytestmark = pytest.mark.django_db
cases: list[Case] = collected("constraints")


@pytest.mark.parametrize("case", cases, ids=str)
def test_a_bad_write_is_refused_by_the_constraint_of_this_name(case: Case) -> None:
    """And goes through without it: that is the harm it is there for."""
    assert tried_with_and_without(case) == case.guard


def test_every_constraint_of_the_models_has_a_case() -> None:
    assert {case.guard for case in cases} == constraints_in_models("consultations")


def test_the_database_has_the_constraints_of_the_models_and_no_others() -> None:
    assert constraints_in_database("consultations") == constraints_in_models("consultations")


# Reference data: versions -----------------------------------------------------------------------------------------


def test_the_table_of_versions_names_every_versioned_model() -> None:
    assert {make._meta.model for make in VERSIONED} == set(Versioned.__subclasses__())


@pytest.mark.parametrize("make", VERSIONED, ids=lambda make: make._meta.model.__name__)
def test_a_retired_version_makes_room_for_the_next(make: type[VersionedFactory]) -> None:
    first = make(code="twin", version=1)
    first.retired_at = CLINIC_NOW
    first.save()
    second = make(code="twin", version=2)
    assert list(type(first).objects.filter(code="twin").current()) == [second]
