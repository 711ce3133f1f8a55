"""The form of a check after a session."""

from django import forms
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from consultations.enums import FollowUpAnswer
from consultations.rules.follow_ups import Told

_THEN = {
    FollowUpAnswer.NOTHING: _("The next check comes by itself."),
    FollowUpAnswer.SOMETHING: _(
        "An adverse event is recorded next, with the session and its lots filled in."
    ),
    FollowUpAnswer.NOT_REACHED: _("Gives this check up. Until then, have the desk try again."),
}


class FollowUpForm(BaseForm):
    """What the patient answered."""

    answer = forms.ChoiceField(
        label=_("What came of it"),
        choices=[(each.value, format_lazy("{}. {}", capfirst(each.label), _THEN[each])) for each in _THEN],
        widget=forms.RadioSelect,
    )
    words = forms.CharField(
        label=_("In the patient's words"),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What, where, since when, and whether it grows or drains."),
    )

    @property
    def told(self) -> Told:
        """The answer with its words."""
        return Told(FollowUpAnswer(self.cleaned_data["answer"]), self.cleaned_data["words"])
