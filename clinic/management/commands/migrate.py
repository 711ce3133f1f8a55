"""Django's `migrate`, without rebuilding every model after every single operation.

Django renders all related models anew for each AddField, AddConstraint and AddTrigger. With our hundred
related models, half of them event tables, nearly all of a new database's time was spent on that, for each test
process too. Batch by batch it is a small part. The SQL and its order stay the same: pg_dump shows no difference.
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management.commands import migrate
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    Migration,
    RemoveConstraint,
    RunSQL,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger, RemoveTrigger

# These ask a model for its table and columns only. What they add they bring along, and what they remove they look up
# in the state before them. Models whose indexes, constraints and triggers are of yesterday serve them as well.
ATTACHMENTS = (AddIndex, AddConstraint, AddTrigger, RemoveConstraint, RemoveTrigger)


def _is_ours(migration: Migration) -> bool:
    """Whether the app lives in this project; other people's migrations run as they were tested."""
    return Path(apps.get_app_config(migration.app_label).path).parent == settings.BASE_DIR


def _kind(operation: Operation) -> str:
    """Neighbours of one kind may share one state, the one after the last of them: none minds what the others add, and no
    field is altered twice in a row."""
    if type(operation) is AddField or type(operation) in ATTACHMENTS:
        return "addition"
    if type(operation) is AlterField:
        return "alteration"
    if type(operation) is RunSQL and not operation.state_operations:
        return "SQL"
    return "table" if type(operation) is CreateModel else f"alone {id(operation)}"


def _apply_together(
    migration: Migration, batch: Iterable[Operation], state: ProjectState, editor: BaseDatabaseSchemaEditor
) -> None:
    """Changes the state by the whole batch, renders it at most once, then runs each operation's SQL."""
    operations = list(batch)
    before = state.clone()
    # An alteration compares its field in both states, and what stands alone may: these are then rendered as they truly are.
    if _kind(operations[0]).startswith(("alone", "alteration")):
        before.__dict__.pop("apps", None)
    rendered = state.__dict__.pop("apps", None)
    for operation in operations:
        operation.state_forwards(migration.app_label, state)
    if rendered is not None and all(type(each) in (*ATTACHMENTS, RunSQL) for each in operations):
        state.__dict__["apps"] = rendered
    for operation in operations:
        operation.database_forwards(migration.app_label, editor, before, state)


class BatchingExecutor(MigrationExecutor):
    """Applies the migrations of our own apps batch by batch, and everybody else's as Django does."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Apply one migration forwards in one transaction and record it."""
        if fake or fake_initial or not _is_ours(migration) or not migration.atomic:
            return super().apply_migration(state, migration, fake, fake_initial)
        if self.progress_callback:
            self.progress_callback("apply_start", migration, fake)
        with self.connection.schema_editor(atomic=True) as editor:
            for _, batch in groupby(migration.operations, key=_kind):
                _apply_together(migration, batch, state, editor)
            self.record_migration(migration)
        if self.progress_callback:
            self.progress_callback("apply_success", migration, fake)
        return state


class Command(migrate.Command):
    """Django's command with the batching executor in its place."""

    def handle(self, *args: object, **options: object) -> None:
        """Migrate as Django does; the options are Django's."""
        original = migrate.MigrationExecutor
        migrate.MigrationExecutor = BatchingExecutor
        try:
            super().handle(*args, **options)
        finally:
            migrate.MigrationExecutor = original
