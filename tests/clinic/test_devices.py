"""Devices: the care log, what it closes, and what is taken back."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.actions import device_care
from clinic.enums import CareKind, RoomKind
from clinic.errors import DomainError, NotAllowed, SlotTaken
from clinic.intervals import local_day
from clinic.models import Device, DeviceCare, Practitioner, User
from clinic.outside import visits_outside
from clinic.rules import device_care as rules
from tests.clinic.desk import Desk, on
from tests.clinic.test_chooser import search
from tests.factories import DeviceCareErrorFactory, DeviceCareFactory, DeviceFactory, UserFactory
from tests.factories.clock import CLINIC_NOW, PARIS, TODAY, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

DEVICES = "/devices/"
DAY = TODAY + timedelta(days=8)


def page_of(device: Device) -> str:
    return reverse("clinic:device", args=[device.pk])


def typed(kind: str, **more: Any) -> dict[str, Any]:
    """An entry as the browser sends it: this morning at nine."""
    sent = {"kind": kind, "happened_at_0": f"{TODAY:%Y-%m-%d}", "happened_at_1": "09:00"}
    return sent | {"carried_out_by": "Technician of Nord", "note": "", "next_due_on": ""} | more


def write(client: Client, device: Device, kind: str, **more: Any) -> Any:
    return client.post(reverse("clinic:device_care", args=[device.pk]), typed(kind, **more))


def out(device: Device, by: User, at: datetime = CLINIC_NOW) -> DeviceCare:
    """Out of use since the moment."""
    entry = {"carried_out_by": "N. Laurent", "note": "the needle jams", "by": by, "at": at}
    return device_care.record(device=device, kind=CareKind.OUT_OF_USE, happened_at=at, **entry)


def back(device: Device, by: User, at: datetime = CLINIC_NOW) -> DeviceCare:
    entry = {"carried_out_by": "N. Laurent", "by": by, "at": at}
    return device_care.record(device=device, kind=CareKind.BACK_IN_USE, happened_at=at, **entry)


class TestTheLog:
    def test_a_service_is_kept_with_who_did_it_and_sets_the_next_day(
        self, reception_client: Client, reception: User
    ) -> None:
        device = DeviceFactory(service_due_on=date(2026, 2, 1))
        answer = write(reception_client, device, "service", next_due_on="2027-03-01", note="new seals")
        assert answer["Location"] == page_of(device)
        entry = DeviceCare.objects.get()
        assert (entry.carried_out_by, entry.note, entry.next_due_on, entry.was_due_on) == (
            "Technician of Nord",
            "new seals",
            date(2027, 3, 1),
            date(2026, 2, 1),
        )
        assert (entry.recorded_at, entry.recorded_by) == (CLINIC_NOW, reception)
        device.refresh_from_db()
        assert device.service_due_on == date(2027, 3, 1)
        assert "new seals" in reception_client.get(page_of(device)).content.decode()

    @pytest.mark.parametrize("role", ["reception", "practitioner", "admin"])
    def test_everybody_on_the_staff_writes_down_a_cleaning(
        self, role: str, request: pytest.FixtureRequest
    ) -> None:
        device = DeviceFactory(service_due_on=TODAY)
        assert write(request.getfixturevalue(f"{role}_client"), device, "cleaning").status_code == 302
        device.refresh_from_db()
        assert (DeviceCare.objects.get().kind, device.service_due_on) == ("cleaning", TODAY)

    @pytest.mark.parametrize(
        ("sent", "field", "sentence"),
        [
            ({"kind": ""}, "kind", "Please choose."),
            ({"carried_out_by": ""}, "carried_out_by", "Please fill this in."),
            ({"happened_at_0": "2026-03-03"}, "happened_at", "This lies in the future."),
            ({"kind": "service"}, "next_due_on", "Enter when the next service is due"),
            (
                {"kind": "service", "next_due_on": "2026-03-02"},
                "next_due_on",
                "The next service comes after this",
            ),
            ({"kind": "out_of_use"}, "note", "Say why it is out of use."),
            ({"kind": "back_in_use"}, "kind", "This device is in use already."),
            ({"note": "x" * 501}, "note", "Write at most 500 characters"),
        ],
    )
    def test_bad_input_is_named_kept_and_changes_nothing(
        self, reception_client: Client, sent: dict[str, str], field: str, sentence: str
    ) -> None:
        device = DeviceFactory(service_due_on=TODAY)
        answer = write(reception_client, device, **({"kind": "cleaning"} | sent))
        assert answer.status_code == 422
        assert answer.context["form"].errors[field][0].startswith(sentence)
        assert answer.context["form"]["carried_out_by"].value() == sent.get(
            "carried_out_by", "Technician of Nord"
        )
        assert not DeviceCare.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"happened_at": CLINIC_NOW + timedelta(minutes=1)}, "in_future", "happened_at"),
            ({"kind": CareKind.OUT_OF_USE, "note": " "}, "reason_missing", "note"),
            ({"kind": CareKind.BACK_IN_USE}, "in_use_already", "kind"),
            ({}, "next_due_missing", "next_due_on"),
            ({"next_due_on": TODAY - timedelta(days=10)}, "next_due_past", "next_due_on"),
            ({"next_due_on": TODAY - timedelta(days=9)}, None, None),
        ],
    )
    def test_an_entry_follows_from_what_was_done_and_when(
        self, changes: dict[str, Any], code: str | None, field: str | None
    ) -> None:
        """A service that is written down late may be due again by now."""
        entry = {"kind": CareKind.SERVICE, "happened_at": ago(days=10), "note": "", "next_due_on": None}
        device = DeviceFactory(service_due_on=TODAY)
        if code is None:
            return rules.check_entry(**entry | changes, device=device, at=CLINIC_NOW)
        with pytest.raises(DomainError) as refused:
            rules.check_entry(**entry | changes, device=device, at=CLINIC_NOW)
        assert (refused.value.code, refused.value.field) == (code, field)

    def test_who_has_no_role_writes_nothing_down(self) -> None:
        with pytest.raises(NotAllowed) as refused:
            rules.check_may_care(UserFactory.build())
        assert refused.value.code == "care_not_allowed"

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_number_of_queries_does_not_grow(
        self, reception_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        device = DeviceFactory()
        for _each in range(count):
            DeviceCareErrorFactory(care__device=device)
            DeviceCareFactory(device=DeviceFactory(), out=True)
        for address, queries in ((page_of(device), 5), (DEVICES, 4)):
            reception_client.get(address)
            with django_assert_num_queries(queries):
                page = reception_client.get(address)
            shown = page.context["entries"] if "entries" in page.context else page.context["rows"]
            assert len(shown) == (count if address != DEVICES else count + 1)

    def test_practitioners_and_admins_are_led_to_the_trace(
        self, reception_client: Client, practitioner_client: Client, admin_client: Client
    ) -> None:
        device = DeviceFactory()
        trace = reverse("consultations:trace", args=["device", device.pk])
        clients = (reception_client, practitioner_client, admin_client)
        assert [trace in each.get(page_of(device)).content.decode() for each in clients] == [
            False,
            True,
            True,
        ]


class TestInError:
    def test_the_entry_stays_and_the_day_that_was_due_is_due_again(
        self, reception_client: Client, reception: User
    ) -> None:
        device = DeviceFactory(service_due_on=date(2026, 2, 1))
        write(reception_client, device, "service", next_due_on="2027-03-01")
        address = reverse("clinic:device_care_error", args=[DeviceCare.objects.get().pk])
        assert "Take back" in reception_client.get(address).content.decode()
        reception_client.post(address, {"reason": "the other gun"})
        device.refresh_from_db()
        assert device.service_due_on == date(2026, 2, 1)
        page = reception_client.get(page_of(device)).content.decode()
        assert "entered in error" in page and "the other gun" in page

    def test_a_day_that_was_set_again_since_is_left_alone(
        self, reception_client: Client, reception: User
    ) -> None:
        device = DeviceFactory(service_due_on=date(2026, 2, 1))
        write(reception_client, device, "service", next_due_on="2027-03-01")
        first = DeviceCare.objects.get()
        write(reception_client, device, "service", next_due_on="2027-06-01")
        device_care.take_back(care=first, reason="twice", by=reception, at=CLINIC_NOW)
        device.refresh_from_db()
        assert device.service_due_on == date(2027, 6, 1)

    def test_it_is_taken_back_once_and_says_why(self, reception_client: Client) -> None:
        error = DeviceCareErrorFactory()
        address = reverse("clinic:device_care_error", args=[error.care_id])
        again = reception_client.post(address, {"reason": "once more"})
        assert again.status_code == 422
        assert "This entry has been taken back already." in again.content.decode()
        with pytest.raises(DomainError) as refused:
            rules.check_takes_back(error.care)
        assert refused.value.code == "taken_back_already"
        fresh = reverse("clinic:device_care_error", args=[DeviceCareFactory().pk])
        assert reception_client.post(fresh, {"reason": ""}).status_code == 422


class TestOutOfUse:
    def test_it_is_out_until_somebody_brings_it_back(self, reception: User) -> None:
        device = DeviceFactory()
        out(device, reception, ago(days=2))
        with pytest.raises(DomainError) as refusal:
            out(device, reception)
        assert (refusal.value.code, refusal.value.field) == ("out_already", "kind")
        assert rules.why_out_of_use(device, CLINIC_NOW) == "the needle jams"
        back(device, reception, ago(hours=1))
        states = [rules.is_out_of_use(device, at) for at in (ago(days=3), ago(days=1), CLINIC_NOW)]
        assert states == [False, True, False]

    def test_of_several_of_a_kind_the_first_that_is_out_is_told_and_none_that_came_back(
        self, reception: User, django_assert_num_queries: Any
    ) -> None:
        mended, last, first = (DeviceFactory(name=name) for name in ("Gun A", "Gun C", "Gun B"))
        for device in (mended, last, first):
            out(device, reception, ago(days=2))
        back(mended, reception, ago(days=1))
        with django_assert_num_queries(1):
            told = rules.taken_out(first.kind, CLINIC_NOW)
            assert told is not None and told.device.name == "Gun B"

    @pytest.mark.parametrize("kind", [CareKind.SERVICE, CareKind.CLEANING, CareKind.REPAIR])
    def test_work_on_it_alone_does_not_bring_it_back(self, reception: User, kind: CareKind) -> None:
        device = DeviceFactory()
        out(device, reception, ago(days=2))
        DeviceCareFactory(device=device, kind=kind)
        assert rules.is_out_of_use(device, CLINIC_NOW)

    def test_called_out_of_use_in_error_it_never_was(self, reception: User) -> None:
        device = DeviceFactory()
        entry = out(device, reception, ago(days=2))
        device_care.take_back(care=entry, reason="the other gun", by=reception, at=ago(hours=1))
        assert not rules.is_out_of_use(device, ago(days=1))

    def test_called_back_in_error_it_was_back_until_then(self, reception: User) -> None:
        device = DeviceFactory()
        out(device, reception, ago(days=3))
        entry = back(device, reception, ago(days=2))
        device_care.take_back(care=entry, reason="the other gun", by=reception, at=ago(hours=1))
        assert [rules.is_out_of_use(device, at) for at in (ago(days=1), CLINIC_NOW)] == [False, True]

    @pytest.mark.parametrize(
        ("since", "until", "is_out"), [(2, 0, True), (4, 0, False), (2, 1, True), (4, 3, False)]
    )
    def test_taken_out_in_between_it_was_in_use(
        self, reception: User, since: int, until: int, is_out: bool
    ) -> None:
        device = DeviceFactory()
        out(device, reception, ago(days=3))
        why = rules.why_out_of_use(device, ago(days=since), ago(days=until))
        assert (why is not None) is is_out

    def test_the_list_says_how_each_stands(self, reception_client: Client, reception: User) -> None:
        broken = DeviceFactory(name="Gun A")
        out(broken, reception)
        DeviceFactory(name="Gun B", service_due_on=TODAY - timedelta(days=1))
        DeviceFactory(name="Gun C", service_due_on=TODAY)
        page = reception_client.get(DEVICES)
        assert "the needle jams" in page.content.decode()
        assert [row["state"] for row in page.context["rows"]] == [
            rules.State("bad", "ban", "out of use", "the needle jams"),
            rules.State("warn", "alert-triangle", "service due since Sun 1 Mar 2026"),
            rules.State("ok", "circle-check", "in use"),
        ]


class TestBooking:
    @pytest.fixture
    def with_a_gun(self, desk: Desk) -> Desk:
        desk.visit.device_kind, desk.visit.room_kind, desk.visit.skill = "gun", RoomKind.TREATMENT, "gun"
        desk.visit.save()
        Practitioner.objects.update(skills=["gun"])
        desk.silva.refresh_from_db()
        return desk

    def test_a_device_that_is_out_of_use_is_not_booked_until_it_is_back(
        self, with_a_gun: Desk, reception: User
    ) -> None:
        desk = with_a_gun
        out(desk.gun, reception)
        with pytest.raises(SlotTaken):
            desk.book(on(DAY, "10:00"), room=desk.treatment, device=desk.gun)
        back(desk.gun, reception, CLINIC_NOW + timedelta(minutes=1))
        assert desk.book(on(DAY, "10:00"), room=desk.treatment, device=desk.gun).device == desk.gun

    def test_where_all_are_due_for_service_the_desk_reads_which_has_waited_longest(
        self, with_a_gun: Desk
    ) -> None:
        desk = with_a_gun
        DeviceFactory(kind="gun", location=desk.location, name="Gun Z", service_due_on=date(2026, 2, 25))
        DeviceFactory(kind="gun", location=desk.location, name="Gun Y", service_due_on=date(2026, 2, 20))
        Device.objects.filter(pk=desk.gun.pk).update(service_due_on=date(2026, 2, 27))
        ((_who, words),) = search(desk, practitioner=desk.silva).reasons(local_day(DAY, PARIS))
        said = "is due for service since Fri 20 Feb 2026 and cannot be used until it has been serviced."
        assert words == [f"Gun Y {said}"]

    def test_the_visits_that_it_was_booked_for_are_listed(self, with_a_gun: Desk, reception: User) -> None:
        desk = with_a_gun
        desk.book(on(DAY, "10:00"), room=desk.treatment, device=desk.gun)
        assert visits_outside(at=CLINIC_NOW, offset=0, limit=20) == ([], False)
        entry = out(desk.gun, reception)
        found, _more = visits_outside(at=CLINIC_NOW, offset=0, limit=20)
        assert [each.reasons for each in found] == [[f"{desk.gun} is out of service at this time."]]
        device_care.take_back(care=entry, reason="the other gun", by=reception, at=CLINIC_NOW)
        assert visits_outside(at=CLINIC_NOW, offset=0, limit=20) == ([], False)
