"""The trace of a lot, a device, a practitioner or a room, and the recall that begins there."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.actions import contacts
from clinic.enums import ContactChannel, ContactOutcome
from clinic.errors import DomainError, NotAllowed
from clinic.models import ContactEntry, Patient, Practitioner, User
from consultations import purposes
from consultations.actions import lots, recalls
from consultations.enums import SessionOutcome
from consultations.models import Lot, Plan, Recall, RecallCall, Session
from consultations.rules import recalls as rules
from consultations.tracing import Trace
from tests.factories import (
    AppointmentFactory,
    ContactEntryFactory,
    DeviceFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    SessionFactory,
    cleared_plan,
    lots_of,
)
from tests.factories.clock import TODAY, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

KINDS = ["lot", "device", "practitioner", "room"]
QUERIES = 13  # and one for the tests that used a lot
INDEX = "/traces/?kind=device"
SENTENCE = "Please call: Dr Silva wants to speak to you about what was used at one of your visits."


def url(thing: Any, name: str = "trace") -> str:
    return reverse(f"consultations:{name}", args=[Trace(thing).kind, thing.pk])


def a(kind: str) -> Any:
    """Something to trace; a lot with a component that no shipped formula holds."""
    made = {"lot": LotFactory, "device": DeviceFactory, "practitioner": PractitionerFactory}
    return made.get(kind, RoomFactory)()


def given(thing: Any, *, plan: Plan | None = None, days: int = 1, **more: Any) -> Session:
    """A signed session that the thing was part of, so many days ago. With a lot its plan's test has used it too."""
    kind = Trace(thing).kind
    if kind == "lot":
        plan = plan or cleared_plan(formula=FormulaFactory(parts=[(thing.component, 10)]))
        more["lots"] = [thing]
    plan = plan or cleared_plan()
    if kind == "room":
        more["appointment"] = AppointmentFactory(patient=plan.patient, room=thing, starts_at=ago(days=days))
    elif kind != "lot":
        more[kind] = thing
    return SessionFactory(plan=plan, signed=True, started_at=ago(days=days), **more)


def booked(thing: Any, days: int = 5) -> Plan:
    """A plan whose first session stands on the books with the thing."""
    plan = cleared_plan()
    planned = plan.planned_sessions.get(ordinal=1)
    kind = Trace(thing).kind
    visit = AppointmentFactory(
        patient=plan.patient,
        purpose=purposes.session_of(planned),
        starts_at=ahead(days=days),
        **({} if kind == "lot" else {kind: thing}),
    )
    planned.appointment = visit
    planned.save()
    return plan


def uses(page: Any) -> list[tuple[str, Patient]]:
    return [(str(each["kind"]), each["patient"]) for each in page.context["uses"]]


def called(page: Any) -> dict[int, str]:
    return {row["patient"].number: row["call"].words for row in page.context["patients"]}


class TestWhatIsFound:
    @pytest.mark.parametrize("kind", KINDS)
    def test_sessions_newest_first_and_their_patients(self, practitioner_client: Client, kind: str) -> None:
        thing = a(kind)
        older, newer = given(thing, days=3), given(thing, days=1)
        given(a(kind))
        page = practitioner_client.get(url(thing))
        sessions = [each for each in page.context["uses"] if each["kind"] == "session"]
        assert [each["at"] for each in sessions] == [newer.started_at, older.started_at]
        assert called(page) == {each.patient.number: "not asked to be called" for each in (older, newer)}
        assert page.context["session_count"] == 2

    def test_a_test_injection_by_its_lot_its_practitioner_its_room_and_the_device_of_its_visit(
        self, practitioner_client: Client
    ) -> None:
        device, plan = DeviceFactory(), cleared_plan()
        visit = AppointmentFactory(patient=plan.patient, device=device, starts_at=ago(days=2))
        test = PatchTestFactory(plan=plan, appointment=visit, given_at=ago(days=2))
        for thing in (device, test.practitioner, visit.room, *test.lots.all()):
            assert ("test injection", plan.patient) in uses(practitioner_client.get(url(thing)))
        assert uses(practitioner_client.get(url(DeviceFactory()))) == []

    def test_the_recorded_device_counts_and_not_the_one_that_was_booked(
        self, practitioner_client: Client
    ) -> None:
        used, held = DeviceFactory(), DeviceFactory()
        plan = cleared_plan()
        visit = AppointmentFactory(patient=plan.patient, device=held, starts_at=ago(days=1))
        given(used, plan=plan, appointment=visit)
        found = [len(uses(practitioner_client.get(url(each)))) for each in (used, held)]
        assert found == [1, 0]

    def test_a_session_that_was_not_given_used_nothing(self, practitioner_client: Client) -> None:
        device = DeviceFactory()
        SessionFactory(device=device, outcome=SessionOutcome.NOT_GIVEN, outcome_reason="unwell")
        assert uses(practitioner_client.get(url(device))) == []

    def test_a_draft_counts_and_says_that_it_is_not_signed(self, practitioner_client: Client) -> None:
        device = DeviceFactory()
        SessionFactory(device=device)
        page = practitioner_client.get(url(device))
        assert [each["note"] for each in page.context["uses"]] == ["not signed"]

    def test_of_a_merged_record_the_one_that_is_kept_is_called(self, practitioner_client: Client) -> None:
        device, kept = DeviceFactory(), PatientFactory()
        session = given(device)
        Patient.objects.filter(pk=session.patient_id).update(merged_into=kept)
        assert list(called(practitioner_client.get(url(device)))) == [kept.number]

    @pytest.mark.parametrize("kind", KINDS)
    def test_sessions_to_come_are_those_planned_with_it(self, practitioner_client: Client, kind: str) -> None:
        thing = a(kind)
        plan = booked(thing)
        if kind == "lot":
            thing = LotFactory(component=plan.formula.parts.first().component)
        booked(a(kind))
        page = practitioner_client.get(url(thing))
        assert [each.plan for each in page.context["coming"]] == [plan]


class TestThePeriod:
    @pytest.mark.parametrize(
        ("first", "last", "found"),
        [
            (3, 1, [1, 3]),
            (2, 1, [1]),
            (3, 2, [3]),
            (None, 2, [3, 6]),
            (2, None, [1]),
            (None, None, [1, 3, 6]),
        ],
    )
    def test_both_days_are_part_of_it(
        self, practitioner_client: Client, first: int | None, last: int | None, found: list[int]
    ) -> None:
        device = DeviceFactory()
        for days in (1, 3, 6):
            given(device, days=days)
        sent = {
            name: str(TODAY - timedelta(days=day)) if day else ""
            for name, day in (("first", first), ("last", last))
        }
        page = practitioner_client.get(url(device), sent)
        assert [each["at"] for each in page.context["uses"]] == [ago(days=days) for days in found]
        assert len(page.context["patients"]) == len(found)

    def test_days_in_the_wrong_order_are_said_and_nothing_is_narrowed(
        self, practitioner_client: Client
    ) -> None:
        device = DeviceFactory()
        given(device)
        page = practitioner_client.get(url(device), {"first": "2026-03-02", "last": "2026-03-01"})
        assert page.status_code == 422
        assert "The last day lies before the first." in page.content.decode()
        assert page.context["form"]["first"].value() == "2026-03-02"
        assert len(page.context["uses"]) == 1


class TestWhoSeesIt:
    def test_an_admin_sees_how_many_and_whom_to_ask(self, admin_client: Client) -> None:
        device = DeviceFactory()
        session = given(device)
        page = admin_client.get(url(device))
        assert (page.context["session_count"], page.context["uses"], page.context["patients"]) == (1, [], [])
        assert "ask a practitioner" in page.content.decode()
        assert str(session.patient) not in page.content.decode()

    @pytest.mark.parametrize("kind", KINDS)
    def test_it_does_not_exist_for_reception(self, reception_client: Client, kind: str) -> None:
        thing = a(kind)
        for name in ("trace", "trace_sheet", "trace_call"):
            assert reception_client.get(url(thing, name)).status_code == 404

    @pytest.mark.parametrize("count", [1, 3])
    def test_what_can_be_traced_is_listed_with_what_is_not_in_use_any_more(
        self, practitioner_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        made = [DeviceFactory(name=f"Gun {number}", is_active=number > 0) for number in range(count)]
        practitioner_client.get(INDEX)
        with django_assert_num_queries(4):
            page = practitioner_client.get(INDEX)
        assert page.context["things"] == made
        assert all(url(each) in page.content.decode() for each in made)

    def test_the_list_is_not_for_reception(self, reception_client: Client) -> None:
        assert reception_client.get(INDEX).status_code == 404

    def test_nothing_else_can_be_traced(self, practitioner_client: Client) -> None:
        patient = PatientFactory()
        assert practitioner_client.get(f"/traces/patient/{patient.pk}/").status_code == 404
        assert practitioner_client.get(f"/traces/room/{patient.pk}/").status_code == 404

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("count", [1, 3])
    def test_the_number_of_queries_does_not_grow(
        self,
        practitioner_client: Client,
        django_assert_num_queries: Any,
        doctor: Practitioner,
        clinic_now: datetime,
        kind: str,
        count: int,
    ) -> None:
        thing = a(kind)
        for days in range(1, count + 1):
            given(thing, days=days)
        if kind != "lot":
            for days in range(1, count + 1):
                booked(thing, days)
            days = {"first": str(TODAY - timedelta(days=30)), "last": str(TODAY)}
            practitioner_client.post(f"{url(thing, 'trace_call')}?first={days['first']}&last={days['last']}")
        else:
            lots.quarantine(lot=thing, reason="recalled", by=doctor.user, at=clinic_now)
            practitioner_client.post(url(thing, "trace_call"))
        practitioner_client.get(url(thing))
        with django_assert_num_queries(QUERIES + (kind == "lot")):
            page = practitioner_client.get(url(thing))
        sessions = [each for each in page.context["uses"] if each["kind"] == "session"]
        assert len(sessions) == len(page.context["patients"]) == count
        assert set(called(page).values()) == {"to be called"}


class TestARecall:
    @pytest.fixture
    def lot(self, doctor: Practitioner, clinic_now: datetime) -> Lot:
        """In quarantine; used for one patient's test and session."""
        plan = cleared_plan()
        SessionFactory(plan=plan, signed=True)
        lot = lots_of(plan.formula)[0]
        lots.quarantine(lot=lot, reason="recalled by the maker", by=doctor.user, at=clinic_now)
        lot.refresh_from_db()
        return lot

    def test_everybody_it_was_used_for_has_to_be_called_once(
        self, lot: Lot, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        patient = Patient.objects.get()
        for _time in range(2):
            recalls.begin(trace=Trace(lot), by=doctor.user, at=clinic_now)
        entry = ContactEntry.objects.get()
        assert (entry.patient, entry.text) == (patient, SENTENCE)
        assert [list(each.calls.values_list("entry", flat=True)) for each in Recall.objects.all()] == [
            [entry.pk],
            [entry.pk],
        ]

    def test_the_page_asks_first_and_one_click_leads_to_the_list(
        self, lot: Lot, practitioner_client: Client
    ) -> None:
        assert url(lot) in practitioner_client.get(f"/lots/?lot={lot.pk}").content.decode()
        address = url(lot, "trace_call")
        assert address in practitioner_client.get(url(lot)).content.decode()
        assert (
            "Put 1 patient on the list of those to call?" in practitioner_client.get(address).content.decode()
        )
        assert not ContactEntry.objects.exists()
        answer = practitioner_client.post(address, follow=True)
        assert answer.redirect_chain == [("/contacts/", 302)]
        assert "1 patient is on the list of those to call." in answer.content.decode()

    def test_the_trace_says_who_was_reached_and_a_second_recall_leaves_them_out(
        self,
        lot: Lot,
        practitioner_client: Client,
        doctor: Practitioner,
        reception: User,
        clinic_now: datetime,
    ) -> None:
        recalls.begin(trace=Trace(lot), by=doctor.user, at=clinic_now)
        entry = ContactEntry.objects.get()
        said = [called(practitioner_client.get(url(lot)))[entry.patient.number]]
        for outcome in (ContactOutcome.NO_ANSWER, ContactOutcome.REACHED):
            contacts.record_try(
                entry=entry, channel=ContactChannel.PHONE, outcome=outcome, by=reception, at=clinic_now
            )
            said.append(called(practitioner_client.get(url(lot)))[entry.patient.number])
        assert said == ["to be called", "1 try, last: no answer", "reached"]
        with pytest.raises(DomainError) as refusal:
            recalls.begin(trace=Trace(lot), by=doctor.user, at=clinic_now)
        assert refusal.value.code == "nobody_to_call"
        assert ContactEntry.objects.count() == Recall.objects.count() == 1

    def test_who_was_reached_about_one_lot_is_not_reached_about_another(
        self,
        lot: Lot,
        practitioner_client: Client,
        doctor: Practitioner,
        reception: User,
        clinic_now: datetime,
    ) -> None:
        recalls.begin(trace=Trace(lot), by=doctor.user, at=clinic_now)
        contacts.close(entry=ContactEntry.objects.get(), told=True, by=reception, at=clinic_now)
        other = LotFactory(component=lot.component)
        plan = Plan.objects.get()
        others = [each for each in lots_of(plan.formula) if each.component_id != lot.component_id]
        PatchTestFactory(plan=plan, lots=[other, *others])
        assert list(called(practitioner_client.get(url(other))).values()) == ["not asked to be called"]

    def test_a_lot_in_use_is_put_aside_first(
        self, practitioner_client: Client, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        lot = PatchTestFactory().lots.first()
        page = practitioner_client.get(url(lot)).content.decode()
        assert url(lot, "trace_call") not in page
        assert "The patients can be called once the lot is put aside." in page
        with pytest.raises(DomainError) as refusal:
            recalls.begin(trace=Trace(lot), by=doctor.user, at=clinic_now)
        assert refusal.value.code == "not_quarantined"

    @pytest.mark.parametrize("days", [(None, None), (TODAY, None), (None, TODAY)])
    def test_of_anything_else_both_days_are_needed(self, doctor: Practitioner, days: tuple) -> None:
        with pytest.raises(DomainError) as refusal:
            rules.check_may_begin(Trace(a("room"), *days), doctor.user)
        assert refusal.value.code == "period_missing"
        rules.check_may_begin(Trace(a("room"), TODAY, TODAY), doctor.user)

    def test_how_far_a_call_has_come_is_said_in_tone_icon_and_words(
        self, reception: User, clinic_now: datetime
    ) -> None:
        entry = ContactEntryFactory()
        call = RecallCall(entry=entry)
        assert rules.state_of(None) == rules.CallState("quiet", "circle-dashed", "not asked to be called")
        assert rules.state_of(call) == rules.CallState("warn", "phone", "to be called", entry)
        contacts.record_try(
            entry=entry,
            channel=ContactChannel.PHONE,
            outcome=ContactOutcome.NO_ANSWER,
            by=reception,
            at=clinic_now,
        )
        tried = rules.CallState("warn", "phone", "1 try, last: no answer", entry)
        assert rules.state_of(call) == tried
        entry.closed_at = clinic_now
        for entry.told, tone, icon, words in (
            (True, "ok", "circle-check", "reached"),
            (False, "warn", "x", "not called"),
        ):
            assert rules.state_of(call) == rules.CallState(tone, icon, words, entry)

    @pytest.mark.parametrize("kind", ["device", "practitioner", "room"])
    def test_of_anything_else_the_days_are_chosen_first(self, practitioner_client: Client, kind: str) -> None:
        thing = a(kind)
        inside, _outside = given(thing, days=2), given(thing, days=6)
        page = practitioner_client.post(url(thing, "trace_call"), follow=True)
        assert page.redirect_chain == [(url(thing), 302)]
        assert "Choose the first and the last day" in page.content.decode()
        assert not Recall.objects.exists()
        days = f"?first={TODAY - timedelta(days=3)}&last={TODAY}"
        practitioner_client.post(url(thing, "trace_call") + days)
        recall = Recall.objects.get()
        assert (getattr(recall, kind), recall.first_on, recall.last_on) == (
            thing,
            TODAY - timedelta(days=3),
            TODAY,
        )
        assert [call.entry.patient for call in recall.calls.all()] == [inside.patient]

    def test_nobody_but_a_practitioner_recalls(
        self, lot: Lot, reception: User, admin: User, clinic_now: datetime
    ) -> None:
        for user in (reception, admin):
            with pytest.raises(NotAllowed):
                recalls.begin(trace=Trace(lot), by=user, at=clinic_now)

    def test_a_lot_that_was_never_used_is_nobody_to_call(
        self, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        lot = LotFactory()
        lots.quarantine(lot=lot, reason="broken seal", by=doctor.user, at=clinic_now)
        lot.refresh_from_db()
        with pytest.raises(DomainError) as refusal:
            recalls.begin(trace=Trace(lot), by=doctor.user, at=clinic_now)
        assert refusal.value.code == "nobody_to_call"
        assert not Recall.objects.exists()


class TestTheSheet:
    def rows(self, client: Client, address: str) -> list[list[str]]:
        answer = client.get(address)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))

    def test_it_lists_exactly_the_tests_sessions_and_sessions_to_come(
        self, practitioner_client: Client
    ) -> None:
        plan = cleared_plan(
            patient__family_name="=HYPERLINK(1)", patient__given_names="", patient__phone="+33 1 23"
        )
        lot = LotFactory(component=plan.formula.parts.first().component)
        others = [each for each in lots_of(plan.formula) if each.component_id != lot.component_id]
        SessionFactory(plan=plan, signed=True, started_at=ago(days=1), lots=[lot, *others])
        SessionFactory(plan=cleared_plan(formula=plan.formula), lots=[])
        booked_plan = cleared_plan(formula=plan.formula)
        planned = booked_plan.planned_sessions.get(ordinal=1)
        planned.appointment = AppointmentFactory(
            patient=booked_plan.patient, purpose=purposes.session_of(planned), starts_at=ahead(days=5)
        )
        planned.save()
        head, used, to_come = self.rows(practitioner_client, url(lot, "trace_sheet"))
        assert head == [
            *("Clinic number", "Patient", "Phone", "E-mail", "Used in", "When"),
            *("Practitioner", "Room", "Call"),
        ]
        assert used[:3] == [str(plan.patient.number), "'=HYPERLINK(1)", "'+33 1 23"]
        assert (used[4], to_come[4]) == ("session", "session to come")
        assert used[8] == "not asked to be called"

    def test_it_keeps_to_the_days(self, practitioner_client: Client) -> None:
        device = DeviceFactory()
        for days in (1, 6):
            given(device, days=days)
        sent = f"?first={TODAY - timedelta(days=2)}&last={TODAY}"
        assert len(self.rows(practitioner_client, url(device, "trace_sheet") + sent)) == 2
        assert len(self.rows(practitioner_client, url(device, "trace_sheet"))) == 3
