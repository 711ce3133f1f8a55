"""Lots: in date, expiring, expired, quarantined; and what was used where."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed
from clinic.models import Appointment, Practitioner, User
from consultations import purposes
from consultations.actions import lots
from consultations.enums import PlanStatus
from consultations.models import Lot, Plan
from tests.factories import (
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    PlanFactory,
    PlannedSessionFactory,
    SessionFactory,
    cleared_plan,
    lots_of,
)
from tests.factories.clock import TODAY, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

LOTS = "/lots/"
RECEIVE = "/lots/new/"
QUERIES_OF_ONE = 12


def lot_in(days: int, **details) -> Lot:
    """A lot that may be used for so many days yet."""
    return LotFactory(expires_on=TODAY + timedelta(days=days), **details)


def put_aside(lot: Lot) -> str:
    return reverse("consultations:lot_quarantine", args=[lot.pk])


def shown(page) -> list[tuple[str, str]]:
    return [
        (row["lot"].number, str(row["words"])) for group in page.context["groups"] for row in group["lots"]
    ]


class TestTheList:
    def test_each_component_lists_what_expires_first(self, practitioner_client: Client) -> None:
        hyaluronic, caffeine = ComponentFactory(name="Hyaluronic acid"), ComponentFactory(name="Caffeine")
        lot_in(300, component=hyaluronic, number="H2")
        lot_in(100, component=hyaluronic, number="H1")
        lot_in(200, component=caffeine, number="C1")
        page = practitioner_client.get(LOTS)
        assert [group["name"] for group in page.context["groups"]] == ["Caffeine", "Hyaluronic acid"]
        assert shown(page) == [("C1", "in date"), ("H1", "in date"), ("H2", "in date")]

    @pytest.mark.parametrize(
        ("days", "words"),
        [
            (-1, "expired"),
            (0, "last day today"),
            (1, "1 day left"),
            (60, "60 days left"),
            (61, "in date"),
        ],
    )
    def test_the_last_day_is_still_a_day_of_use(
        self, practitioner_client: Client, days: int, words: str
    ) -> None:
        lot_in(days, number="L1")
        assert shown(practitioner_client.get(LOTS)) == [("L1", words)]

    @pytest.mark.parametrize(
        ("state", "numbers"),
        [
            ("shelf", ["expired", "soon", "later", "aside"]),
            ("usable", ["soon", "later"]),
            ("soon", ["soon"]),
            ("expired", ["expired"]),
            ("quarantine", ["aside"]),
            ("used", ["used"]),
            ("nonsense", ["expired", "soon", "later", "aside"]),
        ],
    )
    def test_it_can_be_narrowed(
        self, practitioner_client: Client, practitioner_user: User, state: str, numbers: list[str]
    ) -> None:
        component = ComponentFactory()
        lot_in(-3, component=component, number="expired")
        lot_in(30, component=component, number="soon")
        lot_in(90, component=component, number="later")
        lot_in(400, component=component, number="used", used_up_on=TODAY)
        aside = {
            "quarantined_at": ago(days=1),
            "quarantined_by": practitioner_user,
            "quarantine_reason": "recall",
        }
        lot_in(300, component=component, number="aside", **aside)
        page = practitioner_client.get(LOTS, {"state": state})
        assert [number for number, _words in shown(page)] == numbers

    @pytest.mark.parametrize("times", [1, 3])
    def test_the_number_of_queries_does_not_grow(
        self, practitioner_client: Client, django_assert_num_queries, times: int
    ) -> None:
        for _time in range(times):
            LotFactory()
        practitioner_client.get(LOTS)
        with django_assert_num_queries(5):
            page = practitioner_client.get(LOTS)
        assert len(shown(page)) == times

    def test_an_empty_shelf_says_what_fills_it(
        self, practitioner_client: Client, admin_client: Client
    ) -> None:
        assert RECEIVE in practitioner_client.get(LOTS).content.decode()
        page = admin_client.get(LOTS).content.decode()
        assert "Practitioners put delivered lots on record." in page
        assert RECEIVE not in page

    def test_an_admin_reads_and_is_offered_nothing_to_change(self, admin_client: Client) -> None:
        lot = LotFactory()
        page = admin_client.get(LOTS).content.decode()
        assert lot.number in page
        assert put_aside(lot) not in page

    def test_it_does_not_exist_for_reception(self, reception_client: Client) -> None:
        lot = LotFactory()
        addresses = [LOTS, f"{LOTS}?lot={lot.pk}", RECEIVE, put_aside(lot)]
        assert [reception_client.get(address).status_code for address in addresses] == [404] * 4


class TestOneLot:
    def test_a_practitioner_sees_which_tests_and_sessions_used_it(self, practitioner_client: Client) -> None:
        plan = cleared_plan()
        test, lot = plan.patch_tests.get(), lots_of(plan.formula)[0]
        session = SessionFactory(plan=plan, signed=True)
        PatchTestFactory()
        page = practitioner_client.get(LOTS, {"lot": lot.pk})
        assert [(use["at"], use["patient"], use["url"]) for use in page.context["uses"]] == [
            (session.started_at, plan.patient, reverse("consultations:session", args=[session.pk])),
            (test.given_at, plan.patient, reverse("consultations:patch_test", args=[test.pk])),
        ]

    def test_an_admin_sees_how_many_and_whom_to_ask(self, admin_client: Client) -> None:
        test = PatchTestFactory()
        lot = test.lots.first()
        page = admin_client.get(LOTS, {"lot": lot.pk})
        assert (page.context["test_count"], page.context["session_count"], page.context["uses"]) == (1, 0, [])
        assert str(test.patient) not in page.content.decode()
        assert "ask a practitioner" in page.content.decode()

    @pytest.mark.parametrize("wanted", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
    def test_an_unknown_lot_is_not_there(self, practitioner_client: Client, wanted: str) -> None:
        assert practitioner_client.get(LOTS, {"lot": wanted}).status_code == 404


class TestReceiving:
    @pytest.fixture
    def label(self) -> dict[str, str]:
        component = ComponentFactory(name="Caffeine")
        return {
            "component": component.pk,
            "maker": "Nord",
            "number": "N-1",
            "expires_on": "2026-03-02",
            "label_amount": "25",
        }

    def test_a_delivered_lot_is_put_on_record(
        self, practitioner_client: Client, label: dict[str, str]
    ) -> None:
        answer = practitioner_client.post(RECEIVE, label)
        assert answer["Location"] == LOTS
        row = Lot.objects.get()
        assert (row.component.name, row.maker, row.number, row.expires_on, row.received_on, row.strength) == (
            "Caffeine",
            "Nord",
            "N-1",
            date(2026, 3, 2),
            TODAY,
            25,
        )

    @pytest.mark.parametrize(
        ("typed", "field", "sentence"),
        [
            ({"expires_on": "2026-03-01"}, "expires_on", "This lot has expired. Do not use it."),
            ({"expires_on": "9999-01-01"}, "expires_on", "Choose a date between"),
            ({"expires_on": "31/02/2027"}, "expires_on", "Enter the date as day, month and year."),
            ({"expires_on": ""}, "expires_on", "Please fill this in."),
            ({"number": ""}, "number", "Please fill this in."),
            ({"number": "x" * 61}, "number", "Write at most 60 characters (these are 61)."),
            ({"maker": "No\x00rd"}, "maker", "This contained an invisible character"),
            ({"component": "0"}, "component", "This is not offered, or not any more."),
        ],
    )
    def test_bad_input_is_named_kept_and_changes_nothing(
        self,
        practitioner_client: Client,
        label: dict[str, str],
        typed: dict[str, str],
        field: str,
        sentence: str,
    ) -> None:
        sent = label | typed
        page = practitioner_client.post(RECEIVE, sent)
        assert page.status_code == 422
        assert page.context["form"].errors[field][0].startswith(sentence)
        kept = {name: page.context["form"][name].value() for name in ("maker", "number", "expires_on")}
        assert kept == {name: sent[name].replace("\x00", "") for name in kept}
        assert not Lot.objects.exists()

    def test_the_same_lot_twice_is_refused(self, practitioner_client: Client, label: dict[str, str]) -> None:
        practitioner_client.post(RECEIVE, label)
        page = practitioner_client.post(RECEIVE, label)
        assert page.context["form"].errors["number"] == ["This lot is on record already."]
        assert Lot.objects.count() == 1

    def test_only_components_in_use_are_offered(self, practitioner_client: Client) -> None:
        gone, kept = ComponentFactory(is_active=False), ComponentFactory()
        offered = practitioner_client.get(RECEIVE).context["form"].fields["component"].queryset
        assert (gone in offered, kept in offered) == (False, True)

    def test_an_admin_is_told_who_keeps_the_lots(self, admin_client: Client, label: dict[str, str]) -> None:
        for answer in (admin_client.get(RECEIVE), admin_client.post(RECEIVE, label)):
            assert answer.status_code == 403
            assert "Clinical records are written by practitioners." in answer.content.decode()
        assert not Lot.objects.exists()

    def test_a_new_version_of_the_component_does_not_make_the_lot_a_new_one(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        lot = LotFactory()
        newer = ComponentFactory(code=lot.component.code, version=2, published_at=None)
        with pytest.raises(DomainError) as refusal:
            lots.receive(
                component=newer,
                maker=lot.maker,
                number=lot.number,
                expires_on=lot.expires_on,
                by=doctor.user,
                at=clinic_now,
            )
        assert refusal.value.code == "lot_once"


class TestPuttingAside:
    def test_the_page_asks_first_and_shows_whom_it_was_used_for(self, practitioner_client: Client) -> None:
        test = PatchTestFactory()
        lot = test.lots.first()
        page = practitioner_client.get(put_aside(lot))
        assert f"Put lot {lot.number} in quarantine?" in page.content.decode()
        assert [use["patient"] for use in page.context["uses"]] == [test.patient]
        lot.refresh_from_db()
        assert lot.quarantined_at is None

    def test_from_then_on_it_cannot_be_used(
        self, practitioner_client: Client, practitioner_user: User, clinic_now: datetime
    ) -> None:
        lot = LotFactory()
        answer = practitioner_client.post(put_aside(lot), {"reason": "recalled by the maker"})
        assert answer["Location"] == f"{LOTS}?lot={lot.pk}"
        lot.refresh_from_db()
        assert (lot.quarantined_at, lot.quarantined_by, lot.quarantine_reason) == (
            clinic_now,
            practitioner_user,
            "recalled by the maker",
        )
        assert not Lot.objects.usable_on(TODAY).exists()

    @pytest.mark.parametrize(
        ("reason", "sentence"),
        [("", "Please fill this in."), ("x" * 201, "Write at most 200 characters (these are 201).")],
    )
    def test_bad_input_is_named_kept_and_changes_nothing(
        self, practitioner_client: Client, reason: str, sentence: str
    ) -> None:
        lot = LotFactory()
        page = practitioner_client.post(put_aside(lot), {"reason": reason})
        assert (page.status_code, page.context["form"].errors["reason"]) == (422, [sentence])
        assert page.context["form"]["reason"].value() == reason
        lot.refresh_from_db()
        assert lot.quarantined_at is None

    def test_the_action_refuses_an_empty_reason(self, doctor: Practitioner, clinic_now: datetime) -> None:
        lot = LotFactory()
        with pytest.raises(DomainError) as refused:
            lots.quarantine(lot=lot, reason=" ", by=doctor.user, at=clinic_now)
        lot.refresh_from_db()
        assert (refused.value.code, refused.value.field) == ("reason_missing", "reason")
        assert lot.quarantined_at is None

    def test_twice_is_refused_and_the_first_reason_stays(self, practitioner_client: Client) -> None:
        lot = LotFactory()
        practitioner_client.post(put_aside(lot), {"reason": "first"})
        page = practitioner_client.post(put_aside(lot), {"reason": "second"})
        assert page.status_code == 422
        assert "This lot is in quarantine already." in page.content.decode()
        lot.refresh_from_db()
        assert lot.quarantine_reason == "first"

    def test_an_admin_is_refused(self, admin_client: Client) -> None:
        lot = LotFactory()
        answers = [admin_client.get(put_aside(lot)), admin_client.post(put_aside(lot), {"reason": "x"})]
        assert [answer.status_code for answer in answers] == [403, 403]

    def test_the_action_refuses_everybody_but_practitioners(
        self, admin: User, reception: User, clinic_now: datetime
    ) -> None:
        for user in (admin, reception):
            with pytest.raises(NotAllowed):
                lots.quarantine(lot=LotFactory(), reason="x", by=user, at=clinic_now)

    def test_a_used_up_lot_is_not_offered_from_the_next_day(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        formula = FormulaFactory()
        lot = lots_of(formula)[0]
        lots.use_up(lot=lot, by=doctor.user, at=clinic_now)
        lot.refresh_from_db()
        assert lot.used_up_on == TODAY
        assert lot not in Lot.objects.usable_on(TODAY)


class TestUsedUp:
    def url(self, lot: Lot, name: str = "lot_use_up") -> str:
        return reverse(f"consultations:{name}", args=[lot.pk])

    def test_it_asks_first_and_changes_nothing_yet(self, practitioner_client: Client) -> None:
        lot = lot_in(100)
        assert self.url(lot) in practitioner_client.get(LOTS, {"lot": lot.pk}).content.decode()
        page = practitioner_client.get(self.url(lot)).content.decode()
        assert f"Is lot {lot.number} used up?" in page
        lot.refresh_from_db()
        assert lot.used_up_on is None

    def test_a_lot_that_is_used_up_is_offered_no_more_and_can_be_put_back(
        self, practitioner_client: Client, clinic_now: datetime
    ) -> None:
        lot = lot_in(100)
        answer = practitioner_client.post(self.url(lot), follow=True)
        lot.refresh_from_db()
        assert lot.used_up_on == TODAY
        assert f"{lot} is used up." in answer.content.decode()
        assert not Lot.objects.usable_on(TODAY).filter(pk=lot.pk).exists()
        back = self.url(lot, "lot_put_back")
        assert back in answer.content.decode()
        assert self.url(lot) not in answer.content.decode()
        answer = practitioner_client.post(back, follow=True)
        words = [change.words for change in answer.context["history"]]
        assert words == ["put back on the shelf", "used up", "put on record"]
        assert Lot.objects.usable_on(TODAY).filter(pk=lot.pk).exists()
        history = Lot.pgh_event_model.objects.filter(pgh_obj=lot).order_by("pgh_id")
        assert [each.used_up_on for each in history] == [None, TODAY, None]

    def test_twice_is_said_and_keeps_the_first_day(self, doctor: Practitioner, clinic_now: datetime) -> None:
        lot = lot_in(100)
        lots.use_up(lot=lot, by=doctor.user, at=clinic_now - timedelta(days=1))
        with pytest.raises(DomainError, match="used up already"):
            lots.use_up(lot=lot, by=doctor.user, at=clinic_now)
        lot.refresh_from_db()
        assert lot.used_up_on == TODAY - timedelta(days=1)

    def test_what_is_on_the_shelf_cannot_be_put_back(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        with pytest.raises(DomainError, match="on the shelf already"):
            lots.put_back(lot=lot_in(100), by=doctor.user, at=clinic_now)

    def test_an_admin_reads_and_changes_nothing(self, admin_client: Client) -> None:
        lot = lot_in(100)
        assert self.url(lot) not in admin_client.get(LOTS, {"lot": lot.pk}).content.decode()
        assert admin_client.post(self.url(lot)).status_code == 403
        lot.refresh_from_db()
        assert lot.used_up_on is None


def coming(page) -> list[tuple[int, str]]:
    """Patients' clinic numbers of the sessions to come, and what is in date on their day."""
    return [(each.visit.patient.number, each.words) for each in page.context["coming"]]


class TestSessionsToCome:
    def booked(self, plan: Plan, days: int, **visit: str) -> Appointment:
        """The first session of the plan, on the books in so many days."""
        planned = plan.planned_sessions.get(ordinal=1)
        planned.appointment = AppointmentFactory(
            patient=plan.patient, purpose=purposes.session_of(planned), starts_at=ahead(days=days), **visit
        )
        planned.save()
        return planned.appointment

    def test_a_planned_date_past_the_last_day_of_use_is_said(self, practitioner_client: Client) -> None:
        formula = FormulaFactory()
        component = formula.parts.first().component
        lot = lot_in(5, component=component)
        soon, later = cleared_plan(formula=formula), cleared_plan(formula=formula)
        Lot.objects.exclude(pk=lot.pk).update(used_up_on=ago(days=1).date())
        self.booked(soon, 5)
        self.booked(later, 6)
        self.booked(cleared_plan(), 5)
        page = practitioner_client.get(LOTS, {"lot": lot.pk})
        assert coming(page) == [
            (soon.patient.number, "in date that day"),
            (later.patient.number, "no lot is in date that day"),
        ]
        lot_in(6, component=component)
        page = practitioner_client.get(LOTS, {"lot": lot.pk})
        assert coming(page)[1] == (later.patient.number, "another lot is in date that day")
        assert "another lot is in date that day" in page.content.decode()

    def test_after_a_quarantine_every_session_to_come_needs_another_lot(
        self, practitioner_client: Client, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        plan = cleared_plan()
        component = plan.formula.parts.first().component
        Lot.objects.update(used_up_on=ago(days=1).date())
        lot = lot_in(100, component=component)
        self.booked(plan, 5)
        lots.quarantine(lot=lot, reason="recalled by the maker", by=doctor.user, at=clinic_now)
        page = practitioner_client.get(LOTS, {"lot": lot.pk})
        assert coming(page) == [(plan.patient.number, "no lot is in date that day")]

    def test_a_session_with_a_formula_of_its_own_needs_only_what_is_in_it(
        self, practitioner_client: Client
    ) -> None:
        whole = FormulaFactory(parts=[(ComponentFactory(), 10), (ComponentFactory(), 5)])
        kept, left_out = (part.component for part in whole.parts.order_by("pk"))
        plan = PlanFactory(formula=whole, sessions=0, status=PlanStatus.PROPOSED)
        PlannedSessionFactory(plan=plan, formula=FormulaFactory(parts=[(kept, 10)]))
        self.booked(plan, 5)
        needed = [
            coming(practitioner_client.get(LOTS, {"lot": lot_in(100, component=each).pk}))
            for each in (kept, left_out)
        ]
        assert needed == [[(plan.patient.number, "in date that day")], []]

    def test_a_cancelled_visit_needs_nothing(self, practitioner_client: Client) -> None:
        plan = cleared_plan()
        self.booked(plan, 5, status=AppointmentStatus.CANCELLED)
        lot = lot_in(100, component=plan.formula.parts.first().component)
        assert coming(practitioner_client.get(LOTS, {"lot": lot.pk})) == []

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_number_of_queries_does_not_grow(
        self, practitioner_client: Client, django_assert_num_queries, count: int
    ) -> None:
        formula = FormulaFactory()
        lot = lot_in(100, component=formula.parts.first().component)
        for _each in range(count):
            self.booked(cleared_plan(formula=formula), 5)
        practitioner_client.get(LOTS, {"lot": lot.pk})
        with django_assert_num_queries(QUERIES_OF_ONE):
            page = practitioner_client.get(LOTS, {"lot": lot.pk})
        assert len(page.context["coming"]) == count

    def test_an_admin_sees_no_patient(self, admin_client: Client) -> None:
        plan = cleared_plan()
        self.booked(plan, 5)
        lot = lot_in(100, component=plan.formula.parts.first().component)
        page = admin_client.get(LOTS, {"lot": lot.pk})
        assert coming(page) == []
