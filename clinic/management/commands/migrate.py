"""Django's `migrate`, without rebuilding every model after every single operation.

Django renders all related models anew for each AddField, AddConstraint and AddTrigger, and all there are before each
migration. With our two hundred models, half of them event tables, nearly all of a new database's time was spent on that.
Here neighbours are applied together, and what makes a table is shown that table and those it points to. The SQL and its
order stay the same: pg_dump shows no difference.
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
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation
from pgtrigger.migrations import AddTrigger, RemoveTrigger

# These ask a model for its table and columns only. What they add they bring along, and what they remove they look up
# in the state before them.
ATTACHMENTS = (AddIndex, AddConstraint, AddTrigger, RemoveConstraint, RemoveTrigger)
Key = tuple[str, str]  # the app's label and the model's name, in small letters


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
    """Changes the state by the whole batch, then runs each operation's SQL; both states are rendered once, if at all."""
    operations = list(batch)
    touched = _touched(migration.app_label, operations)
    state.__dict__.pop("apps", None)  # of yesterday from here on
    before = state.clone() if touched is None else _part_of(state, touched)
    for operation in operations:
        operation.state_forwards(migration.app_label, state)
    after = state if touched is None else _part_of(state, touched)
    for operation in operations:
        operation.database_forwards(migration.app_label, editor, before, after)


def _touched(app_label: str, operations: list[Operation]) -> set[Key] | None:
    """The models that a batch makes or adds to; None where its SQL may depend on any other model too."""
    if _kind(operations[0]) == "table":
        return {(app_label, each.name_lower) for each in operations}
    if _kind(operations[0]) == "addition":
        return {(app_label, each.model_name_lower) for each in operations}
    return None


def _part_of(state: ProjectState, touched: Iterable[Key]) -> ProjectState:
    """A state of these models, as far as there are any yet, and of all they point to, from one to the next."""
    found: dict[Key, ModelState] = {}
    wanted = [key for key in touched if key in state.models]
    while wanted:
        key = wanted.pop()
        if key not in found:
            found[key] = state.models[key].clone()
            wanted += _pointed_to(found[key])
    return ProjectState(found)


def _pointed_to(model: ModelState) -> list[Key]:
    """The models it inherits from, and those of its relations."""
    related = [field.remote_field for field in model.fields.values() if field.remote_field]
    names = [base for base in model.bases if isinstance(base, str)]
    names += [each.model for each in related]
    names += [each.through for each in related if getattr(each, "through", None)]
    return [resolve_relation(name, model.app_label, model.name_lower) for name in names]


class BatchingExecutor(MigrationExecutor):
    """Applies the migrations of our own apps batch by batch, and everybody else's as Django does."""

    def _migrate_all_forwards(
        self,
        state: ProjectState,
        plan: list[tuple[Migration, bool]],
        full_plan: list[tuple[Migration, bool]],
        fake: bool,
        fake_initial: bool,
    ) -> ProjectState:
        """As Django's, without rendering all models before each migration: what needs them asks for them."""
        to_run = {migration for migration, _backwards in plan}
        for migration, _backwards in full_plan:
            if migration in to_run:
                state = self.apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        return state

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
