"""What a recipe makes: the strengths of its mix, and the same in words."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import ComponentKind, Unit
from consultations.models import Component, Formula, Recipe, RecipeLine
from consultations.rules.doses import plain

_TO = Decimal("0.0001")  # strengths of a mix are kept to four places


def volume_ml(lines: Iterable[RecipeLine]) -> Decimal:
    """Of the whole mix, ml. What is in the vial of the line before adds none."""
    return sum((line.millilitres for line in lines if not line.same_vial), Decimal(0))


def strengths(lines: Iterable[RecipeLine]) -> dict[str, Decimal]:
    """By component, units of it per ml of the mix, to four places: ml × strength ÷ ml of the whole."""
    lines = list(lines)
    whole = volume_ml(lines)
    return {line.component.code: (line.millilitres * line.strength / whole).quantize(_TO) for line in lines}


def check_makes(recipe: Recipe) -> None:
    """A recipe makes the strengths of the formula that it names; beside them it holds at most diluents.

    Raises:
        DomainError: recipe_other_formula, that version is not in force; recipe_other_strengths, with both figures;
            recipe_vial, a line says that it is in a vial of another size, or in none.
    """
    lines = list(recipe.lines.select_related("component"))
    _check_vials(lines)
    formula = Formula.objects.current().filter(code=recipe.formula_code).first()
    if formula is None or formula.version != recipe.formula_version:
        raise DomainError(
            _("Version %(version)s of formula %(code)s is not in force. Enter the version that is.")
            % {"version": recipe.formula_version, "code": recipe.formula_code},
            "recipe_other_formula",
            field="formula_version",
        )
    made = strengths(lines)
    wanted = {part.component.code: part for part in formula.parts.select_related("component")}
    for code, part in wanted.items():
        if made.get(code) != part.strength.quantize(_TO):
            words = _(
                "%(component)s: the lines make %(made)s per ml of the mix, the formula says %(wanted)s. Change the lines,"
                " or make a new version of the formula."
            )
            said = {"made": plain(made.get(code, Decimal(0))), "wanted": plain(part.strength)}
            raise DomainError(words % {**said, "component": part.component}, "recipe_other_strengths")
    beside = [
        line.component
        for line in lines
        if line.component.code not in wanted and line.component.kind != ComponentKind.DILUENT
    ]
    if beside:
        words = _("%(component)s is not in the formula. Only a diluent may stand beside what is in it.")
        raise DomainError(words % {"component": beside[0]}, "recipe_other_strengths")


def _check_vials(lines: list[RecipeLine]) -> None:
    before: RecipeLine | None = None
    for line in lines:
        if line.same_vial and (before is None or before.millilitres != line.millilitres):
            words = _(
                "%(component)s is in the vial of the line before: it has the same millilitres as that line."
            )
            raise DomainError(words % {"component": line.component}, "recipe_vial")
        before = line


def product(component: Component, strength: Decimal) -> str:
    """The product with its strength, “Lidocaine 20 mg/ml”; one that is counted in ml has none."""
    if component.unit == Unit.ML:
        return str(component)
    return f"{component} {plain(strength)} {component.get_unit_display()}/ml"


def in_words(recipe: Recipe) -> str:
    """“1 ml Lidocaine 20 mg/ml + 1 ml Ketoprofen 160 mg/ml = 2 ml”."""
    lines = list(recipe.lines.all())
    vials: list[str] = []
    for line in lines:
        said = product(line.component, line.strength)
        if line.same_vial:
            vials[-1] = _("%(product)s with %(other)s in the same vial") % {
                "product": vials[-1],
                "other": said,
            }
        else:
            vials.append(
                _("%(volume)s ml %(product)s") % {"volume": plain(line.millilitres), "product": said}
            )
    if len(vials) == 1:
        return _("%(product)s, as it is") % {"product": vials[0]}
    return _("%(products)s = %(volume)s ml") % {
        "products": " + ".join(vials),
        "volume": plain(volume_ml(lines)),
    }


def words_of(formula: Formula, *, at: datetime) -> str:
    """How the formula is mixed, or that nobody has written it down."""
    recipe = Recipe.objects.of(formula, at=at)
    return in_words(recipe) if recipe else _("no recipe on record: ask an admin to add one")
