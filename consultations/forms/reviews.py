"""Forms of an outcome review: which one it is, its scores, what was seen, how the plan goes on."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from consultations.actions.reviews import Score
from consultations.enums import ReviewDecision
from consultations.forms.scores import score_field, span
from consultations.models import Review, ReviewRule, ReviewScore
from consultations.rules.reviews import CLOSED, Wanted

# What is measured somewhere on the body, by the unit it is measured in: the same place every time.
_MEASURED_AT_A_PLACE = {"cm", "mm", "mL", "/cm2"}


class BeginForm(BaseForm):
    """Which of the reviews that the clinic's rules ask for; or one that nobody asked for."""

    rule = forms.ModelChoiceField(
        label=_("Which review"),
        queryset=ReviewRule.objects.none(),
        required=False,
        blank=True,
        widget=forms.RadioSelect,
        empty_label=_("Another one, at the patient's or the practitioner's wish"),
    )

    def __init__(self, *args: Any, rules: Iterable[ReviewRule], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["rule"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = ReviewRule.objects.filter(pk__in=[rule.pk for rule in rules])


class ReviewForm(BaseForm):
    """Everything but the scores."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    words = forms.CharField(
        label=_("What was seen and said"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Stands with the plan as the reason where it is held, stopped or finished."),
    )
    decision = forms.ChoiceField(
        label=_("How the plan goes on"),
        choices=ReviewDecision,
        widget=forms.RadioSelect,
        required=False,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, review: Review) -> None:
        super().__init__(
            data,
            initial={"version": review.version, "words": review.words, "decision": review.decision},
        )
        if review.plan.status in CLOSED:
            self.fields["decision"].choices = [(ReviewDecision.FINISH, _("the course is over"))]


class ScoreRow(BaseForm):
    """One score of a review: its value, where it was measured, or why it was not taken."""

    landmark = forms.CharField(label=_("Where"), max_length=60, required=False)
    reason = forms.CharField(label=_("Why it was not taken"), max_length=200, required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        wanted: Wanted,
        before: Decimal | None,
        saved: ReviewScore | None,
    ) -> None:
        self.wanted, self.before = wanted, before
        super().__init__(
            data,
            prefix=f"score-{wanted.scale.code}-{wanted.landmark}".replace(" ", "_"),
            initial={
                "landmark": saved.landmark if saved else wanted.landmark,
                "reason": saved.not_taken_reason if saved else "",
            },
        )
        value = score_field(wanted.scale, _("Score"), saved.value if saved else None, empty="–")
        self.add_field("value", value)
        self.order_fields(["value", "landmark", "reason"])
        if wanted.is_fixed or wanted.scale.unit not in _MEASURED_AT_A_PLACE:
            del self.fields["landmark"]
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = f"{wanted.scale}: {field.label}"
            field.widget.attrs["class"] = (
                "form-select" if name == "value" and wanted.scale.levels else "form-control"
            )

    @property
    def span(self) -> str:
        """From where to where the scale runs."""
        return "" if self.wanted.scale.levels else span(self.wanted.scale)

    def clean(self) -> dict[str, Any]:
        """Measured or not: one of the two."""
        data = super().clean() or {}
        if data.get("value") is not None and data.get("reason"):
            sentence = _("A score that was taken needs no reason. Empty one of the two.")
            self.add_error("reason", ValidationError(sentence, code="value_and_reason"))
        return data

    @property
    def score(self) -> Score | None:
        """For the action; None while nothing is filled in. Only for a valid row."""
        data = self.cleaned_data
        if data["value"] is None and not data["reason"]:
            return None
        landmark = data.get("landmark", self.wanted.landmark)
        return Score(self.wanted.scale, data["value"], landmark, data["reason"])


class ScoreRows:
    """All scores that a review takes."""

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        wanted: Sequence[Wanted],
        saved: Iterable[ReviewScore],
        before: Mapping[tuple[str, str], Decimal],
    ) -> None:
        rows = list(saved)
        self.forms = [
            ScoreRow(
                data,
                wanted=each,
                before=before.get((each.scale.code, each.landmark)),
                saved=_saved(rows, each),
            )
            for each in wanted
        ]

    def is_valid(self) -> bool:
        """Every row is; all are asked, so that every error shows at once."""
        return not [form for form in self.forms if not form.is_valid()]

    @property
    def scores(self) -> list[Score]:
        """Those that were taken, and those that say why not."""
        return [score for form in self.forms if (score := form.score)]


def _saved(rows: Iterable[ReviewScore], wanted: Wanted) -> ReviewScore | None:
    """The score on record for this row; its place was typed where none was chosen with a goal."""
    return next(
        (
            row
            for row in rows
            if row.scale.code == wanted.scale.code
            and (row.landmark == wanted.landmark or not wanted.is_fixed)
        ),
        None,
    )
