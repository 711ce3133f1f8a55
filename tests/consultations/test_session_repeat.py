"""Repeat last session, change the lot: zones and technique as they were, today's lots, nothing saved by itself."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from clinic.models import Practitioner
from consultations.models import BodyZone, Plan, Session
from tests.factories import LotFactory, PractitionerFactory, SessionFactory, cleared_plan
from tests.factories.clock import TODAY, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def zone(code: str) -> BodyZone:
    return BodyZone.objects.current().get(code=code)


@pytest.fixture
def plan() -> Plan:
    return cleared_plan(sessions=3)


@pytest.fixture
def last(plan: Plan) -> Session:
    """A week ago, on two zones, one of them with a volume of its own."""
    rows: list[dict[str, Any]] = [
        {"zone": zone("cheek_left"), "points": 20, "ml_per_point": Decimal("0.05")},
        {"zone": zone("jawline"), "points": 10, "ml_per_point": Decimal("0.1"), "volume_ml": Decimal("0.98")},
    ]
    made = {"signed": True, "zones": rows, "started_at": ago(days=7)}
    return SessionFactory(plan=plan, needle="32G 4 mm", depth_mm=Decimal("1.5"), **made)


@pytest.fixture
def draft(last: Session, plan: Plan, doctor: Practitioner) -> Session:
    return SessionFactory(plan=plan, practitioner=doctor)


def repeated(client: Client, session: Session, **typed: Any) -> HttpResponse:
    data = {"version": session.version, "zone_rows": 1, "repeat": 1, **typed}
    return client.post(reverse("consultations:session", args=[session.pk]), data)


def test_zones_and_technique_are_as_they_were(practitioner_client: Client, draft: Session) -> None:
    page = repeated(practitioner_client, draft)
    rows = [
        tuple(form[name].value() for name in ("zone", "points", "ml_per_point", "volume_ml"))
        for form in page.context["rows"].forms
    ]
    assert rows == [
        (str(zone("cheek_left").pk), "20", "0.05", ""),
        (str(zone("jawline").pk), "10", "0.1", "0.98"),
    ]
    form = page.context["form"]
    assert (form["needle"].value(), form["depth_mm"].value()) == ("32G 4 mm", "1.5")
    assert page.context["bars"][0].value == Decimal("1.98")


def test_nothing_is_saved_and_nothing_is_judged(practitioner_client: Client, draft: Session) -> None:
    page = repeated(practitioner_client, draft)
    draft.refresh_from_db()
    assert (page.status_code, draft.version, draft.zones.count()) == (200, 1, 0)
    assert "invalid-feedback" not in page.content.decode()
    assert page.context["keeping"]["at_once"]


def test_what_is_typed_besides_stays(practitioner_client: Client, draft: Session) -> None:
    page = repeated(practitioner_client, draft, note="sleeps better", needle="27G")
    form = page.context["form"]
    assert (form["note"].value(), form["needle"].value()) == ("sleeps better", "32G 4 mm")


def test_what_belongs_to_its_day_is_not_repeated(
    practitioner_client: Client, plan: Plan, doctor: Practitioner
) -> None:
    SessionFactory(
        plan=plan,
        signed=True,
        started_at=ago(days=7),
        weight_kg=Decimal(60),
        note="fainted",
        aftercare_given=True,
        scores=[{}],
    )
    draft = SessionFactory(plan=plan, practitioner=doctor)
    form = repeated(practitioner_client, draft).context["form"]
    names = ("note", "outcome", "aftercare_given")
    assert [bool(form[name].value()) for name in names] == [False, False, False]


def test_the_lots_are_todays_and_the_page_says_which_differ(
    practitioner_client: Client, plan: Plan, last: Session, draft: Session
) -> None:
    component = plan.formula.parts.first().component
    newer = LotFactory(component=component, number="B-7", expires_on=TODAY + timedelta(days=90))
    before = last.used_lots.get(lot__component=component).lot
    page = repeated(practitioner_client, draft, **{f"lot_{component.code}": [str(newer.pk)]})
    assert page.context["form"][f"lot_{component.code}"].value() == [str(newer.pk)]
    assert f"{component.name}: lot B-7; last time {before.number}." in page.context["repeated"].words
    again = repeated(practitioner_client, draft, **{f"lot_{component.code}": [str(before.pk)]})
    assert [words for words in again.context["repeated"].words if component.name in words] == []


def test_it_says_what_was_filled_in(practitioner_client: Client, draft: Session) -> None:
    page = repeated(practitioner_client, draft)
    assert (
        page.context["repeated"].title
        == "As in session 1 of 23 Feb 2026. Check every figure before you save."
    )
    assert page.context["repeated"].words[0] == "2 zones, 30 points, 1.98 ml."


def test_a_zone_that_is_not_offered_any_more_is_left_out_and_named(
    practitioner_client: Client, draft: Session
) -> None:
    BodyZone.objects.filter(code="jawline").update(retired_at=ago(days=1))
    page = repeated(practitioner_client, draft)
    assert [form["points"].value() for form in page.context["rows"].forms] == ["20"]
    assert "Not offered any more and left out: Jaw line." in page.context["repeated"].words


def test_without_a_session_before_there_is_nothing_to_repeat(
    practitioner_client: Client, doctor: Practitioner
) -> None:
    draft = SessionFactory(practitioner=doctor)
    page = practitioner_client.get(reverse("consultations:session", args=[draft.pk]))
    assert 'name="repeat"' not in page.content.decode()
    assert repeated(practitioner_client, draft).status_code == 422


def test_a_colleague_s_draft_is_not_filled_in(practitioner_client: Client, last: Session, plan: Plan) -> None:
    theirs = SessionFactory(plan=plan, practitioner=PractitionerFactory(signs_in=True))
    assert repeated(practitioner_client, theirs).status_code == 403
