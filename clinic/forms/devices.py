"""What was done with a device."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.enums import CareKind
from clinic.forms.base import BaseForm, DayField, LocalDateTimeField


class CareForm(BaseForm):
    """One entry of the care log."""

    kind = forms.ChoiceField(label=_("What"), choices=[("", _("Choose…")), *CareKind.choices])
    happened_at = LocalDateTimeField(label=_("When"))
    carried_out_by = forms.CharField(
        label=_("By whom"), max_length=100, help_text=_("A technician from outside, too.")
    )
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, help_text=_("Why, where it is out of use.")
    )
    next_due_on = DayField(label=_("Next service due on"), required=False, help_text=_("Only for a service."))


class CareErrorForm(BaseForm):
    """Why an entry should not be there."""

    reason = forms.CharField(label=_("What went wrong"), max_length=300)
