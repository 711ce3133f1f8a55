"""What every request passes: text the database cannot store, refusals that become answers, and privacy headers."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from clinic import handed_over, pace, screen_lock, second_factor, sign_in_log, uploads
from clinic.actions import asking
from clinic.around import Around
from clinic.enums import SignInEventKind
from clinic.errors import DomainError, TooMuch
from clinic.refusals import refusal, said_by, stopped
from clinic.views import announced

LONGEST_TEXT = 100_000
_NUL = "\x00"
# Nothing here uses them, so nothing that is ever smuggled in may either.
_NO_DEVICES = ", ".join(
    f"{feature}=()"
    for feature in (
        "camera",
        "display-capture",
        "geolocation",
        "microphone",
        "payment",
        "serial",
        "usb",
        "browsing-topics",
    )
)

_refused = logging.getLogger("clinic.refused")


class BadTextMiddleware(Around):
    """Refuses what no page can use: NUL characters in an address or a cookie, and single texts over 100 kB.

    NUL characters in a posted form are left to the form, which names the field (clinic.forms.base). It stands before
    whatever looks into the session: a NUL in that cookie would already be a fault there.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """400 or 413 with a sentence, or whatever the page answers."""
        if (
            _NUL in request.path
            or _has_nul(request.GET)
            or any(_NUL in text for text in request.COOKIES.values())
        ):
            message = _("The address contains a character that cannot be part of one. Go back and try again.")
            return refusal(request, 400, {"message": message})
        if message := _too_much(request):
            return refusal(request, 413, {"message": message})
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """The texts beside a file are looked at once it is known who sends it (clinic.uploads)."""
        if uploads.brings_file(request) and (message := _too_long(request)):
            return refusal(request, 413, {"message": message})
        return None


class VerbMiddleware(Around):
    """Reading and posting are all there is: any other verb is refused before anybody looks at who asks.

    Pages that are not ours take some of them for a form that was sent (PUT), or for reading (OPTIONS, TRACE).
    """

    TAKEN = ("GET", "HEAD", "POST")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """405 with the verbs there are, or whatever the page answers."""
        if request.method not in self.TAKEN:
            return HttpResponseNotAllowed(self.TAKEN)
        return self.get_response(request)


class SecondFactorMiddleware(Around):
    """Behind the sign-in, a second door: no page but the setting up for who has not shown a second factor.

    It decides from the session alone. Only who is stopped costs a query: who has a second factor and did not show it
    signs in anew, who has none sets one up.
    """

    SETTING_UP = frozenset({"mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"})

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: object
    ) -> HttpResponse | None:
        """Nothing where the page is everybody's, or the person is through."""
        is_open = not getattr(view, "login_required", True)
        if is_open or not request.user.is_authenticated or not second_factor.is_missing(request):
            return None
        if second_factor.is_set_up(request.user):
            return _sign_in_anew(request)
        if request.resolver_match and request.resolver_match.view_name in self.SETTING_UP:
            return None
        return _lead(request, reverse("mfa_index"))


class ScreenLockMiddleware(Around):
    """Opens no page on a screen that was left alone, and none SIGN_IN_HOURS after signing in.

    It decides from the session alone. A part of a page is answered 423, so that the page in the browser stays where it is, under
    the lock; so is a form, which would be lost on the way. A screen in a patient's hands has limits of its own.
    """

    # What pages ask for by themselves, also where they forget to say so: no use of the screen.
    BY_ITSELF = frozenset(
        {"clinic:calendar_events", "clinic:diary_changes", "clinic:record_printed", "clinic:waiting"}
    )
    AT_THE_LOCK = frozenset({"clinic:lock", "clinic:unlock", "clinic:unlock_passkey"})

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: object
    ) -> HttpResponse | None:
        """Nothing where the page is everybody's, or the screen is in use."""
        is_open = not getattr(view, "login_required", True)
        if is_open or not request.user.is_authenticated or second_factor.is_missing(request):
            return None
        at = timezone.now()
        if screen_lock.is_over(request, at):
            sign_in_log.ends_as(request, SignInEventKind.RAN_OUT)
            return _sign_in_anew(request)
        if handed_over.state(request):
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if screen_lock.is_locked(request, at):
            return None if name in self.AT_THE_LOCK else _locked(request)
        if not _asks_by_itself(request):
            screen_lock.used(request, at)
        return None


class PaceMiddleware(Around):
    """Stops who asks for more pages, or sends more entries, than a person can (clinic.pace, clinic.actions.asking).

    A screen in a patient's hands shows one page, and is not stopped; nor is anybody who has not signed in, for whom each open
    page has limits of its own.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: object
    ) -> HttpResponse | None:
        """Nothing where the page does not count, or it is not one too many."""
        is_open = not getattr(view, "login_required", True)
        if is_open or not request.user.is_authenticated or handed_over.state(request):
            return None
        kind = pace.kind_of(request, view, by_itself=_asks_by_itself(request))
        if kind is None:
            return None
        try:
            asking.note(kind=kind, by=request.user, at=timezone.now())
        except TooMuch as error:
            return stopped(request, error)
        pace.was_shown(request)
        return None


class HandOverMiddleware(Around):
    """While a screen is in a patient's hands, every address but the pages it was handed over for leads back to them.

    It stands before any view and whatever signs people out, behind the session. Parts of pages that htmx asks for send
    the whole page there: an old tab is emptied by its next poll.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """As asked, where the screen is the staff's or the page was handed over."""
        handed = handed_over.state(request)
        if handed is None:
            return self.get_response(request)
        take_back = reverse("clinic:take_back")
        if request.path == take_back:
            return self.get_response(request)
        at = timezone.now()
        if handed.is_idle(at):
            handed_over.ended(request)
            return _lead(request, take_back)
        if not handed.covers(request.path):
            return _lead(request, take_back if handed.has_ended else handed.page)
        handed_over.used(request, handed, at=at)
        return self.get_response(request)


class DomainErrorMiddleware(Around):
    """Turns a refusal that no view has caught into its page, or, asked by htmx, into a message on the page."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """As asked; a part of a page is never answered with the sign-in page, the whole page goes there instead."""
        response = self.get_response(request)
        if not (request.htmx and response.status_code == 302):
            return response
        login = resolve_url(settings.LOGIN_URL)
        if response["Location"].partition("?")[0] == login:
            return HttpResponseClientRedirect(f"{login}?{_back_to(request)}")
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer to a refusal; None for anything else, which Django then treats as it always does."""
        if isinstance(error, TooMuch):
            return stopped(request, error)
        if isinstance(error, DomainError):
            return refusal(request, error.status, said_by(error))
        if not request.htmx:
            return None
        if isinstance(error, Http404):
            message = _("This is not there (any more), or not for your role. Nothing was changed.")
            return refusal(request, 404, {"message": message})
        if isinstance(error, PermissionDenied):
            return refusal(request, 403, {"message": str(error) or _("Your role does not include this.")})
        return None


class PrivacyMiddleware(Around):
    """Pages are about patients: no cache keeps them, also not from before a sign-out, and no page may use the device's
    camera, place or microphone.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with these headers unless the view has set its own."""
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _NO_DEVICES)
        # Django's SecurityMiddleware sets these, but not where it stumbles over a host that is not ours itself.
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        response.headers.setdefault("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        if _has_signed_out(request, response):
            # Nothing is left behind: not on the way back, not in a cache.
            response.headers["Clear-Site-Data"] = '"cache"'
        return response


class RefusedMiddleware(Around):
    """Writes down who was refused what: the number of the account and the name of the page.

    No address is kept, for it may hold what somebody typed, and nothing that was sent. What the clinic's own rules answer
    (409, 422) refuses nobody, and a locked screen (423) is told by its lock.
    """

    REFUSED = frozenset({400, 403, 404, 405, 413, 429})

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """As answered."""
        response = self.get_response(request)
        if response.status_code in self.REFUSED:
            page = request.resolver_match.view_name if request.resolver_match else "no page of ours"
            _refused.warning("%s %s %s: %s", response.status_code, request.method, page, _account(request))
        return response


def _account(request: HttpRequest) -> str:
    """Whose request it was; of one that was refused before anybody looked, nobody's."""
    user = getattr(request, "user", None)
    return f"account {user.pk}" if user is not None and user.is_authenticated else "nobody signed in"


class AnnouncementMiddleware(Around):
    """Says on the page that follows a booking what was booked; parts of pages that htmx asks for say nothing."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """As asked, with one message more where the address names a visit."""
        if announced.NAME in request.GET and not request.htmx:
            announced.announce(request)
        return self.get_response(request)


def _has_signed_out(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the browser came with a session, and leaves with another one or none, as nobody."""
    cookie = settings.SESSION_COOKIE_NAME
    if cookie not in request.COOKIES or cookie not in response.cookies:
        return False  # first: who it is may have to be asked of a database that does not answer
    return hasattr(request, "user") and not request.user.is_authenticated


def _back_to(request: HttpRequest) -> str:
    """The query that leads back after signing in: to the page itself, or to the one whose part htmx asked for."""
    back = QueryDict(mutable=True)
    back["next"] = (request.htmx.current_url_abs_path or "/") if request.htmx else request.get_full_path()
    return back.urlencode(safe="/")


def _locked(request: HttpRequest) -> HttpResponse:
    """The lock in place of a page; where something else was asked for, or sent, only that it is locked."""
    if screen_lock.is_part(request):
        return HttpResponse(status=423)
    if request.method in {"GET", "HEAD"}:
        return redirect(f"{reverse('clinic:unlock')}?{_back_to(request)}")
    return render(request, "423.html", status=423)


def _asks_by_itself(request: HttpRequest) -> bool:
    """Whether a page that stands open asks, and nobody at it."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name in ScreenLockMiddleware.BY_ITSELF or "X-Unattended" in request.headers


def _lead(request: HttpRequest, address: str) -> HttpResponse:
    """There, with the whole page; as GET, whatever was asked."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(address)
    return redirect(address)


def _sign_in_anew(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, as nobody, and back from there."""
    address = f"{reverse('account_login')}?{_back_to(request)}"
    logout(request)
    return _lead(request, address)


def _too_much(request: HttpRequest) -> str:
    """Why what was sent is not read any further; nothing where it is."""
    if request.method != "POST":
        return ""
    if uploads.is_too_large(request):
        return _("This is more than the page takes. Send a smaller file, or shorten the text.")
    if uploads.brings_file(request):
        return ""
    try:
        return _too_long(request)
    except uploads.FileRefused:
        return _("This page takes no files. Go back and send the form without one.")


def _too_long(request: HttpRequest) -> str:
    if _longest(request.POST) <= LONGEST_TEXT:
        return ""
    return _("One of the texts is longer than a whole record may be. Shorten it and send it again.")


def _has_nul(data: QueryDict) -> bool:
    return any(_NUL in key or any(_NUL in value for value in values) for key, values in data.lists())


def _longest(data: QueryDict) -> int:
    """The length of the longest single text, in characters."""
    return max((len(value) for _key, values in data.lists() for value in values), default=0)
