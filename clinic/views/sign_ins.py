"""Where one is signed in: one's own browsers, each of which can be signed out from here; and what happened with one's account."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import pace
from clinic.actions import staff
from clinic.models import SignIn, SignInEvent
from clinic.views.posted import one_page

PAGE = 20


@pace.never_stopped
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The browsers in which one is signed in now, last used first; this one is marked. Below it what was, newest first."""
    mine = SignIn.objects.visible_to(request.user).in_force(request.user, timezone.now())
    page = one_page(request, mine.order_by("-last_used_at", "public_id"), PAGE)
    own = SignInEvent.objects.visible_to(request.user).of(request.user).select_related("by")
    past = one_page(request, own, PAGE, "past")
    here = f"?page={page.number}&" if page.number > 1 else "?"
    there = f"&past={past.number}" if past.number > 1 else ""
    context = {
        "sign_ins": [
            {"sign_in": each, "is_this_one": each.session_key == request.session.session_key}
            for each in page.rows
        ],
        "others": page.number > 1 or page.has_more or len(page.rows) > 1,
        "events": past.rows,
        "past": past.links(lambda number: f"{here}past={number}#past"),
        **page.links(lambda number: f"?page={number}{there}"),
    }
    return render(request, "clinic/sign_ins.html", context)


@pace.never_stopped
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def end(request: HttpRequest, sign_in_id: UUID) -> HttpResponse:
    """Signs one of the other browsers out; whoever finds a screen open cannot."""
    sign_in = get_object_or_404(SignIn.objects.visible_to(request.user), public_id=sign_in_id)
    if request.method != "POST":
        # Back from being asked who it is, after something else was asked for meanwhile.
        return redirect("clinic:sign_ins")
    if sign_in.session_key == request.session.session_key:
        messages.info(request, _("This is the one you are using: sign out in your menu."))
        return redirect("clinic:sign_ins")
    staff.end_sign_in(sign_in=sign_in, by=request.user, at=timezone.now())
    messages.success(request, _("%(device)s is signed out.") % {"device": sign_in})
    return redirect("clinic:sign_ins")
