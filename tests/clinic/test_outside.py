"""Visits that stand outside opening time: after each kind of change they are listed with the reason, and stay booked."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic import queries
from clinic.actions import catalogue
from clinic.enums import AbsenceKind, RoomKind
from clinic.errors import NotAllowed
from clinic.models import (
    Absence,
    Appointment,
    ClosedDay,
    Device,
    ExtraOpening,
    Location,
    OutOfService,
    Practitioner,
    User,
    WorkingHours,
)
from clinic.outside import visits_outside
from tests.clinic.desk import Desk, on
from tests.factories import DeviceFactory, PatientFactory, RoomFactory
from tests.factories.clock import CLINIC_NOW, TODAY
from tests.factories.opening import WorkingHoursFactory

pytestmark = pytest.mark.django_db
DAY = TODAY + timedelta(days=8)  # a Tuesday
PAGE = "/opening/outside/"


def span(since: str = "09:00", until: str = "12:00") -> dict[str, Any]:
    entered = {"created_by": User.objects.first(), "created_at": CLINIC_NOW}
    return {"starts_at": on(DAY, since), "ends_at": on(DAY, until), **entered}


def listed(**of: Any) -> list[list[str]]:
    """The reasons of each visit that is outside, in order."""
    found, _ = visits_outside(at=CLINIC_NOW, offset=0, limit=20, **of)
    return [each.reasons for each in found]


@pytest.fixture
def visit(desk: Desk) -> Appointment:
    """A visit with the gun in the treatment room, on Tuesday at ten."""
    desk.visit.device_kind, desk.visit.room_kind, desk.visit.skill = "gun", RoomKind.TREATMENT, "gun"
    desk.visit.save()
    Practitioner.objects.update(skills=["gun"])
    desk.silva.refresh_from_db()
    return desk.book(on(DAY, "10:00"), room=desk.treatment, device=desk.gun)


def change(row: Any, **values: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(**values)


def hours(weekday: int = 2, **values: Any) -> Any:
    return WorkingHours.objects.filter(weekday=weekday, practitioner__name="Dr Silva", **values)


CHANGES: dict[str, tuple[Callable[[Desk], object], list[str]]] = {
    "hours shortened": (
        lambda desk: hours(starts=time(9)).update(ends=time(10, 15)),
        ["Dr Silva does not work at this time."],
    ),
    "hours ended": (
        lambda desk: hours().update(valid_until=DAY - timedelta(days=1)),
        ["Dr Silva does not work at this time."],
    ),
    "hours at another place": (
        lambda desk: hours().update(location=Location.objects.create(name="Annexe")),
        ["Dr Silva does not work at this time."],
    ),
    "closed day": (
        lambda desk: ClosedDay.objects.create(day=DAY, name="Holiday"),
        ["The clinic is closed on this day."],
    ),
    "absence": (
        lambda desk: Absence.objects.create(practitioner=desk.silva, kind=AbsenceKind.SICK, **span()),
        ["Dr Silva is away at this time."],
    ),
    "room out of service": (
        lambda desk: OutOfService.objects.create(room=desk.treatment, reason="paint", **span()),
        ["Treatment is out of service at this time."],
    ),
    "device out of service": (
        lambda desk: OutOfService.objects.create(device=desk.gun, reason="broken", **span()),
        ["Gun 1 is out of service at this time."],
    ),
    "service due the day before": (
        lambda desk: change(desk.gun, service_due_on=DAY - timedelta(days=1)),
        ["Gun 1 is due for service since Mon 9 Mar 2026 and cannot be used until it has been serviced."],
    ),
    "practitioner retired": (
        lambda desk: change(desk.silva, is_active=False),
        ["Dr Silva takes no patients any more."],
    ),
    "training taken away": (
        lambda desk: change(desk.silva, skills=[]),
        ["Dr Silva does not do this kind of visit."],
    ),
    "room retired": (
        lambda desk: change(desk.treatment, is_active=False),
        ["Treatment is not in use any more."],
    ),
    "room refitted": (
        lambda desk: change(desk.treatment, kind=RoomKind.CONSULTATION),
        ["Treatment is not a room for this kind of visit."],
    ),
    "device retired": (lambda desk: change(desk.gun, is_active=False), ["Gun 1 is not in use any more."]),
    "device of another kind": (
        lambda desk: change(desk.visit, device_kind="needleless"),
        ["Gun 1 is not the device this kind of visit needs."],
    ),
    "device moved away": (
        lambda desk: change(desk.gun, location=Location.objects.create(name="Annexe")),
        ["Gun 1 stands at another address than the room."],
    ),
}


class TestWhichAndWhy:
    @pytest.mark.parametrize("name", CHANGES)
    def test_each_change_lists_the_visit_with_its_reason(self, desk, visit, name):
        do, reasons = CHANGES[name]
        assert listed() == []
        do(desk)
        assert listed() == [reasons]
        assert Appointment.objects.get().version == visit.version

    @pytest.mark.parametrize(
        "harmless",
        [
            lambda desk: hours(starts=time(9)).update(starts=time(10), ends=time(10, 30)),
            lambda desk: change(desk.gun, service_due_on=DAY),
            lambda desk: ClosedDay.objects.create(day=DAY + timedelta(days=1), name="Holiday"),
            lambda desk: Absence.objects.create(practitioner=desk.silva, **span("09:00", "10:00")),
            lambda desk: Absence.objects.create(practitioner=desk.amari, **span()),
            lambda desk: OutOfService.objects.create(room=desk.room, reason="paint", **span()),
        ],
    )
    def test_what_does_not_touch_the_visit_lists_nothing(self, desk, visit, harmless):
        harmless(desk)
        assert listed() == []

    def test_two_adjoining_hours_are_one(self, desk, visit):
        """The query alone would take the visit for one outside: it spans both rows."""
        hours(starts=time(9)).update(ends=time(10, 15))
        WorkingHoursFactory(
            practitioner=desk.silva, location=desk.location, weekday=2, starts=time(10, 15), ends=time(12)
        )
        assert [each.pk for each in queries.perhaps_outside(at=CLINIC_NOW)] == [visit.pk]
        assert listed() == []

    def test_extra_opening_keeps_a_visit_on_a_closed_day(self, desk, visit):
        ClosedDay.objects.create(day=DAY, name="Holiday")
        ExtraOpening.objects.create(practitioner=desk.silva, location=desk.location, reason="x", **span())
        assert listed() == []

    def test_what_is_over_or_called_off_is_not_listed(self, desk, visit):
        change(desk.silva, is_active=False)
        found, _ = visits_outside(at=visit.ends_at, offset=0, limit=20)
        assert found == []

    def test_only_those_of_one_practitioner_room_device_or_kind(self, desk, visit):
        other = desk.book(on(DAY, "10:00"), practitioner=desk.amari, **another(desk))
        Practitioner.objects.update(is_active=False)
        assert [len(listed(practitioner=who)) for who in (desk.silva, desk.amari)] == [1, 1]
        assert [len(listed(room=room)) for room in (desk.treatment, other.room, desk.room)] == [1, 1, 0]
        assert [len(listed(device=desk.gun)), len(listed(type=desk.visit))] == [1, 2]

    def test_two_queries_for_a_page(self, desk, visit, django_assert_num_queries):
        change(desk.silva, is_active=False)
        with django_assert_num_queries(2):
            assert len(listed()) == 1
        for days in (1, 2):
            change(desk.silva, is_active=True)
            desk.book(on(DAY + timedelta(days=days), "10:00"), room=desk.treatment, device=desk.gun)
        change(desk.silva, is_active=False)
        with django_assert_num_queries(2):
            assert len(listed()) == 3


def another(desk: Desk) -> dict[str, Any]:
    """A second gun, room and patient at the same time."""
    return {
        "room": RoomFactory(name="Other room", location=desk.location, kind=RoomKind.TREATMENT),
        "device": DeviceFactory(name="Other gun", location=desk.location),
        "patient": PatientFactory(),
    }


class TestThePage:
    def test_says_which_and_why_and_leads_to_moving(self, desk, visit, reception_client: Client):
        change(desk.gun, service_due_on=TODAY)
        answer = reception_client.get(PAGE)
        assert [each.visit for each in answer.context["visits"]] == [visit]
        assert "Gun 1 is due for service since Mon 2 Mar 2026" in answer.text
        for name in ("clinic:appointment_move", "clinic:appointment_cancel"):
            assert f'href="{reverse(name, args=[visit.pk])}"' in answer.text

    def test_an_empty_list_says_what_would_fill_it(self, desk, visit, reception_client: Client):
        assert "Every upcoming visit fits" in reception_client.get(PAGE).text

    def test_narrowed_to_one_entry(self, desk, visit, reception_client: Client):
        change(desk.silva, is_active=False)
        pages = [reception_client.get(PAGE, {"practitioner": who.pk}) for who in (desk.silva, desk.amari)]
        assert [len(page.context["visits"]) for page in pages] == [1, 0]
        assert "Only those of Dr Silva." in pages[0].text

    @pytest.mark.parametrize("query", [{"room": "x"}, {"room": UUID(int=0)}, {"type": ""}])
    def test_an_unknown_entry_is_not_found(self, desk, reception_client: Client, query):
        assert reception_client.get(PAGE, query).status_code == 404

    def test_more_than_a_page_is_paged(self, desk, visit, reception_client: Client):
        for days in range(1, 22):
            desk.book(on(DAY + timedelta(days=days), "10:00"), room=desk.treatment, device=desk.gun)
        change(desk.gun, is_active=False)
        first, second = (reception_client.get(PAGE, {"page": page}) for page in (1, 2))
        assert [len(page.context["visits"]) for page in (first, second)] == [20, 2]
        assert (first.context["older_url"], second.context["newer_url"]) == ("?page=2", "?page=1")

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(self, desk, visit, reception_client, django_assert_num_queries, count):
        for days in range(1, count):
            desk.book(on(DAY + timedelta(days=days), "10:00"), room=desk.treatment, device=desk.gun)
        change(desk.gun, is_active=False)
        with django_assert_num_queries(5):
            assert len(reception_client.get(PAGE).context["visits"]) == count


class TestChangesTakeTheLocksOfBooking:
    """What a booking reads under a lock is changed under the same lock."""

    @pytest.mark.parametrize("name", ["silva", "treatment", "gun", "visit"])
    def test_the_rows_a_booking_locks_are_locked(self, desk, admin: User, name):
        with CaptureQueriesContext(connection) as queries:
            catalogue.keep(entry=getattr(desk, name), by=admin, at=CLINIC_NOW)
        locked = [each["sql"] for each in queries if "FOR NO KEY UPDATE" in each["sql"]]
        table = {"treatment": "clinic_room", "gun": "clinic_device"}.get(name, "clinic_practitioner")
        assert [f'FROM "{table}"' in sql for sql in locked] == [True]

    def test_hours_that_change_hands_lock_both(self, desk, admin: User):
        row = WorkingHours.objects.filter(practitioner=desk.silva).first()
        row.practitioner = desk.amari
        with CaptureQueriesContext(connection) as queries:
            catalogue.keep(entry=row, by=admin, at=CLINIC_NOW)
        (locked,) = [each["sql"] for each in queries if "FOR NO KEY UPDATE" in each["sql"]]
        assert str(desk.silva.pk) in locked and str(desk.amari.pk) in locked

    def test_only_admins_set_the_clinic_up(self, desk, reception: User):
        row = WorkingHours.objects.first()
        for act in (catalogue.keep, catalogue.drop):
            with pytest.raises(NotAllowed):
                act(entry=row, by=reception, at=CLINIC_NOW)
        assert WorkingHours.objects.filter(pk=row.pk).exists()

    def test_hours_are_dropped_and_their_visits_stay(self, desk, visit, admin: User):
        for row in WorkingHours.objects.filter(practitioner=desk.silva):
            catalogue.drop(entry=row, by=admin, at=CLINIC_NOW)
        assert listed() == [["Dr Silva does not work at this time."]]


class TestTheAdminSaysWhatIsOutside:
    """Every change made in Django's admin goes through the actions, and then says what it leaves outside."""

    def said(self, answer: Any) -> list[str]:
        return [str(message) for message in answer.context["messages"] if "outside" in str(message)]

    def change(self, client: Client, row: Any, **values: Any) -> list[str]:
        name = row._meta.model_name
        address = reverse(f"admin:clinic_{name}_change", args=[row.pk])
        form = client.get(address).context["adminform"].form
        sent = {key: form[key].value() for key in form.fields} | values
        sent = {key: value for key, value in sent.items() if value is not None and value is not False}
        sent |= {f"working_hours-{key}_FORMS": 0 for key in ("TOTAL", "INITIAL")}
        answer = client.post(address, sent, follow=True)
        assert answer.redirect_chain, answer.context["adminform"].form.errors
        return self.said(answer)

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("silva", {"is_active": False}),
            ("treatment", {"is_active": False}),
            ("gun", {"service_due_on": TODAY.isoformat()}),
            ("visit", {"device_kind": "needleless"}),
        ],
    )
    def test_after_a_change(self, desk, visit, admin_client: Client, name, values):
        row = getattr(desk, name)
        of = {"silva": "practitioner", "treatment": "room", "gun": "device", "visit": "type"}[name]
        assert self.change(admin_client, row, **values) == [
            "1 upcoming visit stands outside opening time now; nothing was deleted."
            f' <a href="/opening/outside/?{of}={row.pk}">Look at them</a>'
        ]
        assert Appointment.objects.get().version == visit.version

    def test_a_change_that_harms_nobody_says_nothing(self, desk, visit, admin_client: Client):
        assert self.change(admin_client, desk.gun, serial_number="77") == []
        assert Device.objects.get(pk=desk.gun.pk).serial_number == "77"

    def test_after_hours_are_changed_or_deleted(self, desk, visit, admin_client: Client):
        row = WorkingHours.objects.get(practitioner=desk.silva, weekday=2, starts=time(9))
        assert len(self.change(admin_client, row, ends="10:15")) == 1
        address = reverse("admin:clinic_workinghours_delete", args=[row.pk])
        answer = admin_client.post(address, {"post": "yes"}, follow=True)
        assert len(self.said(answer)) == 1
        assert not WorkingHours.objects.filter(pk=row.pk).exists()

    def hours_as_sent(self, practitioner: Any, rows: list[WorkingHours]) -> dict[str, Any]:
        """What the practitioner's page posts with these hours unchanged."""
        sent = {"name": practitioner.name, "position": 0, "is_active": "on", "skills": ["gun"]}
        sent |= {f"working_hours-{key}_FORMS": len(rows) for key in ("TOTAL", "INITIAL")}
        for number, each in enumerate(rows):
            names = ("id", "weekday", "starts", "ends", "valid_from")
            sent |= {f"working_hours-{number}-{name}": str(getattr(each, name)) for name in names}
            sent |= {f"working_hours-{number}-location": each.location_id}
            sent |= {f"working_hours-{number}-practitioner": practitioner.pk}
        return sent

    @pytest.mark.parametrize(
        ("change", "left"),
        [
            ({"DELETE": "on"}, []),
            ({"ends": "10:15"}, [(time(9), time(10, 15))]),
            ({"starts": "10:30"}, [(time(10, 30), time(12))]),
        ],
    )
    def test_hours_on_the_practitioner_s_page(self, desk, visit, admin_client: Client, change, left):
        hours = WorkingHours.objects.filter(practitioner=desk.silva).order_by("weekday", "starts")
        row = hours.get(weekday=2, starts=time(9))
        sent = self.hours_as_sent(desk.silva, [row, *hours.exclude(pk=row.pk)])
        sent |= {f"working_hours-0-{name}": value for name, value in change.items()}
        address = reverse("admin:clinic_practitioner_change", args=[desk.silva.pk])
        with CaptureQueriesContext(connection) as queries:
            answer = admin_client.post(address, sent, follow=True)
        assert len(self.said(answer)) == 1
        assert list(hours.filter(pk=row.pk).values_list("starts", "ends")) == left
        assert hours.count() == 13 + len(left)
        locks = [each["sql"] for each in queries if "FOR NO KEY UPDATE" in each["sql"]]
        assert (
            sum('"clinic_practitioner"' in sql for sql in locks) == 2
        )  # for the practitioner, for the hours

    def test_the_list_of_devices_says_whose_service_is_due(self, desk, admin_client: Client):
        change(desk.gun, service_due_on=TODAY - timedelta(days=1))
        assert "due: not booked until serviced" in admin_client.get("/admin/clinic/device/").text
        change(desk.gun, service_due_on=TODAY)
        assert "due: not booked until serviced" not in admin_client.get("/admin/clinic/device/").text


class TestTheOpeningPage:
    def test_shows_devices_due_for_service_within_90_days(self, desk, reception_client: Client):
        change(desk.gun, service_due_on=TODAY - timedelta(days=1))
        text = reception_client.get("/opening/").text
        assert "Gun 1 is due for service since Sun 1 Mar 2026" in text
        assert f'href="{PAGE}?device={desk.gun.pk}"' in text
        for days, shown in ((89, True), (90, False)):
            change(desk.gun, service_due_on=TODAY + timedelta(days=days))
            assert ("Gun 1 is due for service on" in reception_client.get("/opening/").text) is shown
