"""The password of who is signed in, typed once more."""

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from clinic.errors import DomainError


def check_own_password(request: HttpRequest, password: str) -> None:
    """Tried as often as a sign-in may be, and counted together with those.

    Raises:
        DomainError: password_wrong, or too_many_tries.
    """
    wrong = DomainError(
        _("This is not the password of the person who is signed in. Type it again."),
        "password_wrong",
        field="password",
    )
    try:
        who = get_adapter().authenticate(request, username=request.user.username, password=password)
    except ValidationError as refused:
        raise DomainError(
            _("Too many tries. Wait a few minutes, then type your password again."),
            "too_many_tries",
            field="password",
        ) from refused
    if who is None or who.pk != request.user.pk:
        raise wrong
