"""Photographs as files: what is refused, what is kept of a picture, and in what order file and row come."""

import hashlib
import stat
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from clinic.errors import DomainError
from consultations import photographs
from consultations.photographs import Picture
from tests.factories.photos import image_file

SECRET = b"48.8566N-secret-place"


def redrawn(file: BytesIO) -> Picture:
    return photographs.redrawn(file, byte_count=len(file.getvalue()))


def refusal_of(content: bytes) -> str:
    with pytest.raises(DomainError) as refused:
        redrawn(BytesIO(content))
    assert refused.value.field == "picture"
    assert str(refused.value).endswith((".", ")."))
    return refused.value.code


def opened(picture: Picture) -> Image.Image:
    return Image.open(BytesIO(picture.content))


# What comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_kinds_come_out_as_a_jpeg_of_the_same_size(kind: str) -> None:
    picture = redrawn(image_file(kind, (60, 80)))
    again = opened(picture)
    assert (again.format, again.size, (picture.width, picture.height)) == ("JPEG", (60, 80), (60, 80))
    assert picture.sha256 == hashlib.sha256(picture.content).hexdigest()


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM"])
def test_other_kinds_are_refused_whatever_their_name(kind: str) -> None:
    assert refusal_of(image_file(kind).getvalue()) == "photo_unknown"


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 100,
        b"%PDF-1.7\n" + b"0" * 100,
        b"",
        b"\xff",
        b"no picture at all",
    ],
    ids=["svg", "heic", "pdf", "empty", "one byte", "text"],
)
def test_what_is_no_such_picture_is_refused_with_what_to_do(content: bytes) -> None:
    assert refusal_of(content) == "photo_unknown"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_ends_in_the_middle_is_refused(kind: str) -> None:
    whole = BytesIO()
    Image.effect_noise((200, 200), 80).convert("RGB").save(whole, kind)
    content = whole.getvalue()
    assert refusal_of(content[: len(content) // 2]) == "photo_damaged"


def test_a_file_over_the_cap_is_refused_before_it_is_looked_at(settings: Any) -> None:
    settings.LARGEST_UPLOAD_BYTES = 1 << 20
    with pytest.raises(DomainError, match="larger than 1 MB") as refused:
        photographs.redrawn(BytesIO(b"not looked at"), byte_count=(1 << 20) + 1)
    assert refused.value.code == "photo_too_large"


def _png_head(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with next to nothing in it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def _jpeg_head(width: int, height: int) -> bytes:
    content = bytearray(image_file("JPEG").getvalue())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def _webp_head(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return (
        b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + bytes(80)
    )


def _lossless_webp_head(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8L" + struct.pack("<IBI", 20, 0x2F, bits) + bytes(80)


def _lossy_webp_head(width: int, height: int) -> bytes:
    frame = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8 " + struct.pack("<I", 50) + frame + bytes(80)


@pytest.mark.parametrize("head", [_png_head, _jpeg_head, _webp_head, _lossless_webp_head, _lossy_webp_head])
@pytest.mark.parametrize("size", [(10_000, 10_000), (16_000, 16_000)], ids=["100 MP", "256 MP"])
def test_a_head_of_a_hundred_megapixels_is_refused_before_anything_is_decoded(
    head: Any, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "_drawn", lambda image: pytest.fail("it was decoded"))
    assert refusal_of(head(*size)) == "photo_too_many_pixels"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("lossless", [False, True])
def test_the_cap_counts_every_point(kind: str, lossless: bool, settings: Any) -> None:
    settings.PHOTO_PIXELS = 30 * 40
    options = {"lossless": lossless} if kind == "WEBP" else {}
    assert redrawn(image_file(kind, (30, 40), **options)).width == 30
    assert refusal_of(image_file(kind, (31, 40), **options).getvalue()) == "photo_too_many_pixels"


# What is kept -----------------------------------------------------------------------------------------------------


def _with_metadata(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()  # what the camera calls the picture
    exif.get_ifd(0x8825)[29] = SECRET.decode()  # GPS
    options: dict[str, Any] = {"exif": exif}
    if kind == "JPEG":
        options["comment"] = SECRET
    return image_file(kind, **options).getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_of_what_the_camera_wrote_is_kept(kind: str) -> None:
    content = _with_metadata(kind)
    assert SECRET in content
    picture = redrawn(BytesIO(content))
    assert SECRET not in picture.content
    again = opened(picture)
    again.load()
    assert (
        dict(again.getexif()),
        set(again.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"},
    ) == (
        {},
        set(),
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_page_behind_the_picture_is_not_kept(kind: str) -> None:
    page = b"<html><script>alert(1)</script></html>"
    picture = redrawn(BytesIO(image_file(kind).getvalue() + page))
    assert b"<script" not in picture.content


def test_a_page_in_a_comment_is_not_kept() -> None:
    content = image_file("JPEG", comment=b"<script>alert(1)</script>").getvalue()
    assert b"<script" in content
    assert b"<script" not in redrawn(BytesIO(content)).content


def test_a_picture_held_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    picture = redrawn(image_file("JPEG", (80, 60), exif=exif))
    assert (picture.width, picture.height) == (60, 80)


def test_a_large_picture_is_made_smaller_in_proportion(settings: Any) -> None:
    settings.PHOTO_SIDE = 100
    picture = redrawn(image_file("JPEG", (300, 400)))
    assert (picture.width, picture.height) == (75, 100)


def test_what_is_transparent_becomes_white() -> None:
    file = BytesIO()
    Image.new("RGBA", (30, 40), (255, 0, 0, 0)).save(file, "PNG")
    assert opened(redrawn(file)).getpixel((5, 5)) == (255, 255, 255)


def test_the_colours_of_a_cameras_profile_are_turned_into_those_of_a_screen() -> None:
    """Of a camera whose red is a screen's blue: what it calls brown is blue."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)
    again = opened(redrawn(image_file("PNG", colour="peru", icc_profile=swapped)))
    red, _green, blue = again.getpixel((5, 5))
    assert "icc_profile" not in again.info
    assert (red < 80, blue > 190) == (True, True)


def test_a_broken_profile_does_not_cost_the_picture() -> None:
    picture = redrawn(image_file("PNG", icc_profile=b"no profile"))
    assert opened(picture).size == (30, 40)


# The folder -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.PHOTO_DIR = tmp_path / "data" / "photos"
    return settings.PHOTO_DIR


def test_names_cannot_be_guessed_and_the_folder_is_its_owners_alone(folder: Path) -> None:
    picture = redrawn(image_file())
    names = [photographs.new_name(), photographs.new_name()]
    for name in names:
        photographs.keep(name, picture)
    assert names[0] != names[1] and {len(name) for name in names} == {32}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(file.name for file in folder.iterdir()) == sorted(names)
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_folder_that_others_could_open_is_closed(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    photographs.keep(photographs.new_name(), redrawn(image_file()))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_folder_is_no_part_of_the_static_files() -> None:
    from clinic import settings as written

    served = [written.STATIC_ROOT, written.FRONT_END_DIR, written.BASE_DIR / "clinic" / "static"]
    assert [str(path) for path in served if written.PHOTO_DIR.is_relative_to(path)] == []


def test_a_name_that_is_taken_is_not_written_over(folder: Path) -> None:
    name = photographs.new_name()
    (folder).mkdir(parents=True)
    (folder / f"{name}.part").write_bytes(b"of another")
    with pytest.raises(DomainError) as refused:
        photographs.keep(name, redrawn(image_file()))
    assert refused.value.code == "photo_not_kept"
    assert (folder / f"{name}.part").read_bytes() == b"of another"


def test_a_disk_that_is_full_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(photographs.os, "fsync", full)
    with pytest.raises(DomainError) as refused:
        photographs.keep(photographs.new_name(), redrawn(image_file()))
    assert (refused.value.code, list(folder.iterdir())) == ("photo_not_kept", [])
