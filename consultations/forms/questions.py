"""The contraindication questions of a consultation: asked, answered, and what a yes means for what is planned."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, DayField
from consultations.actions.consultations import Reply
from consultations.enums import Answer, Decision, RuleScope
from consultations.models import ContraindicationQuestion, PathwayPolicy
from consultations.queries import policy_in_force
from consultations.rules import suitability

_MEANINGS = {
    Decision.BLOCK: _("Rules this treatment out."),
    Decision.OVERRIDE: _("Going on needs your named decision, with the reason."),
    Decision.DEFER: _("Treatment has to wait."),
    Decision.ASK: _("Needs care: take it into account."),
}
_GROUPS = {
    Decision.BLOCK: _("Would rule treatment out"),
    Decision.OVERRIDE: _("Would need your named decision"),
    Decision.DEFER: _("Would make treatment wait"),
    Decision.ASK: _("Would need care"),
}


@dataclass(frozen=True)
class Row:
    """One question as the page shows it; the meaning is that of a yes for what is planned now."""

    question: ContraindicationQuestion
    answer: BoundField
    reason: BoundField
    event: BoundField
    unknown: BoundField
    until: BoundField
    note: BoundField
    decision: Decision
    waits_until: date

    @property
    def meaning(self) -> str:
        """What a yes means here, in words."""
        return str(_MEANINGS[self.decision])


@dataclass(frozen=True)
class Group:
    """Questions whose yes is usually as serious."""

    title: str
    rows: list[Row]


class QuestionsForm(BaseForm):
    """The questions in force, each with answer, reason, date and note. Nothing is answered beforehand."""

    def __init__(self, *args: Any, today: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today or timezone.localdate()
        self.questions = list(ContraindicationQuestion.objects.current().prefetch_related("rules"))
        for question in self.questions:
            self._add_question(question)

    def intention(self) -> suitability.Intention:
        """What is planned, as far as it is chosen; forms that know more override this."""
        return suitability.Intention()

    def _add_question(self, question: ContraindicationQuestion) -> None:
        code = question.code
        radios = forms.RadioSelect({"class": "btn-check"})
        self.add_field(
            f"answer_{code}",
            forms.ChoiceField(label=question.name, choices=Answer, required=False, widget=radios),
        )
        event = DayField(label=_("When it was, or ends"), required=False)
        until = DayField(label=_("Not before"), required=False)
        for field in (event, until):
            field.widget.attrs["class"] = "form-control"
        self.add_field(f"reason_{code}", _line(_("Why it may go on")))
        self.add_field(f"event_{code}", event)
        unknown = forms.BooleanField(
            label=_("Nobody knows the day: the wait counts from today"), required=False
        )
        self.add_field(f"unknown_{code}", unknown)
        self.add_field(f"until_{code}", until)
        self.add_field(f"note_{code}", _line(_("Note")))

    def clean(self) -> dict[str, Any]:
        """The day of an event, or that nobody knows it; not both."""
        data = super().clean() or self.cleaned_data
        for each in self.questions:
            if data.get(f"event_{each.code}") and data.get(f"unknown_{each.code}"):
                self.add_error(
                    f"unknown_{each.code}", _("Either the day, or that nobody knows it; not both.")
                )
        return data

    @property
    def replies(self) -> list[Reply]:
        """The questions that were answered. Only for a valid form."""
        data = self.cleaned_data
        return [
            Reply(
                question=each,
                answer=Answer(data[f"answer_{each.code}"]),
                override_reason=data[f"reason_{each.code}"],
                event_on=data[f"event_{each.code}"],
                event_unknown=data[f"unknown_{each.code}"],
                defer_until=data[f"until_{each.code}"],
                note=data[f"note_{each.code}"],
            )
            for each in self.questions
            if data[f"answer_{each.code}"]
        ]

    @property
    def groups(self) -> Iterator[Group]:
        """The questions by how serious a yes usually is; inside a group in the clinic's order."""
        meant = self.intention()
        by_weight: dict[Decision, list[Row]] = {decision: [] for decision in _GROUPS}
        for question in self.questions:
            by_weight[_usually(question)].append(self._row(question, meant))
        for decision, rows in by_weight.items():
            if rows:
                yield Group(str(_GROUPS[decision]), rows)

    def waits_until(self, question: ContraindicationQuestion) -> date:
        """The first possible day: the question's wait from the event that is typed, else from today."""
        try:
            name = f"event_{question.code}"
            event = self.fields[name].to_python(self[name].value())
        except forms.ValidationError:
            event = None  # the field itself says what is wrong
        return suitability.defer_until(question, on=event or self.today, policy=self._policy)

    @cached_property
    def _policy(self) -> PathwayPolicy:
        return policy_in_force(timezone.now())

    def _row(self, question: ContraindicationQuestion, meant: suitability.Intention) -> Row:
        fields = {
            name: self[f"{name}_{question.code}"]
            for name in ("answer", "reason", "event", "unknown", "until", "note")
        }
        decision = suitability.decision_for(question, meant) or Decision.ASK
        return Row(question=question, decision=decision, waits_until=self.waits_until(question), **fields)


def _line(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=1000, required=False, widget=forms.TextInput({"class": "form-control"})
    )


def _usually(question: ContraindicationQuestion) -> Decision:
    """How serious a yes is without knowing what is planned: the general rule, else the first one."""
    rules = sorted(question.rules.all(), key=lambda rule: rule.scope != RuleScope.GENERAL)
    return Decision(rules[0].decision) if rules else Decision.ASK
