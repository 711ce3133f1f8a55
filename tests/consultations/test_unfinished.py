"""What a practitioner who leaves has begun is counted for who switches the account off; admins learn no more than that."""

from typing import Any

import pytest

from clinic import readiness
from clinic.enums import Role
from clinic.models import Practitioner, User
from consultations.actions import records
from consultations.models import Session
from tests.factories import (
    ConsultationFactory,
    PatchTestFactory,
    PlanFactory,
    PractitionerFactory,
    ReviewFactory,
    SessionFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def counted(doctor: Practitioner, user: User) -> dict[str, int]:
    return {each.label: each.count for each in readiness.pathway().unfinished(doctor, user=user)}


def test_unsigned_records_and_unread_tests_of_theirs_and_of_nobody_else(
    doctor: Practitioner, admin: User
) -> None:
    assert counted(doctor, admin) == {}
    for who in (doctor, PractitionerFactory(signs_in=True)):
        SessionFactory(plan=cleared_plan(), practitioner=who)
        ConsultationFactory(practitioner=who)
        ConsultationFactory(practitioner=who, created_at=ago(days=40))
        ReviewFactory(plan=PlanFactory(), practitioner=who)
        PatchTestFactory(plan=consented_plan(), practitioner=who, given_at=ago(days=3))
    assert counted(doctor, admin) == {
        "unsigned session": 1,
        "unsigned consultations": 2,
        "unsigned review": 1,
        "test injection to be read": 1,
    }
    oldest = {each.label: each.since for each in readiness.pathway().unfinished(doctor, user=admin)}
    assert oldest["unsigned consultations"] == ago(days=40)


def test_what_a_colleague_takes_over_or_reads_is_not_left(doctor: Practitioner, admin: User) -> None:
    colleague = PractitionerFactory(signs_in=True)
    session = SessionFactory(plan=cleared_plan(), practitioner=doctor)
    test = PatchTestFactory(plan=consented_plan(), practitioner=doctor, given_at=ago(days=3))
    assert len(counted(doctor, admin)) == 2
    records.take_over(record=Session.objects.get(pk=session.pk), by=colleague.user, at=CLINIC_NOW)
    TestReadingFactory(patch_test=test)
    assert counted(doctor, admin) == {}


def test_only_who_may_open_the_worklists_is_led_there(doctor: Practitioner, admin: User) -> None:
    SessionFactory(plan=cleared_plan(), practitioner=doctor)
    both = UserFactory(roles=[Role.ADMIN, Role.PRACTITIONER])
    urls = [readiness.pathway().unfinished(doctor, user=user)[0].url for user in (admin, both)]
    assert urls == ["", "/worklists/"]


def test_it_costs_four_queries(doctor: Practitioner, admin: User, django_assert_num_queries: Any) -> None:
    SessionFactory(plan=cleared_plan(), practitioner=doctor)
    with django_assert_num_queries(4):
        readiness.pathway().unfinished(doctor, user=admin)
