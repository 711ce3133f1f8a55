"""The body map: every zone has its place on a drawing, and what was put there before is added up."""

import re
from datetime import datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import Practitioner, User
from consultations.body_map import DRAWINGS, Earlier, View, earlier_by_zone, views
from consultations.models import BodyZone, EnteredInError, Session, SessionZone, ZoneShape
from tests.factories import (
    BodyZoneFactory,
    PatientFactory,
    SessionFactory,
    SessionZoneFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def zone(code: str) -> BodyZone:
    return BodyZone.objects.current().get(code=code)


def of(session: Session) -> dict[str, Earlier]:
    """What is known before the session."""
    given = Session.objects.given().filter(patient=session.patient)
    return earlier_by_zone(SessionZone.objects.filter(session__in=given))


def drawn(found: list[View]) -> dict[str, list[str]]:
    return {view.drawing.code: [shape.zone.code for shape in view.shapes] for view in found}


def test_every_zone_that_ships_lies_once_on_the_drawing_of_its_view() -> None:
    zones = BodyZone.objects.current()
    by_view: dict[str, list[str]] = {}
    for each in zones:
        by_view.setdefault(each.view, []).append(each.code)
    assert drawn(views(zones, today=(), earlier={})) == by_view


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.code)
def test_every_outline_lies_inside_its_drawing(drawing: object) -> None:
    shapes = ZoneShape.objects.current().filter(view=drawing.code)
    assert shapes
    for shape in shapes:
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", shape.path)]
        across, down = numbers[::2], numbers[1::2]
        assert min(across) >= 0 and max(across) <= 200, shape.code
        # The control point of a curve may lie a little outside.
        assert min(down) >= -14 and max(down) <= drawing.height, shape.code
        assert min(across) < shape.label_x < max(across) and min(down) < shape.label_y < max(down), shape.code


def test_left_and_right_mirror_each_other() -> None:
    places = {shape.zone_code: shape.label_x for shape in ZoneShape.objects.current()}
    pairs = [code for code in places if code.endswith("_right")]
    assert len(pairs) == 14
    for code in pairs:
        other = places[code.removesuffix("right") + "left"]
        assert places[code] + other == 200
        # On the back the patient's right is on the viewer's right.
        is_back = zone(code).view == "body_back"
        assert (places[code] > other) == is_back, code


def test_what_earlier_sessions_of_all_plans_put_into_a_zone_is_added_up() -> None:
    patient, cheek = PatientFactory(), zone("cheek_left")
    for days, points in ((7, 10), (2, 15)):
        plan = cleared_plan(patient=patient)
        rows = [{"zone": cheek, "points": points, "ml_per_point": Decimal("0.01")}]
        SessionFactory(plan=plan, signed=True, zones=rows, started_at=ago(days=days))
    draft = SessionFactory(plan=cleared_plan(patient=patient))
    SessionZoneFactory(session=draft, zone=cheek)
    found = of(draft)
    assert {code: (each.volume_ml, each.sessions, each.last_at) for code, each in found.items()} == {
        "cheek_left": (Decimal("0.25"), 2, ago(days=2))
    }


def test_a_session_entered_in_error_and_another_patient_s_count_for_nothing(doctor: Practitioner) -> None:
    plan = cleared_plan()
    wrong = SessionFactory(plan=plan, signed=True, zones=[{"zone": zone("abdomen")}], started_at=ago(days=6))
    SessionFactory(signed=True, zones=[{"zone": zone("abdomen")}], started_at=ago(days=6))
    assert list(of(wrong)) == ["abdomen"]
    EnteredInError.objects.create(
        session=wrong,
        reason="other twin",
        requested_by=doctor.user,
        requested_at=ago(hours=2),
        confirmed_by=UserFactory(practitioner=True),
        confirmed_at=ago(hours=1),
    )
    assert of(wrong) == {}


def test_an_older_version_of_a_zone_is_the_same_place() -> None:
    plan, abdomen = cleared_plan(), zone("abdomen")
    SessionFactory(plan=plan, signed=True, zones=[{"zone": abdomen}], started_at=ago(days=6))
    BodyZone.objects.filter(pk=abdomen.pk).update(retired_at=ago(days=1))
    newer = BodyZoneFactory(code="abdomen", version=2, view="body_front")
    found = views([newer], today=[newer.pk], earlier=of(Session.objects.get()))
    ((shape,),) = [view.shapes for view in found]
    assert (shape.zone, shape.depth, shape.is_today) == (newer, 3, True)


@pytest.mark.parametrize(
    ("volumes", "depths"),
    [(("9", "3"), (3, 1)), (("9", "3.1"), (3, 2)), (("9", "6.1"), (3, 3)), (("1", "1"), (3, 3))],
)
def test_the_shade_tells_thirds_of_the_largest_volume(
    volumes: tuple[str, str], depths: tuple[int, int]
) -> None:
    codes = ("cheek_left", "cheek_right")
    earlier = {
        code: Earlier(code, Decimal(volume), 1, ago(days=1))
        for code, volume in zip(codes, volumes, strict=True)
    }
    found = views([zone(code) for code in codes], today=(), earlier=earlier)
    shades = {shape.zone.code: shape.depth for view in found for shape in view.shapes}
    assert tuple(shades[code] for code in codes) == depths


def test_the_drawing_with_todays_zones_is_open_then_the_one_with_earlier_ones() -> None:
    zones = BodyZone.objects.current()
    earlier = {"lower_back": Earlier("Lower back", Decimal(3), 1, ago(days=6))}

    def opened(**known: object) -> str:
        return next(view.drawing.code for view in views(zones, **known) if view.is_open)

    assert opened(today=(), earlier={}) == "face"
    assert opened(today=(), earlier=earlier) == "body_back"
    assert opened(today=[zone("abdomen").pk], earlier=earlier) == "body_front"


def test_the_draft_shows_the_map_with_what_was_put_in_so_far(
    practitioner_client: Client, doctor: Practitioner, practitioner_user: User, clinic_now: datetime
) -> None:
    patient = PatientFactory()
    rows = [{"zone": zone("lower_back"), "points": 20, "ml_per_point": Decimal("0.15")}]
    SessionFactory(plan=cleared_plan(patient=patient), signed=True, zones=rows, started_at=ago(days=5))
    draft = SessionFactory(plan=cleared_plan(patient=patient), practitioner=doctor)
    SessionZoneFactory(session=draft, zone=zone("upper_back"))
    page = practitioner_client.get(reverse("consultations:session", args=[draft.pk]))
    text = page.content.decode()
    assert 'aria-label="Lower back, 3 ml so far"' in text
    assert [(each.name, each.volume_ml) for each in page.context["earlier"]] == [("Lower back", Decimal(3))]
    today = [shape.zone.code for view in page.context["views"] for shape in view.shapes if shape.is_today]
    assert today == ["upper_back"]
