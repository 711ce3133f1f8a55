"""Make a backup of the whole clinic, or read one from its beginning to its end."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clinic.backup import BackupError, keys, restoring, taking


class Command(BaseCommand):
    """Database and photographs in one encrypted file; the clinic works on meanwhile."""

    help = "Writes database and photographs into one encrypted file; --verify reads one and changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("target", nargs="?", type=Path, help="the file to write, or a folder for it")
        what.add_argument(
            "--verify", type=Path, metavar="FILE", help="read this backup to its end, change nothing"
        )
        what.add_argument("--new-key", type=Path, metavar="FILE", help="make a key file")
        parser.add_argument("--key-file", help=f"the key; else {keys.KEY_FILE} or {keys.PASSPHRASE}")

    def handle(self, *args: Any, **options: Any) -> None:
        """One of the three; what went wrong is one line."""
        try:
            if options["new_key"]:
                keys.make(options["new_key"])
                self.stdout.write(
                    "Keep a copy of this key away from this machine: without it no backup can be opened."
                )
            elif options["verify"]:
                self._verify(options["verify"], keys.secret(options["key_file"]))
            else:
                self._take(options["target"], keys.secret(options["key_file"]))
        except BackupError as error:
            raise CommandError(str(error)) from error

    def _take(self, target: Path, secret: bytes) -> None:
        taken = taking.take(target, secret, at=timezone.now(), tell=self.stdout.write)
        self.stdout.write(
            f"{taken.path}: {taken.byte_count:,} bytes, {taken.rows:,} rows, {taken.files:,} files."
        )
        self.stdout.write(f"SHA-256 {taken.sha256}")
        if taken.lacking:
            raise CommandError(
                f"The backup was made. But {len(taken.lacking)} photographs lack the file that was recorded; check_photos names them."
            )

    def _verify(self, path: Path, secret: bytes) -> None:
        seen = restoring.verify(path, secret)
        self.stdout.write(
            f"Whole: made {seen.about['made_at']} from PostgreSQL {seen.about['postgresql']}, {seen.rows:,} rows in"
            f" {len(seen.about['tables'])} tables, {len(seen.contents.files):,} files."
        )
