"""Goes through the chain over the history and names the first thing that is not as it was sealed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinic.history_chain import Broken, Head, verify


class Command(BaseCommand):
    """Reads everything, changes nothing; fails where something is broken, so that a timer's failure is noticed."""

    help = "Names the first broken link of the history: table, row and time. Fails where there is one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--heads",
            type=Path,
            default=Path(settings.DATA_DIR) / "history.heads",
            help="the file in which seal_history has noted newest links; %(default)s",
        )
        parser.add_argument("--head", action="append", default=[], help="a link noted elsewhere, NUMBER:LINK")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line on what is well, one for each entry sealed anew, and the first that is broken."""
        heads = [*_noted(options["heads"]), *map(_head, options["head"])]
        verdict = verify(heads)
        for seal in verdict.replaced:
            entries = ", ".join(map(str, seal.entries))
            self.stdout.write(
                f"sealed anew by {seal.sealed_by} on {seal.sealed_at:%Y-%m-%d %H:%M}, {seal.table} {entries}: {seal.reason}"
            )
        if not heads:
            self.stderr.write(
                "No newest link was noted elsewhere: what was cut off the end cannot be noticed."
            )
        if verdict.broken:
            raise CommandError(_sentence(verdict.broken))
        self.stdout.write(
            f"{verdict.entries} entries are as they were sealed; {verdict.waiting} wait to be sealed."
            f" Newest link: {verdict.head or 'none yet'}. Held against {len(heads)} noted before."
        )


def _noted(file: Path) -> Iterator[Head]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return (_head(line.split()[-1]) for line in lines if line.strip())


def _head(text: str) -> Head:
    try:
        return Head.read(text)
    except ValueError as error:
        raise CommandError(f"{text} is no newest link; it looks like 17:3fa2….") from error


def _sentence(broken: Broken) -> str:
    where = f" in {broken.table}" if broken.table else ""
    entry = f", entry {broken.entry}" if broken.entry is not None else ""
    row = f" of row {broken.row}" if broken.row else ""
    when = f", {broken.at.astimezone():%Y-%m-%d %H:%M:%S}" if broken.at else ""
    return f"BROKEN at seal {broken.number}{where}{entry}{row}{when}: {broken.what}."
