"""Bring a backup back into an empty database and an empty folder of photographs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinic.backup import BackupError, keys, restoring


class Command(BaseCommand):
    """Proves the whole backup first; a damaged one, or another key, changes nothing."""

    help = "Restores a backup into an empty database and an empty folder of photographs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--key-file", help=f"the key; else {keys.KEY_FILE} or {keys.PASSPHRASE}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, compare, and say what is left to do."""
        try:
            done = restoring.restore(
                options["file"], keys.secret(options["key_file"]), tell=self.stdout.write
            )
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Restored as of {done.seen.about['made_at']}; every table and file is what was backed up."
        )
        for name in done.roles_made:
            self.stdout.write(f"Role {name} was made without a password and cannot sign in yet.")
        if done.is_older:
            self.stdout.write("The backup is from an older Mesoclinic: run migrate.")
        if done.is_other_secret_key:
            self.stdout.write(
                "SECRET_KEY is not the one of then; put that one back, or what was encrypted with it cannot be read."
            )
