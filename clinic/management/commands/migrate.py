"""Django's `migrate`, without rebuilding every model after every single operation.

Django renders all related models anew for each AddField, AddConstraint and AddTrigger. With our hundred
related models, half of them event tables, a new database took 85 seconds of pure Python, for each test
process too; batch by batch it takes five. The SQL and its order stay the same: pg_dump shows no difference.
"""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management.commands import migrate
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger

# Each of these makes just its own column, index, constraint or trigger. It needs models that have it, and
# does not mind models that have more: so neighbours may share one state, the one after the last of them.
ADDITIONS = (AddField, AddIndex, AddConstraint, AddTrigger)


def _is_ours(migration: Migration) -> bool:
    """Whether the app lives in this project; other people's migrations run as they were tested."""
    return Path(apps.get_app_config(migration.app_label).path).parent == settings.BASE_DIR


def _kind(operation: Operation) -> str:
    if type(operation) in ADDITIONS:
        return "addition"
    return "table" if type(operation) is CreateModel else f"alone {id(operation)}"


def _apply_together(
    migration: Migration, batch: Iterable[Operation], state: ProjectState, editor: BaseDatabaseSchemaEditor
) -> None:
    """Changes the state by the whole batch, renders it once, then runs each operation's SQL."""
    before = state.clone()
    state.__dict__.pop("apps", None)  # rendered again when the first operation asks for a model
    operations = list(batch)
    for operation in operations:
        operation.state_forwards(migration.app_label, state)
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
