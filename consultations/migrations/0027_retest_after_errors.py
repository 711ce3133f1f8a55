"""An allergic event that was entered in error asks for no new test any more."""

from importlib import import_module

from django.db import migrations

_BEFORE = import_module("consultations.migrations.0020_retest_rules").RETEST_CHANGES.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
RETEST_CHANGES = _BEFORE.replace("AND event.is_allergic", "AND event.is_allergic AND NOT event_in_error(event.id)")


class Migration(migrations.Migration):
    dependencies = [("consultations", "0026_event_errors")]

    operations = [migrations.RunSQL(RETEST_CHANGES, _BEFORE)]
