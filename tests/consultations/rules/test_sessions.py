"""What a session's record must say before it is signed, technique by technique."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.enums import DeviceKind
from clinic.errors import DomainError
from clinic.models import Practitioner
from consultations.enums import SessionOutcome, TechniqueFamily
from consultations.models import EnteredInError, Session, SessionLot, TechniqueRule
from consultations.queries import facts_of_one
from consultations.rules import lots, sessions
from consultations.technique_enums import TechniqueDetail
from tests.consultations.in_memory import facts_with
from tests.factories import (
    AllergyFactory,
    DeviceFactory,
    LotFactory,
    SessionFactory,
    TechniqueFactory,
    cleared_plan,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead
from tests.refusals import code_and_field

pytestmark = pytest.mark.django_db


def refusal(session: Session) -> tuple[str, str | None]:
    """Code and field; ("", None) when the record is complete."""
    try:
        rule = TechniqueRule.objects.of(session.technique)
        sessions.check_complete(session, facts_of_one(session.plan), rule, at=CLINIC_NOW)
    except DomainError as error:
        return error.code, error.field
    return "", None


def complete(family: TechniqueFamily = TechniqueFamily.NEEDLE, **changes: Any) -> Session:
    """A draft with everything, of the technique family; `changes` take something away."""
    session = SessionFactory(plan=cleared_plan(technique=TechniqueFactory(family=family)))
    for lot in lots_of(session.plan.formula):
        SessionLot.objects.create(session=session, lot=lot)
    details: dict[str, Any] = {"outcome": SessionOutcome.COMPLETE, "aftercare_given": True}
    if family == TechniqueFamily.NEEDLE:
        details |= {"needle": "30G", "depth_mm": Decimal(2)}
    if family == TechniqueFamily.GUN:
        details |= {"device": DeviceFactory(), "depth_mm": Decimal(2), "gun_mode": "burst"}
    if family == TechniqueFamily.NEEDLELESS:
        device = DeviceFactory(kind=DeviceKind.NEEDLELESS)
        details |= {"device": device, "program": "face", "intensity": "3", "minutes_applied": 10}
    for name, value in {**details, **changes}.items():
        setattr(session, name, value)
    return session


@pytest.mark.parametrize("family", TechniqueFamily)
def test_a_complete_record_may_be_signed(family: TechniqueFamily) -> None:
    assert refusal(complete(family)) == ("", None)


@pytest.mark.parametrize(
    ("family", "changes", "expected"),
    [
        ("needle", {"outcome": ""}, ("outcome_missing", "outcome")),
        ("needle", {"outcome": "partial"}, ("reason_missing", "outcome_reason")),
        ("needle", {"needle": " "}, ("needle_missing", "needle")),
        ("needle", {"depth_mm": None}, ("depth_missing", "depth_mm")),
        ("needle", {"depth_mm": Decimal("4.1")}, ("depth_implausible", "depth_mm")),
        ("needle", {"depth_mm": Decimal("0.9")}, ("depth_implausible", "depth_mm")),
        ("needle", {"aftercare_given": False}, ("aftercare", "aftercare_given")),
        ("needle", {"ended_at": ago(hours=2)}, ("ended_before", "ended_at")),
        ("needle", {"started_at": ahead(minutes=6), "ended_at": None}, ("future", "started_at")),
        ("gun", {"device": None}, ("device_missing", "device")),
        ("gun", {"depth_mm": None}, ("depth_missing", "depth_mm")),
        ("gun", {"gun_mode": ""}, ("gun_mode_missing", "gun_mode")),
        ("needleless", {"device": None}, ("device_missing", "device")),
        ("needleless", {"program": ""}, ("program_missing", "program")),
        ("needleless", {"intensity": ""}, ("intensity_missing", "intensity")),
        ("needleless", {"minutes_applied": None}, ("minutes_applied_missing", "minutes_applied")),
    ],
)
def test_each_technique_names_what_is_missing(
    family: str, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(complete(TechniqueFamily(family), **changes)) == expected


def test_what_a_needleless_device_was_set_to_is_asked_for_in_words() -> None:
    session = complete(TechniqueFamily.NEEDLELESS, program="")
    rule = TechniqueRule.objects.of(session.technique)
    with pytest.raises(DomainError, match=r"^Enter the programme\.$"):
        sessions.check_complete(session, facts_of_one(session.plan), rule, at=CLINIC_NOW)


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (TechniqueDetail.LINE_LENGTH, "Enter the length of a line in millimetres."),
        (TechniqueDetail.MINUTES, "Enter the minutes."),
    ],
)
def test_what_the_rule_of_a_technique_asks_for_is_said(detail: TechniqueDetail, words: str) -> None:
    session, rule = complete(), TechniqueRule(asks=[detail], injects_nothing=True)
    facts = facts_of_one(session.plan)
    with pytest.raises(DomainError) as error:
        sessions.check_complete(session, facts, rule, at=CLINIC_NOW)
    assert (error.value.message, error.value.code, error.value.field) == (words, f"{detail}_missing", detail)
    setattr(session, detail, 5)
    sessions.check_complete(session, facts, rule, at=CLINIC_NOW)


def test_the_limits_themselves_are_within() -> None:
    session = complete(depth_mm=Decimal(4), started_at=ahead(minutes=5), ended_at=ahead(minutes=5))
    assert refusal(session) == ("", None)
    session.depth_mm = Decimal(1)
    assert refusal(session) == ("", None)


def test_every_component_has_its_lot() -> None:
    session = complete()
    part = session.plan.formula.parts.first()
    session.used_lots.filter(lot__component=part.component).delete()
    assert refusal(session) == ("lot_missing", f"lot_{part.component.code}")


@pytest.mark.parametrize(
    ("minutes", "code"),
    [pytest.param(0, "lot_past_use", id="by then"), pytest.param(1, "", id="a minute later")],
)
def test_a_lot_put_aside_by_the_injection_asks_for_a_reason_and_one_put_aside_after_it_does_not(
    minutes: int, code: str
) -> None:
    session = complete()
    lot = session.used_lots.first().lot
    lot.quarantined_at, lot.quarantined_by, lot.quarantine_reason = (
        session.started_at + timedelta(minutes=minutes),
        session.plan.created_by,
        "recall",
    )
    lot.save()
    assert refusal(session) == ("", None)
    found = [(each.code, each.field) for each in lots.refusals(session)]
    assert found == [(code, f"lot_{lot.component.code}")] * bool(code)


def test_a_lot_used_up_before_the_day_is_refused_and_one_used_up_on_it_is_not() -> None:
    session = complete()
    lot = session.used_lots.first().lot
    lot.used_up_on = TODAY
    lot.save()
    assert refusal(session) == ("", None)
    lot.used_up_on = TODAY - timedelta(days=1)
    lot.save()
    assert refusal(session) == ("lot_unusable", f"lot_{lot.component.code}")


@pytest.mark.parametrize(
    ("minutes", "code"),
    [pytest.param(0, "lot_unusable", id="by then"), pytest.param(1, "", id="a minute later")],
)
def test_an_allergy_to_what_a_lot_holds_is_held_against_it_if_it_was_known_by_then(
    minutes: int, code: str
) -> None:
    session = complete()
    lot = session.used_lots.first().lot
    lot.allergen_groups = ["sulfite"]
    lot.save()
    told = session.started_at + timedelta(minutes=minutes)
    AllergyFactory(patient=session.patient, group_code="sulfite", reported_at=told)
    assert refusal(session) == (code, f"lot_{lot.component.code}" if code else None)


def test_a_second_lot_of_a_component_may_be_used_and_costs_no_query() -> None:
    session = complete()
    with CaptureQueriesContext(connection) as of_one:
        assert refusal(session) == ("", None)
    SessionLot.objects.create(
        session=session, lot=LotFactory(component=session.plan.formula.parts.first().component)
    )
    with CaptureQueriesContext(connection) as of_two:
        assert refusal(session) == ("", None)
    assert len(of_two) == len(of_one)


def test_a_session_that_was_not_given_needs_only_its_reason() -> None:
    session = complete(outcome=SessionOutcome.NOT_GIVEN, needle="", depth_mm=None, aftercare_given=False)
    assert refusal(session) == ("reason_missing", "outcome_reason")
    session.outcome_reason = "fever"
    assert refusal(session) == ("", None)


def test_a_session_that_was_not_given_has_no_injected_zones() -> None:
    session = complete(outcome=SessionOutcome.NOT_GIVEN)
    sessions.check_nothing_injected(session, zones=0)
    with pytest.raises(DomainError) as refused:
        sessions.check_nothing_injected(session, zones=1)
    assert (refused.value.code, refused.value.field) == ("not_given_with_zones", "zones")


def test_a_session_does_not_lie_in_the_future() -> None:
    session = complete()
    session.started_at = CLINIC_NOW + timedelta(minutes=6)
    assert refusal(session) == ("future", "started_at")


@pytest.mark.parametrize(
    ("there", "is_refused"),
    [
        ({}, True),
        ({"started_at": CLINIC_NOW.replace(hour=0)}, True),
        ({"started_at": ago(days=1)}, False),
        ({"practitioner": Practitioner(pk=uuid4())}, False),
        ({"outcome_reason": "fainted"}, False),
        ({"outcome": SessionOutcome.PARTIAL}, False),
        ({"planned_id": uuid4()}, False),
        ({"signed_at": None}, False),
        ({"wrong": True}, False),
    ],
    ids=[
        "the same",
        "at midnight",
        "yesterday",
        "somebody else",
        "another reason",
        "partly given",
        "another session",
        "a draft",
        "an error",
    ],
)
def test_what_was_not_given_is_on_record_once_a_day_with_its_reason(
    there: dict[str, Any], is_refused: bool
) -> None:
    usual = {
        "planned_id": uuid4(),
        "practitioner": Practitioner(pk=uuid4()),
        "outcome": SessionOutcome.NOT_GIVEN,
        "outcome_reason": "fever",
        "started_at": CLINIC_NOW,
    }
    other = Session(**usual | {"signed_at": CLINIC_NOW} | {k: v for k, v in there.items() if k != "wrong"})
    entry = EnteredInError(requested_at=CLINIC_NOW) if "wrong" in there else None
    other._meta.get_field("entered_in_error").set_cached_value(other, entry)
    facts = replace(facts_with(), sessions=[other])
    said = code_and_field(lambda: sessions.check_not_given_once(Session(**usual), facts))
    assert said == (("not_given_already", "reason") if is_refused else ("", None))
