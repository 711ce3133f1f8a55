"""A database listed by other means than the backup's own: every table's rows, and everything that is declared."""

from __future__ import annotations

import re

from django.db import connection

_CASTS = re.compile(r"[()]|::(character varying|text)(\[\])?")
Listing = dict[str, tuple[int, str]]  # by table: rows, and the MD5 of all of them in order

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
_DECLARED = """
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text || pg_get_triggerdef(oid)
    FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'function', proname, pg_get_function_identity_arguments(p.oid), pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN pg_language l ON l.oid = prolang
    WHERE pronamespace = 'public'::regnamespace AND lanname IN ('sql', 'plpgsql')
UNION ALL SELECT 'column', table_name, column_name,
        concat_ws(' ', data_type, column_default, is_nullable, identity_generation, generation_expression)
    FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'sequence', schemaname, sequencename, concat_ws(' ', data_type, start_value, increment_by)
    FROM pg_sequences
UNION ALL SELECT 'extension', extname, extversion, '' FROM pg_extension
UNION ALL SELECT 'grant', table_name, grantee, privilege_type FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND grantee <> grantor
"""


def listing() -> Listing:
    """Every table of the database this thread is connected to."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return {table: _list(cursor, table) for (table,) in cursor.fetchall()}


def _list(cursor: object, table: str) -> tuple[int, str]:
    cursor.execute(
        f"SELECT count(*), coalesce(md5(string_agg(r::text, E'\\n' ORDER BY r::text COLLATE \"C\")), '') FROM \"{table}\" r"
    )
    return cursor.fetchone()


def declared() -> set[tuple[str, ...]]:
    """Constraints, triggers, indexes, functions, columns, sequences, extensions and grants, each as PostgreSQL writes it.

    Without brackets and casts to text: PostgreSQL writes a list of texts another way once it has read its own writing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DECLARED)
        return {(*names, _CASTS.sub("", definition or "")) for *names, definition in cursor.fetchall()}


def differing(one: Listing, other: Listing) -> list[str]:
    """The tables that are not the same in both."""
    return sorted(table for table in {*one, *other} if one.get(table) != other.get(table))
