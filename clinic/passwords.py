"""What a password may not be made of: the words that everybody who knows the clinic would try first."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.models import ClinicSettings, User

# The product's, the roles' and the house's; the words of the clinic's own name come from its settings.
WORDS = frozenset(
    [
        "mesoclinic",
        "mesotherapy",
        "meso",
        "clinic",
        "reception",
        "receptionist",
        "practitioner",
        "doctor",
        "nurse",
        "admin",
        "administrator",
        "patient",
        "appointment",
        "diary",
        "session",
        "password",
        "passphrase",
        "welcome",
        "login",
    ]
)
_SHORTEST = 4  # a shorter word of the clinic's name ("Dr", "of") stands inside too many others


class ClinicWordsValidator:
    """Such words, and years, do not count towards the length (policy of the clinic after NIST SP 800-63B, 5.1.1.2)."""

    def __init__(self, min_length: int = 12) -> None:
        self.min_length = min_length

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError: password_of_the_clinic, where fewer than `min_length` characters are left."""
        left = password.lower()
        for word in sorted(_words(), key=len, reverse=True):
            left = left.replace(word, "")
        if len(left) < len(password) and len(re.sub(r"(19|20)\d\d", "", left).strip()) < self.min_length:
            raise ValidationError(
                _(
                    "Words of the clinic do not count towards the length of a password. Add others: four that have"
                    " nothing to do with each other are easy to remember."
                ),
                code="password_of_the_clinic",
            )

    def get_help_text(self) -> str:
        """For the page on which a password is chosen."""
        return _("Names of the clinic, of this program and of what you do do not count towards the length.")


def _words() -> set[str]:
    """In small letters."""
    names = " ".join(ClinicSettings.objects.values_list("name", flat=True)).lower()
    return WORDS | {word for word in re.findall(r"\w+", names) if len(word) >= _SHORTEST}
