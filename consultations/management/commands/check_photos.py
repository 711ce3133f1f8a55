"""Hold the files of the photographs against the record: for backups, and after a restore."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from consultations import photographs
from consultations.models import Photo


class Command(BaseCommand):
    """Reads every file once; changes nothing."""

    help = "Names photographs whose file is missing or changed, and files that no photograph names."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line each; fails where a photograph lacks its file. Those out of sight have to be there as well."""
        lacking, named = 0, set()
        for photo in Photo.objects.order_by("recorded_at").iterator():
            named.add(photo.file_name)
            if wrong := _what_is_wrong(photo):
                lacking += 1
                self.stdout.write(f"{wrong}: photograph {photo.pk}, file {photo.file_name}")
        folder = Path(settings.PHOTO_DIR)
        for file in sorted(folder.iterdir()) if folder.exists() else []:
            if photographs.photograph_of(file.name) not in named:
                self.stdout.write(f"belongs to no photograph: file {file.name}")
        if lacking:
            raise CommandError(f"{lacking} of {len(named)} photographs lack the file that was recorded.")
        self.stdout.write(f"{len(named)} photographs, each with its file.")


def _what_is_wrong(photo: Photo) -> str:
    try:
        content = photographs.path_of(photo.file_name).read_bytes()
    except FileNotFoundError:
        return "missing"
    return "" if hashlib.sha256(content).hexdigest() == photo.sha256 else "changed"
