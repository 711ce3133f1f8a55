"""Components, formulas, lots."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import factory
from django.db import connection
from django.db.models import QuerySet
from factory.django import DjangoModelFactory

from consultations.enums import ComponentKind
from consultations.models import AllergenGroup, Component, Formula, InUseLife, Lot, Recipe
from tests.factories.reference import VersionedFactory


class AllergenGroupFactory(VersionedFactory):
    """A group of substances."""

    class Meta:
        model = AllergenGroup


class ComponentFactory(VersionedFactory):
    """A drug counted in mg."""

    class Meta:
        model = Component

    kind = ComponentKind.DRUG


class FormulaFactory(VersionedFactory):
    """A mix of two fresh components; `parts` are (component, units per ml) pairs."""

    class Meta:
        model = Formula

    parts = factory.LazyFunction(
        lambda: [(ComponentFactory(), Decimal(10)), (ComponentFactory(), Decimal(2))]
    )

    @classmethod
    def add_children(cls, entry: Formula, name: str, rows: Iterable[tuple[Component, Any]]) -> None:
        """Parts are given as pairs."""
        entry.parts.bulk_create(
            entry.parts.model(formula=entry, component=component, strength=strength)
            for component, strength in rows
        )


class InUseLifeFactory(VersionedFactory):
    """A week once it is opened."""

    class Meta:
        model = InUseLife

    component_code = factory.Sequence(lambda n: f"opened-{n:05}")
    days = 7


class RecipeFactory(VersionedFactory):
    """Of a formula named by code and version; `lines` are dictionaries of line fields. Nothing checks what it makes."""

    class Meta:
        model = Recipe

    formula_code = factory.Sequence(lambda n: f"formula-{n:05}")
    lines = factory.LazyFunction(lambda: [{"component": ComponentFactory(), "millilitres": Decimal(1)}])


def recipe_of(formula: Formula, **details: Any) -> Recipe:
    """One ml of each component, of products so strong that the formula's strengths come out."""
    parts = list(formula.parts.select_related("component"))
    lines = [
        {"component": part.component, "millilitres": Decimal(1), "strength": part.strength * len(parts)}
        for part in parts
    ]
    return RecipeFactory(
        **{"formula_code": formula.code, "formula_version": formula.version, "lines": lines, **details}
    )


class LotFactory(DjangoModelFactory):
    """A lot in date."""

    class Meta:
        model = Lot

    component = factory.SubFactory(ComponentFactory)
    maker = "Laboratoire Nord"
    number = factory.Sequence(lambda n: f"L{n:05}")
    expires_on = date(2027, 12, 31)
    received_on = date(2025, 12, 1)


def lots_of(formula: Formula) -> list[Lot]:
    """A usable lot of each component, made where there is none."""
    parts = formula.parts.select_related("component").prefetch_related("component__lots")
    return [
        next(iter(part.component.lots.all()), None) or LotFactory(component=part.component) for part in parts
    ]


def received_as(lots: QuerySet[Lot], **label: Any) -> None:
    """As if the lots had been received so: signed records that a test has made name them, and then the label stays."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        lots.update(**label)
        cursor.execute("SET LOCAL session_replication_role = origin")
