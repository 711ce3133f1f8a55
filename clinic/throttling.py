"""How often a password may be tried: per account and address, per account, and per address.

Few tries of one account from one address; more of it from everywhere, so that a crowd of addresses does not get far and one
person somewhere does not lock another out at once; and generously many from one address, because a clinic is behind one.
Counted is what was typed, whether there is such an account or not. The counters stand in the cache, which is a table that every
process reads; allauth keeps them, and takes a try back when it was right.
"""

from dataclasses import dataclass, field

from allauth.core.internal import ratelimit
from django.http import HttpRequest

from clinic.screen_lock import PIN_TRIES

_APP = "clinic"
# Tries in a window, for what the words in the key say. The window slides.
LIMITS = {
    "password_of_account_at_address": "5/5m/key",
    "password_of_account": "50/h/key",
    "password_at_address": "100/5m/key",
    # Short numbers. The session counts them too; this one also counts what is sent at the same moment. Half a day, as a sign-in.
    "pin_of_sign_in": f"{PIN_TRIES}/12h/key",
    "pin_of_account": "20/h/key",
}


@dataclass(slots=True)
class Tries:
    """What one try has used up."""

    used: list[ratelimit.RateLimitUsage] = field(default_factory=list)

    def take_back(self) -> None:
        """The password was right: none of it counts."""
        for usage in self.used:
            usage.rollback()


def one_more_try(request: HttpRequest, *, login: str, address: str) -> Tries | None:
    """Counts a try before the password is looked at; None where one of the limits is reached, for everybody alike.

    The address comes first: once it has tried too often, no more names leave a row in the cache, however many it sends. A flood
    of them would fill its room and push counters out.
    """
    account = login.strip().casefold()
    return _counted(
        request,
        {
            "password_at_address": address,
            "password_of_account_at_address": f"{account} {address}",
            "password_of_account": account,
        },
    )


def one_more_pin(request: HttpRequest) -> Tries | None:
    """Counts a try before a PIN is looked at: of this sign-in, and of all of the person's. None where a limit is reached."""
    keys = {"pin_of_sign_in": request.session.session_key, "pin_of_account": str(request.user.pk)}
    return _counted(request, keys)


def _counted(request: HttpRequest, keys: dict[str, str]) -> Tries | None:
    tries = Tries()
    for action, key in keys.items():
        usage = ratelimit.consume(request, app=_APP, action=action, config=LIMITS, key=key, limit_get=True)
        if usage is None:
            tries.take_back()
            return None
        tries.used.append(usage)
    return tries
