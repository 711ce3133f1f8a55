"""What the database is asked to enforce, as builders: one line in a model says what, the SQL lives here.

Triggers raise check_violation (23514) with a constraint name, so that Django reports an IntegrityError whose name
`clinic.actions` can turn into a sentence. Beside them `joined`, for lists that may name nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    DateTimeRangeField,
    RangeBoundary,
    RangeOperators,
)
from django.db import connections, models
from django.db.models import Q
from django.utils.functional import Promise

Rows = TypeVar("Rows", bound=models.QuerySet[Any])


class TsTzRange(models.Func):
    """`tstzrange(from, until, '[)')`: PostgreSQL's half-open range of two timestamps."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Fold(models.Func):
    """`fold(text)`: case, accents and Arabic letter forms removed; IMMUTABLE, so it can be indexed."""

    function = "FOLD"
    output_field = models.TextField()


def joined(rows: Rows, names: Sequence[str]) -> Rows:
    """With what the names lead to, in the same query; the rows alone where there are none.

    Without a name select_related joins every table it can reach, and PostgreSQL once in a while needs half a minute for them.
    """
    return rows.select_related(*names) if names else rows


def no_overlap(
    name: str, *, of: str, start: str, end: str, when: Q, message: str | Promise, of_many: bool = False
) -> ExclusionConstraint:
    """No two rows matching `when` share `of` while their half-open [start, end) overlap.

    Deferrable, so that two visits can swap places in one transaction; checked at once unless asked otherwise.
    `of_many`: there are far more of them than rows at any one time, so they come first in the index. PostgreSQL also
    takes this index for all rows of one of them, and would have to read the whole of it if time came first.
    """
    overlap = (TsTzRange(start, end, RangeBoundary()), RangeOperators.OVERLAPS)
    same = (of, RangeOperators.EQUAL)
    return ExclusionConstraint(
        name=name,
        expressions=[same, overlap] if of_many else [overlap, same],
        condition=when,
        deferrable=models.Deferrable.IMMEDIATE,
        violation_error_message=message,
    )


def check(name: str, condition: Q, message: str | Promise) -> models.CheckConstraint:
    """A CHECK with the sentence the person reads."""
    return models.CheckConstraint(name=name, condition=condition, violation_error_message=message)


def recorded_together(name: str, *fields: str, message: str | Promise) -> models.CheckConstraint:
    """All of the fields are set or none is: who, when and proof belong together."""
    none = Q(**{f"{field}__isnull": True for field in fields})
    every = Q(**{f"{field}__isnull": False for field in fields})
    return check(name, none | every, message)


def exactly_one(name: str, *fields: str, message: str | Promise) -> models.CheckConstraint:
    """Precisely one of the nullable fields is set."""
    either = Q()
    for chosen in fields:
        either |= Q(**{f"{field}__isnull": field != chosen for field in fields})
    return check(name, either, message)


def refuse(name: str, sentence: str) -> str:
    """The plpgsql statement that stops a write, naming the rule and saying why."""
    quoted = sentence.replace("'", "''")
    return f"RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = '{name}', MESSAGE = '{quoted}';"


def refuse_truncate(name: str) -> pgtrigger.Trigger:
    """TRUNCATE would pass every row trigger by."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func=refuse(name, "This table keeps clinical facts and cannot be emptied."),
    )


def sees_what_is_committed(prefix: str) -> pgtrigger.Trigger:
    """No row is written by a transaction that does not see what others have committed since it began.

    For every table with a trigger that asks other rows: in REPEATABLE READ and SERIALIZABLE it would be answered without a stop
    that was put meanwhile, and locks do not help. Once for each statement, before its first row.
    """
    name = f"{prefix}_isolation"
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        condition=pgtrigger.Condition("current_setting('transaction_isolation') <> 'read committed'"),
        func=refuse(name, "This is written only by a transaction of the level READ COMMITTED."),
    )


def append_only(prefix: str) -> list[pgtrigger.Trigger]:
    """Rows are facts: they come, and never change or go."""
    return [
        pgtrigger.Trigger(
            name=f"{prefix}_append_only",
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=refuse(
                f"{prefix}_append_only",
                "This entry is permanent; add a new one instead.",
            ),
        ),
        refuse_truncate(f"{prefix}_no_truncate"),
    ]


def never_deleted(prefix: str) -> list[pgtrigger.Trigger]:
    """Rows may change (history keeps what they were) but never go: what they say may stop an injection."""
    name = f"{prefix}_no_delete"
    return [
        pgtrigger.Trigger(
            name=name,
            when=pgtrigger.Before,
            operation=pgtrigger.Delete,
            func=refuse(name, "This row is part of the record and cannot be deleted."),
        ),
        refuse_truncate(f"{prefix}_no_truncate"),
    ]


def frozen_once(prefix: str, condition: str = "OLD.signed_at IS NOT NULL") -> list[pgtrigger.Trigger]:
    """Once `condition` (on OLD) holds, the row refuses UPDATE and DELETE; TRUNCATE is always refused."""
    name = f"{prefix}_signed"
    return [
        pgtrigger.Trigger(
            name=name,
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=f"""
                IF {condition} THEN
                    {refuse(name, "This record is signed and cannot be changed; add an addendum instead.")}
                END IF;
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                RETURN NEW;
            """,
        ),
        refuse_truncate(f"{prefix}_no_truncate"),
    ]


def final_once(prefix: str, *, column: str, meant: Sequence[str], sentence: str) -> list[pgtrigger.Trigger]:
    """What is `meant` never changes; once `column` is set nothing does; the row never goes."""
    name = f"{prefix}_final"
    new, old = (", ".join(f"{row}.{each}" for each in meant) for row in ("NEW", "OLD"))
    return [
        guard(
            name,
            operation=pgtrigger.Update,
            func=f"""
                    IF OLD.{column} IS NOT NULL
                        OR ({new})
                        IS DISTINCT FROM ({old}) THEN
                        {refuse(name, sentence)}
                    END IF;
                    RETURN NEW;
                """,
        ),
        *never_deleted(prefix),
    ]


def frozen_with_parent(
    prefix: str, *, parent: str, key: str, frozen: str = "signed_at IS NOT NULL"
) -> list[pgtrigger.Trigger]:
    """Child rows refuse INSERT, UPDATE and DELETE once their parent is signed (`frozen` on the parent's row).

    FOR SHARE waits for a signature in progress, and a signature waits for it: neither slips past the other.
    """
    name = f"{prefix}_parent_signed"
    return [
        pgtrigger.Trigger(
            name=name,
            when=pgtrigger.Before,
            operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            func=f"""
                IF TG_OP <> 'INSERT' THEN
                    PERFORM 1 FROM {parent} WHERE id = OLD.{key} FOR SHARE;
                    IF EXISTS (SELECT 1 FROM {parent} WHERE id = OLD.{key} AND {frozen}) THEN
                        {refuse(name, "This belongs to a signed record and cannot be changed.")}
                    END IF;
                END IF;
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                PERFORM 1 FROM {parent} WHERE id = NEW.{key} FOR SHARE;
                IF EXISTS (SELECT 1 FROM {parent} WHERE id = NEW.{key} AND {frozen}) THEN
                    {refuse(name, "This belongs to a signed record and cannot be changed.")}
                END IF;
                RETURN NEW;
            """,
        ),
        sees_what_is_committed(prefix),
        refuse_truncate(f"{prefix}_no_truncate"),
    ]


def only_transitions(
    prefix: str,
    *,
    column: str,
    born_as: Iterable[str],
    moves: Mapping[str, Iterable[str]],
) -> pgtrigger.Trigger:
    """`column` starts as one of `born_as` and moves only along `moves`: on INSERT and on UPDATE."""
    name = f"{prefix}_transition"
    births = ", ".join(f"'{state}'" for state in sorted(born_as))
    pairs = ", ".join(f"'{before}>{after}'" for before in sorted(moves) for after in sorted(moves[before]))
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf(column),
        func=f"""
            IF TG_OP = 'INSERT' THEN
                IF NEW.{column} NOT IN ({births}) THEN
                    {refuse(name, "A new row cannot start in this state.")}
                END IF;
            ELSIF OLD.{column} <> NEW.{column}
                AND (OLD.{column} || '>' || NEW.{column}) NOT IN ({pairs}) THEN
                {refuse(name, "This change of state is not possible.")}
            END IF;
            RETURN NEW;
        """,
    )


def guard(
    name: str,
    *,
    operation: pgtrigger.Operation,
    declare: list[tuple[str, str]] | None = None,
    func: str,
) -> pgtrigger.Trigger:
    """A BEFORE row trigger with its own body; use `refuse()` inside it."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=operation,
        declare=declare,
        func=func,
    )


def on_a_kept_record(prefix: str) -> pgtrigger.Trigger:
    """No row comes to, or is changed on, a patient's record that was merged into another or erased.

    FOR KEY SHARE is what the foreign key takes anyway, only at once: it waits for a merge or an erasure in progress, which lock
    FOR UPDATE, and for no other lock.
    """
    name = f"{prefix}_on_a_kept_record"
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("patient_id"),
        declare=[("survivor", "UUID"), ("erased", "TIMESTAMPTZ")],
        func=f"""
            SELECT merged_into_id, erased_at INTO survivor, erased FROM clinic_patient
                WHERE id = NEW.patient_id FOR KEY SHARE;
            IF erased IS NOT NULL THEN
                {refuse(name, "This record was erased. Nothing is written on it any more.")}
            ELSIF survivor IS NOT NULL THEN
                {refuse(name, "This record was merged into another. Open that one.")}
            END IF;
            RETURN NEW;
        """,
    )


def close_trigger_switch(*, using: str, **_kwargs: object) -> None:
    """Make pgtrigger's per-session ignore list void: no role may switch a guard off with `set_config`."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regproc('_pgtrigger_should_ignore') IS NOT NULL")
        if cursor.fetchone() == (True,):
            cursor.execute(
                "CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN"
                " LANGUAGE sql AS 'SELECT false'"
            )
