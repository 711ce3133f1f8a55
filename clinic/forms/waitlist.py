"""What somebody waits for: which visit, with whom, between which days, and when it suits."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from crispy_forms.layout import Div, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.chooser import Slot, What
from clinic.forms.base import FIRST_DAY, LAST_DAY, BaseForm, ClockField, DayField
from clinic.forms.booking import InstantField, SlotsField
from clinic.forms.replanning import ManyField
from clinic.intervals import Suits, from_address, to_address
from clinic.models import Appointment, Patient, Practitioner
from clinic.rules.booking import LONGEST, SHORTEST

WEEKDAYS = [
    (1, _("Monday")),
    (2, _("Tuesday")),
    (3, _("Wednesday")),
    (4, _("Thursday")),
    (5, _("Friday")),
    (6, _("Saturday")),
    (7, _("Sunday")),
]
_USUALLY = timedelta(days=28)  # how long somebody waits unless told otherwise


class WaitForm(BaseForm):
    """The wishes of somebody who waits."""

    what = forms.ChoiceField(label=_("What"), widget=forms.RadioSelect)
    practitioners = forms.MultipleChoiceField(
        label=_("With whom"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("None chosen: anybody."),
    )
    earliest_on = DayField(label=_("Not before"))
    latest_on = DayField(label=_("Not after"))
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays that suit"),
        choices=WEEKDAYS,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one weekday.")},
    )
    since = ClockField(label=_("Can come from"), required=False)
    until = ClockField(label=_("Can come until"), required=False)
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=SHORTEST,
        max_value=LONGEST,
        required=False,
        help_text=_("Empty: as long as this kind of visit takes."),
    )
    note = forms.CharField(label=_("Note"), max_length=500, required=False)

    def __init__(
        self,
        *args: Any,
        whats: Sequence[What],
        people: Sequence[Practitioner],
        visit: Appointment | None = None,
        **kwargs: Any,
    ) -> None:
        """`visit`: it is to be earlier; what it is, and for how long, is known."""
        super().__init__(*args, **kwargs)
        self.visit = visit
        self.whats = {what.key: what for what in whats}
        self.people = {str(who.pk): who for who in people}
        self.fields["what"].choices = [(what.key, what.label) for what in whats]
        self.fields["practitioners"].choices = [(key, who.name) for key, who in self.people.items()]
        if visit:
            del self.fields["what"], self.fields["minutes"]
            self.fields["latest_on"].help_text = _("The day of the visit at the latest.")

    def layout(self) -> Layout:
        """What, with whom, which days, when on the day."""
        rows = [
            "what",
            "practitioners",
            Div("earliest_on", "latest_on", css_class="wait-days"),
            "weekdays",
            Div("since", "until", css_class="wait-days"),
            "minutes",
            "note",
        ]
        return Layout(*(row for row in rows if not isinstance(row, str) or row in self.fields))

    def clean(self) -> dict[str, Any]:
        """What is to be earlier is not asked."""
        cleaned = super().clean() or self.cleaned_data
        if self.visit:
            (what,) = self.whats.values()
            cleaned |= {"what": what, "visit": self.visit}
        return cleaned

    def clean_what(self) -> What:
        return self.whats[self.cleaned_data["what"]]

    def clean_practitioners(self) -> list[Practitioner]:
        return [self.people[key] for key in self.cleaned_data["practitioners"]]

    def clean_since(self) -> time:
        return self.cleaned_data["since"] or time.min


class OfVisitForm(BaseForm):
    """The visit that is to be earlier, if it is one."""

    visit = forms.UUIDField(required=False)

    @property
    def key(self) -> UUID | None:
        """None where there is none, or where it cannot be read."""
        self.full_clean()
        return self.cleaned_data.get("visit")


class OfferForm(BaseForm):
    """The one place that is offered."""

    choice = SlotsField()

    def clean_choice(self) -> Slot:
        slots = self.cleaned_data["choice"]
        if len(slots) != 1:
            raise ValidationError(_("Choose one of the times that are offered."), code="bad_choice")
        return slots[0]


class Freed(NamedTuple):
    """A practitioner's free time as it stands in an address; `str()` writes it and `read` reads it back."""

    begins_at: datetime
    practitioner: UUID

    def __str__(self) -> str:
        return f"{to_address(self.begins_at)}_{self.practitioner.hex}"

    @classmethod
    def read(cls, text: str) -> "Freed":
        """What was written; ValueError for anything else."""
        moment, practitioner = text.split("_")
        found = cls(from_address(moment), UUID(practitioner))
        if not FIRST_DAY <= found.begins_at.date() <= LAST_DAY:
            raise ValueError(text)
        return found


class FreedForm(BaseForm):
    """The free times that somebody on the waitlist may fit: one, or all that a batch has left behind."""

    practitioner = forms.UUIDField(required=False)
    starts_at = InstantField(required=False)
    freed = ManyField(Freed)

    @property
    def times(self) -> list[Freed]:
        """In their order, each once; empty where nothing could be read."""
        self.full_clean()
        cleaned = self.cleaned_data
        found = list(cleaned.get("freed") or [])
        if cleaned.get("practitioner") and cleaned.get("starts_at"):
            found.insert(0, Freed(cleaned["starts_at"], cleaned["practitioner"]))
        return sorted(set(found))


class ListForm(BaseForm):
    """Which part of the waitlist is looked at."""

    practitioner = forms.UUIDField(required=False)
    show = forms.ChoiceField(choices=[("today", "today")], required=False)

    @property
    def chosen(self) -> tuple[UUID | None, str]:
        """Whose patients (or everybody's), and whether only who fits today; nonsense is nothing."""
        self.full_clean()
        return self.cleaned_data.get("practitioner"), self.cleaned_data.get("show", "")


def first_wishes(
    patient: Patient, what: What | None, *, suits: Suits | None, today: date, before: date | None = None
) -> dict[str, Any]:
    """What the form begins with: what was chosen on the way here, else what is recorded of the patient.

    `before` is the day of the visit that is to be earlier: the day before it is the last that is proposed.
    """
    suits = suits or patient.suits or Suits()
    earliest = max(today, what.earliest.date()) if what and what.earliest else today
    latest = earliest + _USUALLY
    if before:
        earliest = min(earliest, before)
        latest = max(earliest, before - timedelta(days=1))
    return {
        "what": what.key if what else None,
        "earliest_on": earliest,
        "latest_on": latest,
        "weekdays": sorted(suits.weekdays),
        "since": suits.since if suits.since > time.min else None,
        "until": suits.until,
    }
