"""Photographs of the demo: drawn here, plainly drawings, of nobody."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw

from clinic.models import User
from consultations import photographs
from consultations.actions import photos
from consultations.demo.journey import Journey
from consultations.enums import PhotoMoment, Signer
from consultations.models import PhotographyText, Review, StandardView

_SIZE = (900, 1200)
_SKIN, _SHADE, _LINE = "#e8c4a4", "#c99f7d", "#8a6a50"


def face(lines: int, turn: int = 0) -> BytesIO:
    """An oval with eyes and a mouth, `lines` on each cheek; `turn` moves it, as no two pictures are taken alike."""
    image = Image.new("RGB", _SIZE, "#c8d4dc")
    draw = ImageDraw.Draw(image)
    draw.ellipse((200 + turn, 150, 700 + turn, 950), fill=_SKIN, outline=_LINE, width=4)
    for eye in (340 + turn, 560 + turn):
        draw.ellipse((eye - 45, 440, eye + 45, 490), fill="white", outline=_LINE, width=4)
        draw.ellipse((eye - 16, 449, eye + 16, 481), fill=_LINE)
    draw.line((450 + turn, 500, 435 + turn, 640, 470 + turn, 650), fill=_SHADE, width=6)
    draw.arc((360 + turn, 690, 540 + turn, 800), 15, 165, fill=_LINE, width=8)
    for number in range(lines):
        down = 560 + 34 * number
        draw.arc((255 + turn, down, 375 + turn, down + 50), 200, 330, fill=_SHADE, width=5)
        draw.arc((525 + turn, down, 645 + turn, down + 50), 210, 340, fill=_SHADE, width=5)
    draw.text((40, 1120), "Drawing for the demo: nobody's photograph", fill="#334", font_size=36)
    file = BytesIO()
    image.save(file, "PNG")
    file.seek(0)
    return file


def photographed(journey: Journey, reviews: Sequence[Review], *, by: User) -> None:
    """Consent to photography half an hour before the first review, and a picture with each of the reviews."""
    first = reviews[0]
    photos.sign_consent(
        patient=journey.patient,
        text=PhotographyText.objects.current().get(code="general"),
        signer=Signer.PATIENT,
        signer_name=journey.patient.name,
        agreed=True,
        by=by,
        at=first.created_at - timedelta(minutes=30),
    )
    view = StandardView.objects.current().get(code="face_front")
    for number, review in enumerate(reviews):
        details = {
            "view": view,
            "moment": PhotoMoment.BEFORE if review is first else PhotoMoment.FOLLOW_UP,
            "taken_at": review.created_at,
            "note": "Fine lines on both cheeks." if review is first else "",
            "plan": review.plan,
            "review": review,
        }
        drawn = _drawn(lines=4, turn=12 * number)
        photos.add(patient=journey.patient, picture=drawn, details=details, by=by, at=review.created_at)


@cache
def _drawn(lines: int, turn: int) -> photographs.Picture:
    """The same for every patient: drawing takes longer than recording."""
    drawing = face(lines, turn)
    return photographs.redrawn(drawing, byte_count=len(drawing.getvalue()))
