"""Migrating in batches leaves out nothing that the models declare."""

from itertools import groupby

import pgtrigger
import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from clinic.management.commands.migrate import _kind, _part_of

pytestmark = pytest.mark.django_db

OUR_MODELS = [model for app in ("clinic", "consultations") for model in apps.get_app_config(app).get_models()]


def _names(query: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}


def test_every_declared_constraint_is_in_the_database() -> None:
    declared = {constraint.name for model in OUR_MODELS for constraint in model._meta.constraints}
    # A unique constraint with a condition is an index to PostgreSQL.
    known = _names("SELECT conname FROM pg_constraint") | _names("SELECT indexname FROM pg_indexes")
    assert declared - known == set()


def test_every_declared_index_is_in_the_database() -> None:
    declared = {index.name for model in OUR_MODELS for index in model._meta.indexes}
    assert declared - _names("SELECT indexname FROM pg_indexes") == set()


def test_every_declared_trigger_is_in_the_database() -> None:
    declared = {trigger.get_pgid(model) for model, trigger in pgtrigger.registered()}
    assert declared - _names("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == set()


def test_every_foreign_key_is_in_the_database() -> None:
    declared = {
        f"{model._meta.db_table}.{field.column}"
        for model in OUR_MODELS
        for field in model._meta.concrete_fields
        if field.is_relation and field.db_constraint
    }
    enforced = _names(
        "SELECT conrelid::regclass || '.' || attname FROM pg_constraint "
        "JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) WHERE contype = 'f'"
    )
    assert declared - enforced == set()


def test_no_field_is_altered_twice_in_one_batch() -> None:
    """Both would see the field as it was before and as it is after both."""
    altered = [
        [(operation.model_name, operation.name) for operation in batch]
        for (app, _name), migration in MigrationLoader(None).disk_migrations.items()
        if app in ("clinic", "consultations")
        for kind, batch in groupby(migration.operations, key=_kind)
        if kind == "alteration"
    ]
    assert max(map(len, altered)) > 1
    assert [each for each in altered if len(set(each)) < len(each)] == []


def test_what_makes_a_table_is_shown_all_that_its_columns_ask_for() -> None:
    whole = MigrationLoader(None).project_state()
    keys = [("consultations", "session"), ("consultations", "sessionevent"), ("clinic", "practitioner")]
    for key in keys:
        part = _part_of(whole, [key, ("clinic", "not_made_yet")])
        assert len(part.models) < len(whole.models) / 2
        columns, all_columns = (
            [(field.column, field.db_type(connection)) for field in model._meta.local_fields]
            for model in (part.apps.get_model(*key), whole.apps.get_model(*key))
        )
        assert columns == all_columns != []


def test_without_what_a_table_points_to_it_could_not_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinic.management.commands.migrate._pointed_to", lambda _model: [])
    part = _part_of(MigrationLoader(None).project_state(), [("consultations", "session")])
    with pytest.raises(ValueError, match="lazy reference to 'clinic\\.patient'"):
        _ = part.apps
