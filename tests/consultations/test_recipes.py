"""Recipes: what ships makes the shipped strengths, what is published makes its formula, and pages say it in words."""

from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse

from clinic.enums import Role
from clinic.errors import DomainError
from clinic.models import Practitioner, User
from consultations.actions import reference
from consultations.enums import ComponentKind
from consultations.models import Formula, Recipe
from consultations.rules import recipes
from tests.factories import (
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    RecipeFactory,
    SessionFactory,
    UserFactory,
    cleared_plan,
    recipe_of,
)
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = pytest.mark.django_db


def shipped(code: str) -> Recipe:
    return Recipe.objects.current().get(formula_code=code)


class TestWhatShips:
    def test_every_formula_has_a_recipe_that_makes_its_strengths(self) -> None:
        formulas = set(Formula.objects.current().values_list("code", flat=True))
        assert set(Recipe.objects.current().values_list("formula_code", flat=True)) == formulas
        assert len(formulas) == 17
        for recipe in Recipe.objects.current():
            recipes.check_makes(recipe)

    def test_a_third_of_each_of_three_millilitres(self) -> None:
        assert recipes.strengths(shipped("F-PAIN-LBP").lines.all()) == {
            "lidocaine": D("6.6667"),
            "ketoprofen": D("53.3333"),
            "methylpred": D("13.3333"),
        }

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            (
                "F-FACE-AMIN",
                "9 ml Multivitamin solution + 1 ml Hyaluronic acid gel, not cross-linked = 10 ml",
            ),
            (
                "F-PAIN-LBP",
                "1 ml Lidocaine 20 mg/ml + 1 ml Ketoprofen 160 mg/ml + 1 ml Methylprednisolone 40 mg/ml = 3 ml",
            ),
            (
                "F-FAT-PCDC",
                "1 ml Phosphatidylcholine 50 mg/ml with Deoxycholic acid (sodium deoxycholate) 25 mg/ml in the same vial,"
                " as it is",
            ),
            ("F-HAIR-DUT", "1 ml Dutasteride 0.5 mg/ml, as it is"),
        ],
    )
    def test_it_is_said_in_words(self, code: str, words: str) -> None:
        assert recipes.in_words(shipped(code)) == words

    def test_half_an_ampoule_and_saline_make_the_weaker_mix(self) -> None:
        lines = list(shipped("F-PAIN-LBP-20").lines.select_related("component"))
        assert recipes.volume_ml(lines) == 3
        assert recipes.strengths(lines)["methylpred"] == D("6.6667")


class TestPublishing:
    @pytest.fixture
    def keeper(self) -> User:
        return UserFactory(roles=[Role.ADMIN])

    def refused(self, recipe: Recipe, keeper: User) -> str:
        with pytest.raises(DomainError) as refusal:
            reference.publish(entry=recipe, by=keeper, at=CLINIC_NOW)
        recipe.refresh_from_db()
        assert recipe.published_at is None
        return refusal.value.code

    def test_what_makes_the_formula_is_put_in_force(self, keeper: User) -> None:
        draft = recipe_of(FormulaFactory(), draft=True)
        reference.publish(entry=draft, by=keeper, at=CLINIC_NOW)
        assert Recipe.objects.current().get(pk=draft.pk).published_at == CLINIC_NOW

    def test_other_strengths_are_refused_with_both_figures(self, keeper: User) -> None:
        component = ComponentFactory(name="Procaine")
        formula = FormulaFactory(parts=[(component, 10)])
        line = {"component": component, "millilitres": 1, "strength": 20}
        draft = RecipeFactory(draft=True, formula_code=formula.code, lines=[line])
        assert self.refused(draft, keeper) == "recipe_other_strengths"
        with pytest.raises(
            DomainError, match="Procaine: the lines make 20 per ml of the mix, the formula says 10"
        ):
            recipes.check_makes(draft)
        other = {"component": ComponentFactory(), "millilitres": 1, "strength": 20}
        without = RecipeFactory(draft=True, code="without", formula_code=formula.code, lines=[other])
        with pytest.raises(DomainError, match="Procaine: the lines make 0 per ml"):
            recipes.check_makes(without)

    def test_only_a_diluent_may_stand_beside_what_is_in_the_formula(self, keeper: User) -> None:
        component = ComponentFactory()
        formula = FormulaFactory(parts=[(component, 10)])
        line = {"component": component, "millilitres": 1, "strength": 20}
        for kind, code in ((ComponentKind.DRUG, "recipe_other_strengths"), (ComponentKind.DILUENT, "")):
            beside = {"component": ComponentFactory(kind=kind), "millilitres": 1}
            draft = RecipeFactory(draft=True, formula_code=formula.code, lines=[line, beside])
            if code:
                assert self.refused(draft, keeper) == code
                with pytest.raises(DomainError, match="is not in the formula"):
                    recipes.check_makes(draft)
            else:
                recipes.check_makes(draft)

    def test_a_version_that_is_not_in_force_is_refused(self, keeper: User) -> None:
        draft = recipe_of(FormulaFactory(), draft=True, formula_version=2)
        assert self.refused(draft, keeper) == "recipe_other_formula"
        with pytest.raises(DomainError) as refusal:
            recipes.check_makes(draft)
        assert refusal.value.field == "formula_version"

    def test_a_line_in_no_vial_is_refused(self, keeper: User) -> None:
        component = ComponentFactory()
        formula = FormulaFactory(parts=[(component, 10)])
        line = {"component": component, "millilitres": 1, "strength": 10, "same_vial": True}
        draft = RecipeFactory(draft=True, formula_code=formula.code, lines=[line])
        assert self.refused(draft, keeper) == "recipe_vial"
        with pytest.raises(DomainError, match="is in the vial of the line before"):
            recipes.check_makes(draft)


def test_the_last_one_published_by_the_moment_counts_and_only_for_its_version() -> None:
    formula = FormulaFactory()
    first = recipe_of(formula, code="mix", published_at=ago(days=9))
    Recipe.objects.filter(pk=first.pk).update(retired_at=ago(days=3))
    second = recipe_of(formula, code="mix", version=2, published_at=ago(days=3))
    found = [Recipe.objects.of(formula, at=at) for at in (ago(days=10), ago(days=4), ago(days=3))]
    assert found == [None, first, second]
    newer = FormulaFactory(code=formula.code, version=2, draft=True)
    assert Recipe.objects.of(newer, at=CLINIC_NOW) is None


class TestPages:
    @pytest.fixture
    def plan(self):
        parts = [(ComponentFactory(name="Procaine"), 10), (ComponentFactory(name="Calcitonin"), 2)]
        plan = cleared_plan(formula=FormulaFactory(parts=parts))
        recipe_of(plan.formula)
        return plan

    WORDS = "1 ml Procaine 20 mg/ml + 1 ml Calcitonin 4 mg/ml = 2 ml"

    def test_the_plan_and_the_session_to_come_say_how_it_is_mixed(
        self, practitioner_client: Client, clinic_now, plan
    ) -> None:
        session = reverse("consultations:session_of", args=[plan.planned_sessions.first().pk])
        for address in (reverse("consultations:plan", args=[plan.pk]), session):
            assert self.WORDS in practitioner_client.get(address).content.decode()

    @pytest.mark.parametrize("signed", [False, True])
    def test_the_draft_and_the_record_say_so_too(
        self, practitioner_client: Client, doctor: Practitioner, clinic_now, plan, signed: bool
    ) -> None:
        used = [
            LotFactory(component=line.component, label_amount=line.strength, label_ml=1)
            for line in Recipe.objects.get(formula_code=plan.formula.code).lines.all()
        ]
        session = SessionFactory(plan=plan, practitioner=doctor, lots=used, signed=signed)
        address = reverse("consultations:session", args=[session.pk])
        assert self.WORDS in practitioner_client.get(address).content.decode()

    def test_a_formula_without_one_says_whom_to_ask(self, practitioner_client: Client, clinic_now) -> None:
        page = practitioner_client.get(reverse("consultations:plan", args=[cleared_plan().pk]))
        assert "no recipe on record: ask an admin to add one" in page.content.decode()

    def test_the_formula_says_so_in_the_admin(self, admin_client: Client) -> None:
        formula = Formula.objects.current().get(code="F-CELL")
        page = admin_client.get(reverse("admin:consultations_formula_change", args=[formula.pk]))
        assert (
            "1 ml Pentoxifylline 20 mg/ml + 1 ml L-carnitine 200 mg/ml + 2 ml Artichoke extract = 4 ml"
            in (page.content.decode())
        )
