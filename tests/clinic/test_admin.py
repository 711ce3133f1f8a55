"""Django's admin for the desk: open to the admin role alone, and never a way round booking."""

from datetime import date, datetime, time, timedelta
from http import HTTPStatus

import pytest
from django.contrib import admin as django_admin
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from clinic.admin_site import ClinicAdminSite
from clinic.enums import Role
from clinic.models import (
    Appointment,
    ClinicSettings,
    ClosedDay,
    ExtraOpening,
    Patient,
    Practitioner,
    RecordOpened,
    User,
)
from tests.factories import (
    AppointmentFactory,
    LocationFactory,
    PatientFactory,
    PractitionerFactory,
    UserFactory,
    WorkingHoursFactory,
)
from tests.factories.users import PASSWORD
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

REGISTERED = sorted(model._meta.label for model in django_admin.site._registry)
DESK_TABLES = (
    "Absence Appointment AppointmentType ClinicSettings ClosedDay Device ExtraOpening Location OutOfService"
    " Practitioner RecordOpened Room User WorkingHours"
)
PATHWAY_TABLES = (
    "AftercareRule AftercareScope AllergenGroup Alternative BodyZone CheckInQuestion Component ConsentText"
    " ContraindicationQuestion DoseCap FollowUpRule Formula InUseLife Indication Leaflet Lot MethodRule"
    " PatchTestPolicy PathwayPolicy PhotographyText PlanTemplate ReactionRule ReactionType Recipe"
    " RedFlag RetestRule ReviewRule Scale ScaleThreshold SessionFormula StandardView Technique TechniqueRule"
    " ZoneShape"
)
DESK = [model for model in django_admin.site._registry if model._meta.app_label == "clinic"]


def page(model, word: str = "changelist", *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{word}", args=args)


@pytest.fixture
def keeper() -> User:
    """An admin who is neither staff nor superuser: the role alone opens the pages."""
    return UserFactory(username="keeper", roles=[Role.ADMIN])


@pytest.fixture
def keeper_client(keeper: User) -> Client:
    client = Client()
    sign_in(client, keeper)
    return client


class TestWhoMayEnter:
    def test_only_these_tables_are_here(self) -> None:
        desk = [f"clinic.{name}" for name in DESK_TABLES.split()]
        pathway = [f"consultations.{name}" for name in PATHWAY_TABLES.split()]
        assert sorted(desk + pathway) == REGISTERED

    def test_admin_pages_open_for_the_role(self, keeper_client: Client) -> None:
        AppointmentFactory()
        addresses = [reverse("admin:index"), *(page(model) for model in DESK)]
        assert [keeper_client.get(address).status_code for address in addresses] == [HTTPStatus.OK] * len(
            addresses
        )

    def test_the_start_page_shows_every_table_once_in_a_group_of_its_own_kind(
        self, keeper_client: Client
    ) -> None:
        groups = keeper_client.get(reverse("admin:index")).context["app_list"]
        shown = [row["model"]._meta.label for group in groups for row in group["models"]]
        assert sorted(shown) == REGISTERED
        # None is left over for its app.
        assert [group["app_label"] for group in groups] == [f"group-{each}" for each in range(len(groups))]
        assert max(len(group["models"]) for group in groups) <= 7

    def test_a_group_without_a_table_that_may_be_seen_is_left_out(
        self, keeper: User, rf: RequestFactory
    ) -> None:
        site, request = ClinicAdminSite(), rf.get("/")
        request.user = keeper
        site.register(ClosedDay, type(django_admin.site._registry[ClosedDay]))
        for groups, title in (
            ([], "Front desk"),
            ([("Nobody's", [Patient]), ("Days", [Patient, ClosedDay])], "Days"),
        ):
            site.groups = groups
            listed = site.get_app_list(request)
            shown = [(str(group["name"]), [row["model"] for row in group["models"]]) for group in listed]
            assert shown == [(title, [ClosedDay])]

    @pytest.mark.parametrize("roles", [[Role.RECEPTION], [Role.PRACTITIONER], []])
    def test_everybody_else_is_refused_staff_flag_or_not(self, roles: list[Role]) -> None:
        client = Client()
        sign_in(client, UserFactory(roles=roles, is_staff=True, is_superuser=True))
        addresses = [reverse("admin:index"), reverse("admin:jsi18n"), *(page(model) for model in DESK)]
        assert {client.get(address).status_code for address in addresses} == {HTTPStatus.FORBIDDEN}
        assert client.post(page(User, "add"), {"username": "x"}).status_code == HTTPStatus.FORBIDDEN

    def test_sign_in_is_the_one_sign_in(self, client: Client) -> None:
        start = client.get(reverse("admin:index"), follow=True)
        assert start.redirect_chain[-1][0] == f"{reverse('account_login')}?next={reverse('admin:index')}"
        posted = client.post(reverse("admin:login"), {"username": "keeper", "password": PASSWORD})
        assert posted.url == f"{reverse('account_login')}?next={reverse('admin:index')}"
        assert "_auth_user_id" not in client.session

    def test_own_password_changes_on_the_account_page(self, keeper_client: Client) -> None:
        assert keeper_client.get(reverse("admin:password_change")).url == reverse("account_change_password")


class TestAppointments:
    def test_are_read(self, keeper_client: Client) -> None:
        visit = AppointmentFactory()
        assert keeper_client.get(page(Appointment, "change", visit.pk)).status_code == HTTPStatus.OK

    @pytest.mark.parametrize("word", ["change", "delete"])
    def test_crafted_posts_change_nothing(self, keeper_client: Client, word: str) -> None:
        visit = AppointmentFactory()
        before = Appointment.objects.filter(pk=visit.pk).values().get()
        answer = keeper_client.post(page(Appointment, word, visit.pk), {"status": "cancelled", "post": "yes"})
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert Appointment.objects.filter(pk=visit.pk).values().get() == before

    def test_cannot_be_added(self, keeper_client: Client) -> None:
        assert keeper_client.post(page(Appointment, "add"), {}).status_code == HTTPStatus.FORBIDDEN

    def test_cannot_be_deleted_from_the_list(self, keeper_client: Client) -> None:
        visit = AppointmentFactory()
        chosen = {"action": "delete_selected", "_selected_action": str(visit.pk), "post": "yes"}
        keeper_client.post(page(Appointment), chosen)
        assert Appointment.objects.filter(pk=visit.pk).count() == 1


class TestUsers:
    def test_nobody_is_added_here_they_are_invited(self, keeper_client: Client) -> None:
        new = {"username": "rosa", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        assert keeper_client.post(page(User, "add"), new).status_code == HTTPStatus.FORBIDDEN
        assert not User.objects.filter(username="rosa").exists()

    def test_superuser_flags_are_neither_seen_nor_set_by_others(self, keeper_client: Client) -> None:
        user = UserFactory(reception=True)
        address = page(User, "change", user.pk)
        assert "is_superuser" not in keeper_client.get(address).content.decode()
        posted = {"username": user.username, "is_active": "on", "roles": ["admin"], "is_superuser": "on"}
        assert keeper_client.post(address, posted).status_code == HTTPStatus.FOUND
        user.refresh_from_db()
        assert (user.roles, user.is_superuser) == (["admin"], False)

    def test_a_superuser_is_changed_by_superusers_only(
        self, keeper_client: Client, admin_client: Client
    ) -> None:
        chief = UserFactory(is_superuser=True, roles=[Role.ADMIN])
        password = reverse("admin:auth_user_password_change", args=[chief.pk])
        new = {"password1": "another good phrase", "password2": "another good phrase"}
        assert keeper_client.post(password, new).status_code == HTTPStatus.FORBIDDEN
        assert keeper_client.post(page(User, "change", chief.pk), {}).status_code == HTTPStatus.FORBIDDEN
        chief.refresh_from_db()
        assert chief.check_password(PASSWORD)
        assert "is_superuser" in admin_client.get(page(User, "change", chief.pk)).content.decode()

    def test_accounts_are_not_deleted(self, keeper_client: Client) -> None:
        user = UserFactory()
        answer = keeper_client.post(page(User, "delete", user.pk), {"post": "yes"})
        assert (answer.status_code, User.objects.filter(pk=user.pk).count()) == (HTTPStatus.FORBIDDEN, 1)


class TestOpeningTime:
    def test_a_closed_day_says_what_is_still_booked(self, keeper_client: Client) -> None:
        day = timezone.localdate() + timedelta(days=30)
        nine = timezone.make_aware(datetime.combine(day, time(9)))
        AppointmentFactory(starts_at=nine)
        answer = keeper_client.post(page(ClosedDay, "add"), {"day": day, "name": "Holiday"}, follow=True)
        assert ClosedDay.objects.get().day == day
        messages = [str(message) for message in answer.context["messages"]]
        assert "1 visit is still booked on this day: move it from the diary." in messages

    def test_a_closed_day_on_which_nobody_comes_says_nothing_more(self, keeper_client: Client) -> None:
        day = timezone.localdate() + timedelta(days=30)
        nine = timezone.make_aware(datetime.combine(day + timedelta(days=1), time(9)))
        AppointmentFactory(starts_at=nine)
        answer = keeper_client.post(page(ClosedDay, "add"), {"day": day, "name": "Holiday"}, follow=True)
        assert ClosedDay.objects.get().day == day
        assert "still booked" not in " ".join(str(message) for message in answer.context["messages"])

    def test_a_past_day_is_refused_with_a_sentence(self, keeper_client: Client) -> None:
        posted = {"day": date(2020, 1, 1), "name": "Holiday"}
        answer = keeper_client.post(page(ClosedDay, "add"), posted, follow=True)
        assert [str(message) for message in answer.context["messages"]] == ["This day has passed."]
        assert ClosedDay.objects.count() == 0

    def test_extra_opening_records_who(self, keeper: User, keeper_client: Client) -> None:
        posted = {
            "practitioner": PractitionerFactory().pk,
            "location": LocationFactory().pk,
            "starts_at_0": "2030-01-05",
            "starts_at_1": "09:00",
            "ends_at_0": "2030-01-05",
            "ends_at_1": "12:00",
            "reason": "Flu week",
        }
        keeper_client.post(page(ExtraOpening, "add"), posted)
        assert ExtraOpening.objects.get().created_by == keeper

    def test_hours_that_end_before_they_start_are_refused(self, keeper_client: Client) -> None:
        hours = WorkingHoursFactory()
        posted = {
            "practitioner": hours.practitioner.pk,
            "location": hours.location.pk,
            "weekday": 1,
            "starts": "12:00",
            "ends": "09:00",
            "valid_from": "2026-01-01",
        }
        answer = keeper_client.post(page(type(hours), "add"), posted)
        assert "The end must come after the start." in answer.content.decode()

    def test_a_practitioner_is_trained_by_ticking_boxes(self, keeper_client: Client) -> None:
        someone = PractitionerFactory(skills=["needle"])
        posted = {"name": "Dr New", "skills": ["gun", "needle"], "position": 0, "is_active": "on"} | {
            f"working_hours-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")
        }
        keeper_client.post(page(Practitioner, "change", someone.pk), posted)
        assert Practitioner.objects.get(pk=someone.pk).skills == ["gun", "needle"]


class TestSettings:
    def test_the_one_row_can_be_changed_but_not_its_time_zone(self, keeper_client: Client) -> None:
        row = ClinicSettings.objects.get()
        posted = {
            "name": "Clinic of the Square",
            "emergency_number": "112",
            "country": "PT",
            "time_zone": "America/Lima",
            "grid_minutes": 10,
            "late_cancellation_hours": 24,
            "unsigned_after_hours": 24,
            "longest_hold_hours": 48,
            "case_file_days": 14,
            "emergency_minutes": 90,
            "retention_years": 10,
            "retention_until_age": 25,
            "retention_source": "our policy",
            "erasure_days": 14,
        }
        keeper_client.post(page(ClinicSettings, "change", 1), posted)
        after = ClinicSettings.objects.get()
        assert (after.name, after.grid_minutes, after.time_zone) == (
            "Clinic of the Square",
            10,
            row.time_zone,
        )

    @pytest.mark.parametrize("word", ["add", "delete"])
    def test_there_is_neither_a_second_row_nor_none(self, keeper_client: Client, word: str) -> None:
        address = page(ClinicSettings, word, *([1] if word == "delete" else []))
        assert keeper_client.post(address, {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
        assert ClinicSettings.objects.count() == 1


def test_the_log_of_opened_records_is_read_only(keeper: User, keeper_client: Client) -> None:
    entry = RecordOpened.objects.create(
        at=timezone.now(), user=keeper, patient=PatientFactory(), page="consultations:patch_test_give"
    )
    for address in (page(RecordOpened), page(RecordOpened, "change", entry.pk)):
        shown = keeper_client.get(address).content.decode()
        assert "Giving a test injection" in shown
        assert "consultations:patch_test_give" not in shown
    for word in ("change", "delete"):
        answer = keeper_client.post(page(RecordOpened, word, entry.pk), {"post": "yes", "page": "x"})
        assert answer.status_code == HTTPStatus.FORBIDDEN
