"""The locked screen: locking it, opening it by PIN, passkey or password, and one's own PIN.

A page that is under its lock asks for a part (a dialog over itself) and gets JSON once the screen is open; a browser that
comes by itself gets a page, and goes on where it was.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as passkeys
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.hashers import check_password
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from fido2.webauthn import UserVerificationRequirement

from clinic import pace, screen_lock, sign_in_log, throttling
from clinic.actions import screen_lock as actions
from clinic.enums import Pace, SignInMeans
from clinic.enums import SignInEventKind as Kind
from clinic.errors import DomainError
from clinic.forms.base import BaseForm
from clinic.forms.screen_lock import ChoosePinForm, PasswordForm, UnlockByPasskeyForm, UnlockByPinForm
from clinic.forms.second_factor import AuthenticatePasskeyForm
from clinic.models import ScreenPin, User
from clinic.views.own_password import check_own_password
from clinic.views.posted import way_back
from clinic.views.second_factor import both_again


class _IsOver(Exception):
    """Too many wrong PINs: only a full sign-in is left."""


@pace.never_stopped
@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """Locks the screen now."""
    if not screen_lock.is_locked(request, timezone.now()):
        screen_lock.lock(request)
    if screen_lock.is_part(request):
        return HttpResponse(status=204)
    return redirect(f"{reverse('clinic:unlock')}?{urlencode({'next': way_back(request, request.POST)})}")


@pace.counts_as(Pace.BY_ITSELF)
@require_POST
def used(request: HttpRequest) -> HttpResponse:
    """Somebody types on a page that sends nothing; that a request came has been noted (ScreenLockMiddleware)."""
    return HttpResponse(status=204)


@pace.never_stopped
@require_http_methods(["GET", "HEAD", "POST"])
def unlock(request: HttpRequest) -> HttpResponse:
    """Asks for PIN, passkey or password. The page that asks must have been sent to who is signed in."""
    if request.headers.get("X-Screen-Of", str(request.user.pk)) != str(request.user.pk):
        return HttpResponse(status=409)
    if not screen_lock.is_locked(request, timezone.now()):
        return _opened(request)
    if request.method != "POST":
        return _asked(request, _ways(request))
    try:
        ways = _tried(request)
    except _IsOver:
        sign_in_log.ends_as(request, Kind.ENDED)
        logout(request)
        messages.error(
            request, _("Too many wrong PINs. Sign in again, with your password and second factor.")
        )
        return redirect("account_login")
    if ways.is_refused:
        return _asked(request, ways, status=422)
    screen_lock.unlock(request, timezone.now())
    sign_in_log.note(request, Kind.UNLOCKED, request.user, ways.means)
    return _opened(request)


@pace.never_stopped
@require_safe
def unlock_passkey(request: HttpRequest) -> HttpResponse:
    """What a passkey is asked, as JSON: always for finger, face or its PIN, because a key may have been left in the desk."""
    known = passkeys.get_credentials(request.user)
    if not known:
        raise Http404
    options, state = passkeys.get_server().authenticate_begin(
        credentials=known, user_verification=UserVerificationRequirement.REQUIRED
    )
    passkeys.set_state(state)
    return JsonResponse(dict(options))


@require_http_methods(["GET", "HEAD", "POST"])
@partial(both_again, keeps_form=False)
def pin(request: HttpRequest) -> HttpResponse:
    """One's own PIN, soon after a full sign-in or after showing both factors once more."""
    form = ChoosePinForm(request.POST if request.method == "POST" else None)
    if "remove" in request.POST:
        actions.remove_pin(by=request.user, at=timezone.now())
        messages.success(request, _("Your PIN is gone. The locked screen opens by passkey or password."))
        return redirect("mfa_index")
    if form.is_bound and form.is_valid():
        try:
            actions.choose_pin(pin=form.cleaned_data["pin"], by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("This PIN opens your locked screen from now on."))
            return redirect("mfa_index")
    context = {"form": form, "has_pin": ScreenPin.objects.of(request.user).exists()}
    return render(request, "clinic/pin.html", context, status=422 if form.errors else 200)


@dataclass(frozen=True)
class _Ways:
    """The forms that open the person's screen."""

    user: User
    pin: UnlockByPinForm
    passkey: UnlockByPasskeyForm
    password: PasswordForm

    @cached_property
    def pin_on_record(self) -> ScreenPin | None:
        return ScreenPin.objects.of(self.user).first()

    @property
    def sent(self) -> BaseForm | None:
        return next((form for form in (self.pin, self.passkey, self.password) if form.is_bound), None)

    @property
    def means(self) -> str:
        """What was shown."""
        if self.sent is self.pin:
            return SignInMeans.PIN
        return SignInMeans.PASSKEY if self.sent is self.passkey else SignInMeans.PASSWORD

    @property
    def is_refused(self) -> bool:
        return bool(self.sent and self.sent.errors)


def _ways(request: HttpRequest) -> _Ways:
    """Filled in is the one that was sent, by password where that cannot be told."""
    sent = request.POST if request.method == "POST" else None
    name = next((each for each in ("pin", "credential") if each in request.POST), "password")

    def filled(kind: type[BaseForm], own: str) -> Any:
        # Under its lock a page has fields of its own: these have other ids.
        return kind(sent if name == own else None, auto_id="lock-%s")

    return _Ways(
        request.user,
        filled(UnlockByPinForm, "pin"),
        filled(UnlockByPasskeyForm, "credential"),
        filled(PasswordForm, "password"),
    )


def _tried(request: HttpRequest) -> _Ways:
    """What was sent, with its errors where it does not open the screen.

    Raises:
        _IsOver: by the last PIN that could be tried.
    """
    ways = _ways(request)
    form = ways.sent
    if form is None or not form.is_valid():
        return ways
    try:
        if form is ways.pin:
            _check_pin(request, ways.pin_on_record, form.cleaned_data["pin"])
        elif form is ways.passkey:
            _check_passkey(request, form.cleaned_data["credential"])
        else:
            check_own_password(request, form.cleaned_data["password"])
    except DomainError as refusal:
        form.add_domain_error(refusal)
    return ways


def _check_pin(request: HttpRequest, on_record: ScreenPin | None, typed: str) -> None:
    """Raises DomainError pin_wrong, and says how many tries are left; _IsOver where none is."""
    tries = throttling.one_more_pin(request)
    if tries is None:
        sign_in_log.note_once(request, Kind.THROTTLED, request.user, SignInMeans.PIN)
        raise _IsOver
    if on_record and check_password(typed, on_record.hashed):
        tries.take_back()
        return
    sign_in_log.note(request, Kind.PIN_WRONG, request.user)
    left = screen_lock.wrong_pin(request)
    if not left:
        raise _IsOver
    words = ngettext(
        "This is not your PIN. After %(left)d more wrong try you have to sign in again.",
        "This is not your PIN. After %(left)d more wrong tries you have to sign in again.",
        left,
    )
    raise DomainError(words % {"left": left}, "pin_wrong", field="pin")


def _check_passkey(request: HttpRequest, credential: str) -> None:
    """Raises DomainError passkey_wrong."""
    shown = AuthenticatePasskeyForm(user=request.user, data={"credential": credential})
    if not shown.is_valid():
        raise DomainError(
            _("This passkey does not open the screen. Try again, or take another way."), "passkey_wrong"
        )


def _asked(request: HttpRequest, ways: _Ways, status: int = 200) -> HttpResponse:
    """The ways that the person has; the password always."""
    passkeys_of_user = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.WEBAUTHN)
    context = {
        "by_pin": ways.pin if ways.pin_on_record else None,
        "by_passkey": ways.passkey if passkeys_of_user.exists() else None,
        "by_password": ways.password,
        "next": way_back(request, request.POST or request.GET),
    }
    template = "clinic/_unlock.html" if screen_lock.is_part(request) else "clinic/unlock.html"
    return render(request, template, context, status=status)


def _opened(request: HttpRequest) -> HttpResponse:
    """On to the page it was; a page that waits under its lock gets the token that its forms need from now on."""
    if screen_lock.is_part(request):
        return JsonResponse({"token": get_token(request)})
    return redirect(way_back(request, request.POST or request.GET) or "clinic:start")
