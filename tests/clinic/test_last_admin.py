"""Two admins switch each other off at the same moment: one of them stays. And without the lock, none would."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from clinic.actions import accounts
from clinic.errors import DomainError
from clinic.models import User
from tests.factories import UserFactory
from tests.factories.clock import CLINIC_NOW

pytestmark = pytest.mark.race

_LOCK = "PERFORM pg_advisory_xact_lock(hashtext('clinic_user_an_admin_stays'));"


def both_switched_off() -> str:
    """The first has switched the second off and not committed yet when the second does the same: what the second hears."""
    first, second = UserFactory(admin=True), UserFactory(admin=True)

    def answer_back() -> str:
        try:
            accounts.switch_off(user=first, reason="he began", by=second, at=CLINIC_NOW)
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        accounts.switch_off(user=second, reason="quarrel", by=first, at=CLINIC_NOW)
        answer = other.submit(answer_back)
        with pytest.raises(TimeoutError) if _has_lock() else _no_wait():
            answer.result(timeout=0.7)
        transaction.get_connection().set_rollback(False)
    return answer.result()


def test_one_admin_stays(committed_db: str) -> None:
    assert both_switched_off() == "user_an_admin_stays"
    assert User.objects.filter(is_active=True, roles__contains=["admin"]).count() == 1


def test_without_the_lock_none_would(committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [_function()])
        text = cursor.fetchone()[0]
        assert _LOCK in text
        cursor.execute(text.replace(_LOCK, ""))
    assert both_switched_off() == ""
    assert not User.objects.filter(is_active=True, roles__contains=["admin"]).exists()


@contextmanager
def _no_wait() -> Iterator[None]:
    yield


def _has_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT position('pg_advisory' IN prosrc) > 0 FROM pg_proc WHERE oid = %s::regproc", [_function()]
        )
        return bool(cursor.fetchone()[0])


def _function() -> str:
    [name] = [each.get_pgid(User) for each in User._meta.triggers if each.name == "user_an_admin_stays"]
    return str(name)
