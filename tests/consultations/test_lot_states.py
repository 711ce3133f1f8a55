"""What becomes of a lot: opened, in and out of quarantine, recalled by its maker; each with its reason and its history."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from clinic.errors import DomainError, NotAllowed
from clinic.models import Practitioner, User
from consultations.actions import lots, sessions
from consultations.models import InUseLife, Lot, Session
from consultations.rules import lots as rules
from tests.factories import (
    ComponentFactory,
    FormulaFactory,
    InUseLifeFactory,
    LotFactory,
    SessionFactory,
    cleared_plan,
    recipe_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
YESTERDAY = TODAY - timedelta(days=1)


def address(lot: Lot, name: str) -> str:
    return reverse(f"consultations:lot_{name}", args=[lot.pk])


def put_aside(lot: Lot, doctor: Practitioner) -> Lot:
    return lots.quarantine(lot=lot, reason=" cloudy ", by=doctor.user, at=CLINIC_NOW)


class TestOpened:
    @pytest.fixture
    def lot(self) -> Lot:
        component = ComponentFactory(code="gel")
        InUseLifeFactory(component_code="gel", days=7)
        return LotFactory(component=component, expires_on=TODAY + timedelta(days=90))

    def test_its_life_in_use_counts_from_the_day_of_opening(
        self, practitioner_client: Client, lot: Lot
    ) -> None:
        answer = practitioner_client.post(address(lot, "opened"), {"opened_on": "2026-03-01"}, follow=True)
        lot.refresh_from_db()
        assert (lot.opened_on, lot.opened_until) == (TODAY - timedelta(days=1), TODAY + timedelta(days=6))
        text = answer.content.decode()
        assert f"Lot {lot.number}: to be used by 8 Mar 2026." in text
        assert "opened on 1 Mar 2026" in text
        assert [lot.is_usable_on(TODAY + timedelta(days=days)) for days in (6, 7)] == [True, False]
        for days, usable in ((6, True), (7, False)):
            found = Lot.objects.usable_on(TODAY + timedelta(days=days)).filter(pk=lot.pk).exists()
            assert found is usable
        assert rules.out_of_use(lot, on=TODAY + timedelta(days=7)) == (
            f"Lot {lot.number} was opened and could be used until 8 Mar 2026. Choose another."
        )

    def test_it_ends_with_the_expiry_at_the_latest(self, doctor: Practitioner, lot: Lot) -> None:
        Lot.objects.filter(pk=lot.pk).update(expires_on=TODAY + timedelta(days=2))
        opened = lots.open_lot(lot=lot, opened_on=TODAY, by=doctor.user, at=CLINIC_NOW)
        assert opened.last_day == TODAY + timedelta(days=2)

    def test_a_day_noted_wrongly_is_put_right_and_both_are_kept(self, doctor: Practitioner, lot: Lot) -> None:
        for day in (TODAY, TODAY - timedelta(days=3)):
            lots.open_lot(lot=lot, opened_on=day, by=doctor.user, at=CLINIC_NOW)
        kept = Lot.pgh_event_model.objects.filter(pgh_obj=lot).order_by("pgh_id")
        assert [each.opened_on for each in kept] == [None, TODAY, TODAY - timedelta(days=3)]

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("2026-03-03", "This day is still to come."),
            ("2025-11-30", "The lot was received later than that."),
        ],
    )
    def test_a_day_that_cannot_be_is_refused_and_kept(
        self, practitioner_client: Client, lot: Lot, typed: str, sentence: str
    ) -> None:
        page = practitioner_client.post(address(lot, "opened"), {"opened_on": typed})
        assert (page.status_code, page.context["form"].errors["opened_on"]) == (422, [sentence])
        assert page.context["form"]["opened_on"].value() == typed
        lot.refresh_from_db()
        assert lot.opened_on is None

    def test_the_components_own_life_goes_before_the_general_one(self) -> None:
        lidocaine, other = ComponentFactory(code="lidocaine", version=9, draft=True), ComponentFactory()
        found = [InUseLife.objects.of(each) for each in (lidocaine, other)]
        assert [each.days for each in found if each] == [28, 0]

    def test_without_any_an_admin_is_named(self, doctor: Practitioner, lot: Lot) -> None:
        InUseLife.objects.update(retired_at=CLINIC_NOW)
        with pytest.raises(DomainError, match="An admin has to publish first") as refusal:
            lots.open_lot(lot=lot, opened_on=TODAY, by=doctor.user, at=CLINIC_NOW)
        assert refusal.value.code == "life_missing"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        pytest.param({"expires_on": TODAY}, "", id="its last day"),
        pytest.param(
            {"expires_on": YESTERDAY, "used_up_on": TODAY},
            "expired on 1 Mar 2026",
            id="expired, used up today",
        ),
        pytest.param(
            {"expires_on": YESTERDAY, "used_up_on": YESTERDAY}, "is used up", id="expired and used up"
        ),
        pytest.param(
            {"expires_on": YESTERDAY, "opened_on": YESTERDAY, "opened_until": YESTERDAY},
            "expired on 1 Mar 2026",
            id="expired, and open too long",
        ),
        pytest.param(
            {"expires_on": TODAY, "opened_on": YESTERDAY, "opened_until": YESTERDAY},
            "was opened and could be used until 1 Mar 2026",
            id="open too long on the last day of its expiry",
        ),
    ],
)
def test_the_sentence_names_what_ended_its_use(state: dict[str, date], words: str) -> None:
    sentence = f"Lot L1 {words}. Choose another." if words else ""
    assert rules.out_of_use(LotFactory.build(number="L1", **state), on=TODAY) == sentence


def test_a_shelf_is_judged_on_the_day_of_the_injection_and_says_what_it_leaves_out() -> None:
    formula = FormulaFactory(parts=[(ComponentFactory(), 50), (ComponentFactory(), 50)])
    recipe_of(formula)
    first, second = (part.component for part in formula.parts.order_by("pk"))
    day = TODAY - timedelta(days=9)
    fit = LotFactory(component=first, label_amount=100, label_ml=1, expires_on=day)
    LotFactory(component=first, label_amount=100, label_ml=1, expires_on=day - timedelta(days=1))
    wrong = [LotFactory(component=each, label_amount=250, label_ml=1) for each in (first, second)]
    found, aside = rules.shelf(formula, at=ago(days=9))
    assert found == {first.code: [fit], second.code: []}
    assert {(each.lot, each.instead) for each in aside} == {(wrong[0], fit), (wrong[1], None)}


class TestOutOfQuarantine:
    def test_with_a_reason_it_may_be_used_again_and_its_history_says_both(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        lot = put_aside(LotFactory(), doctor)
        assert lot.quarantine_reason == "cloudy"
        assert address(lot, "release") in practitioner_client.get("/lots/", {"lot": lot.pk}).content.decode()
        answer = practitioner_client.post(
            address(lot, "release"), {"reason": "cold only; clear again"}, follow=True
        )
        lot.refresh_from_db()
        assert (lot.quarantined_at, lot.quarantine_reason, lot.released_by) == (None, "", doctor.user)
        assert Lot.objects.usable_on(TODAY).filter(pk=lot.pk).exists()
        words = [change.words for change in answer.context["history"]]
        assert words == ["out of quarantine: cold only; clear again", "put aside: cloudy", "put on record"]

    def test_a_blank_reason_changes_nothing(self, practitioner_client: Client, doctor: Practitioner) -> None:
        lot = put_aside(LotFactory(), doctor)
        assert practitioner_client.post(address(lot, "release"), {"reason": "  "}).status_code == 422
        with pytest.raises(DomainError, match="Say why the lot may be used again"):
            lots.release(lot=lot, reason=" ", by=doctor.user, at=CLINIC_NOW)
        lot.refresh_from_db()
        assert lot.quarantined_at == CLINIC_NOW

    def test_what_is_on_the_shelf_cannot_be_taken_out(self, doctor: Practitioner) -> None:
        with pytest.raises(DomainError, match="not in quarantine"):
            lots.release(lot=LotFactory(), reason="x", by=doctor.user, at=CLINIC_NOW)

    def test_put_aside_again_it_forgets_why_it_was_released(self, doctor: Practitioner) -> None:
        lot = put_aside(LotFactory(), doctor)
        lots.release(lot=lot, reason="clear again", by=doctor.user, at=CLINIC_NOW)
        again = put_aside(lot, doctor)
        assert (again.released_at, again.release_reason) == (None, "")


class TestRecalledByTheMaker:
    def test_it_is_put_aside_with_the_makers_reference(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        lot = LotFactory()
        answer = practitioner_client.post(address(lot, "recalled"), {"reference": " FSN-26-17 "}, follow=True)
        lot.refresh_from_db()
        assert (lot.recall_reference, lot.recalled_by, lot.quarantined_at) == (
            "FSN-26-17",
            doctor.user,
            CLINIC_NOW,
        )
        text = answer.content.decode()
        assert "recalled by the maker: FSN-26-17" in text
        assert address(lot, "release") not in text
        assert (
            rules.out_of_use(lot, on=TODAY) == f"Lot {lot.number} was recalled by its maker. Choose another."
        )

    def test_one_in_quarantine_keeps_why_and_stays_there(self, doctor: Practitioner) -> None:
        lot = put_aside(LotFactory(), doctor)
        recalled = lots.note_recall(lot=lot, reference="FSN-1", by=doctor.user, at=CLINIC_NOW)
        assert recalled.quarantine_reason == "cloudy"
        with pytest.raises(DomainError, match="It stays in quarantine") as refusal:
            lots.release(lot=lot, reason="x", by=doctor.user, at=CLINIC_NOW)
        assert refusal.value.code == "recalled"

    def test_without_a_reference_or_twice_it_is_refused(self, doctor: Practitioner) -> None:
        lot = LotFactory()
        with pytest.raises(DomainError, match="Enter the reference"):
            lots.note_recall(lot=lot, reference=" ", by=doctor.user, at=CLINIC_NOW)
        lots.note_recall(lot=lot, reference="FSN-1", by=doctor.user, at=CLINIC_NOW)
        with pytest.raises(DomainError, match="recalled already"):
            lots.note_recall(lot=lot, reference="FSN-2", by=doctor.user, at=CLINIC_NOW)
        lot.refresh_from_db()
        assert lot.recall_reference == "FSN-1"


def test_an_admin_and_the_desk_change_nothing(admin: User, reception: User, clinic_now: datetime) -> None:
    for user in (admin, reception):
        with pytest.raises(NotAllowed):
            lots.release(lot=LotFactory(), reason="x", by=user, at=clinic_now)
        with pytest.raises(NotAllowed):
            lots.note_recall(lot=LotFactory(), reference="x", by=user, at=clinic_now)
        with pytest.raises(NotAllowed):
            lots.open_lot(lot=LotFactory(), opened_on=TODAY, by=user, at=clinic_now)


def test_what_was_given_before_the_recall_is_saved_with_its_lot(doctor: Practitioner) -> None:
    plan = cleared_plan()
    used = [LotFactory(component=part.component) for part in plan.formula.parts.all()]
    session = SessionFactory(plan=plan, practitioner=doctor, lots=used, started_at=ago(hours=1))
    lots.note_recall(lot=used[0], reference="FSN-1", by=doctor.user, at=CLINIC_NOW)
    sessions.save(
        session=session,
        details={"note": "as given"},
        contents=sessions.Contents(lots=used),
        version=session.version,
        by=doctor.user,
        at=CLINIC_NOW,
    )
    saved = Session.objects.get(pk=session.pk)
    assert (saved.note, {each.lot for each in saved.used_lots.all()}) == ("as given", set(used))
    used[0].refresh_from_db()
    assert rules.past_use(used[0], on=TODAY, used_at=session.started_at) == ""
    assert rules.past_use(used[0], on=TODAY, used_at=CLINIC_NOW) == "recalled by its maker"
    assert rules.refusals(saved) == []
