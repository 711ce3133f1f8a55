"""One's own PIN for the locked screen: chosen, changed, taken away."""

from datetime import datetime

from django.contrib.auth.hashers import make_password

from clinic.actions.locking import explained
from clinic.models import ScreenPin, User
from clinic.rules.screen_lock import check_pin


@explained
def choose_pin(*, pin: str, by: User, at: datetime) -> ScreenPin:
    """The person's PIN from now on; an older one opens nothing any more.

    Raises:
        DomainError: pin_digits, pin_obvious.
    """
    check_pin(pin)
    User.objects.select_for_update(no_key=True, of=("self",)).get(pk=by.pk)
    ScreenPin.objects.of(by).delete()
    return ScreenPin.objects.create(user=by, created_at=at, hashed=make_password(pin))


@explained
def remove_pin(*, by: User, at: datetime) -> None:
    """The locked screen opens by passkey and password only. Its history says since when."""
    ScreenPin.objects.of(by).delete()
