"""What is typed to open a patient's record for a case, to give it more time and to close it."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.enums import CaseKind
from clinic.forms.base import BaseForm, DayField
from clinic.intervals import local_day


class CaseFileForm(BaseForm):
    """For what, why, and as of which day."""

    kind = forms.ChoiceField(label=_("Kind"), choices=CaseKind.choices)
    title = forms.CharField(
        label=_("What it is about"),
        max_length=200,
        help_text=_("Reception and practitioners read this on the patient page: no findings."),
    )
    reference = forms.CharField(
        label=_("Reference"),
        max_length=100,
        required=False,
        help_text=_("The number under which the other side keeps it, if there is one."),
    )
    as_of = DayField(
        label=_("The record as it stood at the end of"),
        help_text=_("For today: as it stands now. What is changed afterwards does not show."),
    )
    reason = forms.CharField(
        label=_("Why the record has to be read"),
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
    )

    def as_of_moment(self, at: datetime) -> datetime:
        """The last moment of the day on the clinic's clock; `at` where that is still to come today."""
        day, zone = self.cleaned_data["as_of"], timezone.get_default_timezone()
        end = local_day(day, zone).ends_at - timedelta(microseconds=1)
        return at if day == timezone.localdate(at) else end


class ExtendForm(BaseForm):
    """Why the case needs more time."""

    reason = forms.CharField(label=_("Why it takes longer"), max_length=500)


class CloseForm(BaseForm):
    """How the case ended."""

    outcome = forms.CharField(
        label=_("How it ended"),
        max_length=1000,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("No findings."),
    )
