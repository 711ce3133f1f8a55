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
from consultations.models.reference import Versioned


class SignerForm(BaseForm):
    """Who signs a text, as what, and that they agree. `text` is the very version that stands on the page."""

    text = forms.ModelChoiceField(
        ConsentText.objects.none(),
        widget=forms.HiddenInput,
        error_messages={
            "invalid_choice": _("The text has been changed meanwhile. Read it again before you sign.")
        },
    )
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
    agreed = forms.BooleanField(
        label=_("I have read this text, my questions have been answered, and I agree."),
        required=False,  # the rule says in its own words what is missing
    )

    def __init__(
        self, *args: Any, patient: Patient, text: Versioned | None, at: datetime, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if text is not None:
            self.fields["text"].queryset = type(text).objects.filter(pk=text.pk)
        self.fields["text"].initial = text
        self.is_minor = is_minor(patient, at=at)
        self.fields["signer"].initial = Signer.PATIENT
        if self.is_minor:
            self.fields["signer"].choices = [(Signer.REPRESENTATIVE, Signer.REPRESENTATIVE.label)]
            self.fields["signer"].initial = Signer.REPRESENTATIVE
            self.fields["signer_relation"].initial = patient.representative_relation

    def layout(self) -> Layout:
        """Who, as what, the name, the tick."""
        css_class = "" if self.is_minor else "when-representative"
        relation = Div("signer_relation", css_class=css_class)
        return Layout("text", "signer", relation, "signer_name", Field("agreed"))

    def show_anew(self, text: Versioned | None) -> None:
        """The page shows this text now; what was typed stays, but agreeing is for what was read."""
        self.data = self.data.copy()
        self.data["text"] = str(text.pk) if text else ""
        self.data.pop("agreed", None)


class ConsentForm(SignerForm):
    """Consent to a treatment: with the words that were read, a drawn signature, and who stands by."""

    words_read = forms.CharField(
        widget=forms.HiddenInput,
        max_length=64,
        error_messages={"required": _("Read the text on this page before you sign.")},
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

    def __init__(self, *args: Any, words_read: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words_read"].initial = self.words_now = words_read
        if not self.is_minor:
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

    def show_anew(self, text: Versioned | None) -> None:
        """What was drawn goes with the text it was drawn under."""
        super().show_anew(text)
        self.data["words_read"] = self.words_now
        for name in ("strokes", "assent_strokes"):
            self.data.pop(name, None)


class WithdrawForm(BaseForm):
    """Nobody has to give a reason."""

    reason = forms.CharField(
        label=_("Reason, if the patient wants to give one"),
        max_length=1000,
        required=False,
        widget=forms.Textarea({"rows": "3"}),
    )
