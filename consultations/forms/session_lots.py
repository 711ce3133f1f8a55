"""The field of a session's page in which the lots of one component are ticked."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consultations.dates import in_words
from consultations.models import Lot
from consultations.rules import lots as rules
from consultations.rules import tested_lots
from consultations.rules.tested_lots import Untested


class LotsField(forms.MultipleChoiceField):
    """The lots of one component that were used. One that is past use stands in a group of its own with what is wrong with
    it: nobody may reach for it, but one that was injected is recorded. Any other is refused by name.

    `preselects`, as long as nothing has been saved, the first to expire that asks for no new test.
    """

    widget = forms.CheckboxSelectMultiple

    def __init__(
        self, *, choice: rules.DraftChoice, untested: Iterable[Untested], preselects: bool, **kwargs: Any
    ) -> None:
        untested = list(untested)
        self.choice = choice
        self.warnings = tested_lots.sentences(untested)
        self.to_test = [each.lot for each in untested if each.asks_for_test]
        ticked = choice.named
        if preselects:
            ticked = [lot for lot in choice.usable if lot not in self.to_test][:1]
        super().__init__(
            choices=_grouped(choice),
            initial=[str(lot.pk) for lot in ticked],
            required=False,
            **kwargs,
        )

    def validate(self, value: list[str]) -> None:
        """Every lot is one that may be used today."""
        for lot, why in self.choice.refused.items():
            if str(lot.pk) in value:
                raise ValidationError(why, code="lot_unusable")
        super().validate(value)

    def lots(self, keys: Iterable[str]) -> list[Lot]:
        """The rows behind the cleaned keys."""
        chosen = set(keys)
        return [lot for lot in (*self.choice.usable, *self.choice.past_use) if str(lot.pk) in chosen]

    def chosen_past_use(self, keys: Iterable[str]) -> list[str]:
        """What its signature will ask for, of each chosen lot that is past use."""
        past_use = self.choice.past_use
        return [rules.past_use_words(lot, past_use[lot]) for lot in self.lots(keys) if lot in past_use]


def _grouped(choice: rules.DraftChoice) -> list[Any]:
    choices: list[Any] = [(str(lot.pk), _words(lot)) for lot in choice.usable]
    if choice.past_use:
        wrong = [(str(lot.pk), _wrong_words(lot, why)) for lot, why in choice.past_use.items()]
        group = _("Not to be used. Tick one only if it was injected: signing needs the reason")
        choices.append((group, wrong))
    return choices


def _words(lot: Lot) -> str:
    said = {"number": lot.number, "maker": lot.maker, "day": in_words(lot.expires_on)}
    if strength := rules.label_words(lot):
        return _("%(number)s, %(maker)s, %(strength)s, use by %(day)s") % {**said, "strength": strength}
    return _("%(number)s, %(maker)s, use by %(day)s") % said


def _wrong_words(lot: Lot, wrong: str) -> str:
    return _("%(number)s, %(maker)s: %(wrong)s") % {"number": lot.number, "maker": lot.maker, "wrong": wrong}
