"""Forms of adverse events: recording one, and how it went on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crispy_forms.layout import Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, LocalDateTimeField
from clinic.models import Patient
from consultations.dates import in_words
from consultations.enums import Causality, EventOutcome, Seriousness
from consultations.models import (
    AdverseEvent,
    BodyZone,
    FormulaPart,
    Lot,
    PatchTest,
    ReactionType,
    Session,
)

_MOST = 40
_GRADES = [
    ("", ""),
    ("1", _("1 mild")),
    ("2", _("2 moderate: needs local or little treatment")),
    ("3", _("3 severe: limits self-care")),
    ("4", _("4 life-threatening")),
    ("5", _("5 death")),
]


def _text(label: Any, *, rows: int, **kwargs: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=5000, widget=forms.Textarea(attrs={"rows": rows}), **kwargs
    )


class _HowItIs(BaseForm):
    """What both forms ask."""

    grade = forms.TypedChoiceField(label=_("Grade"), choices=_GRADES, coerce=int)
    ended_at = LocalDateTimeField(label=_("Ended"), required=False, help_text=_("Empty while it lasts."))
    words = _text(_("What happened"), rows=3)
    causality = forms.ChoiceField(
        label=_("Caused by the injection"), choices=Causality, initial=Causality.POSSIBLE
    )
    seriousness = forms.ChoiceField(
        label=_("Seriousness"), choices=Seriousness, initial=Seriousness.NOT_SERIOUS
    )
    outcome = forms.ChoiceField(label=_("How it is now"), choices=EventOutcome, initial=EventOutcome.ONGOING)
    is_growing = forms.BooleanField(label=_("It is growing"), required=False)
    is_draining = forms.BooleanField(label=_("It is draining"), required=False)
    action = _text(_("What was done"), rows=2, required=False)

    @property
    def details(self) -> dict[str, Any]:
        """The event's own fields."""
        return dict(self.cleaned_data)


class EventForm(_HowItIs):
    """A reaction after an injection. `after` names the session or the test; the rest of the trace follows from it."""

    reaction = forms.ModelChoiceField(label=_("Reaction"), queryset=ReactionType.objects.none())
    onset_at = LocalDateTimeField(label=_("Began"))
    after = forms.ChoiceField(
        label=_("After"),
        required=False,
        help_text=_("Its lots, device, room and practitioner are kept with the event."),
    )
    zone = forms.ModelChoiceField(label=_("Zone"), queryset=BodyZone.objects.none(), required=False)
    component_codes = forms.MultipleChoiceField(
        label=_("Suspected components"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: everything that was injected."),
    )

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources = _sources(patient)
        self.fields["reaction"].queryset = ReactionType.objects.current()
        self.fields["zone"].queryset = BodyZone.objects.current()
        self.fields["after"].choices = [
            ("", _("Not known, or none of these")),
            *((key, _named(source)) for key, source in self.sources.items()),
        ]
        parts = FormulaPart.objects.filter(formula__in={each.formula.pk for each in self.sources.values()})
        named = parts.order_by("component__name").values_list("component__code", "component__name").distinct()
        self.fields["component_codes"].choices = list(dict(named).items())

    def layout(self) -> Layout:
        """What, when and after what; then how bad; then what was done."""
        first = ("reaction", "grade", "onset_at", "ended_at", "after", "zone", "words")
        return Layout(
            *first,
            "is_growing",
            "is_draining",
            "causality",
            "seriousness",
            "outcome",
            "action",
            "component_codes",
        )

    @property
    def source(self) -> Session | PatchTest | None:
        """The session or test that it followed."""
        return self.sources.get(self.cleaned_data["after"])

    @property
    def lots(self) -> Sequence[Lot]:
        """What was injected then."""
        return [used.lot for used in self.source.used_lots.select_related("lot")] if self.source else []

    @property
    def details(self) -> dict[str, Any]:
        """The event's own fields, with the trace of what it followed."""
        details = dict(self.cleaned_data)
        del details["after"]
        return details | _trace(self.source, details["component_codes"])


def _sources(patient: Patient) -> dict[str, Session | PatchTest]:
    """Sessions and tests that were given, the latest first, by the value that the form posts."""
    people = ("plan__formula", "plan__indication", "practitioner", "appointment__room")
    sessions = (
        Session.objects.given().filter(patient=patient).select_related("planned__formula", "device", *people)
    )
    tests = PatchTest.objects.signed().filter(patient=patient).select_related("formula", *people)
    found: dict[str, Session | PatchTest] = {
        f"session-{each.pk}": each for each in sessions.order_by("-started_at")[:_MOST]
    }
    return found | {f"test-{each.pk}": each for each in tests.order_by("-given_at")[:_MOST]}


def _named(source: Session | PatchTest) -> str:
    if isinstance(source, Session):
        words = _("Session %(number)s, %(indication)s, %(moment)s")
        what = {"number": source.planned.ordinal, "indication": source.plan.indication}
        return str(words) % (what | {"moment": in_words(source.started_at)})
    words = _("Test injection, %(formula)s, %(moment)s")
    return str(words) % {"formula": source.plan.formula, "moment": in_words(source.given_at)}


def _trace(source: Session | PatchTest | None, suspected: list[str]) -> dict[str, Any]:
    """Plan, practitioner, room and device of what it followed; its components where none is suspected."""
    if source is None:
        return {}
    visit = source.appointment
    trace = {
        "plan": source.plan,
        "practitioner": source.practitioner,
        "room": visit.room if visit else None,
        "component_codes": suspected or source.formula.component_codes,
    }
    if isinstance(source, Session):
        return trace | {"session": source, "device": source.device}
    return trace | {"patch_test": source}


class FollowForm(_HowItIs):
    """How an event went on."""

    def __init__(self, *args: Any, event: AdverseEvent, **kwargs: Any) -> None:
        names = ("grade", "ended_at", "causality", "seriousness", "outcome", "is_growing", "is_draining")
        kwargs["initial"] = {name: getattr(event, name) for name in names}
        super().__init__(*args, **kwargs)
        self.event = event

    @property
    def onset_at(self) -> datetime:
        """When the event began; that stays."""
        return self.event.onset_at

    @property
    def details(self) -> dict[str, Any]:
        """The event's own fields; the onset stays."""
        return dict(self.cleaned_data) | {"onset_at": self.onset_at}
