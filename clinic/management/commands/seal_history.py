"""Seals the history: for the timer of the machine, as the owner of the tables."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clinic.actions import history
from clinic.errors import DomainError


class Command(BaseCommand):
    """Adds to the chain what has been written since the last time, and notes its newest link outside the database."""

    help = "Seals what was written to the history, and notes the newest link in a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--heads",
            type=Path,
            default=Path(settings.DATA_DIR) / "history.heads",
            help="the file in which newest links are noted, one a line; %(default)s",
        )
        parser.add_argument(
            "--patience",
            type=float,
            default=60,
            metavar="SECONDS",
            help="how long to wait for what is being written; %(default)s",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the newest link as well: whoever keeps the output keeps a proof."""
        at = timezone.now()
        try:
            sealed = history.seal(by=None, at=at, patience=options["patience"])
        except DomainError as refusal:
            raise CommandError(str(refusal.message)) from refusal
        if sealed.entries:
            options["heads"].parent.mkdir(parents=True, exist_ok=True)
            with options["heads"].open("a", encoding="utf-8") as heads:
                heads.write(f"{at.isoformat(timespec='seconds')} {sealed.head}\n")
        self.stdout.write(f"{sealed.entries} entries sealed. Newest link: {sealed.head or 'none yet'}")
