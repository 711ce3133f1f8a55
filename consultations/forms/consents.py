"""What is typed when consent is signed or withdrawn."""

from datetime import datetime
from typing import Any

from crispy_forms.layout import Div, Field, Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from clinic.models import Patient
from clinic.rules.people import is_minor
from consultations.enums import Signer
from consultations.forms.signatures import StrokesField
from consultations.models import ConsentText


class ConsentForm(BaseForm):
    """Who signs, and that they agree. `text` is the very version that stands on the page."""

    text = forms.ModelChoiceField(
        ConsentText.objects.current(),
        widget=forms.HiddenInput,
        error_messages={
            "invalid_choice": _("The text has been changed meanwhile. Read it again before you sign.")
        },
    )
    words_read = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    signer = forms.ChoiceField(label=_("Who signs"), choices=Signer, widget=forms.RadioSelect)
    signer_relation = forms.CharField(
        label=_("Relation to the patient"),
        max_length=100,
        required=False,
        help_text=_("For a representative. For example: mother."),
    )
    signer_name = forms.CharField(
        label=_("Full name, typed by the person who signs"),
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    identity_seen = forms.CharField(
        label=_("Identity of the representative, as seen"),
        max_length=200,
        required=False,
        help_text=_("For example: passport, or known to the clinic since 2019."),
    )
    interpreter_name = forms.CharField(
        label=_("Interpreter, if one has helped"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    assent_name = forms.CharField(
        label=_("Assent: full name, typed by the young person"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    assent_missing = forms.CharField(
        label=_("If there is no assent, why"),
        max_length=200,
        required=False,
        help_text=_("For example: too young to understand it."),
    )
    strokes = StrokesField()
    assent_strokes = StrokesField()
    agreed = forms.BooleanField(
        label=_("I have read this text, my questions have been answered, and I agree."),
        required=False,  # the rule says in its own words what is missing
    )

    def __init__(
        self,
        *args: Any,
        patient: Patient,
        text: ConsentText | None,
        words_read: str,
        at: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].queryset = ConsentText.objects.filter(pk=text.pk if text else None)
        self.fields["text"].initial = text
        self.fields["words_read"].initial = self.words_now = words_read
        self.is_minor = is_minor(patient, at=at)
        self.fields["signer"].initial = Signer.PATIENT
        if self.is_minor:
            self.fields["signer"].choices = [(Signer.REPRESENTATIVE, Signer.REPRESENTATIVE.label)]
            self.fields["signer"].initial = Signer.REPRESENTATIVE
            self.fields["signer_relation"].initial = patient.representative_relation
        else:
            for name in ("assent_name", "assent_missing", "assent_strokes"):
                del self.fields[name]

    def layout(self) -> Layout:
        """Who, as what, the names, the tick; the drawing boards stand below."""
        css_class = "" if self.is_minor else "when-representative"
        relation = Div("signer_relation", "identity_seen", css_class=css_class)
        assent = ["assent_name", "assent_missing", "assent_strokes"] if self.is_minor else []
        return Layout(
            "text",
            "words_read",
            "signer",
            relation,
            "signer_name",
            "interpreter_name",
            *assent,
            Field("agreed"),
            "strokes",
        )

    def show_anew(self, text: ConsentText | None) -> None:
        """The page shows this text now; what was typed stays, but agreeing is for what was read."""
        self.data = self.data.copy()
        self.data["text"] = str(text.pk) if text else ""
        self.data["words_read"] = self.words_now
        for name in ("agreed", "strokes", "assent_strokes"):
            self.data.pop(name, None)


class WithdrawForm(BaseForm):
    """Nobody has to give a reason."""

    reason = forms.CharField(
        label=_("Reason, if the patient wants to give one"),
        max_length=1000,
        required=False,
        widget=forms.Textarea({"rows": "3"}),
    )
