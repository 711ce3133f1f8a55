"""The rows of goals of a consultation: which score, where, what it is now, what is wanted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, MeasureField
from consultations.actions.consultations import Aim
from consultations.models import Goal, Scale
from consultations.rules.doses import plain

_EMPTY_ROWS, _MOST_ROWS = 2, 12


class GoalForm(BaseForm):
    """One row. A level is typed by its number; the scale's range and steps are checked once it is chosen."""

    scale = forms.ChoiceField(label=_("Score"), required=False)
    landmark = forms.CharField(label=_("Where"), max_length=60, required=False)
    baseline = MeasureField(label=_("Now"), max_digits=8, decimal_places=2, required=False)
    target = MeasureField(label=_("Wanted"), max_digits=8, decimal_places=2, required=False)

    def __init__(
        self, *args: Any, scales: Mapping[str, Scale], choices: Sequence[Any], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.scales = scales
        self.fields["scale"].choices = choices
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = str(field.label)
            field.widget.attrs["class"] = "form-select" if name == "scale" else "form-control"

    def clean(self) -> dict[str, Any]:
        """A goal names its score and says where it stands or what is wanted, within the scale."""
        data = super().clean() or {}
        if self.errors or not any(data.values()):
            return data
        scale = self.scales.get(data["scale"])
        if scale is None:
            self.add_error("scale", ValidationError(_("Choose the score."), code="scale_missing"))
            return data
        if data["baseline"] is None and data["target"] is None:
            sentence = _("Enter the score now, the score wanted, or both.")
            self.add_error("baseline", ValidationError(sentence, code="goal_empty"))
            return data
        outside = [
            name for name in ("baseline", "target") if data[name] is not None and not _fits(scale, data[name])
        ]
        for name in outside:
            self.add_error(name, ValidationError(_out_of_scale(scale), code="out_of_scale"))
        return data

    @property
    def aim(self) -> Aim | None:
        """For the action; None of an empty row. Only for a valid row."""
        data = self.cleaned_data
        if not any(data.values()):
            return None
        return Aim(self.scales[data["scale"]], data["landmark"], data["baseline"], data["target"])


def _fits(scale: Scale, score: Decimal) -> bool:
    return scale.minimum <= score <= scale.maximum and (score - scale.minimum) % scale.step == 0


def _out_of_scale(scale: Scale) -> str:
    said = {"low": plain(scale.minimum), "high": plain(scale.maximum), "step": plain(scale.step)}
    return _("%(low)s to %(high)s, in steps of %(step)s.") % said


class GoalRows:
    """All rows of one consultation: as saved or as typed, with two empty ones behind."""

    def __init__(self, data: Mapping[str, Any] | None, *, saved: Iterable[Goal]) -> None:
        self.data, self.saved = data, list(saved)
        self.count = min((self._typed() if data is not None else len(self.saved) + _EMPTY_ROWS), _MOST_ROWS)

    def _typed(self) -> int:
        text = str(self.data.get("goal_rows", "") if self.data is not None else "")[:3]
        return int(text) if text.isascii() and text.isdigit() else 0

    @cached_property
    def scales(self) -> dict[str, Scale]:
        """What can be chosen, by key."""
        chosen = {str(row.scale_id): row.scale for row in self.saved}
        return chosen | {str(scale.pk): scale for scale in Scale.objects.current().order_by("name")}

    @cached_property
    def forms(self) -> list[GoalForm]:
        """One per row."""
        choices = [("", _("Choose…")), *((key, scale.name) for key, scale in self.scales.items())]
        return [
            GoalForm(
                self.data,
                prefix=f"goal{index}",
                initial=_initial(self.saved[index]) if index < len(self.saved) else {},
                scales=self.scales,
                choices=choices,
            )
            for index in range(self.count)
        ]

    def is_valid(self) -> bool:
        """Every row is, and no goal is named twice."""
        valid = not [form for form in self.forms if not form.is_valid()]
        filled = [form for form in self.forms if form.is_valid() and form.aim]
        keys = Counter((form.cleaned_data["scale"], form.cleaned_data["landmark"]) for form in filled)
        for form in filled:
            if keys[form.cleaned_data["scale"], form.cleaned_data["landmark"]] > 1:
                form.add_error("scale", ValidationError(_("This goal is named twice."), code="goal_twice"))
                valid = False
        return valid

    @property
    def aims(self) -> list[Aim]:
        """For the action."""
        return [aim for form in self.forms if (aim := form.aim)]


def _initial(goal: Goal) -> dict[str, Any]:
    return {
        "scale": str(goal.scale_id),
        "landmark": goal.landmark,
        "baseline": _normal(goal.baseline),
        "target": _normal(goal.target),
    }


def _normal(score: Decimal | None) -> str:
    return "" if score is None else plain(score)
