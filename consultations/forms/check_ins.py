"""What the patient types on the handed-over screen, and what a practitioner makes of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, DayField
from consultations.enums import Answer
from consultations.models import CheckInQuestion
from consultations.rules.check_ins import Said

_PATIENTS_WORDS = ((Answer.NO, _("No")), (Answer.YES, _("Yes")), (Answer.UNKNOWN, _("I do not know")))


@dataclass(frozen=True, slots=True)
class Row:
    """One question as the patient sees it."""

    asked: CheckInQuestion
    answer: BoundField
    event: BoundField | None


class CheckInForm(BaseForm):
    """The questions asked before this visit; nothing is answered beforehand, and each may be left open."""

    def __init__(self, *args: Any, asked: Sequence[CheckInQuestion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = asked
        for each in asked:
            radios = forms.RadioSelect({"class": "btn-check"})
            choice = forms.ChoiceField(
                label=each.words, choices=_PATIENTS_WORDS, required=False, widget=radios
            )
            self.add_field(f"answer_{each.code}", choice)
            if each.event_words:
                event = DayField(label=each.event_words, required=False)
                event.widget.attrs["class"] = "form-control"
                self.add_field(f"event_{each.code}", event)

    @property
    def rows(self) -> Iterator[Row]:
        """The questions in the clinic's order."""
        for each in self.asked:
            event = self[f"event_{each.code}"] if each.event_words else None
            yield Row(each, self[f"answer_{each.code}"], event)

    @property
    def said(self) -> list[Said]:
        """What was answered; a day only beside a yes. Only for a valid form."""
        found = []
        for each in self.asked:
            answer = self.cleaned_data[f"answer_{each.code}"]
            event = self.cleaned_data.get(f"event_{each.code}") if answer == Answer.YES else None
            found.append(Said(each, Answer(answer) if answer else None, event))
        return found


class CheckInReviewForm(BaseForm):
    """What came of the answers."""

    note = forms.CharField(
        label=_("What came of it"),
        max_length=1000,
        required=False,  # the rule says in its own words what is missing
        widget=forms.Textarea({"rows": "3"}),
        help_text=_("As “asked again: the cold is over since a month”. The answers stay as they were given."),
    )
