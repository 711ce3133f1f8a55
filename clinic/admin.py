"""The desk in Django's admin: users, places, opening time, kinds of visit. Appointments: read only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clinic import readiness
from clinic.actions import accounts, catalogue, opening
from clinic.admin_site import BookableAdmin, ClinicInline, ClinicModelAdmin, ReadOnlyAdmin
from clinic.enums import Role
from clinic.intervals import Interval
from clinic.models import (
    Absence,
    Appointment,
    AppointmentType,
    ClinicSettings,
    ClosedDay,
    Device,
    ExtraOpening,
    Location,
    OutOfService,
    Practitioner,
    RecordOpened,
    Room,
    User,
    WorkingHours,
)


class AccountForm(UserChangeForm):
    """An account without its password."""

    password = None


def tick_boxes(db_field: models.Field, choices: Any) -> forms.Field:
    """A list column shown as boxes to tick instead of words and commas."""
    return forms.MultipleChoiceField(
        choices=choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label=db_field.verbose_name,
        help_text=db_field.help_text,
    )


@admin.register(User)
class UserAdmin(ClinicModelAdmin, StockUserAdmin):
    """People who sign in. Invited on the desk's page; switched off, never deleted: their name stands under what they did.

    What ends somebody's way in, or opens another one, is done on the desk's page of staff: with its reason, and told.
    """

    may_add = False
    form = AccountForm

    list_display = ("username", "first_name", "last_name", "email", "role_names", "is_active")
    list_filter = ("is_active",)
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ["username"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (
            _("Access"),
            {
                "fields": ["roles", "is_active"],
                "description": _(
                    "Accounts are switched off and on, and new passwords asked for, on the page “Staff”."
                ),
            },
        ),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    )
    readonly_fields = ("is_active", "last_login", "date_joined")

    @admin.display(description=_("roles"))
    def role_names(self, user: User) -> str:
        """The roles in words."""
        return ", ".join(str(Role(role).label) for role in user.roles)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser sees, and can set, the superuser flags."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not request.user.is_superuser:
            return fieldsets
        return [*fieldsets, (_("Superuser"), {"fields": ["is_superuser", "is_staff"]})]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser's account is changed by superusers only."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Through the action, which keeps one admin and tells the old address."""
        accounts.keep(user=obj, by=request.user, at=timezone.now())

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Nobody chooses another person's password: they are asked for a new one. One's own has its page."""
        user = self.get_object(request, id)
        if user is None or not self.has_change_permission(request, user):
            raise PermissionDenied
        if user == request.user:
            return redirect("account_change_password")
        return redirect("clinic:staff_new_password", user.pk)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Roles are boxes to tick."""
        if db_field.name == "roles":
            return tick_boxes(db_field, Role.choices)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class WorkingHoursInline(ClinicInline):
    """The practitioner's week; a lunch break is the gap between two rows."""

    model = WorkingHours
    may_delete = True


@admin.register(Practitioner)
class PractitionerAdmin(BookableAdmin):
    """People patients are booked with."""

    of = "practitioner"
    list_display = ("name", "user", "skills", "position", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)
    inlines = (WorkingHoursInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The hours on the practitioner's page, through the actions too."""
        at = timezone.now()
        for hours in formset.save(commit=False):
            catalogue.keep(entry=hours, by=request.user, at=at)
        for hours in formset.deleted_objects:
            catalogue.drop(entry=hours, by=request.user, at=at)
        formset.save_m2m()

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Techniques are boxes to tick: those that some kind of visit asks for."""
        if db_field.name == "skills":
            asked = AppointmentType.objects.exclude(skill="").values_list("skill", flat=True)
            return tick_boxes(db_field, [(skill, skill) for skill in sorted(set(asked))])
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Location)
class LocationAdmin(ClinicModelAdmin):
    """Addresses of the clinic."""

    list_display = ("name", "address", "is_active")


@admin.register(Room)
class RoomAdmin(BookableAdmin):
    """Rooms."""

    of = "room"
    list_display = ("name", "location", "kind", "position", "is_active")
    list_filter = ("kind", "location", "is_active")


@admin.register(Device)
class DeviceAdmin(BookableAdmin):
    """Guns and needleless machines. From the day after its service is due a device cannot be booked."""

    of = "device"
    list_display = ("name", "kind", "location", "serial_number", "service_due_on", "service", "is_active")
    list_filter = ("kind", "location", "is_active")

    @admin.display(description=_("service"))
    def service(self, device: Device) -> str:
        """Whether it can be booked, in words."""
        if device.service_due_on is None:
            return "–"
        is_due = device.service_due_on < timezone.localdate()
        return _("due: not booked until serviced") if is_due else _("in order")


@admin.register(AppointmentType)
class AppointmentTypeAdmin(BookableAdmin):
    """Kinds of visit, with who is busy for how long. Visits that are booked keep the length they have."""

    of = "type"
    list_display = ("name", "code", "purpose", "patient_minutes", "room_kind", "skill", "is_active")
    list_filter = ("is_active", "purpose")

    def get_readonly_fields(self, request: HttpRequest, obj: AppointmentType | None = None) -> list[str]:
        """Code and purpose tie a kind of visit to the pathway; they stay once it exists."""
        return ["code", "purpose"] if obj else []


@admin.register(WorkingHours)
class WorkingHoursAdmin(BookableAdmin):
    """Weekly hours in clinic time."""

    of = "practitioner"
    list_display = ("practitioner", "weekday", "starts", "ends", "location", "valid_from", "valid_until")
    list_filter = ("practitioner", "weekday")
    may_delete = True

    def narrowed_to(self, entry: WorkingHours) -> Practitioner:
        """Hours are a practitioner's."""
        return entry.practitioner

    def delete_model(self, request: HttpRequest, obj: WorkingHours) -> None:
        """Under the locks; then what was booked in these hours."""
        catalogue.drop(entry=obj, by=request.user, at=timezone.now())
        self.say_what_is_outside(request, obj)


@admin.register(ClosedDay)
class ClosedDayAdmin(ClinicModelAdmin):
    """Public holidays and other days on which the clinic is closed."""

    list_display = ("day", "name")
    date_hierarchy = "day"
    may_change = False
    may_delete = True

    def save_model(self, request: HttpRequest, obj: ClosedDay, form: Any, change: bool) -> None:
        """Nothing is cancelled by closing a day; say what is still booked on it."""
        at = timezone.now()
        obj.pk = opening.close_day(day=obj.day, name=obj.name, by=request.user, at=at).pk
        booked = Appointment.objects.on_day(obj.day).expected(at).count()
        if booked:
            sentence = ngettext(
                "%(count)d visit is still booked on this day: move it from the diary.",
                "%(count)d visits are still booked on this day: move them from the diary.",
                booked,
            )
            self.message_user(request, sentence % {"count": booked}, messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: ClosedDay) -> None:
        """Open the day again."""
        opening.remove(entry=obj, by=request.user, at=timezone.now())


@admin.register(ExtraOpening)
class ExtraOpeningAdmin(ClinicModelAdmin):
    """Times opened once, outside the weekly hours."""

    list_display = ("practitioner", "starts_at", "ends_at", "location", "reason", "created_by")
    date_hierarchy = "starts_at"
    may_change = False
    may_delete = True

    def save_model(self, request: HttpRequest, obj: ExtraOpening, form: Any, change: bool) -> None:
        """Through the desk's own action."""
        obj.pk = opening.open_once(
            practitioner=obj.practitioner,
            location=obj.location,
            span=Interval(obj.starts_at, obj.ends_at),
            reason=obj.reason,
            by=request.user,
            at=timezone.now(),
        ).pk

    def delete_model(self, request: HttpRequest, obj: ExtraOpening) -> None:
        """Refused while visits are booked in it."""
        opening.remove(entry=obj, by=request.user, at=timezone.now())


@admin.register(Absence)
class AbsenceAdmin(ReadOnlyAdmin):
    """Entered at the desk, which lists the visits concerned; read here."""

    list_display = ("practitioner", "kind", "starts_at", "ends_at", "note", "created_by")
    list_filter = ("kind", "practitioner")
    date_hierarchy = "starts_at"


@admin.register(OutOfService)
class OutOfServiceAdmin(ReadOnlyAdmin):
    """Entered at the desk, which lists the visits concerned; read here."""

    list_display = ("room", "device", "starts_at", "ends_at", "reason", "created_by")
    date_hierarchy = "starts_at"


@admin.register(ClinicSettings)
class ClinicSettingsAdmin(ClinicModelAdmin):
    """The clinic's one row, written at set-up."""

    may_add = False
    readonly_fields = ("time_zone",)
    list_display = ("name", "country", "time_zone", "grid_minutes")


@admin.register(Appointment)
class AppointmentAdmin(ReadOnlyAdmin):
    """Read only, in every way: booking has locks and rules that a form here would pass by."""

    list_display = ("starts_at", "patient", "type", "practitioner", "room", "device", "status")
    list_filter = ("status", "type", "practitioner", "room")
    list_select_related = ("patient", "type", "practitioner", "room", "device")
    date_hierarchy = "starts_at"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Appointment]:
        """Those the person may see."""
        return super().get_queryset(request).visible_to(request.user)


@admin.register(RecordOpened)
class RecordOpenedAdmin(ReadOnlyAdmin):
    """Who opened whose clinical page, and when. Holds no clinical text."""

    list_display = ("at", "user", "patient", "called")
    list_filter = ("user",)
    exclude = ("page",)
    readonly_fields = ("called",)
    list_select_related = ("user", "patient")
    date_hierarchy = "at"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[RecordOpened]:
        """Those the person may see."""
        return super().get_queryset(request).visible_to(request.user)

    @admin.display(description=_("page"), ordering="page")
    def called(self, opened: RecordOpened) -> str:
        """What the clinic calls the page."""
        return readiness.pathway().page_in_words(opened.page)


admin.site.groups += [
    (_("People"), (User, Practitioner)),
    (_("Opening hours"), (WorkingHours, ExtraOpening, ClosedDay, Absence)),
    (_("Rooms, devices and kinds of visit"), (Location, Room, Device, OutOfService, AppointmentType)),
    (_("The clinic’s rules"), (ClinicSettings,)),
    (_("To look up"), (Appointment, RecordOpened)),
]
