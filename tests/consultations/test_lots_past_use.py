"""A lot that was expired or put aside and injected all the same: held by the draft, signed only as a deviation that names it;
found by its trace like any other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.models import User
from consultations.actions import lots as lot_actions
from consultations.models import Deviation, Lot, Plan, Session, SessionLot
from consultations.rules import lots as rules
from consultations.tracing import Trace
from tests.consultations.test_session_pages import filled, first, get, post
from tests.factories import (
    ComponentFactory,
    DeviationFactory,
    FormulaFactory,
    LotFactory,
    SessionDoseFactory,
    SessionFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago
from tests.factories.consultations import CONTENT_HASH
from tests.guards import refusal_of, without

pytestmark = pytest.mark.django_db
YESTERDAY = TODAY - timedelta(days=1)
BEGAN = ago(hours=1)


def put_aside(lot: Lot, at: datetime, **more: Any) -> None:
    """In quarantine from that moment on."""
    aside = {"quarantined_at": at, "quarantined_by": UserFactory(), "quarantine_reason": "cloudy", **more}
    Lot.objects.filter(pk=lot.pk).update(**aside)


def recalled(lot: Lot, at: datetime) -> None:
    put_aside(lot, at, recalled_at=at, recalled_by=UserFactory(), recall_reference="R-1")


def released(lot: Lot) -> None:
    Lot.objects.filter(pk=lot.pk).update(quarantined_at=None, quarantined_by=None, quarantine_reason="")


def drafted(*codes: str, before: Any = None, after: Any = None, **lot: Any) -> Session:
    """A draft of an hour ago with everything but its signature. What is done to its one lot `before` and `after` the draft
    named it; with `codes` under a deviation that was recorded for them."""
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 10)]))
    used = LotFactory(component=plan.formula.parts.get().component, **lot)
    deviation = DeviationFactory(plan=plan, codes=list(codes)) if codes else None
    session = SessionFactory(plan=plan, zones=[{}], outcome="complete", deviation=deviation)
    if before:
        before(used)
    SessionLot.objects.create(session=session, lot=used)
    if after:
        after(used)
    SessionDoseFactory(session=session, amount=1, cap_amount=100)
    return session


def sign_by_hand(session: Session) -> None:
    """By no rule of Python."""
    session.signed_at, session.signed_by = CLINIC_NOW, UserFactory(practitioner=True)
    session.content_hash = CONTENT_HASH
    session.save()


# The rule against the gate ------------------------------------------------------------------------------------------

STATES = [
    pytest.param({"expires_on": TODAY}, False, id="its last day"),
    pytest.param({"expires_on": YESTERDAY}, True, id="expired the day before"),
    pytest.param({"opened_on": ago(days=9).date(), "opened_until": TODAY}, False, id="open, its last day"),
    pytest.param({"opened_on": ago(days=9).date(), "opened_until": YESTERDAY}, True, id="open too long"),
    pytest.param({"before": lambda lot: put_aside(lot, ago(days=1))}, True, id="put aside the day before"),
    pytest.param({"before": lambda lot: recalled(lot, ago(days=1))}, True, id="recalled"),
    pytest.param({"after": lambda lot: put_aside(lot, BEGAN)}, True, id="put aside as it began"),
    pytest.param(
        {"after": lambda lot: put_aside(lot, BEGAN + timedelta(seconds=1))}, False, id="named, then put aside"
    ),
    pytest.param(
        {"before": lambda lot: put_aside(lot, BEGAN + timedelta(minutes=5))},
        True,
        id="put aside during the session, then named",
    ),
    pytest.param(
        {"before": lambda lot: put_aside(lot, ago(days=1)), "after": released}, False, id="released since"
    ),
]


def past_use_in(session: Session) -> bool:
    """Whether the draft's page offers its one lot among those that must not be used, or among the others."""
    lot = session.used_lots.get().lot
    asked = rules.asked_for(session.formula, at=session.started_at)
    choice = rules.for_draft([lot], asked, session=session, used=session.used_lots.all())
    offered = choice.usable, list(choice.past_use)
    assert offered in (([lot], []), ([], [lot]))
    return offered == ([], [lot])


@pytest.mark.parametrize(("state", "asks"), STATES)
def test_rule_and_gate_agree_on_what_is_signed_only_with_a_deviation_that_names_it(
    state: dict[str, Any], asks: bool
) -> None:
    session = drafted(**state)
    assert [each.code for each in rules.refusals(session)] == ["lot_past_use"] * asks
    assert past_use_in(session) is asks
    if asks:
        assert refusal_of(lambda: sign_by_hand(session)) == "session_lot_past_use"
    else:
        sign_by_hand(session)
    of_another_thing, of_this = drafted("consent", **state), drafted("lot_past_use", **state)
    if asks:
        assert refusal_of(lambda: sign_by_hand(of_another_thing)) == "session_lot_past_use"
    sign_by_hand(of_this)
    assert of_this.is_signed


@pytest.mark.parametrize(("begun", "asks"), [(11, False), (9, True)])
def test_a_lot_is_judged_by_the_day_of_the_session_whenever_its_draft_is_read(begun: int, asks: bool) -> None:
    session = drafted(expires_on=TODAY - timedelta(days=10))
    session.started_at = ago(days=begun)
    assert [each.code for each in rules.refusals(session)] == ["lot_past_use"] * asks
    assert past_use_in(session) is asks


def test_however_many_lots_are_judged_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    session = drafted("lot_past_use", expires_on=YESTERDAY)
    component = session.used_lots.get().lot.component
    SessionLot.objects.create(session=session, lot=LotFactory(component=component, expires_on=YESTERDAY))
    with django_assert_num_queries(1):
        assert [each.field for each in rules.refusals(session)] == [f"lot_{component.code}"] * 2


def test_nobody_but_the_database_says_whether_it_was_in_quarantine_when_it_was_named() -> None:
    session = drafted(before=lambda lot: put_aside(lot, ago(minutes=5)))
    used = session.used_lots.get()
    assert used.in_quarantine
    session.used_lots.update(in_quarantine=False)
    used.refresh_from_db()
    assert used.in_quarantine
    released(used.lot)
    session.used_lots.update(in_quarantine=False)
    used.refresh_from_db()
    assert used.in_quarantine
    with without("session_lot_usable"):
        session.used_lots.update(in_quarantine=False)
        used.refresh_from_db()
        assert not used.in_quarantine


# The pages ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def plan(clinic_now: datetime) -> Plan:
    return cleared_plan(sessions=3)


@pytest.fixture
def draft(plan: Plan, practitioner_client: Client) -> Session:
    post(practitioner_client, "session_begin", first(plan).pk)
    return Session.objects.get()


def of_plan(plan: Plan, number: str, **lot: Any) -> Lot:
    return LotFactory(component=plan.formula.parts.first().component, number=number, **lot)


def with_lot(draft: Session, lot: Lot, **more: Any) -> dict[str, Any]:
    return filled(draft, (10, "0.1"), **more) | {f"lot_{lot.component.code}": [str(lot.pk)]}


def test_they_stand_in_a_group_of_their_own_with_what_is_wrong_and_none_is_ticked(
    practitioner_client: Client, plan: Plan, draft: Session
) -> None:
    old = of_plan(plan, "OLD", maker="Nord", expires_on=YESTERDAY)
    put_aside(aside := of_plan(plan, "ASIDE", maker="Nord"), ago(days=1))
    recalled(back := of_plan(plan, "BACK", maker="Nord", expires_on=YESTERDAY), ago(days=1))
    of_plan(plan, "EMPTY", expires_on=YESTERDAY, used_up_on=YESTERDAY)
    field = get(practitioner_client, "session", draft.pk).context["form"][f"lot_{old.component.code}"]
    title, group = field.field.choices[-1]
    assert title == "Not to be used. Tick one only if it was injected: signing needs the reason"
    assert dict(group) == {
        str(old.pk): "OLD, Nord: expired on 1 Mar 2026",
        str(aside.pk): "ASIDE, Nord: in quarantine",
        str(back.pk): "BACK, Nord: recalled by its maker, expired on 1 Mar 2026",
    }
    assert not set(field.value()) & set(dict(group))


def test_the_draft_holds_one_and_the_signature_asks_for_the_reason(
    practitioner_client: Client, admin_client: Client, plan: Plan, draft: Session
) -> None:
    old = of_plan(plan, "OLD", expires_on=YESTERDAY)
    sentence = (
        "Lot OLD must not be used: expired on 1 Mar 2026. If it was injected, the signature needs the reason, as a"
        " deviation."
    )
    typed = post(practitioner_client, "session_doses", draft.pk, with_lot(draft, old))
    assert sentence in typed.context["cautions"]
    assert post(practitioner_client, "session", draft.pk, with_lot(draft, old, save=1)).status_code == 302
    page = get(practitioner_client, "session", draft.pk)
    assert sentence in page.context["cautions"]
    draft.refresh_from_db()
    assert draft.used_lots.filter(lot=old).exists()

    refused = post(practitioner_client, "session", draft.pk, with_lot(draft, old, sign=1))
    draft.refresh_from_db()
    assert (refused.status_code, draft.is_signed, Deviation.objects.count()) == (422, False, 0)
    assert [str(each.message) for each in refused.context["outside"]] == [sentence]
    assert refused.context["form"].errors[f"lot_{old.component.code}"] == [sentence]

    data = with_lot(draft, old, sign=1, deviation_reason="seen only when the vial was empty")
    assert post(practitioner_client, "session", draft.pk, data).status_code == 302
    draft.refresh_from_db()
    assert draft.is_signed and draft.deviation
    assert (draft.deviation.codes, draft.deviation.findings) == (["lot_past_use"], sentence)
    record = get(practitioner_client, "session", draft.pk).content.decode()
    assert (
        "seen only when the vial was empty Outside the rules: a lot that was expired or put aside." in record
    )
    incidents = admin_client.get(reverse("consultations:incidents")).content.decode()
    assert "a lot that was expired or put aside" in incidents
    assert list(Trace(old).sessions()) == [draft]
    assert list(Trace(old).patients()) == [plan.patient]


def test_a_reason_for_a_lot_that_is_in_order_is_refused(
    practitioner_client: Client, plan: Plan, draft: Session
) -> None:
    fine = of_plan(plan, "FINE", maker="Laboratoire Nord", expires_on=TODAY)
    data = with_lot(draft, fine, sign=1, deviation_reason="none")
    assert post(practitioner_client, "session", draft.pk, data).status_code == 422
    draft.refresh_from_db()
    assert post(practitioner_client, "session", draft.pk, with_lot(draft, fine, sign=1)).status_code == 302
    draft.refresh_from_db()
    assert (draft.is_signed, draft.deviation) == (True, None)


def test_one_that_is_used_up_is_refused_by_name_in_the_draft_already(
    practitioner_client: Client, plan: Plan, draft: Session
) -> None:
    empty = of_plan(plan, "EMPTY", used_up_on=YESTERDAY)
    answer = post(practitioner_client, "session", draft.pk, with_lot(draft, empty, save=1))
    assert answer.context["form"].errors[f"lot_{empty.component.code}"] == [
        "Lot EMPTY is used up. Choose another."
    ]
    assert draft.used_lots.count() == 0


@pytest.mark.parametrize("named_before", [True, False])
def test_what_the_draft_named_before_it_was_put_aside_needs_no_reason_and_what_it_names_later_does(
    practitioner_client: Client, practitioner_user: User, plan: Plan, draft: Session, named_before: bool
) -> None:
    lot = of_plan(plan, "LATE", maker="Laboratoire Nord")
    if named_before:
        post(practitioner_client, "session", draft.pk, with_lot(draft, lot, save=1))
        draft.refresh_from_db()
    later = CLINIC_NOW + timedelta(minutes=1)
    lot_actions.quarantine(lot=lot, reason="cloudy", by=practitioner_user, at=later)
    answer = post(practitioner_client, "session", draft.pk, with_lot(draft, lot, sign=1))
    draft.refresh_from_db()
    assert (answer.status_code, draft.is_signed) == ((302, True) if named_before else (422, False))
