"""Carries out the erasures that are due: for the timer of the machine, as the owner of the tables."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, transaction
from django.utils import timezone

from clinic.enums import ErasureStage
from clinic.errors import DomainError
from clinic.models import Erasure, ErasureDone, User
from clinic.web_role import owns_the_tables
from consultations import photographs
from consultations.actions import erasing, erasing_again
from consultations.erasure import ledger

_TRIES, _PAUSE = 5, 2.0  # a table that is being written to is tried again after as many seconds


class Command(BaseCommand):
    """Seals the history, erases what is due, one transaction for each record and stage, and notes it in the ledger."""

    help = "Erases what is due. With --again, erases again what an older backup has brought back."

    def add_arguments(self, parser: CommandParser) -> None:
        folder = Path(settings.DATA_DIR)
        parser.add_argument(
            "--ledger",
            type=Path,
            default=folder / "erasures.ledger",
            help="the file in which it is noted what was erased; %(default)s",
        )
        parser.add_argument(
            "--again",
            action="store_true",
            help="after a restore: carry out again what stands in the ledger and not in the database",
        )
        parser.add_argument(
            "--most",
            type=int,
            default=20,
            help="records in one run, so that a flood of decisions is seen before it is carried out; %(default)s",
        )
        parser.add_argument(
            "--by", default="", help="who answers for it where whoever decided has no account"
        )
        parser.add_argument(
            "--heads", type=Path, default=folder / "history.heads", help="see seal_history; %(default)s"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each record: what was done, or what stands in the way."""
        if not owns_the_tables():
            raise CommandError("Only the owner of the tables erases: run it with the owner's DATABASE_URL.")
        self._ledger: Path = options["ledger"]
        self._touched: set[str] = set()
        call_command("seal_history", heads=options["heads"], stdout=self.stdout)
        left = self._all_again(options["by"]) if options["again"] else 0
        self._all_due(options["most"])
        self._remove_files()
        call_command("seal_history", heads=options["heads"], stdout=self.stdout)
        if left:
            raise CommandError(f"{left} lines of the ledger were not carried out again; see above.")

    def _all_due(self, most: int) -> None:
        self._touched.clear()
        for erasure in Erasure.objects.unfinished().order_by("decided_at"):
            if len(self._touched) >= most:
                self.stdout.write(f"{most} records are done; what else is due waits for the next run")
                break
            for stage in ErasureStage:
                if not self._tell(erasure, lambda erasure=erasure, stage=stage: self._due(erasure, stage)):
                    break

    def _due(self, erasure: Erasure, stage: ErasureStage) -> ErasureDone | None:
        return erasing.carry_out(erasure=erasure, stage=stage, by=None, at=timezone.now())

    def _all_again(self, by: str) -> int:
        answers = User.objects.filter(username=by).first()
        try:
            known = list(ledger.lines(self._ledger))
        except (OSError, ValueError, TypeError) as error:
            raise CommandError(f"{self._ledger} is no ledger: {error}") from error
        left = 0
        for line in known:
            left += not self._tell(
                line.erasure,
                lambda line=line: erasing_again.carry_out(
                    line=line, answers=answers, by=None, at=timezone.now()
                ),
            )
        return left

    def _tell(self, what: Erasure | str, carry_out: Callable[[], ErasureDone | None]) -> bool:
        """Whether nothing stood in the way; one line on what was done, or on what did."""
        key = what.pk if isinstance(what, Erasure) else what
        try:
            done = self._patiently(carry_out)
        except DomainError as refusal:
            self.stdout.write(f"{key}: not erased. {refusal.message}")
            return False
        except OperationalError as error:
            self.stdout.write(f"{key}: not erased, somebody was writing; the next run tries again. {error}")
            return False
        if done:
            self._touched.add(str(key))
            rows = sum(each.get("gone", 0) + each.get("overwritten", 0) for each in done.counts.values())
            self.stdout.write(f"{key}: {done.get_stage_display()}: {rows} rows, {len(done.files)} files")
        return True

    def _patiently(self, carry_out: Callable[[], ErasureDone | None]) -> ErasureDone | None:
        for _try in range(_TRIES - 1):
            try:
                return self._noted(carry_out)
            except OperationalError:
                time.sleep(_PAUSE)
        return self._noted(carry_out)

    def _noted(self, carry_out: Callable[[], ErasureDone | None]) -> ErasureDone | None:
        with transaction.atomic():
            if done := carry_out():
                ledger.note(done, self._ledger)
        return done

    def _remove_files(self) -> None:
        """Of all erasures there were: a run that ended between database and disk is made good by the next."""
        for names in ErasureDone.objects.values_list("files", flat=True):
            for name in names:
                photographs.remove(name)
