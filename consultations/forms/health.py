"""What is typed when a question is answered after the consultation."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, DayField
from consultations.enums import Answer, AnswerSource
from consultations.models import ContraindicationQuestion


class HealthAnswerForm(BaseForm):
    """One question, the answer, and what has to be said about a yes."""

    question = forms.ModelChoiceField(ContraindicationQuestion.objects.none(), label=_("Question"))
    said = forms.ChoiceField(label=_("Answer"), choices=Answer, widget=forms.RadioSelect)
    source = forms.ChoiceField(label=_("How it was said"), choices=AnswerSource, widget=forms.RadioSelect)
    event_on = DayField(
        label=_("When it was, or ends"),
        required=False,
        help_text=_("A wait counts from this day."),
    )
    event_unknown = forms.BooleanField(
        label=_("Nobody knows the day: the wait counts from today"), required=False
    )
    defer_until = DayField(
        label=_("Not before"),
        required=False,
        help_text=_("Left empty: the question's own wait."),
    )
    override_reason = forms.CharField(
        label=_("Why it may go on"),
        max_length=1000,
        required=False,
        help_text=_(
            "For what needs your named decision: left empty, the plan is closed. Also where this answer opens what an"
            " earlier one has closed."
        ),
    )
    note = forms.CharField(label=_("Note"), max_length=1000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["question"].queryset = ContraindicationQuestion.objects.current()
        self.fields["question"].label_from_instance = lambda question: question.question


class LiftForm(BaseForm):
    """Why a plan goes on."""

    reason = forms.CharField(
        label=_("Your reason for going on"),
        max_length=1000,
        required=False,  # the rule says in its own words what is missing
        widget=forms.Textarea({"rows": "3"}),
    )
