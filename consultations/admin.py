"""Reference data in Django's admin. Published versions are read; a change is a new version."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV

from clinic.admin_site import ClinicInline, ClinicModelAdmin
from clinic.errors import DomainError
from consultations import models as pathway
from consultations.actions import reference
from consultations.admin_index import GROUPS
from consultations.enums import SignAgain
from consultations.lot_queries import is_named
from consultations.models.reference import Versioned
from consultations.rules import recipes


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
        response = self._carry_out(request, pk, reference.publish, _("This version is in force now."))
        component = pathway.Component.objects.filter(pk=pk).current().first()
        if self.model is pathway.Component and component is not None:
            behind = ", ".join(reference.formulas_behind(component).values_list("code", flat=True))
            if behind:
                text = _("These formulas still use the version before; make new versions of them: %s")
                self.message_user(request, text % behind, messages.WARNING)
        return response

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


class PartInline(ChildInline):
    """Strengths per ml of the ready mix."""

    model = pathway.FormulaPart

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Components in force only."""
        if db_field.name == "component":
            kwargs["queryset"] = pathway.Component.objects.current().order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class LineInline(PartInline):
    """Millilitres of products, in the order of mixing."""

    model = pathway.RecipeLine


class RuleInline(ChildInline):
    """What a yes means, for whom."""

    model = pathway.ContraindicationRule


class PhaseInline(ChildInline):
    """Sessions of a usual course."""

    model = pathway.PlanPhase


@admin.register(pathway.Component)
class ComponentAdmin(SpreadsheetMixin, ReferenceAdmin):
    """Substances; can be exported as a spreadsheet."""

    list_filter = (*ReferenceAdmin.list_filter, "kind", "is_active")


@admin.register(pathway.Formula)
class FormulaAdmin(SpreadsheetMixin, ReferenceAdmin):
    """What is in them, how strong; can be exported as a spreadsheet."""

    inlines = (PartInline,)
    list_filter = (*ReferenceAdmin.list_filter, "is_active")
    readonly_fields = (*ReferenceAdmin.readonly_fields, "recipe")

    @admin.display(description=gettext_lazy("recipe"))
    def recipe(self, formula: pathway.Formula) -> str:
        """How this version is mixed, in words; or where to write it down, once the version is in force."""
        if is_draft(formula if formula.pk else None):
            return _("is added once this version is published")
        if not _wants_recipe(formula):
            return recipes.words_of(formula, at=timezone.now())
        of = {"formula_code": formula.code, "formula_version": formula.version}
        url = reverse("admin:consultations_recipe_add", query=of)
        return format_html('<a href="{}">{}</a>', url, _("Add the recipe of this version"))

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put the draft in force. Recipes belong to versions: a new one has none yet."""
        response = super().publish_view(request, pk)
        if any(_wants_recipe(formula) for formula in pathway.Formula.objects.filter(pk=pk)):
            text = _("No page says how this version is mixed, and no lot is held against a strength: %s")
            self.message_user(request, text % _("add its recipe below."), messages.WARNING)
        return response


def _wants_recipe(formula: pathway.Formula) -> bool:
    in_force = formula.published_at is not None and formula.retired_at is None
    return in_force and pathway.Recipe.objects.of(formula, at=timezone.now()) is None


@admin.register(pathway.Recipe)
class RecipeAdmin(ReferenceAdmin):
    """How formulas are mixed, from products of which strength."""

    inlines = (LineInline,)
    list_display = ("name", "code", "formula_code", "formula_version", "version", "state", "to_confirm")


@admin.register(pathway.PatchTestPolicy)
class PatchTestPolicyAdmin(ReferenceAdmin):
    """Whether and how a test injection comes first. One more policy starts with the numbers of the general one."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Everything but what the new policy is called, and whom it is for."""
        general = pathway.PatchTestPolicy.objects.current().filter(formula_code="", family="").first()
        own = ("requirement", *(field.name for field in Versioned._meta.fields))
        numbers = forms.model_to_dict(general, exclude=own) if general else {}
        return numbers | super().get_changeform_initial_data(request)


@admin.register(pathway.DoseCap)
class DoseCapAdmin(SpreadsheetMixin, ReferenceAdmin):
    """Limits; those still to be decided are a filter away."""

    list_display = ("name", "component_code", "formula_code", "decision", "limit", "state", "to_confirm")
    list_filter = (*ReferenceAdmin.list_filter, "decision", "measure")


@admin.register(pathway.ContraindicationQuestion)
class ContraindicationQuestionAdmin(ReferenceAdmin):
    """Questions of the consultation with their rules."""

    inlines = (RuleInline,)


@admin.register(pathway.PlanTemplate)
class PlanTemplateAdmin(ReferenceAdmin):
    """Usual courses with their phases."""

    inlines = (PhaseInline,)


class ProcedureAdmin(ReferenceAdmin):
    """Texts for one procedure or for all."""

    list_display = ("name", "code", "procedure", "version", "state", "to_confirm")
    list_filter = (*ReferenceAdmin.list_filter, "family")

    @admin.display(description=gettext_lazy("for"))
    def procedure(self, text: pathway.ConsentText | pathway.Leaflet) -> str:
        """What it is narrowed to: one column instead of three, of which two are empty and the last is cut off."""
        narrowed = [text.get_family_display(), text.technique_code, text.formula_code]
        return ", ".join(word for word in narrowed if word) or _("all")


@admin.register(pathway.Leaflet)
class LeafletAdmin(ProcedureAdmin):
    """What patients are given to read."""


@admin.register(pathway.ConsentText)
class ConsentTextAdmin(ProcedureAdmin):
    """Texts to consent to, by procedure. Publishing one asks whether who signed before signs again."""

    list_display = ("name", "code", "procedure", "version", "state", "asks_again")
    readonly_fields = (*ReferenceAdmin.readonly_fields, "sign_again")

    @admin.display(description=gettext_lazy("signed again"), ordering="sign_again")
    def asks_again(self, text: pathway.ConsentText) -> str:
        """The choice without its explanation."""
        return str(text.get_sign_again_display()).partition(":")[0]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """The button to publish stands beside the question."""
        if is_draft(kwargs.get("obj")):
            context["version_choices"] = SignAgain.choices
            context["version_question"] = _("Does who signed an earlier version sign again?")
        return super().render_change_form(request, context, *args, **kwargs)

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put the draft in force, with what the publisher chose."""
        action = partial(reference.publish_text, sign_again=request.POST.get("sign_again", ""))
        return self._carry_out(request, pk, action, _("This version is in force now."))


admin.site.register(
    [
        pathway.AllergenGroup,
        pathway.Alternative,
        pathway.Technique,
        pathway.TechniqueRule,
        pathway.Indication,
        pathway.InUseLife,
        pathway.CheckInQuestion,
        pathway.PathwayPolicy,
        pathway.RetestRule,
        pathway.MethodRule,
        pathway.SessionFormula,
        pathway.AftercareRule,
        pathway.AftercareScope,
        pathway.RedFlag,
        pathway.ReactionType,
        pathway.ReactionRule,
        pathway.FollowUpRule,
        pathway.Scale,
        pathway.ScaleThreshold,
        pathway.ReviewRule,
        pathway.BodyZone,
        pathway.ZoneShape,
        pathway.StandardView,
        pathway.PhotographyText,
    ],
    ReferenceAdmin,
)
admin.site.groups += GROUPS


@admin.register(pathway.Lot)
class LotAdmin(SpreadsheetMixin, ClinicModelAdmin):
    """Delivered batches. What identifies a lot stays once entered; quarantine is an action of its own."""

    list_display = ("component", "maker", "number", "expires_on", "used_up_on", "quarantined_at")
    list_filter = ("component__code",)
    search_fields = ("number", "maker", "component__name")
    list_select_related = ("component",)
    readonly_fields = (
        *("quarantined_at", "quarantined_by", "quarantine_reason", "opened_on", "opened_until"),
        *("released_at", "released_by", "release_reason", "recalled_at", "recalled_by", "recall_reference"),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: pathway.Lot | None = None) -> list[str]:
        """Records point at the component, the maker and the number; a signed one at the whole label."""
        kept = (*pathway.Lot.IDENTITY, *(pathway.Lot.LABEL if is_named(obj) else ())) if obj else ()
        return [*super().get_readonly_fields(request, obj), *kept]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[pathway.Lot]:
        """Those the person may see."""
        return super().get_queryset(request).visible_to(request.user)
