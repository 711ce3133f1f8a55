"""Entries that come in versions. Published ones are read; a change is a new version."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV

from clinic.admin_site import ClinicInline, ClinicModelAdmin
from clinic.errors import DomainError
from consultations.actions import reference
from consultations.models.reference import Versioned


class StateFilter(admin.SimpleListFilter):
    """Drafts, what is in force, what was replaced."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The three states."""
        return [("in_force", _("in force")), ("draft", _("draft")), ("retired", _("retired"))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        """Rows in the chosen state."""
        states = {
            "in_force": {"published_at__isnull": False, "retired_at": None},
            "draft": {"published_at": None},
            "retired": {"retired_at__isnull": False},
        }
        return queryset.filter(**states.get(self.value() or "", {}))


class ReferenceForm(forms.ModelForm):
    """A draft. The first version of an entry needs a code of its own."""

    def clean_code(self) -> str:
        """A code that exists already wants a new version, not a second entry."""
        code = self.cleaned_data["code"]
        if self._meta.model.objects.filter(code=code).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("This code exists already. Open the entry and make a new version."))
        return code


class ChildInline(ClinicInline):
    """Child rows follow their parent: open in a draft, closed for ever once it is published."""

    may_delete = True

    def has_add_permission(self, request: HttpRequest, obj: Versioned | None = None) -> bool:
        """Only to a draft."""
        return super().has_add_permission(request, obj) and is_draft(obj)

    def has_change_permission(self, request: HttpRequest, obj: Versioned | None = None) -> bool:
        """Only of a draft."""
        return super().has_change_permission(request, obj) and is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Versioned | None = None) -> bool:
        """Only of a draft."""
        return super().has_delete_permission(request, obj) and is_draft(obj)


def is_draft(obj: Versioned | None) -> bool:
    """Whether a row (or a row to come) may still be written."""
    return obj is None or obj.published_at is None


class SpreadsheetMixin(ExportMixin):
    """A button that hands out the list as CSV at once: the package's own form page breaks the strict CSP."""

    formats = (CSV,)
    skip_export_form = True


class ReferenceAdmin(ClinicModelAdmin):
    """One kind of versioned entry."""

    form = ReferenceForm
    change_form_template = "admin/consultations/reference_change_form.html"
    list_display = ("name", "code", "version", "state", "to_confirm", "source")
    list_filter = (StateFilter, "to_confirm")
    search_fields = ("code", "name")
    readonly_fields = ("version", "published_at", "retired_at")
    save_as = False
    may_delete = True

    @admin.display(description=gettext_lazy("state"), ordering="published_at")
    def state(self, entry: Versioned) -> str:
        """Draft, in force, or retired."""
        if entry.published_at is None:
            return _("draft")
        return _("in force") if entry.retired_at is None else _("retired")

    def has_change_permission(self, request: HttpRequest, obj: Versioned | None = None) -> bool:
        """Published versions are only read; the database says so too."""
        return super().has_change_permission(request, obj) and is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Versioned | None = None) -> bool:
        """Only drafts can go."""
        return super().has_delete_permission(request, obj) and is_draft(obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Versioned | None = None) -> list[str]:
        """The code ties versions together: it is typed once."""
        return [*super().get_readonly_fields(request, obj), *(["code"] if obj else [])]

    def get_fields(self, request: HttpRequest, obj: Versioned | None = None) -> list[str]:
        """What it is comes first: code, name, version."""
        first = ["code", "name", "version"]
        return [*first, *(name for name in super().get_fields(request, obj) if name not in first)]

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Codes of other entries are chosen from what is in force, not typed."""
        target = reference.CODE_FIELDS.get(self.model, {}).get(db_field.name)
        if target is None:
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        choices = list(target.objects.current().order_by("name").values_list("code", "name"))
        many = not isinstance(db_field, models.SlugField)
        field = forms.MultipleChoiceField if many else forms.ChoiceField
        blank = [] if many else [("", "—")]
        label, hint = capfirst(db_field.verbose_name), db_field.help_text
        return field(choices=blank + choices, required=not db_field.blank, label=label, help_text=hint)

    def get_urls(self) -> list[URLPattern]:
        """Two more addresses, for the two buttons."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        more = [
            path(f"<int:pk>/{word}/", self.admin_site.admin_view(view), name=f"{name}_{word}")
            for word, view in (("new_version", self.new_version_view), ("publish", self.publish_view))
        ]
        return more + super().get_urls()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Which button the page shows: a draft can be published, what is in force can be copied."""
        obj = kwargs.get("obj")
        if obj is not None:
            prefix = f"admin:{self.opts.app_label}_{self.opts.model_name}"
            button = "publish" if is_draft(obj) else "new_version"
            context["version_url"] = reverse(f"{prefix}_{button}", args=[obj.pk])
            context["version_button"] = (
                _("Publish what is saved") if is_draft(obj) else _("Make a new version")
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def new_version_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Copy the entry and open the copy."""
        return self._carry_out(request, pk, reference.new_version, _("Change this copy, then publish it."))

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put the draft in force."""
        return self._carry_out(request, pk, reference.publish, _("This version is in force now."))

    def _carry_out(self, request: HttpRequest, pk: int, action: Any, done: str) -> HttpResponse:
        """Run the action and go to the page of what it returns; a refusal is shown on the entry's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        entry = self.get_object(request, str(pk))
        if entry is None:
            raise Http404
        try:
            entry = action(entry=entry, by=request.user, at=timezone.now())
            self.message_user(request, done, messages.SUCCESS)
        except DomainError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[entry.pk])
        )
