"""Who signed in, and whose account was tried: what happened at the door."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic.enums import Role
from clinic.forms.review import WhoSignedInForm
from clinic.models import SignInEvent, User
from clinic.views.narrowing import chosen
from clinic.views.posted import Page, one_page

PAGE = 25


@require_safe
def who_signed_in(request: HttpRequest) -> HttpResponse:
    """Newest first; narrowed to one account, to one kind, to some days. Admins only."""
    if not request.user.has_role(Role.ADMIN):
        raise Http404
    user = chosen(request, "user", User.objects.visible_to(request.user))
    narrowing = WhoSignedInForm(request.GET if request.GET else None)
    page = _page(request, narrowing, user)
    kept = {name: value for name, value in request.GET.items() if value and name != "page"}
    context = {
        "narrowing": narrowing,
        "chosen_user": user,
        "is_narrowed": bool(kept),
        "entries": page.rows,
        **page.links(lambda number: f"?{urlencode(kept | {'page': number})}"),
    }
    refused = narrowing.is_bound and narrowing.errors
    return render(request, "clinic/review_who_signed_in.html", context, status=422 if refused else 200)


def _page(request: HttpRequest, narrowing: WhoSignedInForm, user: User | None) -> Page:
    """What was asked for; nothing where it makes no sense."""
    log = SignInEvent.objects.visible_to(request.user).select_related("user", "by")
    if user:
        log = log.of(user)
    if narrowing.is_bound and narrowing.is_valid():
        asked = narrowing.cleaned_data
        log = log.on_days(asked.get("from"), asked.get("until"))
        log = log.filter(kind=asked["kind"]) if asked["kind"] else log
    elif narrowing.is_bound:
        log = log.none()
    return one_page(request, log, PAGE)
