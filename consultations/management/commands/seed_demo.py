"""Fill an empty database with the demo clinic."""

import random
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from clinic.models import Patient, Practitioner
from consultations.demo import amin, cast, clinic, crowd, waiting


class Command(BaseCommand):
    """Through the actions alone, so that the demo obeys every rule; dates are relative to today."""

    help = "Fill an empty database with a demo clinic (deterministic by --seed, sized by --patients)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--seed and --patients."""
        parser.add_argument(
            "--seed", type=int, default=1, help="The same seed makes the same clinic on the same day."
        )
        parser.add_argument(
            "--patients", type=int, default=60, help="How many ordinary patients besides the cast."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Build everything in one transaction: a demo is there whole or not at all."""
        if settings.PRODUCTION:
            raise CommandError("Demo accounts have a known password: set MESOCLINIC_MODE=demo.")
        call_command("check_database")
        if Practitioner.objects.exists() or Patient.objects.exists():
            raise CommandError("This database has people in it already; the demo needs an empty one.")
        rng = random.Random(options["seed"])
        now = timezone.now().replace(second=0, microsecond=0)
        with transaction.atomic():
            demo = clinic.build(now)
            self._step("Staff, rooms, devices and hours")
            clinic.decide_limits(demo)
            clinic.stock(demo)
            self._step("Lots, and the limits the demo clinic has decided")
            amin.enrol(demo, rng, self._step)
            cast.enter(demo, rng, self._step)
            clinic.close_times(demo)
            people = crowd.register(demo, rng, options["patients"])
            self._step(f"{len(people)} more patients")
            crowd.fill(demo, rng, people, self._step)
            waiting.enter(demo, people, self._step)

    def _step(self, words: str) -> None:
        self.stdout.write(f"  {words}")
        self.stdout.flush()
