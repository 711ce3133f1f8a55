"""What the page of a reading says: what it is called, and beforehand what a reading at this moment is worth."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.templatetags.clinic_tags import day
from consultations.rules.patch_test import Window


@dataclass(frozen=True, slots=True)
class ReadingWords:
    """The sentences of one page. `tone` is the colour of what it says beforehand."""

    name: str
    lead: str
    sign: str
    done: str
    tone: str
    title: str
    beforehand: str


def of_reading(window: Window, *, at: datetime) -> ReadingWords:
    """The delayed reading: outside its window a quiet site counts as invalid."""
    first, last = moment_in_words(window.opens_at), moment_in_words(window.closes_at)
    if at < window.opens_at:
        tone, title = "warn", _("Too early")
        text = _(
            "The window is %(first)s to %(last)s. Read now, a quiet site counts as invalid: test again. A reaction counts as "
            "positive at any time."
        ) % {"first": first, "last": last}
    elif at >= window.closes_at:
        tone, title = "warn", _("Too late")
        text = _(
            "The window closed %(last)s. Read now, a quiet site counts as invalid: test again. A reaction counts as positive "
            "at any time."
        ) % {"last": last}
    else:
        tone, title, text = "ok", "", _("The window is open until %(last)s.") % {"last": last}
    name, lead, sign = _("Reading"), _("Read the test injection"), _("Sign the reading")
    return ReadingWords(name, lead, sign, _("The reading is signed."), tone, title, text)


def of_late_reading(window: Window, *, at: datetime) -> ReadingWords:
    """The optional late reading: only in its days."""
    first, last = day(window.opens_at), day(window.last_moment)
    if window.contains(at):
        tone, title = "info", ""
        text = _(
            "Optional, until %(last)s. A place without reaction changes nothing: the test clears as long as it did. A reaction "
            "closes what the test had cleared, at once."
        ) % {"last": last}
    else:
        tone, title = "warn", _("Not in its days")
        text = _(
            "The late reading is from %(first)s to %(last)s, with these days. What shows before or after is recorded as a "
            "reaction."
        ) % {"first": first, "last": last}
    name, lead, sign = _("Late reading"), _("Late reading of the test injection"), _("Sign the late reading")
    return ReadingWords(name, lead, sign, _("The late reading is signed."), tone, title, text)
