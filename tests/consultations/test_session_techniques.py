"""Each of the twelve shipped techniques is recorded on the session's page with its own fields, and signed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from clinic.errors import DomainError
from clinic.models import Device
from consultations.models import BodyZone, Session, SessionDose, Technique, TechniqueRule
from consultations.queries import facts_of_session
from consultations.rules.sessions import check_complete
from tests.consultations.test_session_pages import codes, filled, first, get, post
from tests.factories import DeviceCareFactory, DeviceFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, TODAY

pytestmark = pytest.mark.django_db

NEEDLE = ["needle", "depth_mm"]
# By technique: the fields asked, what a row is called, and a usual session.
TECHNIQUES: dict[str, tuple[list[str], list[str], dict[str, Any]]] = {
    "epidermal": (
        [*NEEDLE, "minutes_applied"],
        ["Zone", "Volume, ml"],
        {"zone0-volume_ml": "2", "minutes_applied": 5},
    ),
    "nappage": ([*NEEDLE, "spacing_mm"], [], {"zone0-ml_per_point": "0.01", "spacing_mm": "3"}),
    "papule": ([*NEEDLE, "spacing_mm"], [], {"zone0-ml_per_point": "0.05", "spacing_mm": "10"}),
    "point_by_point": (
        [*NEEDLE, "spacing_mm"],
        [],
        {"zone0-ml_per_point": "0.1", "spacing_mm": "20", "zone0-area_cm2": "80"},
    ),
    "amin_face": (
        [*NEEDLE, "spacing_mm"],
        [],
        {"zone0-points": 225, "zone0-area_cm2": "225", "spacing_mm": "10"},
    ),
    "linear": (
        [*NEEDLE, "line_length_mm"],
        ["Zone", "Lines", "ml per line", "Volume, ml"],
        {"zone0-ml_per_point": "0.05", "line_length_mm": "12"},
    ),
    "deep": (
        [*NEEDLE, "spacing_mm"],
        [],
        {"zone0-ml_per_point": "0.2", "spacing_mm": "15", "zone0-area_cm2": "500"},
    ),
    "pc_dc": ([*NEEDLE, "spacing_mm"], [], {"zone0-ml_per_point": "0.2", "spacing_mm": "10"}),
    "mesoperfusion": (
        [*NEEDLE, "minutes_applied"],
        [],
        {"zone0-points": 2, "zone0-ml_per_point": "1", "minutes_applied": 10},
    ),
    "dry": (NEEDLE, ["Zone", "Points"], {}),
    "gun": (
        ["device", "depth_mm", "gun_mode", "shots_per_minute"],
        ["Zone", "Shots", "ml per shot", "Volume, ml"],
        {"zone0-ml_per_point": "0.05", "gun_mode": "burst"},
    ),
    "needleless": (
        ["device", "program", "intensity", "minutes_applied"],
        ["Zone", "Volume, ml"],
        {"zone0-volume_ml": "3", "program": "face", "intensity": "3", "minutes_applied": 10},
    ),
}


@pytest.fixture
def begin(clinic_now: datetime, practitioner_client: Client) -> Any:
    call_command("load_reference", verbosity=0)

    def of(code: str) -> Session:
        plan = cleared_plan(technique=Technique.objects.get(code=code))
        post(practitioner_client, "session_begin", first(plan).pk)
        return Session.objects.get()

    return of


def sent(session: Session, **more: Any) -> dict[str, Any]:
    """The usual session of the technique as the browser sends it."""
    *_, usual = TECHNIQUES[session.technique.code]
    data = filled(session, (20, "0.01"), sign=1) | {"zone0-area_cm2": "25"} | usual
    if session.technique.device_kind or session.technique.family != "needle":
        data["device"] = DeviceFactory(kind=session.technique.device_kind or session.technique.family).pk
    return data | more


def test_the_table_names_every_shipped_technique(db: None) -> None:
    call_command("load_reference", verbosity=0)
    assert set(TECHNIQUES) == set(Technique.objects.values_list("code", flat=True))


@pytest.mark.parametrize("code", TECHNIQUES)
def test_a_usual_session_of_each_technique_is_asked_for_and_signed(
    begin: Any, practitioner_client: Client, code: str
) -> None:
    session = begin(code)
    asked, headings, _usual = TECHNIQUES[code]
    page = get(practitioner_client, "session", session.pk)
    assert page.context["form"].technique_names == asked
    assert [str(each) for each in page.context["rows"].headings] == headings or not headings
    answer = post(practitioner_client, "session", session.pk, sent(session))
    assert answer.status_code == 302, answer.context["form"].errors
    session.refresh_from_db()
    assert session.is_signed
    assert SessionDose.objects.exists() == (code != "dry")


@pytest.mark.parametrize(
    ("code", "left_out"),
    [("epidermal", "minutes_applied"), ("mesoperfusion", "minutes_applied"), ("linear", "line_length_mm")],
)
def test_what_a_technique_asks_for_must_be_said(
    begin: Any, practitioner_client: Client, code: str, left_out: str
) -> None:
    session = begin(code)
    answer = post(practitioner_client, "session", session.pk, sent(session, **{left_out: ""}))
    assert (answer.status_code, codes(answer)) == (422, {f"{left_out}_missing"})


def test_too_many_points_for_the_area_are_said_as_typed_and_signed_only_with_a_reason(
    begin: Any, practitioner_client: Client
) -> None:
    session = begin("amin_face")
    crowded = sent(session, **{"zone0-area_cm2": "200"})
    totals = post(practitioner_client, "session_doses", session.pk, crowded).content.decode()
    words = "225 points, but 200 cm² have room for 200 points 10 mm apart."
    assert words in totals
    refused = post(practitioner_client, "session", session.pk, crowded)
    assert (refused.status_code, codes(refused)) == (422, {"unusual_unexplained"})
    assert words in refused.content.decode()
    session.refresh_from_db()
    signed = post(
        practitioner_client,
        "session",
        session.pk,
        crowded | {"version": session.version, "unusual_reason": "scars left out"},
    )
    assert signed.status_code == 302
    record = get(practitioner_client, "session", session.pk).content.decode()
    assert "scars left out" in record


def test_nothing_may_be_injected_in_a_dry_session(begin: Any, practitioner_client: Client) -> None:
    session = begin("dry")
    data = sent(session, **{"zone0-volume_ml": "1"})  # a field that the page does not have
    assert post(practitioner_client, "session", session.pk, data).status_code == 302
    assert [(zone.points, zone.volume_ml) for zone in session.zones.all()] == [(20, 0)]


def test_a_mode_that_was_typed_into_an_older_draft_can_still_be_kept(
    begin: Any, practitioner_client: Client
) -> None:
    session = begin("gun")
    Session.objects.filter(pk=session.pk).update(gun_mode="slow burst")
    answer = post(practitioner_client, "session", session.pk, sent(session, gun_mode="slow burst"))
    assert answer.status_code == 302
    assert "slow burst" in get(practitioner_client, "session", session.pk).content.decode()


def test_the_points_of_a_grid_are_counted_from_area_and_spacing_and_nothing_is_saved(
    begin: Any, practitioner_client: Client
) -> None:
    session = begin("amin_face")
    places = BodyZone.objects.current()[:3]
    typed = {
        "version": session.version,
        "zone_rows": 3,
        "spacing_mm": "10",
        "zone0-zone": places[0].pk,
        "zone0-points": "7",
        "zone0-area_cm2": "125",
        "zone1-zone": places[1].pk,
        "zone1-area_cm2": "100.9",
        "zone2-zone": places[2].pk,
        "zone2-points": "9",
        "note": "kept",
        "grid": 1,
    }
    page = post(practitioner_client, "session", session.pk, typed)
    rows = page.context["rows"].forms
    assert [row["points"].value() for row in rows] == ["125", "100", "9"]
    assert page.context["form"]["note"].value() == "kept"
    assert not session.zones.exists()


@pytest.mark.parametrize("left_out", ["spacing_mm", "zone0-area_cm2"])
def test_without_area_or_spacing_no_point_is_counted_and_the_page_says_what_to_enter(
    begin: Any, practitioner_client: Client, left_out: str
) -> None:
    session = begin("amin_face")
    typed = {"version": session.version, "zone_rows": 1, "zone0-points": "7", "grid": 1}
    more = {"spacing_mm": "10", "zone0-area_cm2": "125"} | {left_out: ""}
    page = post(practitioner_client, "session", session.pk, typed | more)
    assert "Enter the spacing and the area of a zone" in page.content.decode()
    assert page.context["rows"].forms[0]["points"].value() == "7"


def test_the_signed_record_draws_the_zones_beside_the_table_that_names_them(
    begin: Any, practitioner_client: Client
) -> None:
    session = begin("nappage")
    post(practitioner_client, "session", session.pk, sent(session))
    page = get(practitioner_client, "session", session.pk)
    drawn = [shape.zone for view in page.context["views"] for shape in view.shapes]
    assert drawn == [row.zone for row in session.zones.all()] and len(drawn) == 1
    assert f"{drawn[0].name}</figcaption>" in page.content.decode()


class TestTheDevice:
    def gun(self, **more: Any) -> Device:
        return DeviceFactory(kind="gun", name="Gun A", **more)

    def test_one_that_is_out_of_use_is_seen_and_not_chosen(
        self, begin: Any, practitioner_client: Client
    ) -> None:
        session, gun = begin("gun"), self.gun()
        DeviceCareFactory(device=gun, out=True)
        page = get(practitioner_client, "session", session.pk).content.decode()
        option = f'<option value="{gun.pk}" disabled>Gun A: out of use, the needle jams</option>'
        assert option in page
        answer = post(practitioner_client, "session", session.pk, sent(session, device=gun.pk))
        assert answer.status_code == 422
        assert answer.context["form"].errors["device"] == [
            "Gun A is out of use: the needle jams. Choose the device you used."
        ]
        session.refresh_from_db()
        assert not session.is_signed

    def test_one_whose_service_is_overdue_is_said_and_can_be_signed(
        self, begin: Any, practitioner_client: Client
    ) -> None:
        session, gun = begin("gun"), self.gun(service_due_on=TODAY - timedelta(days=1))
        page = get(practitioner_client, "session", session.pk).content.decode()
        assert f'<option value="{gun.pk}">Gun A: service due since 1 Mar 2026</option>' in page
        answer = post(practitioner_client, "session", session.pk, sent(session, device=gun.pk))
        assert answer.status_code == 302, answer.context["form"].errors

    @pytest.mark.parametrize("kind", ["out_of_use", "back_in_use"])
    def test_taken_out_or_brought_back_during_the_session_it_is_signed(
        self, begin: Any, practitioner_client: Client, kind: str
    ) -> None:
        gun = self.gun()
        if kind == "back_in_use":
            DeviceCareFactory(device=gun, out=True)
        session = begin("gun")
        with time_machine.travel(CLINIC_NOW + timedelta(minutes=10), tick=False):
            now = CLINIC_NOW + timedelta(minutes=5)
            DeviceCareFactory(device=gun, kind=kind, note="the needle jams", happened_at=now)
            answer = post(practitioner_client, "session", session.pk, sent(session, device=gun.pk))
        assert answer.status_code == 302, answer.context["form"].errors
        session.refresh_from_db()
        assert session.is_signed

    def test_the_rule_refuses_it_at_the_signature_too(self, begin: Any) -> None:
        session, gun = begin("gun"), self.gun()
        DeviceCareFactory(device=gun, out=True)
        session.device, session.depth_mm, session.gun_mode, session.outcome = gun, 4, "burst", "complete"
        rule = TechniqueRule.objects.current().get(technique_code="gun")
        with pytest.raises(DomainError) as refusal:
            check_complete(session, facts_of_session(session), rule, at=CLINIC_NOW)
        assert (refusal.value.code, refusal.value.field) == ("device_out_of_use", "device")
