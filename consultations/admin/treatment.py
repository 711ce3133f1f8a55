"""Whom we treat, and how: questions with their rules, test injections, usual courses."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from consultations import models as pathway
from consultations.admin.versions import ChildInline, ReferenceAdmin
from consultations.models.reference import Versioned


class RuleInline(ChildInline):
    """What a yes means, for whom."""

    model = pathway.ContraindicationRule


@admin.register(pathway.ContraindicationQuestion)
class ContraindicationQuestionAdmin(ReferenceAdmin):
    """Questions of the consultation with their rules."""

    inlines = (RuleInline,)


@admin.register(pathway.PatchTestPolicy)
class PatchTestPolicyAdmin(ReferenceAdmin):
    """Whether and how a test injection comes first. One more policy starts with the numbers of the general one."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Everything but what the new policy is called, and whom it is for."""
        general = pathway.PatchTestPolicy.objects.current().filter(formula_code="", family="").first()
        own = ("requirement", *(field.name for field in Versioned._meta.fields))
        numbers = forms.model_to_dict(general, exclude=own) if general else {}
        return numbers | super().get_changeform_initial_data(request)


class PhaseInline(ChildInline):
    """Sessions of a usual course."""

    model = pathway.PlanPhase


@admin.register(pathway.PlanTemplate)
class PlanTemplateAdmin(ReferenceAdmin):
    """Usual courses with their phases."""

    inlines = (PhaseInline,)
