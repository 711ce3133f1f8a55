"""What a refusal beyond a cap says, at which field and by which code, and from what an interval runs; in memory."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from clinic.errors import DomainError
from consultations.enums import CapMeasure, Unit
from consultations.models import (
    BodyZone,
    Component,
    DoseCap,
    EnteredInError,
    Session,
    SessionDose,
    SessionZone,
)
from consultations.rules import course_caps, doses, over_caps
from consultations.rules.day_doses import Origin, Portion
from consultations.rules.doses import ComponentDose, ZoneDose
from consultations.rules.over_caps import NeedsReason
from tests.consultations.in_memory import facts_with
from tests.factories.clock import CLINIC_NOW, TODAY, ago

LIDOCAINE = Component(code="a", name="Lidocaine", unit=Unit.MG)
TESTED = Portion(LIDOCAINE, Decimal(5), Origin.TEST, ago(hours=2))
SIGNED = Portion(LIDOCAINE, Decimal(10), Origin.SIGNED, ago(hours=1), who="Dr Amari")
DRAFTED = Portion(LIDOCAINE, Decimal(20), Origin.DRAFT, ago(minutes=30), who="Dr Silva")
OTHERS = (TESTED, SIGNED, DRAFTED)


def dose(cap: str | None, *others: Portion) -> ComponentDose:
    """90 mg of today's session, with what others put in."""
    limit = Decimal(cap) if cap else None
    return ComponentDose(LIDOCAINE, Decimal(10), Decimal(90), limit, f"{cap} mg per session", others)


def found(*judged: ComponentDose) -> list[tuple[Any, str, str | None]]:
    """The words, code and field of each refusal of doses."""
    return [(each.message, each.code, each.field) for each in over_caps.exceeded(facts_with(), [], judged)]


def test_what_is_on_record_beyond_a_cap_is_said_with_whose_it_is_and_no_draft_with_it() -> None:
    assert found(dose(None, *OTHERS), dose("105", *OTHERS)) == []
    words = "Lidocaine: 105 mg are more than the cap (104 mg per session)."
    words += " 5 mg of it: in the test injection at 07:00. 10 mg of it: given by Dr Amari at 08:00."
    assert found(dose("104", *OTHERS)) == [(words, "over_cap", "zones")]


def test_what_only_a_draft_of_the_day_would_bring_beyond_a_cap_is_warned_of_with_the_draft() -> None:
    words = "Lidocaine: with drafts of today 125 mg, more than the cap (124 mg per session)."
    words += " 5 mg of it: in the test injection at 07:00. 10 mg of it: given by Dr Amari at 08:00."
    words += " 20 mg of it: in the draft of Dr Silva, begun 08:30."
    assert over_caps.beside_drafts([dose("124", *OTHERS)]) == [words]
    within, on_record, without = dose("125", *OTHERS), dose("104", *OTHERS), dose(None, *OTHERS)
    assert over_caps.beside_drafts([within, on_record, without]) == []


ZONES = [
    ZoneDose(30, Decimal("0.1"), Decimal(3), Decimal("29.9999"), "face"),
    ZoneDose(10, Decimal("0.2"), Decimal(2), None, "scalp"),
]


@pytest.mark.parametrize(
    ("measure", "limit", "view", "words", "code"),
    [
        ("points_per_session", 39, "", "40 points are more than the 39 that A allows in a session.", "too_many_points"),
        ("ml_per_point", "0.19", "", "0.2 ml per point are more than the 0.19 ml that A allows.", "too_much_per_point"),
        ("per_cm2", 1, "", "1.001 mg per cm² are more than the 1 mg that A allows.", "too_much_per_cm2"),
        (
            "points_per_session", 29, "face",
            "30 points are more than the 29 that A allows in a session."
            " This limit is for zones of the view “face”.", "too_many_points",
        ),
    ],
)  # fmt: skip
def test_a_cap_on_points_is_refused_at_the_zones_never_rounded_down_to_it(
    measure: str, limit: int | str, view: str, words: str, code: str
) -> None:
    def cap(limit: int | str | None, component: str = "a") -> DoseCap:
        number = None if limit is None else Decimal(limit)
        return DoseCap(component_code=component, measure=measure, limit=number, zone_view=view)

    others = [cap(1, "z"), cap(None)]  # of what is not in the formula, and not decided: both are passed over
    facts = facts_with(codes="ba", caps=[*others, cap(limit)], strength=Decimal(10))
    (refused,) = over_caps.exceeded(facts, ZONES, [])
    assert (refused.message, refused.code, refused.field) == (words, code, "zones")
    enough = facts_with(codes="ba", caps=[*others, cap(41)], strength=Decimal(10))
    assert over_caps.exceeded(enough, ZONES, []) == []


def test_how_much_of_a_cap_nothing_uses_is_shown_before_a_zone_is_chosen() -> None:
    caps = [
        DoseCap(component_code="a", measure=each, limit=Decimal(7), zone_view=view)
        for each in (CapMeasure.POINTS_PER_SESSION, CapMeasure.ML_PER_POINT, CapMeasure.PER_CM2)
        for view in ("", "face")
    ]
    shown = doses.point_limits(facts_with(caps=caps), [])
    assert [(each.measure, each.value) for each in shown] == [
        (CapMeasure.POINTS_PER_SESSION, 0),
        (CapMeasure.ML_PER_POINT, 0),
    ]


def test_a_zone_on_record_counts_with_its_area_and_in_its_view() -> None:
    row = SessionZone(points=3, ml_per_point=Decimal("0.1"), volume_ml=Decimal("0.3"), area_cm2=Decimal(4))
    row.zone = BodyZone(view="face")
    assert ZoneDose.of(row) == ZoneDose(3, Decimal("0.1"), Decimal("0.3"), Decimal(4), "face")


def test_all_that_needs_a_reason_is_said_at_once_and_each_can_be_shown_at_its_field() -> None:
    over = DomainError("Too much.", "over_cap", field="zones")
    lot = DomainError("An old lot.", "lot_past_use", field="lot_a")
    with pytest.raises(NeedsReason) as asked:
        over_caps.check_reasoned([over, lot], reason=" ")
    said = asked.value
    assert (said.message, said.code, said.field) == ("Too much. An old lot.", "over_cap", "zones")
    assert said.refusals == (over, lot)
    over_caps.check_reasoned([over, lot], reason="Bleeding had to be stopped.")
    over_caps.check_reasoned([], reason=" ")
    with pytest.raises(DomainError) as needless:
        over_caps.check_reasoned([], reason="For good measure.")
    assert (needless.value.code, needless.value.field) == ("not_over", None)


@pytest.mark.parametrize(
    ("fields", "code", "counts"),
    [
        ({}, "a", True),
        ({"outcome": "partial"}, "a", True),
        ({"outcome": "not_given"}, "a", False),
        ({"signed_at": None}, "a", False),
        ({}, "z", False),
        ({"error": EnteredInError(requested_at=CLINIC_NOW)}, "a", True),
        ({"error": EnteredInError(requested_at=CLINIC_NOW, confirmed_at=CLINIC_NOW)}, "a", False),
    ],
)
def test_an_interval_runs_from_what_was_given_until_two_people_call_it_an_error(
    fields: dict[str, Any], code: str, counts: bool
) -> None:
    usual = {"started_at": ago(days=5), "signed_at": ago(days=5), "outcome": "complete"}
    session: Any = Session(**{name: value for name, value in (usual | fields).items() if name != "error"})
    session._meta.get_field("entered_in_error").set_cached_value(session, fields.get("error"))
    session._prefetched_objects_cache = {"doses": [SessionDose(component=Component(code=code))]}
    caps = [DoseCap(component_code="a", measure=CapMeasure.MIN_INTERVAL_DAYS, limit=Decimal(10))]
    facts = replace(facts_with(caps=caps), sessions=[session])
    first = course_caps.interval_cap(facts, on=TODAY)
    assert (first and first[0]) == (TODAY + timedelta(days=5) if counts else None)
