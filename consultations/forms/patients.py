"""Forms of the patient page: allergies and alerts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from clinic.forms.booking import InstantField
from consultations.enums import AllergyStatus
from consultations.models import AllergenGroup, Allergy


def _groups() -> list[tuple[str, Any]]:
    groups = AllergenGroup.objects.current().order_by("name").values_list("code", "name")
    return [("", _("None of these, or not known")), *groups]


class AllergyForm(BaseForm):
    """What the patient says they are allergic to."""

    words = forms.CharField(label=_("Allergic to, in the patient's words"), max_length=200)
    group_code = forms.ChoiceField(
        label=_("Group"),
        required=False,
        help_text=_(
            "A group closes every formula that contains it at once. Leave it open if you are not sure."
        ),
    )
    reaction = forms.CharField(
        label=_("What happened"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group_code"].choices = _groups()


class AssessForm(BaseForm):
    """A practitioner's judgement of a reported allergy."""

    status = forms.ChoiceField(
        label=_("Your assessment"),
        choices=[(each.value, each.label) for each in (AllergyStatus.CONFIRMED, AllergyStatus.REFUTED)],
        widget=forms.RadioSelect,
    )
    group_code = forms.ChoiceField(label=_("Group"), required=False)
    assessment = forms.CharField(
        label=_("What it rests on"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
    seen = InstantField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, allergy: Allergy, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"group_code": allergy.group_code, "seen": allergy.assessed_at})
        super().__init__(*args, **kwargs)
        self.fields["group_code"].choices = _groups()

    def build_on(self, allergy: Allergy) -> None:
        """From now on the form answers to this assessment; what was typed stays."""
        self.data = self.data.copy()
        self.data["seen"] = self.fields["seen"].prepare_value(allergy.assessed_at)


class AlertForm(BaseForm):
    """A sentence for the header of every page about the patient."""

    text = forms.CharField(
        label=_("Alert"),
        max_length=200,
        help_text=_("Everybody who meets the patient reads this, the desk too."),
    )
