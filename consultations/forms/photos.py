"""What is typed and sent with a photograph, with the consent to photography, and to compare two."""

from collections.abc import Mapping, Sequence
from typing import Any

from crispy_forms.layout import Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.errors import DomainError
from clinic.forms.base import BaseForm, LocalDateTimeField
from clinic.models import Patient
from consultations import photographs
from consultations.dates import in_words
from consultations.enums import PhotoMoment
from consultations.models import AdverseEvent, Photo, Plan, Review, Session, StandardView
from consultations.photo_page import grouped

_ACCEPT = ",".join(f"image/{each.lower()}" for each in photographs.FORMATS)
_MOST = 15
Source = Plan | Session | Review | AdverseEvent
_LINKS: Mapping[type, str] = {
    Plan: "plan",
    Session: "session",
    Review: "review",
    AdverseEvent: "adverse_event",
}


class PhotoForm(BaseForm):
    """A photograph and what it shows. `about` names what it belongs to; the plan follows from it."""

    camera = forms.FileField(
        label=_("Take a photograph"),
        required=False,
        widget=forms.FileInput({"accept": _ACCEPT, "capture": "environment"}),
    )
    picture = forms.FileField(
        label=_("Choose a file"),
        required=False,
        widget=forms.FileInput({"accept": _ACCEPT}),
        help_text=_(
            "JPEG, PNG or WebP, up to 20 MB. Place, date and camera that the file names are not kept."
        ),
    )
    view = forms.ModelChoiceField(label=_("View"), queryset=StandardView.objects.none())
    moment = forms.ChoiceField(label=_("When"), choices=PhotoMoment, widget=forms.RadioSelect)
    taken_at = LocalDateTimeField(label=_("Taken"))
    about = forms.ChoiceField(label=_("Belongs to"), required=False)
    note = forms.CharField(
        label=_("What is to be seen"),
        max_length=300,
        required=False,
        help_text=_("Read aloud to who cannot see the picture."),
    )

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources = _sources(patient)
        self.fields["view"].queryset = StandardView.objects.current()
        self.fields["about"].choices = [
            ("", _("Nothing on record")),
            *((key, _named(source)) for key, source in self.sources.items()),
        ]

    def layout(self) -> Layout:
        """The picture first; on a desk without a camera only the file."""
        return Layout(
            Div("camera", css_class="photo-camera"), *[name for name in self.fields if name != "camera"]
        )

    def clean(self) -> dict[str, Any]:
        """One picture, by either way, drawn anew."""
        data = super().clean() or {}
        sent = [file for file in (data.get("camera"), data.get("picture")) if file]
        if self.errors.keys() & {"camera", "picture"}:
            return data
        if len(sent) != 1:
            sentence = (
                _("Take a photograph or choose a file.") if not sent else _("Send one picture at a time.")
            )
            self.add_error("picture", ValidationError(sentence, code="photo_not_one"))
            return data
        try:
            data["drawn"] = photographs.redrawn(sent[0], byte_count=sent[0].size)
        except DomainError as refusal:
            self.add_domain_error(refusal)
        return data

    @property
    def details(self) -> dict[str, Any]:
        """The photograph's own fields."""
        data = self.cleaned_data
        links: dict[str, Any] = {}
        if source := self.sources.get(data["about"]):
            links[_LINKS[type(source)]] = source
            links.setdefault("plan", getattr(source, "plan", None))
        return {name: data[name] for name in ("view", "moment", "taken_at", "note")} | links


def _sources(patient: Patient) -> dict[str, Source]:
    """What a photograph may belong to, the latest of each kind first, by the value that the form posts."""
    with_plan = ("plan__indication",)
    sessions = Session.objects.filter(patient=patient, entered_in_error=None).select_related(
        "planned", *with_plan
    )
    reviews = Review.objects.filter(patient=patient, entered_in_error=None).select_related("rule", *with_plan)
    events = AdverseEvent.objects.filter(
        patient=patient, superseded_by=None, entered_in_error=None
    ).select_related("reaction", "plan")
    plans = Plan.objects.filter(patient=patient).select_related("indication", "formula")
    kinds: Sequence[tuple[str, Any]] = (
        ("review", reviews.order_by("-created_at")),
        ("session", sessions.order_by("-started_at")),
        ("event", events.order_by("-onset_at")),
        ("plan", plans.order_by("-created_at")),
    )
    return {f"{kind}-{row.pk}": row for kind, rows in kinds for row in rows[:_MOST]}


def _named(source: Source) -> str:
    if isinstance(source, Session):
        words, day = _("Session %(number)s, %(indication)s, %(day)s"), source.started_at
        what = {"number": source.planned.ordinal, "indication": source.plan.indication}
    elif isinstance(source, Review):
        words, day = _("Review: %(rule)s, %(indication)s, %(day)s"), source.created_at
        what = {"rule": source.rule or _("another one"), "indication": source.plan.indication}
    elif isinstance(source, AdverseEvent):
        words, day, what = _("Adverse event: %(event)s, %(day)s"), source.onset_at, {"event": source}
    else:
        words, day, what = _("Plan: %(plan)s, %(day)s"), source.created_at, {"plan": source}
    return str(words) % (what | {"day": in_words(day)})


class RemoveForm(BaseForm):
    """Why the photograph should not be in this record."""

    reason = forms.CharField(label=_("What was wrong"), max_length=1000, widget=forms.Textarea({"rows": "3"}))


class CompareForm(BaseForm):
    """Which two, by view and date."""

    first = forms.ChoiceField(label=_("First photograph"), required=False)
    second = forms.ChoiceField(label=_("Second photograph"), required=False)

    def __init__(self, *args: Any, photos: list[Photo], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (each.name, [(str(photo.pk), str(photo)) for photo in each.photos]) for each in grouped(photos)
        ]
        for field in self.fields.values():
            field.choices = choices
