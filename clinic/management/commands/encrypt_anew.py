"""Put the secrets of second factors under the newest key."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import transaction

from clinic import encryption

_ENCRYPTED = ("secret", "seed")


class Command(BaseCommand):
    """After a new text was put in front of SECRETS_KEYS; the old one can be taken away afterwards."""

    help = "Encrypt the secrets of second factors with the newest key of SECRETS_KEYS."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """All of them or, where one cannot be read, none."""
        changed = 0
        for kept in Authenticator.objects.select_for_update().order_by("pk"):
            for name in kept.data.keys() & set(_ENCRYPTED):
                kept.data[name] = encryption.encrypted(encryption.decrypted(kept.data[name]))
                changed += 1
            kept.save(update_fields=["data"])
        if options["verbosity"]:
            self.stdout.write(f"{changed} secrets are under the newest key.")
