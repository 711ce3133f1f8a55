"""Which PINs open a locked screen."""

import re
from itertools import pairwise

from django.utils.translation import gettext as _

from clinic.errors import DomainError

PIN_DIGITS = (
    6,
    8,
)  # the fewest and the most; with five tries, six digits leave a guess one chance in 200,000
_DIGITS = re.compile(rf"[0-9]{{{PIN_DIGITS[0]},{PIN_DIGITS[1]}}}")
_FEWEST_DIFFERENT = 3


def check_pin(pin: str) -> None:
    """Long enough, and none of those that people think of first and others try first.

    Refused are few different digits, numbers in a row (also backwards and by twos), and a piece that comes again.
    Source: NIST SP 800-63B-4, 3.1.1.2 and OWASP ASVS 5.0, 6.2.4: what is short is held against a list of the commonest.

    Raises:
        DomainError: pin_digits, pin_obvious.
    """
    if not _DIGITS.fullmatch(pin):
        raise DomainError(_("Choose 6 to 8 digits, and nothing but digits."), "pin_digits", field="pin")
    if _is_obvious(pin):
        raise DomainError(
            _(
                "This is one of the first that anybody would try. Choose digits that do not repeat or follow each other."
            ),
            "pin_obvious",
            field="pin",
        )


def _is_obvious(pin: str) -> bool:
    digits = [int(digit) for digit in pin]
    steps = {(after - before) % 10 for before, after in pairwise(digits)}
    is_repeated = pin in (pin + pin)[1:-1]
    halves = pin[: len(pin) // 2], pin[len(pin) // 2 :]
    are_runs = all(_is_run(half) for half in halves)
    return len(set(pin)) < _FEWEST_DIFFERENT or len(steps) == 1 or is_repeated or are_runs


def _is_run(part: str) -> bool:
    """Up, down or on the spot: 123, 321, 111."""
    steps = {int(after) - int(before) for before, after in pairwise(part)}
    return len(steps) == 1 and abs(steps.pop()) <= 1
