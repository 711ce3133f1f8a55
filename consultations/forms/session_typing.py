"""What the page of a session's draft sends by itself every few seconds."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from consultations.models import Session, SessionTyping
from consultations.rules.authorship import Window

# Far above a session of 40 zones with a reaction in every line.
MOST_FIELDS = 500
MOST_CHARACTERS = 100_000
# About the page, not about the session.
_NOT_TYPED = {
    "csrfmiddlewaretoken",
    "version",
    "window",
    "shows",
    "save",
    "sign",
    "add_zone",
    "forget",
    "repeat",
    "grid",
}


class TypingForm(BaseForm):
    """Which draft and which window; the rest is taken as it is."""

    version = forms.IntegerField()
    window = forms.UUIDField()
    shows = forms.UUIDField(required=False)

    def clean(self) -> dict[str, Any]:
        """More than any session needs is refused."""
        data = super().clean() or {}
        size = sum(len(text) for values in self.typed.values() for text in values)
        if len(self.typed) > MOST_FIELDS or size > MOST_CHARACTERS:
            raise ValidationError(
                _("This is more than the record of a session may hold. Shorten it."), code="too_long"
            )
        return data

    @property
    def typed(self) -> dict[str, list[str]]:
        """Every field of the page with its values."""
        return {name: list(values) for name, values in self.data.lists() if name not in _NOT_TYPED}

    @property
    def sent_from(self) -> Window:
        """The window, once the form is valid."""
        return Window(self.cleaned_data["window"], self.cleaned_data["shows"])


def window_of(data: QueryDict) -> Window | None:
    """The window a draft was saved from; None where the page did not say (an older page, a script)."""
    try:
        return Window(UUID(data.get("window", "")), UUID(data["shows"]) if data.get("shows") else None)
    except ValueError:
        return None


def as_data(typing: SessionTyping, session: Session) -> QueryDict:
    """What was typed, as the browser would send it for the draft as it is now."""
    data = QueryDict(mutable=True)
    for name, values in typing.typed.items():
        data.setlist(name, values)
    data["version"] = str(session.version)
    return data
