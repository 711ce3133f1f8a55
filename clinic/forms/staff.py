"""What is typed to let somebody in."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.utils.translation import gettext_lazy as _

from clinic.enums import Role
from clinic.forms.base import BaseForm
from clinic.models import User


class InvitationForm(BaseForm):
    """Who is invited, and for what."""

    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150)
    email = forms.EmailField(
        label=_("E-mail"), max_length=150, help_text=_("They sign in with it, and it must be theirs alone.")
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one role: without one no page opens.")},
    )


class ResetForm(BaseForm):
    """Why a second factor is reset."""

    reason = forms.CharField(
        label=_("Why?"),
        max_length=200,
        help_text=_("Written down and told to the person. For example: phone lost, asked in person."),
    )


class SwitchOffForm(BaseForm):
    """Why an account is switched off."""

    reason = forms.CharField(
        label=_("Why?"),
        max_length=200,
        help_text=_("Written down with your name. For example: leaves the clinic on 31 March."),
    )


class SwitchOnForm(BaseForm):
    """Why an account is switched on again; of a practitioner also whether patients are booked with them again."""

    reason = forms.CharField(
        label=_("Why?"),
        max_length=200,
        help_text=_("Written down with your name. For example: back from parental leave."),
    )
    takes_patients = forms.BooleanField(label=_("Takes patients again"), required=False, initial=True)

    def __init__(self, *args: Any, of_practitioner: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not of_practitioner:
            del self.fields["takes_patients"]


class NewPasswordForm(BaseForm):
    """Why somebody has to choose a new password."""

    reason = forms.CharField(
        label=_("Why?"),
        max_length=200,
        help_text=_("Written down with your name. For example: forgotten, asked in person."),
    )


class ChoosePasswordForm(BaseForm):
    """The first password of an account."""

    password = forms.CharField(
        label=_("Your new password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        error_messages={"required": _("Choose a password.")},
    )
    again = forms.CharField(
        label=_("The same once more"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        error_messages={"required": _("Type the password once more.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].help_text = " ".join(password_validators_help_texts())

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"], self.user)
        return self.cleaned_data["password"]

    def clean_again(self) -> str:
        if self.cleaned_data["again"] != self.cleaned_data.get("password", self.cleaned_data["again"]):
            raise forms.ValidationError(_("The two are not the same."), code="passwords_differ")
        return self.cleaned_data["again"]
