"""What patients read and sign."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consultations import models as pathway
from consultations.actions import reference
from consultations.admin.versions import ReferenceAdmin, is_draft
from consultations.enums import SignAgain


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
