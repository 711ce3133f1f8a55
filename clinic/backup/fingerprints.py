"""Each table as a number of rows and a checksum of them: whether two databases hold the same."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection, transaction

from clinic.backup import postgres

Fingerprints = dict[str, list[str]]  # by table: the number of its rows, the sum of their digests

# So that a row reads the same on every server.
_ALIKE = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "statement_timeout": "0",
}
# A sum, because rows have no order; 60 bits of each row's SHA-256.
_OF_TABLE = """SELECT count(*)::text,
coalesce(sum(('x' || left(encode(sha256(convert_to(r::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint::numeric), 0)::text
FROM {table} r"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


def of_all_tables() -> Fingerprints:
    """Every table but those whose rows no backup keeps. Inside `postgres.snapshot` all of one moment."""
    tables = [table for (table,) in postgres.ask(_TABLES) if table not in postgres.NOT_KEPT]
    with transaction.atomic():
        for name, value in _ALIKE.items():
            postgres.ask("SELECT set_config(%s, %s, true)", [name, value])
        found = {table: postgres.ask(_of(table))[0] for table in tables}
    return {table: list(row) for table, row in found.items()}


def _of(table: str) -> str:
    return _OF_TABLE.format(table=f"public.{connection.ops.quote_name(table)}")


def that_differ(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    """The tables that are not the same in both, with their rows."""
    return [
        f"{table} ({before.get(table, ['no'])[0]} rows backed up, {after.get(table, ['no'])[0]} restored)"
        for table in sorted({*before, *after})
        if before.get(table) != after.get(table)
    ]
