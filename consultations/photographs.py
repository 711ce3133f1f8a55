"""Photographs as files: checked, drawn anew and kept in a folder that no web server knows. No file from outside is kept.

What is kept is a JPEG made here from the picture's points alone: whatever else stood in the file that was sent (place,
camera, comments, a second file behind the picture) is not in it.
"""

import hashlib
import os
import secrets
import struct
import threading
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from clinic.errors import DomainError

MEDIA_TYPE = "image/jpeg"
# Named, because Pillow would try some forty formats, each with a decoder of its own.
FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 90
# In a list: twice the 160 points of its column, for screens of double density.
_SMALL_SIDE, _SMALL_QUALITY, _SMALL = 320, 80, ".small"
# A picture of the largest size takes 200 MB while it is drawn: one at a time in each server process.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Picture:
    """A photograph as it will be kept; width and height in pixels."""

    content: bytes
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """The digest of the file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def redrawn(upload: IO[bytes], *, byte_count: int) -> Picture:
    """The picture in the file, upright, in sRGB, no longer than `PHOTO_SIDE`, without anything beside its points.

    Raises:
        DomainError: field `picture`: photo_too_large, photo_too_many_pixels, photo_unknown, photo_damaged.
    """
    if byte_count > settings.LARGEST_UPLOAD_BYTES:
        sentence = _("The file is larger than %(most)s MB. Send it in a lower resolution.")
        raise _refusal(sentence % {"most": settings.LARGEST_UPLOAD_BYTES >> 20}, "photo_too_large")
    try:
        _check_size(*_webp_size(upload))
        with Image.open(upload, formats=FORMATS) as image:
            _check_size(*image.size)
            with _ONE_AT_A_TIME:
                return _drawn(image)
    except DomainError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        sentence = _(
            "This is not a JPEG, PNG or WebP picture. Save it as JPEG and choose it again (iPhone: Settings, Camera,"
            " Formats, “Most Compatible”)."
        )
        raise _refusal(sentence, "photo_unknown") from error
    except Exception as error:  # what a decoder may stumble over in a broken file has no common name
        sentence = _("This picture is damaged or incomplete. Take it again, or choose another file.")
        raise _refusal(sentence, "photo_damaged") from error


def new_name() -> str:
    """A name that nobody can guess and that says nothing: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def keep(name: str, picture: Picture) -> None:
    """Write the file whole or not at all; on return it is on the disk.

    Raises:
        DomainError: photo_not_kept.
    """
    _keep_whole(name, picture.content, part=path_of(f"{name}.part"))


def keep_small(name: str, content: bytes) -> Path:
    """Write the small picture for lists beside the file of this name; returns where. `content` is what `keep` wrote.

    Raises:
        DomainError: photo_not_kept, also where the file is no picture any more.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image, _ONE_AT_A_TIME:
            small = _small(image)
    except (OSError, SyntaxError) as error:
        raise _not_kept() from error
    # A part of its own for each writer: two may make the small picture of one photograph at once.
    _keep_whole(f"{name}{_SMALL}", small, part=path_of(f"{name}.{secrets.token_hex(4)}.part"))
    return path_of(f"{name}{_SMALL}")


def small_of(name: str) -> Path:
    """Where the small picture is; of a photograph kept before there were any it is made now.

    Raises:
        FileNotFoundError: the photograph itself has no file.
        DomainError: photo_not_kept.
    """
    small = path_of(f"{name}{_SMALL}")
    return small if small.exists() else keep_small(name, path_of(name).read_bytes())


def remove(name: str) -> None:
    """Take the photograph's file and its small picture off the disk; nothing happens where they are gone."""
    for file in (path_of(name), path_of(f"{name}{_SMALL}")):
        file.unlink(missing_ok=True)


def photograph_of(file_name: str) -> str:
    """The name of the photograph whose file, or whose small picture, this is."""
    return file_name.removesuffix(_SMALL)


def _small(image: Image.Image) -> bytes:
    image.draft("RGB", (_SMALL_SIDE, _SMALL_SIDE))
    plain = image.convert("RGB")
    plain.thumbnail((_SMALL_SIDE, _SMALL_SIDE))
    plain.info.clear()
    out = BytesIO()
    plain.save(out, "JPEG", quality=_SMALL_QUALITY)
    return out.getvalue()


def _keep_whole(name: str, content: bytes, *, part: Path) -> None:
    try:
        folder = _folder()
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise _not_kept() from error
    try:
        _write(file, content)
        part.rename(path_of(name))
        _settle(folder)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _not_kept() from error


def _write(handle: int, content: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _not_kept() -> DomainError:
    sentence = _("The photograph could not be kept; nothing was recorded. Tell whoever runs this server.")
    return _refusal(sentence, "photo_not_kept")


def drop(name: str) -> None:
    """Take the file of a photograph away that was never recorded."""
    for each in (name, f"{name}{_SMALL}"):
        path_of(each).unlink(missing_ok=True)


def path_of(name: str) -> Path:
    """Where the file of this name is kept."""
    return Path(settings.PHOTO_DIR) / name


def _folder() -> Path:
    folder = Path(settings.PHOTO_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def _settle(folder: Path) -> None:
    """A name is on the disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_size(width: int, height: int) -> None:
    if width * height > settings.PHOTO_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> DomainError:
    most = settings.PHOTO_PIXELS // 1_000_000
    sentence = _("The picture has more than %(most)s million pixels. Send it in a lower resolution.")
    return _refusal(sentence % {"most": most}, "photo_too_many_pixels")


def _refusal(sentence: str, code: str) -> DomainError:
    return DomainError(sentence, code, field="picture")


def _webp_size(upload: IO[bytes]) -> tuple[int, int]:
    """What the head of a WebP file says, 0 × 0 for any other: Pillow makes room for the points before it tells the size."""
    upload.seek(0)
    head = upload.read(30)
    upload.seek(0)
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return 0, 0
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _drawn(image: Image.Image) -> Picture:
    side = settings.PHOTO_SIDE
    image.draft("RGB", (side, side))  # a JPEG need not be decoded larger than it is kept
    upright = ImageOps.exif_transpose(image)
    plain = _in_srgb(upright)
    plain.thumbnail((side, side))
    plain.info.clear()
    out = BytesIO()
    plain.save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return Picture(out.getvalue(), plain.width, plain.height)


def _in_srgb(image: Image.Image) -> Image.Image:
    """Red, green and blue as every screen means them: redness is compared between pictures of different cameras."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    plain = image.convert("RGB")
    if profile and image.mode in ("RGB", "RGBA"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(plain, source, target, outputMode="RGB") or plain
        except (ImageCms.PyCMSError, OSError, TypeError):
            return plain  # a broken profile: the colours as they stand in the file
    return plain
