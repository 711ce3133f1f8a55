"""Which consent text a plan is signed under, and its words with what the reference data says of this very treatment."""

from collections.abc import Iterable
from hashlib import sha256

from django.db.models import Q
from django.utils.translation import gettext as _

from consultations.dates import duration_in_words
from consultations.models import (
    AftercareRule,
    AftercareScope,
    Alternative,
    ConsentText,
    Plan,
    ReactionType,
)
from consultations.rules import aftercare


def text_for(plan: Plan) -> ConsentText | None:
    """The most specific text in force that fits: for the formula, then for the technique, then for its kind, then for all.

    Of two equally specific ones the first by code; None where no text fits.
    """
    formula, technique = plan.formula, plan.technique
    fitting = ConsentText.objects.current().filter(
        Q(formula_code__in=["", formula.code]),
        Q(technique_code__in=["", technique.code]),
        Q(family__in=["", technique.family]),
    )
    return max(
        fitting.order_by("code"),
        key=lambda text: (bool(text.formula_code), bool(text.technique_code), bool(text.family)),
        default=None,
    )


def wording(plan: Plan, text: ConsentText) -> str:
    """The text as it is shown and signed, naming what this plan is."""
    words = text.body
    for name, value in _names(plan, text.body).items():
        words = words.replace("{" + name + "}", value)
    return words


def seal_of(words: str) -> str:
    """What tells whether the words signed are the words that were read: SHA-256, in hexadecimal digits."""
    return sha256(words.encode()).hexdigest()


def _names(plan: Plan, body: str) -> dict[str, str]:
    """What the body may name; lists are only read where it names them."""
    names = {
        "formula": str(plan.formula),
        "components": ", ".join(
            str(part.component) for part in plan.formula.parts.select_related("component")
        ),
        "technique": str(plan.technique),
        "sessions": str(plan.planned_sessions.count()),
        "indication": str(plan.indication),
        "off_label": _off_label(plan),
        "evidence": _paragraphs(plan.indication.evidence, plan.formula.evidence),
    }
    if "{risks}" in body:
        risks = ReactionType.objects.current().filter(is_discussed=True)
        names["risks"] = _listed(str(risk.patient_words) for risk in risks)
    if "{alternatives}" in body:
        names["alternatives"] = _listed(_alternatives(plan))
    if "{aftercare}" in body:
        names["aftercare"] = _listed(_aftercare(plan))
    return names


def _off_label(plan: Plan) -> str:
    if plan.formula.is_off_label:
        return _("This mixture is used off-label: it is not licensed for this treatment.")
    return _("This mixture is licensed in some countries for one use; mine may be another.")


def _alternatives(plan: Plan) -> list[str]:
    """What else could be done for this indication and with or without this formula; to do nothing can always be chosen."""
    fitting = Alternative.objects.current().filter(
        Q(group__in=["", plan.indication.group]),
        Q(indication_code__in=["", plan.indication.code]),
        Q(formula_code__in=["", plan.formula.code]),
    )
    return [str(each) for each in fitting] or [_("Doing nothing.")]


def _aftercare(plan: Plan) -> list[str]:
    """What to leave alone, and for how long, whatever part of the body is treated."""
    scopes: dict[str, list[AftercareScope]] = {}
    for scope in AftercareScope.objects.current():
        scopes.setdefault(scope.rule_code, []).append(scope)
    codes = {"technique_code": plan.technique.code, "formula_code": plan.formula.code}
    return [
        _("%(what)s: for %(how_long)s") % {"what": rule.name, "how_long": duration_in_words(rule.hours)}
        for rule in AftercareRule.objects.current()
        if aftercare.holds(rule, scopes, **codes, views=())
    ]


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _paragraphs(*texts: str) -> str:
    return "\n".join(text for text in texts if text)
