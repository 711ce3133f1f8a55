"""The role the web server signs in to PostgreSQL with: the SQL that makes it, and what is wrong with the one in use.

It owns no table. Whoever owns a table can empty it and switch its triggers off, and could then write what every guard of
the database refuses.
"""

from collections.abc import Iterable, Iterator

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections, models

NAME = "mesoclinic_web"
# Written by migrations, and by the owner who seals the history and erases.
_READ_ONLY = (
    "clinic_erasuredone",
    "clinic_historyseal",
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
)
# pghistory notes the user of a request here, and writes the rest of what it knows as the request goes on.
_CONTEXT = "pghistory_context"
_CONTEXT_COLUMNS = ("metadata", "updated_at")


def statements(role: str, *, database: str, tables: Iterable[str]) -> Iterator[str]:
    """The SQL, statement by statement, for the owner of `database` and of `tables`. Safe to repeat.

    To be run again after every migrate: a new table is nobody's but its owner's until then.
    """
    web, name, here = _quoted(role), _quoted(role, "'"), _quoted(database)
    looked_at = {table for table in tables if table in _READ_ONLY}
    additions = {table for table in tables if table in additions_only()} - looked_at
    written = set(tables) - additions - looked_at - {_CONTEXT}

    def named(some: Iterable[str]) -> str:
        return ",\n    ".join(_quoted(table) for table in sorted(some))

    yield (
        "DO $$ BEGIN\n"
        f"    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN\n"
        f"        CREATE ROLE {web} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;\n"
        "    END IF;\n"
        "END $$"
    )
    # A temporary table would stand before the real one of its name, also for the queries inside a trigger.
    yield f"REVOKE CREATE, TEMPORARY ON DATABASE {here} FROM PUBLIC, {web}"
    yield f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {web}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {web}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {web}"
    yield f"GRANT CONNECT ON DATABASE {here} TO {web}"
    yield f"GRANT USAGE ON SCHEMA public TO {web}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {web}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON\n    {named(written)}\n    TO {web}"
    yield f"GRANT SELECT ON\n    {named(additions)}\n    TO {web}"
    for table in sorted(additions):
        yield f"GRANT INSERT ({', '.join(_quoted(each) for each in columns_added(table))}) ON {_quoted(table)} TO {web}"
    yield f"GRANT SELECT ON\n    {named(looked_at)}\n    TO {web}"
    yield f"GRANT SELECT, INSERT, UPDATE ({', '.join(_CONTEXT_COLUMNS)}) ON {_CONTEXT} TO {web}"


def additions_only() -> set[str]:
    """Tables whose rows come and never change or go: the history, and whatever says so by its trigger."""
    return {model._meta.db_table for model in apps.get_models() if _is_append_only(model)}


def columns_added(table: str) -> list[str]:
    """What an addition says. Its number is the database's: with one of its own an entry could stand where no seal looks, or
    where it keeps every later one from being sealed (`clinic.history_chain`)."""
    (model,) = (each for each in apps.get_models() if each._meta.db_table == table)
    return sorted(
        field.column for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)
    )


def tables_of(using: str = "default") -> tuple[str, list[str]]:
    """The database's name, and its tables."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (database,) = cursor.fetchone()
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return database, [table for (table,) in cursor.fetchall()]


def owns_the_tables(using: str = "default") -> bool:
    """Whether the role in use is the owner, or acts for it: what erases asks before it begins."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = 'clinic_patient'::regclass"
        )
        return bool(cursor.fetchone()[0])


@register(Tags.database, deploy=True)
def check_role(*, databases: Iterable[str] | None = None, **_options: object) -> list[CheckMessage]:
    """What the role in use could do to the guards and the history; for `check --deploy --database default`."""
    found: list[CheckMessage] = []
    for using in databases or ():
        try:
            found += [
                Error(f"The web server's database role {can}", hint=_HINT, id=key)
                for key, can in _faults(using)
            ]
        except DatabaseError as error:
            found.append(Error(f"The database does not answer: {str(error).strip()}", id="clinic.E100"))
    return found


_HINT = "Give the web server a role of its own: docs/operations.md, “Two roles”."


def _faults(using: str) -> Iterator[tuple[str, str]]:
    for key, (query, can) in _QUESTIONS.items():
        with connections[using].cursor() as cursor:
            cursor.execute(query, {"history": sorted(additions_only())})
            answer = cursor.fetchone()
            if answer and answer[0]:
                yield key, can % answer


_QUESTIONS = {
    "clinic.E101": (
        "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolcreaterole OR rolreplication)"
        " AND pg_has_role(rolname, 'MEMBER') ORDER BY rolname = current_user DESC, rolname LIMIT 1",
        "may act as %s, which can do anything.",
    ),
    "clinic.E102": (
        "SELECT min(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND pg_has_role(relowner, 'MEMBER')",
        "owns tables (%s is one): it can empty them and switch their triggers off.",
    ),
    "clinic.E103": (
        "SELECT min(name) FROM unnest(%(history)s::text[]) AS name WHERE to_regclass(quote_ident(name)) IS NOT NULL"
        " AND has_table_privilege(quote_ident(name), 'UPDATE, DELETE, TRUNCATE')",
        "may change the history (%s).",
    ),
    "clinic.E104": (
        "SELECT CASE WHEN has_database_privilege(current_database(), 'TEMPORARY, CREATE')"
        " THEN current_database() WHEN has_schema_privilege('public', 'CREATE') THEN 'public' END",
        "may make tables of its own in %s, which can stand before the real ones.",
    ),
    "clinic.E105": (
        "SELECT proname FROM pg_proc WHERE proname = '_pgtrigger_should_ignore'"
        " AND btrim(prosrc, E' ;\\n') <> 'SELECT false'",
        "may have triggers ignored: %s is open; run migrate once more.",
    ),
}


def _quoted(name: str, mark: str = '"') -> str:
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def _is_append_only(model: type[models.Model]) -> bool:
    """By its triggers: pghistory's event tables have one called append_only, ours one that ends so."""
    return any(trigger.name.endswith("append_only") for trigger in getattr(model._meta, "triggers", []))
