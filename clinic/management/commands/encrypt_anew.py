"""Put the secrets of second factors under the newest key."""

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import transaction

from clinic import encryption, second_factor


class Command(BaseCommand):
    """After a new text was put in front of SECRETS_KEYS; the old one can be taken away afterwards."""

    help = "Encrypt the secrets of second factors with the newest key of SECRETS_KEYS."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """All of them or, where one cannot be read, none."""
        changed = 0
        for kept in Authenticator.objects.select_for_update().order_by("pk"):
            for place, name in _secrets(kept.data):
                place[name] = encryption.encrypted(encryption.decrypted(place[name]))
                changed += 1
            kept.save(update_fields=["data"])
        if options["verbosity"]:
            self.stdout.write(f"{changed} secrets are under the newest key.")


def _secrets(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where they stand: the key of an app, and the hashes of recovery codes."""
    if "secret" in data:
        yield data, "secret"
    for code in data.get(second_factor.HASHES, ()):
        yield code, "hash"
