"""Files that browsers send: refused while they arrive, but where a page asks for one and from who has signed in.

Django would write the files of any form to the disk, from anybody, before it looks at the session: whatever reads
`request.POST` first sets that off. Here the settings name handlers that refuse; a view says with `takes_file` that it
wants one, and gets Django's own handlers once it is known who asks.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    TemporaryFileUploadHandler,
)
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from clinic import second_factor
from clinic.around import Around

# What the fields beside the file, and the lines between them, may take.
_BESIDE_THE_FILE = 1024 * 1024

View = Callable[..., HttpResponse]


class FileRefused(Exception):
    """A form brought a file to a page that takes none."""


class NoFiles(FileUploadHandler):
    """Refuses the first file of a form before anything of it is kept."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        """A file begins. Raises FileRefused."""
        raise FileRefused

    def receive_data_chunk(self, raw_data: bytes, start: int) -> NoReturn:
        """Never reached; declared because Django asks for it. Raises FileRefused."""
        raise FileRefused

    def file_complete(self, file_size: int) -> NoReturn:
        """Never reached, as above. Raises FileRefused."""
        raise FileRefused


def takes_file(view: View) -> View:
    """Marks a view whose form brings a file of at most LARGEST_UPLOAD_BYTES."""
    view.takes_file = True  # type: ignore[attr-defined]
    return view


def brings_file(request: HttpRequest) -> bool:
    """Whether this is a form with files for a page that takes one; nothing is read of it to find out."""
    if request.method != "POST" or request.content_type != "multipart/form-data":
        return False
    known = vars(request)  # four of those that stand around the page ask
    if "_brings_file" not in known:
        known["_brings_file"] = _takes_file(request.path_info)
    return known["_brings_file"]


def _takes_file(address: str) -> bool:
    try:
        return getattr(resolve(address).func, "takes_file", False)
    except Resolver404:
        return False


def is_too_large(request: HttpRequest) -> bool:
    """Whether the body is larger than this page reads; by what the browser says of it, before anything is read."""
    most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if brings_file(request):
        most = settings.LARGEST_UPLOAD_BYTES + _BESIDE_THE_FILE
    length = request.headers.get("Content-Length", "")
    return length.isascii() and length.isdigit() and int(length) > most


class UploadMiddleware(Around):
    """Lets a file in where one is asked for. Stands behind the sign-in, before anything reads the form (CSRF does)."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The sign-in page for who has not signed in, with nothing read; else as asked."""
        if brings_file(request):
            if not request.user.is_authenticated or second_factor.is_missing(request):
                return redirect_to_login(request.get_full_path())
            request.upload_handlers = [MemoryFileUploadHandler(request), TemporaryFileUploadHandler(request)]
        return self.get_response(request)
