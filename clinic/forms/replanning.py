"""Which visits somebody has ticked to be moved, and where to; a batch that is taken back; visits to release."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from crispy_forms.layout import Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.chooser import Slot
from clinic.forms.base import FIRST_DAY, LAST_DAY, BaseForm
from clinic.forms.booking import SlotsField

_MOST = 60  # visits in one batch
_HIGHEST = 2_000_000_000
_LONGEST = 24 * 60  # minutes


class Version(NamedTuple):
    """A visit as it was when the page was opened; `str()` writes it and `read` reads it back."""

    visit: UUID
    version: int

    def __str__(self) -> str:
        return f"{self.visit.hex}:{self.version}"

    @classmethod
    def read(cls, text: str) -> "Version":
        """What was written; ValueError for anything else."""
        key, version = text.split(":")
        if not version.isascii() or not version.isdigit() or not 1 <= int(version) <= _HIGHEST:
            raise ValueError(text)
        return cls(UUID(key), int(version))


class Pick(NamedTuple):
    """A visit and the place that was chosen for it. `minutes` is how long it is there; 0 means as long as it is now."""

    visit: UUID
    version: int
    minutes: int
    slot: Slot

    def __str__(self) -> str:
        return f"{Version(self.visit, self.version)}:{self.minutes}:{self.slot}"

    @classmethod
    def read(cls, text: str) -> "Pick":
        """What was written; ValueError for anything else."""
        key, version, minutes, slot = text.split(":", 3)
        place = Slot.read(slot)
        of_day = FIRST_DAY <= place.starts_at.date() <= LAST_DAY
        if not of_day or not minutes.isascii() or not minutes.isdigit() or int(minutes) > _LONGEST:
            raise ValueError(text)
        return cls(*Version.read(f"{key}:{version}"), int(minutes), place)


class ManyInput(forms.Widget):
    """Everything that was sent under one name."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """The values in the order of the page."""
        return data.getlist(name) if hasattr(data, "getlist") else list(data.get(name, []))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """A page with nothing ticked sends nothing."""
        return False


class ManyField(forms.Field):
    """Values of one kind that can be written and read back (Pick, Version)."""

    widget = ManyInput

    def __init__(self, kind: Any, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.kind = kind

    def to_python(self, value: Any) -> list[Any]:
        """One each, in order; what cannot be read is a page that was tampered with or cut off."""
        texts = [part for text in value or () for part in str(text).split()]
        try:
            found = [self.kind.read(text) for text in texts[: _MOST + 1]]
        except (ValueError, OverflowError) as error:
            raise ValidationError(
                _("This page was incomplete. Open it again before you go on."), code="bad_picks"
            ) from error
        if len(found) > _MOST:
            raise ValidationError(_("Choose fewer visits at once."), code="too_many")
        return found


class PicksForm(BaseForm):
    """The ticked visits, each with its chosen place (every row sends its place, ticked or not)."""

    shift = ManyField(Version)
    place = ManyField(Pick)

    @property
    def picked(self) -> list[Pick]:
        """What is ticked. Only after is_valid()."""
        ticked = {each.visit for each in self.cleaned_data["shift"]}
        return [each for each in self.cleaned_data["place"] if each.visit in ticked]

    @property
    def ticked(self) -> set[UUID]:
        """For the page that is shown again."""
        self.full_clean()
        return {each.visit for each in self.cleaned_data.get("shift") or []}

    @property
    def chosen(self) -> dict[UUID, str]:
        """By visit the place that was chosen, as it is written."""
        self.full_clean()
        return {each.visit: str(each) for each in self.cleaned_data.get("place") or []}


class ChangeForm(PicksForm):
    """The move that is looked at before it is made: where to, and which versions the person saw."""

    choice = SlotsField(label=_("Time"), required=False)
    version = forms.IntegerField(min_value=1, max_value=_HIGHEST, required=False)
    pair_version = forms.IntegerField(min_value=1, max_value=_HIGHEST, required=False)
    minutes = forms.IntegerField(min_value=0, max_value=_LONGEST, required=False)
    told = forms.BooleanField(
        label=_("The patient has been told"),
        required=False,
        help_text=_("Or asked for it. Left open, the patient comes on the list of those to call."),
    )


class UndoForm(BaseForm):
    """A batch the other way round: what is called off, what is put back on the books, what moves back."""

    cancel = ManyField(Version)
    put_back = ManyField(Version)
    moves = ManyField(Pick)


class ReleaseForm(BaseForm):
    """The visits whose time is released, and why."""

    release = ManyField(Version)
    reason = forms.CharField(label=_("Note for the diary"), max_length=500, required=False)

    @property
    def ticked(self) -> set[UUID]:
        """For the page that is shown again."""
        self.full_clean()
        return {each.visit for each in self.cleaned_data.get("release") or []}

    def layout(self) -> Layout:
        """The visits are a list of their own."""
        return Layout("reason")
