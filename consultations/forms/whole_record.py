"""For whom and why a patient's whole record is made into a file."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from consultations.whole_record.wanted import RecordWanted


class WholeRecordForm(BaseForm):
    """Admins read it in the log of readings."""

    wanted = forms.ChoiceField(label=_("Why"), choices=RecordWanted.choices, widget=forms.RadioSelect)
    whom = forms.CharField(
        label=_("For whom"),
        max_length=100,
        help_text=_(
            "The patient, or who asks for them and by what right. Admins read this line: leave findings out."
        ),
    )
