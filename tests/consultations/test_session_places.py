"""Points set one by one on the map: kept as places in their row, as many as its figure says, shown afterwards."""

from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from clinic.models import Practitioner
from consultations import body_map
from consultations.actions import sessions, signing
from consultations.models import BodyZone, Session, SessionZone
from tests.consultations import course
from tests.factories import PatientFactory, SessionFactory, SessionZoneFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
THREE = [[700, 1100], [712, 1104], [724, 1108]]
AS_TYPED = "700,1100 712,1104 724,1108"


def zone(code: str) -> BodyZone:
    return BodyZone.objects.current().get(code=code)


@pytest.fixture
def draft(doctor: Practitioner) -> Session:
    return SessionFactory(practitioner=doctor)


def post(client: Client, session: Session, places: str, points: str = "3", **more: Any) -> HttpResponse:
    typed = {
        "version": session.version,
        "zone_rows": 1,
        "zone0-zone": zone("cheek_right").pk,
        "zone0-points": points,
        "zone0-ml_per_point": "0.1",
        "zone0-places": places,
        "save": 1,
        **more,
    }
    return client.post(reverse("consultations:session", args=[session.pk]), typed)


def shown(answer: HttpResponse) -> str:
    return answer.content.decode()


def test_the_places_are_kept_with_their_row(practitioner_client: Client, draft: Session) -> None:
    assert post(practitioner_client, draft, AS_TYPED).status_code == 302
    (row,) = SessionZone.objects.all()
    assert (row.points, row.volume_ml, row.places) == (3, Decimal("0.3"), THREE)
    page = practitioner_client.get(reverse("consultations:session", args=[draft.pk]))
    assert f'name="zone0-places" value="{AS_TYPED}"' in shown(page)
    # Without a script the drawing shows them all the same.
    assert 'd="M70 110h0M71.2 110.4h0M72.4 110.8h0"' in shown(page)


def test_a_row_without_places_is_as_good(practitioner_client: Client, draft: Session) -> None:
    assert post(practitioner_client, draft, "", points="12").status_code == 302
    assert [(row.points, row.places) for row in SessionZone.objects.all()] == [(12, [])]


@pytest.mark.parametrize("points", ["2", "4"])
def test_another_figure_than_the_map_has_is_refused_and_both_are_kept(
    practitioner_client: Client, draft: Session, points: str
) -> None:
    answer = post(practitioner_client, draft, AS_TYPED, points=points)
    assert answer.status_code == 422
    assert "On the map this zone has 3 points: set or remove points there" in shown(answer)
    (row,) = answer.context["rows"].forms
    assert (row["points"].value(), row["places"].value()) == (points, AS_TYPED)
    assert SessionZone.objects.count() == 0


@pytest.mark.parametrize(
    "places",
    [
        "700",
        "700,1100,5 1,1 2,2",
        "700,1100;712,1104;724,1108",
        "-1,5 1,1 2,2",
        "1.5,2 1,1 2,2",
        "²,5 1,1 2,2",
        "2001,5 1,1 2,2",
        "5,4721 1,1 2,2",
        "99999,1 1,1 2,2",
        "1,1 " * 9000,
    ],
)
def test_what_is_no_list_of_places_is_refused_in_a_sentence(
    practitioner_client: Client, draft: Session, places: str
) -> None:
    answer = post(practitioner_client, draft, places)
    assert answer.status_code == 422
    assert "The points on the map did not arrive whole. Set them again." in shown(answer)
    assert SessionZone.objects.count() == 0


@pytest.mark.parametrize(("count", "status"), [(2000, 302), (2001, 422)])
def test_one_row_has_at_most_two_thousand_places(
    practitioner_client: Client, draft: Session, count: int, status: int
) -> None:
    answer = post(practitioner_client, draft, " ".join(["5,5"] * count), points="2000")
    assert answer.status_code == status
    assert ("At most 2000 points in one zone." in shown(answer)) is (status == 422)
    assert [len(row.places) for row in SessionZone.objects.all()] == ([2000] if status == 302 else [])


def test_places_in_the_last_corner_of_the_longest_drawing_are_taken(
    practitioner_client: Client, draft: Session
) -> None:
    assert post(practitioner_client, draft, "0,0 2000,4720", points="2").status_code == 302
    assert SessionZone.objects.get().places == [[0, 0], [2000, 4720]]


def test_the_grid_leaves_a_row_with_points_set_one_by_one_alone(
    practitioner_client: Client, practitioner_user: Any
) -> None:
    plan = course.cleared("FAT-DCA", by=practitioner_user, at=CLINIC_NOW)
    begun = sessions.begin(
        planned=plan.planned_sessions.get(ordinal=1), appointment=None, by=practitioner_user, at=CLINIC_NOW
    )
    more = {"zone0-area_cm2": "9", "spacing_mm": "10", "grid": 1}
    answer = post(practitioner_client, begun, AS_TYPED, **more)
    assert [row["points"].value() for row in answer.context["rows"].forms] == ["3"]
    answer = post(practitioner_client, begun, "", **more)
    assert [row["points"].value() for row in answer.context["rows"].forms] == ["9"]


def test_the_next_session_shows_the_points_of_the_ones_before_and_repeats_them(
    practitioner_client: Client, doctor: Practitioner
) -> None:
    patient, cheek = PatientFactory(), zone("cheek_right")
    row = {"zone": cheek, "points": 3, "places": THREE}
    plan = cleared_plan(patient=patient, sessions=2)
    SessionFactory(plan=plan, signed=True, zones=[row], started_at=ago(days=7))
    other = {"zone": cheek, "points": 1, "places": [[800, 1200]]}
    SessionFactory(
        plan=cleared_plan(patient=patient),
        signed=True,
        zones=[other, {"zone": zone("neck_back")}],
        started_at=ago(days=3),
    )
    draft = SessionFactory(plan=plan, practitioner=doctor)
    page = practitioner_client.get(reverse("consultations:session", args=[draft.pk]))
    found = {each.name: each.places for each in page.context["earlier"]}
    assert found == {str(cheek): ((700, 1100), (712, 1104), (724, 1108), (800, 1200)), "Neck, back": ()}
    assert shown(page).count('class="map-crosses"') == 1
    assert "M68.8 110h2.4M70 108.8v2.4" in shown(page)
    typed = {"version": draft.version, "zone_rows": 1, "repeat": 1}
    again = practitioner_client.post(reverse("consultations:session", args=[draft.pk]), typed)
    assert [form["places"].value() for form in again.context["rows"].forms] == [AS_TYPED]


def test_the_record_draws_the_points_and_its_table_says_so(
    practitioner_client: Client, doctor: Practitioner
) -> None:
    rows = [{"zone": zone("cheek_right"), "points": 3, "places": THREE}, {"zone": zone("abdomen")}]
    signed = SessionFactory(practitioner=doctor, signed=True, zones=rows)
    page = practitioner_client.get(reverse("consultations:session", args=[signed.pk]))
    views = {view.drawing.code: view.has_places for view in page.context["views"]}
    assert views == {"face": True, "body_front": False}
    assert shown(page).count("set on the map") == 1
    assert shown(page).count('class="map-dots"') == 1


def test_the_seal_holds_the_places_and_one_from_before_they_were_kept_still_fits() -> None:
    row = SessionZoneFactory(points=3, places=THREE)
    sealed = signing.content_hash(row)
    row.places = [*THREE[:2], [724, 1109]]
    assert signing.content_hash(row) != sealed
    row.places = []
    assert "places" not in signing._fields(row)


def test_a_record_without_a_place_has_no_layer_of_points() -> None:
    row = SessionZoneFactory(zone=zone("abdomen"))
    (view,) = body_map.of_record([row])
    assert (view.has_places, view.shapes[0].dots) == (False, "")
