"""Closing and opening time: the actions, then the pages. Nothing here ever changes an appointment."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from clinic.actions import opening
from clinic.enums import AbsenceKind
from clinic.errors import DomainError, NotAllowed
from clinic.intervals import Interval
from clinic.models import (
    Absence,
    Appointment,
    ClosedDay,
    ExtraOpening,
    OutOfService,
    Practitioner,
    User,
)
from tests.factories import (
    AbsenceFactory,
    AppointmentFactory,
    ClosedDayFactory,
    DeviceFactory,
    ExtraOpeningFactory,
    LocationFactory,
    OutOfServiceFactory,
    PractitionerFactory,
    RoomFactory,
    WorkingHoursFactory,
)
from tests.factories.clock import CLINIC_NOW, PARIS, TODAY, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
OVERVIEW = "/opening/"
MORNING = Interval(ahead(days=1), ahead(days=1, hours=3))
NOBODY = "0b5b1c8e-6f0f-4a2d-8f3f-6f6a0f1d2c3b"


def local(day: date, clock: str = "00:00") -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), PARIS)


@pytest.fixture(autouse=True)
def appointments_stay() -> Iterator[None]:
    """The promise of every test here: no appointment is changed or deleted."""
    yield
    assert set(Appointment.objects.values_list("version", flat=True)) <= {1}


class TestActions:
    def test_an_absence_says_whose_when_why_and_who_entered_it(
        self, reception: User, doctor: Practitioner
    ) -> None:
        visit = AppointmentFactory(practitioner=doctor, starts_at=MORNING.starts_at)
        row = opening.add_absence(
            practitioner=doctor, span=MORNING, kind=AbsenceKind.SICK, note="flu", by=reception, at=CLINIC_NOW
        )
        assert (row.practitioner, row.starts_at, row.ends_at) == (doctor, MORNING.starts_at, MORNING.ends_at)
        assert (row.kind, row.note, row.created_by, row.created_at) == ("sick", "flu", reception, CLINIC_NOW)
        assert Appointment.objects.get() == visit

    def test_practitioners_enter_their_own_absence_and_nobody_elses(
        self, practitioner_user: User, doctor: Practitioner
    ) -> None:
        said = {"span": MORNING, "kind": AbsenceKind.LEAVE, "by": practitioner_user, "at": CLINIC_NOW}
        opening.add_absence(practitioner=doctor, **said)
        with pytest.raises(NotAllowed, match="your own time only"):
            opening.add_absence(practitioner=PractitionerFactory(), **said)

    @pytest.mark.parametrize("thing", [RoomFactory, DeviceFactory])
    def test_rooms_and_devices_go_out_of_service(self, admin: User, thing: Any) -> None:
        each = thing()
        row = opening.add_out_of_service(thing=each, span=MORNING, reason="broken", by=admin, at=CLINIC_NOW)
        assert (row.room or row.device) == each

    def test_practitioners_take_no_room_out_of_service(self, practitioner_user: User) -> None:
        with pytest.raises(NotAllowed):
            opening.add_out_of_service(
                thing=RoomFactory(), span=MORNING, reason="x", by=practitioner_user, at=CLINIC_NOW
            )

    def open_once(self, by: User, doctor: Practitioner, **amount: float) -> ExtraOpening:
        return opening.open_once(
            practitioner=doctor,
            location=LocationFactory(),
            span=Interval(ahead(days=1), ahead(days=1) + timedelta(**amount)),
            reason="evening",
            by=by,
            at=CLINIC_NOW,
        )

    def test_extra_opening_lasts_at_most_sixteen_hours(self, reception: User, doctor: Practitioner) -> None:
        assert self.open_once(reception, doctor, hours=16).reason == "evening"
        with pytest.raises(DomainError) as refusal:
            self.open_once(reception, doctor, hours=16, minutes=1)
        assert (refusal.value.code, refusal.value.field) == ("too_long", "ends_at")

    def test_extra_opening_with_visits_in_it_is_not_removed(
        self, reception: User, doctor: Practitioner
    ) -> None:
        row = self.open_once(reception, doctor, hours=2)
        AppointmentFactory(practitioner=doctor, starts_at=row.starts_at)
        with pytest.raises(DomainError) as refusal:
            opening.remove(entry=row, by=reception, at=CLINIC_NOW)
        assert refusal.value.code == "extra_opening_used"
        assert ExtraOpening.objects.get() == row

    def test_extra_opening_without_visits_is(self, reception: User, doctor: Practitioner) -> None:
        row = self.open_once(reception, doctor, hours=2)
        AppointmentFactory(practitioner=doctor, starts_at=row.starts_at, status="cancelled")
        opening.remove(entry=row, by=reception, at=CLINIC_NOW)
        assert ExtraOpening.objects.count() == 0

    @pytest.mark.parametrize(
        ("day", "code"), [(TODAY - timedelta(days=1), "past"), (TODAY, "closed_already")]
    )
    def test_a_day_is_closed_once_and_not_in_the_past(self, reception: User, day: date, code: str) -> None:
        opening.close_day(day=TODAY, name="Holiday", by=reception, at=CLINIC_NOW)
        with pytest.raises(DomainError) as refusal:
            opening.close_day(day=day, name="Holiday", by=reception, at=CLINIC_NOW)
        assert (refusal.value.code, refusal.value.field) == (code, "day")

    def test_practitioners_do_not_close_the_clinic(self, practitioner_user: User) -> None:
        with pytest.raises(NotAllowed):
            opening.close_day(day=TODAY, name="x", by=practitioner_user, at=CLINIC_NOW)

    def test_removing_keeps_the_history(self, reception: User, doctor: Practitioner) -> None:
        row = AbsenceFactory(practitioner=doctor)
        past = Absence.pgh_event_model.objects.filter(pgh_obj_id=row.pk)
        opening.remove(entry=row, by=reception, at=CLINIC_NOW)
        assert not Absence.objects.exists()
        assert list(past.order_by("pgh_id").values_list("pgh_label", flat=True)) == ["insert", "delete"]


def listed(response: Any) -> list[str]:
    return [str(entry["who"]) for entry in response.context["entries"]]


class TestOverview:
    def test_lists_what_comes_in_order_and_leaves_out_what_is_over_or_far(
        self, reception_client: Client
    ) -> None:
        AbsenceFactory(starts_at=ago(days=2), ends_at=ago(days=1))
        AbsenceFactory(starts_at=ahead(days=91))
        ClosedDayFactory(day=TODAY + timedelta(days=91))
        ClosedDayFactory(day=TODAY + timedelta(days=3), name="Easter")
        room = OutOfServiceFactory(starts_at=ahead(days=2))
        now = AbsenceFactory(starts_at=ago(days=1), ends_at=ahead(days=4))
        extra = ExtraOpeningFactory(starts_at=ahead(days=5))
        assert listed(reception_client.get(OVERVIEW)) == [
            now.practitioner.name,
            room.room.name,
            "The whole clinic",
            extra.practitioner.name,
        ]

    def test_one_kind_alone(self, reception_client: Client) -> None:
        AbsenceFactory()
        extra = ExtraOpeningFactory()
        assert listed(reception_client.get(OVERVIEW, {"kind": "extra"})) == [extra.practitioner.name]
        assert len(listed(reception_client.get(OVERVIEW, {"kind": "nonsense"}))) == 2

    def test_practitioners_see_their_own_time_and_what_concerns_everybody(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        AbsenceFactory()
        WorkingHoursFactory()
        AbsenceFactory(practitioner=doctor)
        WorkingHoursFactory(practitioner=doctor)
        room = OutOfServiceFactory(starts_at=ahead(days=2))
        response = practitioner_client.get(OVERVIEW)
        assert listed(response) == ["Dr Silva", room.room.name]
        assert [row["practitioner"] for row in response.context["week"]] == [doctor]
        assert [kind.slug for kind in response.context["addable"]] == ["absence", "extra"]

    def test_the_weekly_hours_show_a_lunch_break_as_two_spans(
        self, reception_client: Client, doctor: Practitioner
    ) -> None:
        for starts, ends in ((time(9), time(12, 30)), (time(13, 30), time(17))):
            WorkingHoursFactory(practitioner=doctor, starts=starts, ends=ends)
        WorkingHoursFactory(practitioner=doctor, weekday=2, valid_until=date(2026, 2, 28))
        (row,) = reception_client.get(OVERVIEW).context["week"]
        shown = {
            day["label"]: [f"{each.starts:%H:%M}–{each.ends:%H:%M}" for each in day["hours"]]
            for day in row["days"]
        }
        assert shown["Monday"] == ["09:00–12:30", "13:30–17:00"]
        assert shown["Tuesday"] == []

    def test_more_than_a_page_is_paged_across_the_kinds(self, reception_client: Client) -> None:
        for number in range(12):
            AbsenceFactory(starts_at=ahead(days=number + 1))
            OutOfServiceFactory(starts_at=ahead(days=number + 1, hours=1))
        first, second = (reception_client.get(OVERVIEW, {"page": page}) for page in (1, 2))
        assert (len(listed(first)), first.context["older"]) == (20, 2)
        assert (len(listed(second)), second.context["older"]) == (4, 0)
        starts = [entry["starts_at"] for page in (first, second) for entry in page.context["entries"]]
        assert starts == sorted(starts)

    @pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 30, "٣"])
    def test_a_page_that_is_no_number_is_harmless(self, reception_client: Client, page: str) -> None:
        assert reception_client.get(OVERVIEW, {"page": page}).status_code == 200

    @pytest.mark.parametrize("count", [1, 3])
    def test_queries_do_not_grow(
        self, reception_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        AbsenceFactory.create_batch(count)
        OutOfServiceFactory.create_batch(count)
        OutOfServiceFactory.create_batch(count, room=None, device=DeviceFactory())
        ExtraOpeningFactory.create_batch(count)
        WorkingHoursFactory.create_batch(count)
        with django_assert_num_queries(9):
            assert len(listed(reception_client.get(OVERVIEW))) == 4 * count


def add_url(kind: str) -> str:
    return reverse("clinic:opening_add", args=[kind])


@pytest.fixture
def silva() -> Practitioner:
    return PractitionerFactory(name="Dr Silva")


def edge(name: str, day: str, clock: str = "") -> dict[str, str]:
    """One edge of a span as a browser sends it."""
    return {f"{name}_0": day, f"{name}_1": clock}


class TestAdd:
    def absence(self, who: Practitioner, **changes: str) -> dict[str, str]:
        start, end = edge("starts_at", "2026-03-05", "09:00"), edge("ends_at", "2026-03-05", "12:00")
        return {"practitioner": str(who.pk), "kind": "leave", "note": "", **start, **end, **changes}

    def test_saves_and_shows_what_is_affected(self, reception_client: Client, silva: Practitioner) -> None:
        inside = AppointmentFactory(practitioner=silva, starts_at=local(date(2026, 3, 5), "10:00"))
        AppointmentFactory(practitioner=silva, starts_at=local(date(2026, 3, 5), "12:00"))
        response = reception_client.post(add_url("absence"), self.absence(silva), follow=True)
        row = Absence.objects.get()
        assert (row.starts_at, row.ends_at) == (
            local(date(2026, 3, 5), "09:00"),
            local(date(2026, 3, 5), "12:00"),
        )
        assert response.redirect_chain == [(reverse("clinic:opening_entry", args=["absence", row.pk]), 302)]
        assert response.context["affected"] == [inside]
        assert "Nothing was deleted." in response.text
        for name in ("clinic:appointment_move", "clinic:appointment_cancel"):
            assert f'href="{reverse(name, args=[inside.pk])}"' in response.text

    @pytest.mark.parametrize(
        ("start", "end", "first", "last"),
        [
            (("2026-03-05", ""), ("", ""), "2026-03-05 00:00", "2026-03-06 00:00"),
            (("2026-03-05", ""), ("2026-03-07", ""), "2026-03-05 00:00", "2026-03-08 00:00"),
            (("2026-03-05", "13:00"), ("", ""), "2026-03-05 13:00", "2026-03-06 00:00"),
            (("2026-03-28", ""), ("2026-03-29", ""), "2026-03-28 00:00", "2026-03-30 00:00"),
        ],
    )
    def test_without_a_time_it_is_the_whole_day(
        self,
        reception_client: Client,
        silva: Practitioner,
        start: tuple[str, str],
        end: tuple[str, str],
        first: str,
        last: str,
    ) -> None:
        sent = self.absence(silva, **edge("starts_at", *start), **edge("ends_at", *end))
        assert reception_client.post(add_url("absence"), sent).status_code == 302
        row = Absence.objects.get()
        written = [f"{each.astimezone(PARIS):%Y-%m-%d %H:%M}" for each in (row.starts_at, row.ends_at)]
        assert written == [first, last]

    @pytest.mark.parametrize(
        ("start", "end", "field", "code"),
        [
            (("2026-03-05", "12:00"), ("2026-03-05", "09:00"), "ends_at", "end_before_start"),
            (("2026-03-05", "09:00"), ("2026-03-05", "09:00"), "ends_at", "zero_length"),
            (("2026-03-01", "09:00"), ("2026-03-02", "08:00"), "ends_at", "past"),
            (("2026-03-29", "02:30"), ("2026-03-29", "09:00"), "starts_at", "nonexistent"),
            (("2026-10-25", "02:30"), ("2026-10-25", "09:00"), "starts_at", "ambiguous"),
            (("2026-03-05", "09:00"), ("9999-12-31", "09:00"), "ends_at", "out_of_range"),
            (("2026-03-05", "09:00"), ("9999-12-31", ""), "ends_at", "out_of_range"),
            (("1999-03-05", ""), ("2026-03-05", ""), "starts_at", "out_of_range"),
            (("", "09:00"), ("2026-03-05", "10:00"), "starts_at", "invalid_date"),
            (("", ""), ("2026-03-05", "10:00"), "starts_at", "required"),
            (("soon", ""), ("2026-03-05", "10:00"), "starts_at", "invalid"),
            (("2026-03-05", "9\x00"), ("2026-03-05", "10:00"), "starts_at", "null_character"),
        ],
    )
    def test_a_span_that_cannot_be_is_explained_and_kept(
        self,
        reception_client: Client,
        silva: Practitioner,
        start: tuple[str, str],
        end: tuple[str, str],
        field: str,
        code: str,
    ) -> None:
        sent = self.absence(silva, note="kept", **edge("starts_at", *start), **edge("ends_at", *end))
        response = reception_client.post(add_url("absence"), sent)
        form = response.context["form"]
        codes = {name: {error.code for error in errors} for name, errors in form.errors.as_data().items()}
        assert response.status_code == 422
        assert code in codes.pop(field)
        assert codes == {}
        assert form["note"].value() == "kept"
        assert Absence.objects.count() == 0

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"practitioner": NOBODY}, "practitioner"),
            ({"practitioner": "me"}, "practitioner"),
            ({"practitioner": ""}, "practitioner"),
            ({"kind": "whale"}, "kind"),
            ({"note": "x" * 201}, "note"),
            ({"note": "a\x00b"}, "note"),
        ],
    )
    def test_bad_input_changes_nothing(
        self, reception_client: Client, silva: Practitioner, changes: dict[str, str], field: str
    ) -> None:
        response = reception_client.post(add_url("absence"), self.absence(silva, **changes))
        assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
        assert Absence.objects.count() == 0

    def test_practitioners_choose_only_themselves(
        self, practitioner_client: Client, doctor: Practitioner, silva: Practitioner
    ) -> None:
        form = practitioner_client.get(add_url("absence")).context["form"]
        assert (list(form.fields["practitioner"].queryset), form["practitioner"].value()) == (
            [doctor],
            doctor.pk,
        )
        assert practitioner_client.post(add_url("absence"), self.absence(silva)).status_code == 422
        assert practitioner_client.post(add_url("absence"), self.absence(doctor)).status_code == 302

    @pytest.fixture
    def doctor(self, practitioner_user: User) -> Practitioner:
        return PractitionerFactory(name="Dr Own", user=practitioner_user)

    @pytest.mark.parametrize("kind", ["out-of-service", "closed-day"])
    def test_rooms_devices_and_closed_days_are_not_for_practitioners(
        self, practitioner_client: Client, kind: str
    ) -> None:
        for response in (practitioner_client.get(add_url(kind)), practitioner_client.post(add_url(kind), {})):
            assert response.status_code == 403
            assert "Ask reception" in response.text

    @pytest.mark.parametrize("factory", [RoomFactory, DeviceFactory])
    def test_a_room_or_a_device_goes_out_of_service(self, admin_client: Client, factory: Any) -> None:
        thing = factory()
        sent = {"thing": str(thing.pk), "reason": "service", **edge("starts_at", "2026-03-05")}
        assert admin_client.post(add_url("out-of-service"), sent).status_code == 302
        row = OutOfService.objects.get()
        assert (row.room or row.device, row.reason) == (thing, "service")

    @pytest.mark.parametrize("thing", ["", NOBODY, "x"])
    def test_an_unknown_thing_is_refused(self, reception_client: Client, thing: str) -> None:
        sent = {"thing": thing, "reason": "service", **edge("starts_at", "2026-03-05")}
        response = reception_client.post(add_url("out-of-service"), sent)
        assert (response.status_code, list(response.context["form"].errors)) == (422, ["thing"])

    def test_a_closed_day_lists_everybodys_visits(self, reception_client: Client) -> None:
        visit = AppointmentFactory(starts_at=local(date(2026, 3, 5), "10:00"))
        response = reception_client.post(
            add_url("closed-day"), {"day": "2026-03-05", "name": "Strike"}, follow=True
        )
        assert (ClosedDay.objects.get().name, response.context["affected"]) == ("Strike", [visit])

    @pytest.mark.parametrize(("day", "code"), [("2026-03-01", "past"), ("9999-12-31", "date_out_of_range")])
    def test_a_closed_day_in_the_past_or_in_the_year_9999_is_refused(
        self, reception_client: Client, day: str, code: str
    ) -> None:
        response = reception_client.post(add_url("closed-day"), {"day": day, "name": "Strike"})
        assert (response.status_code, response.context["form"].error_codes) == (422, {code})
        assert ClosedDay.objects.count() == 0

    @pytest.mark.parametrize("kind", ["whale", "absences"])
    def test_an_unknown_kind_is_404(self, reception_client: Client, kind: str) -> None:
        assert reception_client.get(add_url(kind)).status_code == 404


class TestOpenThisTimeOnce:
    def sent(self, who: Practitioner, **changes: str) -> dict[str, str]:
        span = {**edge("starts_at", "2026-03-05", "18:00"), **edge("ends_at", "2026-03-05", "20:00")}
        return {"practitioner": str(who.pk), "reason": "evening", **span, **changes}

    def test_begins_with_what_the_link_says(self, reception_client: Client, silva: Practitioner) -> None:
        place = LocationFactory()
        asked = {
            "practitioner": str(silva.pk),
            "starts_at": "2026-03-05T18:00",
            "ends_at": "2026-03-05T19:00:00+00:00",
            "next": f"/patients/{NOBODY}/book/",
        }
        response = reception_client.get(add_url("extra"), asked)
        form = response.context["form"]
        assert (form["practitioner"].value(), form["location"].value()) == (str(silva.pk), place.pk)
        assert 'value="2026-03-05"' in str(form["starts_at"])
        assert ('value="18:00"' in str(form["starts_at"]), 'value="20:00"' in str(form["ends_at"])) == (
            True,
            True,
        )
        assert f'name="next" value="/patients/{NOBODY}/book/"' in response.text

    @pytest.mark.parametrize(
        "asked",
        [
            {"practitioner": "x", "starts_at": "soon", "ends_at": "9999-12-31T23:59+00:00"},
            {"starts_at": "0001-01-01T00:00+14:00", "next": "//elsewhere.example/"},
            {"starts_at": "2026-03-05T18:00 01:00", "day": "x"},
        ],
    )
    def test_a_link_with_nonsense_gives_an_empty_form(
        self, reception_client: Client, asked: dict[str, str]
    ) -> None:
        response = reception_client.get(add_url("extra"), asked)
        assert response.status_code == 200
        own_address = escape(response.wsgi_request.get_full_path())  # where the privacy switch leads back to
        assert "elsewhere" not in response.text.replace(own_address, "")

    def test_goes_back_to_where_the_person_came_from(
        self, reception_client: Client, silva: Practitioner
    ) -> None:
        place = LocationFactory()
        back = f"/patients/{NOBODY}/book/"
        sent = self.sent(silva, location=str(place.pk), next=back)
        assert reception_client.post(add_url("extra"), sent)["Location"] == back
        row = ExtraOpening.objects.get()
        assert (row.practitioner, row.location, row.starts_at) == (
            silva,
            place,
            local(date(2026, 3, 5), "18:00"),
        )

    def test_never_leads_to_a_foreign_site(self, reception_client: Client, silva: Practitioner) -> None:
        sent = self.sent(silva, location=str(LocationFactory().pk), next="https://elsewhere.example/")
        response = reception_client.post(add_url("extra"), sent)
        assert response["Location"] == reverse(
            "clinic:opening_entry", args=["extra", ExtraOpening.objects.get().pk]
        )

    def test_with_several_locations_one_is_chosen(
        self, reception_client: Client, silva: Practitioner
    ) -> None:
        LocationFactory.create_batch(2)
        response = reception_client.post(add_url("extra"), self.sent(silva))
        assert (response.status_code, list(response.context["form"].errors)) == (422, ["location"])

    def test_longer_than_sixteen_hours_is_a_mistyped_date(
        self, reception_client: Client, silva: Practitioner
    ) -> None:
        sent = self.sent(silva, location=str(LocationFactory().pk), **edge("ends_at", "2026-03-06", "18:00"))
        response = reception_client.post(add_url("extra"), sent)
        assert (response.status_code, response.context["form"].error_codes) == (422, {"too_long"})
