"""The SQL that makes the web server's role and gives it what it needs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction

from clinic import web_role


class Command(BaseCommand):
    """To be run by the owner of the tables, after every migrate."""

    help = "Prints the SQL of the web server's database role, or runs it (--apply)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--role", default=web_role.NAME, help="its name; %(default)s unless said otherwise"
        )
        parser.add_argument("--apply", action="store_true", help="run it, in one transaction, as the owner")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what may be piped to `psql -1`, or runs the same text."""
        database, tables = web_role.tables_of()
        script = list(web_role.statements(options["role"], database=database, tables=tables))
        if not options["apply"]:
            self.stdout.write("".join(f"{statement};\n" for statement in script), ending="")
            return
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in script:
                cursor.execute(statement)
        self.stdout.write(
            f"The role {options['role']} reads and writes {len(tables)} tables of {database} and owns none."
        )
