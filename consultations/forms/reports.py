"""Forms for reports from the desk: taking one down, and looking at it."""

from typing import Any

from django import forms
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from consultations.enums import TriageOutcome

# What cannot wait for a call back.
RED_FLAGS = (
    _("wheeze or trouble breathing"),
    _("swelling of the face, lips or throat"),
    _("collapse, or feeling about to"),
    _("redness that spreads, with fever"),
    _("skin that blanches, or severe pain"),
    _("any change of vision"),
)
_EFFECTS = {
    TriageOutcome.NO_ACTION: _("Sessions may go on as planned."),
    TriageOutcome.ADVICE: _("Write down what was said. Sessions may go on as planned."),
    TriageOutcome.HOLD: _("No session starts until a practitioner resumes the plan. Needs a note."),
    TriageOutcome.STOP: _("The plans end for good; a new one needs a new consultation. Needs a note."),
}


def _with_effect(outcome: TriageOutcome) -> tuple[str, Any]:
    """A choice that says what it does."""
    return outcome.value, format_lazy("{}. {}", capfirst(outcome.label), _EFFECTS[outcome])


class ReportForm(BaseForm):
    """What somebody says on the phone or at the counter."""

    red_flag = forms.BooleanField(
        label=_("Yes, at least one of the signs above"),
        required=False,
        help_text=_("The report goes to the top of the practitioners' worklist."),
    )
    words = forms.CharField(
        label=_("In the caller's own words"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What, where, since when, and whether it is getting worse."),
    )
    call_back = forms.CharField(
        label=_("Call back on"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )


class TriageForm(BaseForm):
    """What a practitioner makes of a report."""

    outcome = forms.ChoiceField(
        label=_("What comes of it"),
        choices=[_with_effect(each) for each in TriageOutcome],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What you found, advised and agreed. Where plans are held or stopped, the reason."),
    )
