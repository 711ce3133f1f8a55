"""What other rows decide is judged with all that others have committed, whatever level a transaction asks for.

In REPEATABLE READ and SERIALIZABLE a trigger asks the rows as they were when the transaction began; what is refused there
is every statement that writes to a table with such a trigger.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest
from django.db import connection, transaction

from consultations.models import Session
from tests.clinic.test_races import race
from tests.consultations.test_gate import refusal
from tests.consultations.test_gate_writes import build_session, by_raw_sql
from tests.factories import ConsentWithdrawalFactory, PatientFactory, cleared_plan
from tests.guards import isolation_guards, refusal_of, sql, tables

HOLES = ("REPEATABLE READ", "SERIALIZABLE")
LEVELS = ("READ COMMITTED", *HOLES)
LEVEL_ASKED_FOR = r"-c default_transaction_isolation=read\ committed"
GUARDS = {
    trigger.name: (model, trigger.get_pgid(model))
    for app in ("clinic", "consultations")
    for model in tables(app)
    for trigger in getattr(model._meta, "triggers", [])
    if trigger.name in isolation_guards(app)
}


@contextmanager
def at_level(level: str) -> Iterator[Callable[[str], str]]:
    """Carries a statement out in a transaction of the level, which leaves nothing; the name of what refused it, or ""."""
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    with closing(psycopg2.connect(**parameters)) as other, other.cursor() as cursor:
        other.set_session(isolation_level=level)

        def name_of_refusal(statement: str) -> str:
            cursor.execute("SAVEPOINT before")
            try:
                cursor.execute(statement)
            except psycopg2.errors.CheckViolation as error:
                cursor.execute("ROLLBACK TO SAVEPOINT before")
                return error.diag.constraint_name or ""
            return ""

        yield name_of_refusal
        other.rollback()


@pytest.mark.parametrize("level", LEVELS)
def test_every_table_whose_triggers_ask_other_rows_is_written_in_read_committed_only(
    level: str, django_db_setup: None
) -> None:
    """Without a row to touch: the statement is refused. With the trigger away it is carried out."""
    with at_level(level) as name_of_refusal:
        name_of_refusal(f"SET LOCAL pgtrigger.ignore = '{{{','.join(pgid for _, pgid in GUARDS.values())}}}'")
        for name, (model, pgid) in GUARDS.items():
            table, key = model._meta.db_table, model._meta.pk.column
            writes = (
                f"INSERT INTO {table} ({key}) SELECT {key} FROM {table} LIMIT 0",
                f"UPDATE {table} SET {key} = {key} WHERE false",
                f"DELETE FROM {table} WHERE false",
            )
            said = [name_of_refusal(write) for write in writes]
            assert said == [name if level in HOLES else ""] * 3
            name_of_refusal(f"ALTER TABLE {table} DISABLE TRIGGER {pgid}")
            assert [name_of_refusal(write) for write in writes] == [""] * 3


@pytest.mark.django_db
def test_no_table_whose_triggers_ask_other_rows_is_left_out() -> None:
    """By the source of the functions in the database: what names a table of ours, or a function that does."""
    guarded = {model._meta.db_table for model, _ in GUARDS.values()}
    assert len(guarded) == len(GUARDS) > 40
    assert tables_that_ask() == guarded


def tables_that_ask() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE 'pgtrigger%'"
        )
        functions = dict(cursor.fetchall())
        cursor.execute(
            "SELECT tgrelid::regclass::text, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE NOT tgisinternal"
        )
        triggers = cursor.fetchall()
    asking = r"(?:FROM|JOIN|UPDATE)\s+(?:ONLY\s+)?(?:clinic|consultations)_\w"
    found: set[str] = set()
    while True:
        pattern = "|".join([asking, *(rf"\b{name}\(" for name in sorted(found))])
        more = {name for name, source in functions.items() if re.search(pattern, source)}
        if more <= found:
            return {table for table, source in triggers if re.search(pattern, source)}
        found |= more


@pytest.fixture(params=HOLES)
def another_default(request: pytest.FixtureRequest, committed_db: str) -> None:
    """A database that begins every transaction at another level, unless it is asked for one."""
    sql(f"ALTER DATABASE \"{committed_db}\" SET default_transaction_isolation = '{request.param.lower()}'")()
    connection.close()


@pytest.mark.usefixtures("another_default")
def test_records_are_written_whatever_the_default_of_the_database_is() -> None:
    for write in (PatientFactory, transaction.atomic(PatientFactory)):
        assert write().pk


@pytest.mark.usefixtures("another_default")
def test_unless_the_connection_asks_for_the_level_every_record_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(asked, "options", asked["options"].replace(LEVEL_ASKED_FOR, ""))
    assert refusal_of(PatientFactory) in GUARDS


# What it is for ---------------------------------------------------------------------------------------------------


@pytest.fixture
def injection(committed_db: str) -> Session:
    """Of a cleared plan; nobody has saved it."""
    return build_session(cleared_plan())


def injected_unaware(injection: Session, level: str) -> None:
    """By a transaction that began before the patient changed their mind, as somebody else writes down meanwhile."""
    sql(f"SET TRANSACTION ISOLATION LEVEL {level}")()
    assert refusal(injection.plan) is None
    (withdrawn,) = race([lambda: ConsentWithdrawalFactory(consent=injection.plan.consents.get())])
    assert not isinstance(withdrawn, Exception)
    by_raw_sql(injection)


@pytest.mark.race
@pytest.mark.parametrize("level", HOLES)
def test_an_injection_does_not_get_past_a_stop_that_its_transaction_cannot_see(
    injection: Session, level: str
) -> None:
    assert refusal_of(lambda: injected_unaware(injection, level)) == "session_isolation"
    assert refusal(injection.plan) == "consent"


@pytest.mark.race
@pytest.mark.parametrize("level", HOLES)
def test_without_the_guard_it_stands_beside_the_stop(injection: Session, level: str) -> None:
    sql(f"ALTER TABLE consultations_session DISABLE TRIGGER {GUARDS['session_isolation'][1]}")()
    with transaction.atomic():
        injected_unaware(injection, level)
    assert Session.objects.filter(plan=injection.plan).exists()
    assert refusal(injection.plan) == "consent"
