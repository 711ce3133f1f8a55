"""Recipes: which product, how strong and how much of it, makes a formula. They are entries of their own, for a published
formula never changes."""

from datetime import datetime

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, frozen_with_parent
from consultations.models.formula import Component, Formula
from consultations.models.reference import Versioned, VersionedQuerySet, published_is_final


class RecipeQuerySet(VersionedQuerySet):
    """Words about recipes."""

    def of(self, formula: Formula, *, at: datetime) -> "Recipe | None":
        """What was published last, by the moment, for this version of the formula; with its lines and their components."""
        mine = self.filter(formula_code=formula.code, formula_version=formula.version, published_at__lte=at)
        lines = models.Prefetch("lines", RecipeLine.objects.select_related("component"))
        return mine.prefetch_related(lines).order_by("-published_at", "-pk").first()


@pghistory.track(append_only=True)
class Recipe(Versioned):
    """How one version of a formula is mixed. Its lines make the strengths of the formula's parts."""

    formula_code = models.SlugField(_("formula"), max_length=80)
    formula_version = models.PositiveSmallIntegerField(_("version of the formula"), default=1)

    children = ("lines",)

    objects = RecipeQuerySet.as_manager()

    class Meta(Versioned.Meta):
        verbose_name = _("recipe")
        verbose_name_plural = _("recipes")
        constraints = [
            *Versioned.Meta.constraints,
            models.UniqueConstraint(
                fields=["formula_code", "formula_version"],
                condition=Q(published_at__isnull=False, retired_at=None),
                name="recipe_one_of_formula",
                violation_error_message=_("This version of the formula has a recipe in force."),
            ),
        ]
        triggers = published_is_final("recipe")


class RecipeLine(models.Model):
    """So many millilitres of a product of one strength, in units of the component per ml as its label says.

    A product that is counted in ml has no strength to compare: it is 1 ml per ml.
    """

    recipe = models.ForeignKey(Recipe, models.CASCADE, related_name="lines")
    component = models.ForeignKey(Component, models.PROTECT, related_name="+", verbose_name=_("component"))
    millilitres = models.DecimalField(_("ml"), max_digits=6, decimal_places=3)
    strength = models.DecimalField(
        _("strength on the label, per ml"), max_digits=10, decimal_places=4, default=1
    )
    same_vial = models.BooleanField(
        _("in the vial of the line before"),
        default=False,
        help_text=_("A product that holds both: its millilitres count once."),
    )

    class Meta:
        verbose_name = _("recipe line")
        verbose_name_plural = _("recipe lines")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["recipe", "component"],
                name="recipe_line_once",
                violation_error_message=_("This component is in the recipe already."),
            ),
            check(
                "recipe_line_sane",
                Q(millilitres__gt=0, strength__gt=0),
                _("Millilitres and strength are above zero."),
            ),
        ]
        triggers = frozen_with_parent(
            "recipe_line",
            parent="consultations_recipe",
            key="recipe_id",
            frozen="published_at IS NOT NULL",
        )

    def __str__(self) -> str:
        return f"{self.millilitres.normalize():f} ml {self.component}"
