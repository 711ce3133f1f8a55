"""What is injected: components, how formulas are mixed of them, their limits, and the lots on the shelf."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.admin_site import ClinicModelAdmin
from consultations import models as pathway
from consultations.actions import reference
from consultations.admin.versions import ChildInline, ReferenceAdmin, SpreadsheetMixin, is_draft
from consultations.lot_queries import is_named
from consultations.rules import recipes


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


@admin.register(pathway.Component)
class ComponentAdmin(SpreadsheetMixin, ReferenceAdmin):
    """Substances; can be exported as a spreadsheet."""

    list_filter = (*ReferenceAdmin.list_filter, "kind", "is_active")

    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put the draft in force. Formulas go on with the version before until they get a new one."""
        response = super().publish_view(request, pk)
        component = pathway.Component.objects.filter(pk=pk).current().first()
        if component is not None:
            behind = ", ".join(reference.formulas_behind(component).values_list("code", flat=True))
            if behind:
                text = _("These formulas still use the version before; make new versions of them: %s")
                self.message_user(request, text % behind, messages.WARNING)
        return response


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


@admin.register(pathway.DoseCap)
class DoseCapAdmin(SpreadsheetMixin, ReferenceAdmin):
    """Limits; those still to be decided are a filter away."""

    list_display = ("name", "component_code", "formula_code", "decision", "limit", "state", "to_confirm")
    list_filter = (*ReferenceAdmin.list_filter, "decision", "measure")


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
