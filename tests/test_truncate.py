"""No table that keeps records is emptied at once: the guard of each refuses TRUNCATE, and each by itself is enough."""

import pytest

from tests.guards import check_deferred, ignore_all, refusal_of, sql, standing, truncate_guards, without

pytestmark = pytest.mark.django_db
# TRUNCATE … CASCADE empties every table that refers to the one named, and each of those has its own guard.
KEPT = truncate_guards("clinic") | truncate_guards("consultations")


def _emptied(table: str) -> None:
    check_deferred()  # TRUNCATE refuses a table with checks that wait
    sql(f"TRUNCATE {table} CASCADE")()


def test_each_table_is_kept_by_its_guard_and_by_nothing_else() -> None:
    """Also where a session asks for triggers to be ignored. Without its guard the table is emptied: that is the harm."""
    found = {}
    with without(*KEPT):
        for guard, table in KEPT.items():
            with standing(guard):
                refused_by = refusal_of(lambda: _emptied(table))  # noqa: B023  called at once
                ignore_all("clinic", "consultations")
                found[guard] = (refused_by, refusal_of(lambda: _emptied(table)))  # noqa: B023
            _emptied(table)
    assert found == {guard: (guard, guard) for guard in KEPT}
    assert len(KEPT) > 100
