"""Reference data changes by versions: copy, edit the copy, publish it. What is published never changes."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

import pghistory
from django.db import models, transaction
from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import User
from consultations.enums import IndicationGroup, RuleScope, SignAgain, TechniqueFamily
from consultations.models import (
    AftercareRule,
    AftercareScope,
    AllergenGroup,
    Alternative,
    BodyZone,
    CheckInQuestion,
    Component,
    ConsentText,
    ContraindicationQuestion,
    ContraindicationRule,
    DoseCap,
    Formula,
    Indication,
    InUseLife,
    Leaflet,
    PatchTestPolicy,
    PlanTemplate,
    ReactionRule,
    ReactionType,
    Recipe,
    RetestRule,
    ReviewRule,
    Scale,
    ScaleThreshold,
    SessionFormula,
    Technique,
    TechniqueRule,
    ZoneShape,
)
from consultations.models.reference import Versioned
from consultations.rules import recipes

V = TypeVar("V", bound=Versioned)

# Entries name each other by code, so that a new version of one is found by all. A code that nothing answers
# to would silently switch a cap or a rule off: `publish` refuses it.
CODE_FIELDS: Mapping[type[models.Model], Mapping[str, type[Versioned]]] = {
    Component: {"allergen_groups": AllergenGroup},
    DoseCap: {"component_code": Component, "formula_code": Formula},
    PatchTestPolicy: {"formula_code": Formula},
    InUseLife: {"component_code": Component},
    Recipe: {"formula_code": Formula},
    SessionFormula: {"template_code": PlanTemplate, "formula_code": Formula},
    ReactionRule: {"reaction_code": ReactionType},
    RetestRule: {"question_code": ContraindicationQuestion},
    PlanTemplate: {
        "indication_code": Indication,
        "technique_code": Technique,
        "formula_code": Formula,
        "scale_code": Scale,
    },
    ReviewRule: {"template_code": PlanTemplate, "scale_codes": Scale},
    ScaleThreshold: {"scale_code": Scale},
    TechniqueRule: {"technique_code": Technique},
    CheckInQuestion: {"question_code": ContraindicationQuestion},
    ZoneShape: {"zone_code": BodyZone},
    Alternative: {"indication_code": Indication, "formula_code": Formula},
    ConsentText: {"technique_code": Technique, "formula_code": Formula},
    Leaflet: {"technique_code": Technique, "formula_code": Formula},
    AftercareScope: {"rule_code": AftercareRule, "technique_code": Technique, "formula_code": Formula},
}
_RULE_TARGETS: Mapping[str, type[Versioned]] = {
    RuleScope.COMPONENT: Component,
    RuleScope.INDICATION: Indication,
}
_RULE_WORDS: Mapping[str, list[str]] = {
    RuleScope.GROUP: IndicationGroup.values,
    RuleScope.TECHNIQUE: TechniqueFamily.values,
}


@transaction.atomic
def new_version(*, entry: V, by: User, at: datetime) -> V:
    """A copy of the entry and its children as the next version, not yet published.

    Parts of a formula move on to the versions of their components that are in force. Raises NotAllowed for
    anyone but an admin, DomainError `reference_draft_exists` when a version is being prepared already.
    """
    _check_admin(by)
    versions = _lock(entry)
    if any(version.published_at is None for version in versions):
        raise DomainError(
            _("A new version of “%(name)s” is being prepared already. Change that one, or delete it.")
            % {"name": entry.name},
            "reference_draft_exists",
        )
    with pghistory.context(user=str(by.pk), reference="new_version", reference_at=at.isoformat()):
        copy = _copied(entry, version=max(version.version for version in versions) + 1)
        for name in entry.children:
            _copy_children(entry, copy, name)
    return copy


@transaction.atomic
def publish(*, entry: V, by: User, at: datetime) -> V:
    """Put this version in force from `at` and retire the one it replaces.

    Raises NotAllowed for anyone but an admin; DomainError `reference_published`, `reference_incomplete`,
    `reference_old_component` or `reference_unknown_code` with the sentence to show.
    """
    _check_admin(by)
    _lock(entry)
    entry.refresh_from_db()
    check_publishable(entry)
    with pghistory.context(user=str(by.pk), reference="publish"):
        type(entry).objects.filter(code=entry.code).current().update(retired_at=at)
        entry.published_at = at
        entry.save(update_fields=["published_at"])
    return entry


@transaction.atomic
def publish_text(*, entry: ConsentText, sign_again: str, by: User, at: datetime) -> ConsentText:
    """Publish a consent text, and decide with it whether who signed an earlier version signs again.

    Raises as `publish`; DomainError `sign_again` when nothing was chosen.
    """
    _check_admin(by)
    check_publishable(entry)
    if sign_again not in SignAgain.values:
        raise DomainError(
            _("Choose whether who signed an earlier version signs again: now, at the next course, or not."),
            "sign_again",
        )
    with pghistory.context(user=str(by.pk), reference="sign_again"):
        entry.sign_again = sign_again
        entry.save(update_fields=["sign_again"])
    return publish(entry=entry, by=by, at=at)


def check_publishable(entry: Versioned) -> None:
    """A version is published once, complete, and names only what exists; DomainError as in `publish`."""
    if entry.published_at is not None:
        raise DomainError(
            _("This version is published already. Make a new version to change it."), "reference_published"
        )
    for name in entry.children:
        if not getattr(entry, name).exists():
            word = _children(entry, name).related_model._meta.verbose_name_plural
            raise DomainError(
                _("“%(name)s” has no %(what)s yet. Add them before publishing.")
                % {"name": entry.name, "what": word},
                "reference_incomplete",
            )
    _check_parts_in_force(entry)
    if isinstance(entry, Recipe):
        recipes.check_makes(entry)
    for code in unknown_codes(entry):
        raise DomainError(
            _("“%(code)s” is not the code of anything in force. Check the spelling.") % {"code": code},
            "reference_unknown_code",
        )


def unknown_codes(entry: Versioned) -> list[str]:
    """Codes the entry or its rules mention and nothing in force (or no fixed word) answers to."""
    return [code for code, known in _mentions(entry) if code not in known]


def formulas_behind(component: Component) -> models.QuerySet[Formula]:
    """Formulas in force that still hold another version of the component: they want a new version as well."""
    return (
        Formula.objects.current()
        .filter(parts__component__code=component.code)
        .exclude(parts__component=component)
    )


def _check_admin(by: User) -> None:
    """Formulas, policies and templates belong to admins (the table of roles, docs/security.md)."""
    if not by.has_role(Role.ADMIN):
        sentence = _("Reference data is kept by admins. Ask one to make this change.")
        raise NotAllowed(sentence, "reference_not_admin")


def _check_parts_in_force(entry: Versioned) -> None:
    """A formula mixes component versions in force: an outdated one would miss a new allergen group."""
    if not isinstance(entry, Formula):
        return
    behind = [
        part.component.name
        for part in entry.parts.select_related("component")
        if part.component.published_at is None or part.component.retired_at is not None
    ]
    if behind:
        raise DomainError(
            _("%(names)s: choose the version in force before publishing.") % {"names": ", ".join(behind)},
            "reference_old_component",
        )


def _mentions(entry: Versioned) -> Iterator[tuple[str, set[str]]]:
    """Each code mentioned, with the codes that would be right there."""
    for field, model in CODE_FIELDS.get(type(entry), {}).items():
        value = getattr(entry, field)
        for code in value if isinstance(value, list) else [value] * bool(value):
            yield code, _codes_in_force(model)
    for rule in entry.rules.all() if isinstance(entry, ContraindicationQuestion) else []:
        if rule.scope != RuleScope.GENERAL:
            yield rule.scope_code, _rule_words(rule)


def _rule_words(rule: ContraindicationRule) -> set[str]:
    if model := _RULE_TARGETS.get(rule.scope):
        return _codes_in_force(model)
    return set(_RULE_WORDS[rule.scope])


def _codes_in_force(model: type[Versioned]) -> set[str]:
    return set(model.objects.current().values_list("code", flat=True))


def _lock(entry: V) -> list[V]:
    """Every version of the entry, locked in order, so that two admins cannot make or publish one at once."""
    rows = type(entry).objects.filter(code=entry.code).order_by("pk").select_for_update(no_key=True)
    return cast(list[V], list(rows))


def _children(entry: Versioned, name: str) -> Any:
    """The relation behind one of the entry's `children`."""
    return entry._meta.get_field(name)


def _copied(row: Any, **changes: Any) -> Any:
    """A saved copy of a row with some columns changed; publication is never copied."""
    columns = [field.attname for field in row._meta.concrete_fields if not field.primary_key]
    values = {column: getattr(row, column) for column in columns}
    values |= {name: None for name in ("published_at", "retired_at") if name in values}
    return type(row).objects.create(**values | changes)


def _copy_children(entry: Versioned, copy: Versioned, name: str) -> None:
    """Copy one kind of child row to the new version."""
    parent_key = _children(entry, name).field.attname
    for child in getattr(entry, name).all():
        changes: dict[str, Any] = {parent_key: copy.pk}
        if "component_id" in {field.attname for field in child._meta.concrete_fields}:
            in_force = Component.objects.current().filter(code=child.component.code).first()
            changes["component_id"] = (in_force or child.component).pk
        _copied(child, **changes)
