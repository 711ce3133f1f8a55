"""Whether this database is one for these settings."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from clinic.right_database import refuse_wrong_database


class Command(BaseCommand):
    """What `./run demo` and `./run serve` ask before they touch it."""

    help = "Refuse a clinic's database in a demo, and a demo's in a clinic."

    def handle(self, *args: Any, **options: Any) -> None:
        """Says nothing where they fit together."""
        try:
            refuse_wrong_database()
        except ImproperlyConfigured as refusal:
            raise CommandError(str(refusal)) from refusal
