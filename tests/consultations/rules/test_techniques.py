"""What is usual for a technique, and that the record says why where something is not."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from clinic.errors import DomainError
from consultations.models import Session, Technique, TechniqueRule
from consultations.rules import techniques
from consultations.rules.doses import ZoneDose

pytestmark = pytest.mark.django_db


@pytest.fixture
def shipped(db: None) -> None:
    call_command("load_reference", verbosity=0)


def zone(points: int, each: str = "0.01", area: str | None = None) -> ZoneDose:
    ml = Decimal(each)
    return ZoneDose(points, ml, points * ml, Decimal(area) if area else None)


def said(code: str, *zones: ZoneDose, spacing: str | None = None, minutes: int | None = None) -> list[str]:
    technique = Technique.objects.get(code=code)
    return techniques.unusual(
        technique,
        TechniqueRule.objects.of(technique),
        zones,
        spacing_mm=Decimal(spacing) if spacing else None,
        minutes=minutes,
    )


@pytest.mark.usefixtures("shipped")
def test_a1_225_points_a_centimetre_apart_need_225_square_centimetres() -> None:
    assert said("amin_face", zone(125, area="125"), zone(100, area="100"), spacing="10") == []
    assert said("amin_face", zone(225, area="200"), spacing="10") == [
        "225 points, but 200 cm² have room for 200 points 10 mm apart."
    ]
    assert (
        said("amin_face", zone(225, area="200")) == []
    )  # nothing said of the spacing: nothing to hold against


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("code", "zones", "more", "expected"),
    [
        ("nappage", [zone(100, "0.01")], {"spacing": "2"}, []),
        ("nappage", [zone(100, "0.02")], {"spacing": "5"}, []),
        ("nappage", [zone(100, "0.03")], {}, ["0.03 ml per point; usual are 0.01–0.02 ml."]),
        ("gun", [zone(10, "0.2")], {}, ["0.2 ml per shot; usual are 0.01–0.1 ml."]),
        ("nappage", [zone(100)], {"spacing": "5.1"}, ["A spacing of 5.1 mm; usual is 2–5 mm."]),
        ("amin_face", [zone(200)], {}, []),
        ("amin_face", [zone(250)], {}, []),
        ("amin_face", [zone(125), zone(126)], {}, ["251 points in one session; usual are 200–250."]),
        ("amin_face", [zone(199)], {}, ["199 points in one session; usual are 200–250."]),
        ("amin_face", [zone(225)], {"spacing": "9"}, ["A spacing of 9 mm; usual is 10 mm."]),
        ("pc_dc", [zone(50, "0.2", "50")], {"spacing": "10"}, []),
        ("mesoperfusion", [zone(4, "1")], {}, ["4 points in one session; usual are 1–3."]),
        ("epidermal", [ZoneDose(0, Decimal(0), Decimal(2))], {"minutes": 3}, []),
        ("epidermal", [ZoneDose(0, Decimal(0), Decimal(2))], {"minutes": 8}, ["8 minutes; usual are 3–7."]),
        ("needleless", [ZoneDose(0, Decimal(0), Decimal(5))], {"minutes": 90}, []),
        ("dry", [zone(40, "0")], {}, []),
        ("linear", [zone(12, "0.05")], {}, []),
    ],
)
def test_what_is_outside_the_usual_is_said_in_words(
    code: str, zones: list[ZoneDose], more: dict[str, Any], expected: list[str]
) -> None:
    assert said(code, *zones, **more) == expected


def test_where_only_one_end_is_known_nothing_is_said_of_it() -> None:
    ends = [{"ml_per_point_min": Decimal(1)}, {"ml_per_point_max": Decimal("0.001")}]
    known = {"spacing_mm": None, "minutes": None}
    rule = TechniqueRule(counts="points")
    assert [techniques.unusual(Technique(**each), rule, [zone(10)], **known) for each in ends] == [[], []]


def test_where_nothing_is_injected_no_volume_is_unusual() -> None:
    technique = Technique(ml_per_point_min=Decimal("0.01"), ml_per_point_max=Decimal("0.02"))
    rule = TechniqueRule(counts="points", injects_nothing=True)
    assert techniques.unusual(technique, rule, [zone(10, "0")], spacing_mm=None, minutes=None) == []


def test_spacing_and_minutes_of_a_draft_are_held_against_the_rule_in_sentences_that_follow_each_other() -> (
    None
):
    rule = TechniqueRule(counts="points", spacing_min_mm=2, spacing_max_mm=5, minutes_min=3, minutes_max=7)
    session = Session(technique=Technique(), spacing_mm=Decimal(6), minutes_applied=8)
    with pytest.raises(DomainError) as refusal:
        techniques.check_explained(session, rule, [zone(10)])
    assert str(refusal.value) == (
        "A spacing of 6 mm; usual is 2–5 mm. 8 minutes; usual are 3–7. Correct the figure, or say here why it was so."
    )


@pytest.mark.usefixtures("shipped")
def test_every_shipped_technique_has_its_rule() -> None:
    codes = set(Technique.objects.values_list("code", flat=True))
    assert set(TechniqueRule.objects.current().values_list("technique_code", flat=True)) == codes


@pytest.mark.usefixtures("shipped")
def test_what_is_unusual_is_signed_only_with_its_reason() -> None:
    technique = Technique.objects.get(code="amin_face")
    rule = TechniqueRule.objects.of(technique)
    session = Session(technique=technique)
    techniques.check_explained(session, rule, [zone(225)])
    with pytest.raises(DomainError) as refusal:
        techniques.check_explained(session, rule, [zone(300)])
    assert (refusal.value.code, refusal.value.field) == ("unusual_unexplained", "unusual_reason")
    assert "300 points in one session; usual are 200–250." in str(refusal.value)
    session.unusual_reason = "large face"
    techniques.check_explained(session, rule, [zone(300)])
