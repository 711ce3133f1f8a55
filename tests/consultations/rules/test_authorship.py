"""Who may write, sign, report and take over."""

import pytest

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed, Stale
from clinic.models import Practitioner, User
from consultations.rules import authorship
from tests.factories import ConsultationFactory, PractitionerFactory, SessionFactory, UserFactory

pytestmark = pytest.mark.django_db

ROLES = [
    ([], False, False),
    ([Role.RECEPTION], False, True),
    ([Role.ADMIN], False, False),
    ([Role.PRACTITIONER], True, True),
    ([Role.RECEPTION, Role.PRACTITIONER], True, True),
    ([Role.ADMIN, Role.PRACTITIONER], True, True),
    ([Role.RECEPTION, Role.ADMIN], False, True),
]


@pytest.mark.parametrize(("roles", "records", "reports"), ROLES)
def test_roles_decide_who_records_and_who_reports(roles: list[Role], records: bool, reports: bool) -> None:
    user = UserFactory(roles=roles)
    PractitionerFactory(user=user)
    assert authorship.may_record(user) == records
    assert _passes(authorship.check_may_record, user) == records
    assert _passes(authorship.check_may_report, user) == reports
    assert _passes(authorship.check_may_take_report, user) == reports
    if not records:
        with pytest.raises(NotAllowed) as refusal:
            authorship.check_may_read(user)
        assert refusal.value.code == "read_not_allowed"


def test_recording_returns_the_practitioner_behind_the_sign_in(
    doctor: Practitioner, practitioner_user: User
) -> None:
    assert authorship.check_may_record(practitioner_user) == doctor


def test_a_practitioners_role_without_a_practitioner_records_nothing() -> None:
    user = UserFactory(practitioner=True)
    assert not authorship.may_record(user)
    with pytest.raises(NotAllowed) as refusal:
        authorship.check_may_record(user)
    assert refusal.value.code == "record_not_allowed"


def test_who_has_left_records_and_reports_nothing(doctor: Practitioner, practitioner_user: User) -> None:
    practitioner_user.is_active = False
    assert not authorship.may_record(practitioner_user)
    assert not _passes(authorship.check_may_take_report, practitioner_user)


@pytest.mark.parametrize("make", [ConsultationFactory, SessionFactory])
def test_ones_own_draft_is_edited(make, doctor: Practitioner, practitioner_user: User) -> None:
    draft = make(practitioner=doctor)
    assert authorship.may_edit(draft, practitioner_user)
    authorship.check_may_edit(draft, practitioner_user)


def test_a_colleagues_draft_names_the_colleague(practitioner_user: User) -> None:
    draft = ConsultationFactory(practitioner=PractitionerFactory(name="Dr Amari"))
    assert not authorship.may_edit(draft, practitioner_user)
    with pytest.raises(NotAllowed) as refusal:
        authorship.check_may_edit(draft, practitioner_user)
    assert (refusal.value.code, str(refusal.value)) == (
        "other_author",
        "Dr Amari is writing this record. Take it over by name if you cover for them.",
    )


def test_a_practitioner_without_a_sign_in_is_nobodys_author() -> None:
    draft = ConsultationFactory(practitioner=PractitionerFactory(user=None))
    assert not authorship.may_edit(draft, UserFactory(practitioner=True))


def test_a_signed_record_is_edited_by_nobody(doctor: Practitioner, practitioner_user: User) -> None:
    record = ConsultationFactory(practitioner=doctor, signed=True)
    assert not authorship.may_edit(record, practitioner_user)
    with pytest.raises(DomainError) as refusal:
        authorship.check_may_edit(record, practitioner_user)
    assert refusal.value.code == "signed"


@pytest.mark.parametrize(("version", "passes"), [(1, True), (None, True), (0, False), (2, False)])
def test_a_page_opened_on_another_version_is_stale(version: int | None, passes: bool) -> None:
    draft = ConsultationFactory()
    if passes:
        authorship.check_version(draft, version)
        return
    with pytest.raises(Stale) as refusal:
        authorship.check_version(draft, version)
    assert (refusal.value.code, refusal.value.status) == ("stale_record", 409)


def _passes(check, user: User) -> bool:
    try:
        check(user)
    except NotAllowed:
        return False
    return True
