"""Who may do what at the desk: the table of docs/security.md, role by role."""

from collections.abc import Callable

import pytest

from clinic.enums import Role
from clinic.errors import NotAllowed
from clinic.models import Practitioner, User
from clinic.rules import access

# What each person may: book, call patients, keep patients' records, change everybody's opening (rooms and devices too),
# change their own time, set the clinic up, review schedules.
TABLE = {
    "nobody": (False, False, False, False, False, False, False),
    "reception": (True, True, True, True, True, False, False),
    "practitioner": (True, True, True, False, True, False, True),
    "admin": (False, False, False, True, True, True, True),
    "reception and admin": (True, True, True, True, True, True, True),
    "practitioner and admin": (True, True, True, True, True, True, True),
    "left": (False, False, False, False, False, False, False),
}


def person(who: str) -> User:
    """Somebody with the roles that the row names; "left" held every role once."""
    roles = [role for role in Role if role in who] if who != "left" else list(Role)
    return User(username=who, roles=roles, is_active=who != "left")


@pytest.mark.parametrize("who", TABLE)
def test_each_role_may_exactly_what_the_table_says(who: str) -> None:
    user = person(who)
    own = Practitioner(name="Own", user=user)
    assert (
        access.may_book(user),
        access.may_contact(user),
        access.may_edit_patients(user),
        access.may_change_opening(user, None),
        access.may_change_opening(user, own),
        access.may_set_up(user),
        access.may_review_schedules(user),
    ) == TABLE[who]


@pytest.mark.parametrize("who", TABLE)
def test_everybodys_time_is_changed_by_those_who_change_rooms(who: str) -> None:
    user = person(who)
    colleague = Practitioner(name="Colleague", user=User(username="colleague"))
    assert access.may_change_opening(user, colleague) == access.may_change_opening(user, None)


@pytest.mark.parametrize("who", TABLE)
@pytest.mark.parametrize(
    ("may", "check", "code"),
    [
        (access.may_book, access.check_may_book, "booking_not_allowed"),
        (access.may_contact, access.check_may_contact, "contact_not_allowed"),
        (access.may_set_up, access.check_may_set_up, "set_up_not_allowed"),
        (access.may_edit_patients, access.check_may_edit_patients, "patients_not_allowed"),
        (
            lambda user: access.may_change_opening(user, None),
            lambda user: access.check_may_change_opening(user, None),
            "opening_not_allowed",
        ),
    ],
)
def test_each_check_refuses_whom_its_may_refuses_and_nobody_else(
    who: str, may: Callable[[User], bool], check: Callable[[User], None], code: str
) -> None:
    user = person(who)
    if may(user):
        check(user)
        return
    with pytest.raises(NotAllowed) as refusal:
        check(user)
    assert (refusal.value.code, refusal.value.status) == (code, 403)


def test_a_locum_without_a_sign_in_is_nobodys_own_time() -> None:
    user = person("practitioner")
    assert access.may_change_opening(user, Practitioner(name="Locum")) is False
