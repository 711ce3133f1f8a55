"""The web server's database role in tests: made by the SQL that ships, then acted as."""

import os
from io import StringIO

from django.core.management import call_command
from django.db import connection

from tests.guards import sql


def made_by_the_shipped_text(name: str = "") -> str:
    """Runs what `manage web_role_sql` prints; returns the role's name, which belongs to this process alone."""
    name = name or f"mesoclinic_web_{os.getpid()}"
    printed = StringIO()
    call_command("web_role_sql", role=name, stdout=printed)
    with connection.cursor() as cursor:
        cursor.execute(printed.getvalue())
    return name


def acting_as(name: str) -> None:
    """From here to the end of the transaction the connection is this role's."""
    sql("SELECT set_config('role', %s, true)", name)()
