"""Where each role begins its day."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.enums import Role
from clinic.errors import NotAllowed

# Who holds several roles begins with the first of these.
_START = (
    (Role.RECEPTION, "clinic:diary"),
    (Role.PRACTITIONER, "clinic:my_day"),
    (Role.ADMIN, "clinic:review"),
)


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The start page of the person's role."""
    for role, page in _START:
        if request.user.has_role(role):
            return redirect(page)
    raise NotAllowed(_("Your account has no role yet. Ask an admin to give you one."), "no_role")
