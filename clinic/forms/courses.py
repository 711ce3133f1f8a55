"""What the course page is asked and told: the wishes, what was chosen for single visits, and the visits to be booked."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from crispy_forms.bootstrap import InlineCheckboxes
from crispy_forms.layout import Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _

from clinic.chooser import PARTS, Slot
from clinic.course_page import read_choice
from clinic.courses import Choice
from clinic.forms.base import FIRST_DAY, LAST_DAY, BaseForm, DayField
from clinic.models import Practitioner

_MOST = 60  # visits of a course
_YES = [("yes", "yes")]


class ManyField(forms.Field):
    """One name, many values: each is a visit's purpose and what was chosen for it, "purpose@choice"."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> dict[str, Any]:
        """By purpose what was chosen."""
        texts = [str(each) for each in value or []]
        if len(texts) > _MOST:
            raise ValidationError(_("Choose one of the times that are offered."), code="bad_choice")
        return dict(self._read(text) for text in texts)

    def _read(self, text: str) -> tuple[str, Any]:
        purpose, _at, chosen = text.rpartition("@")
        try:
            found = self.read(chosen)
        except (ValueError, OverflowError) as error:
            raise ValidationError(
                _("Choose one of the times that are offered."), code="bad_choice"
            ) from error
        if not purpose or not FIRST_DAY <= found.starts_at.date() <= LAST_DAY:
            raise ValidationError(_("Choose one of the times that are offered."), code="bad_choice")
        return purpose, found

    def read(self, text: str) -> Choice | Slot:
        """A start and with whom."""
        return read_choice(text)


class SlotsField(ManyField):
    """The same with room and device: what is to be booked."""

    def read(self, text: str) -> Choice | Slot:
        """A whole place."""
        return Slot.read(text)


class CourseForm(BaseForm):
    """What suits: shown on top of the page, kept in the address. The visits chosen so far travel with it."""

    start = DayField(label=_("From"), required=False)
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(), label=_("With"), required=False, empty_label=_("Anybody")
    )
    weekday = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        choices=[(day + 1, name) for day, name in WEEKDAYS_ABBR.items()],
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: any day."),
    )
    part = forms.ChoiceField(label=_("Time of day"), choices=list(PARTS.items()), required=False)
    keep = forms.BooleanField(label=_("Changing one visit leaves the others where they are"), required=False)
    course = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)
    stretch = forms.ChoiceField(choices=_YES, required=False, widget=forms.HiddenInput)
    late = forms.ChoiceField(choices=_YES, required=False, widget=forms.HiddenInput)
    visit = ManyField(required=False)
    pinned = forms.Field(required=False, widget=forms.MultipleHiddenInput)
    change = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    release = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        practitioners: list[Practitioner],
        usual: UUID | None = None,
    ) -> None:
        super().__init__(data)
        field = self.fields["practitioner"]
        field.queryset = Practitioner.objects.active()
        people = sorted(practitioners, key=lambda each: each.pk != usual)
        names = [
            (each.pk, _("%(who)s (usual)") % {"who": each} if each.pk == usual else str(each))
            for each in people
        ]
        field.choices = [("", field.empty_label), *names]

    def layout(self) -> Layout:
        """What a person sees; the rest is written by the page."""
        return Layout("start", "practitioner", "part", InlineCheckboxes("weekday"), "keep")

    def clean_change(self) -> tuple[str, Choice] | None:
        """The visit that was just changed, and to what."""
        text = self.cleaned_data["change"]
        return self.fields["visit"]._read(text) if text else None

    @property
    def state(self) -> dict[str, Any]:
        """What could be read; what could not is as if it were not there."""
        self.full_clean()
        return {name: self.cleaned_data.get(name) or None for name in self.fields}


class BookCourseForm(BaseForm):
    """The visits to be booked together. `request_id` makes a second submit of the same page harmless."""

    place = SlotsField(label=_("Visits"))
    request_id = forms.UUIDField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("Note for the diary"), max_length=500, required=False)
