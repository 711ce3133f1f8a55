"""One's own second factors and sign-ins: allauth's pages, and what the clinic asks beyond them."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import suspend_request
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import activate_totp as stock_activate_totp
from allauth.mfa.totp.views import deactivate_totp as stock_deactivate_totp
from allauth.mfa.webauthn.views import add_webauthn as stock_add_webauthn
from allauth.mfa.webauthn.views import remove_webauthn as stock_remove_webauthn
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import pace, second_factor, sign_in_log
from clinic.actions import recovery_codes, staff
from clinic.actions.locking import explained, locked_account
from clinic.enums import SignInEventKind, SignInMeans
from clinic.models import ScreenPin, SecondFactorReset
from clinic.second_factor import FACTORS

View = Callable[..., HttpResponse]
_TOLD_FOR = timedelta(days=30)


def both_again(view: View, *, keeps_form: bool = True) -> View:
    """Opens the page to whoever has shown both factors within five minutes, and asks for what is missing, one after the other.

    allauth asks for one of the two, which is as much as somebody has who knows the password, or who holds the phone. What was
    sent waits in the session, and is done as soon as both are there. Who has no second factor yet shows the password.

    Args:
        keeps_form: whether what was sent may wait there, in a row of the database, and readable.
    """

    @wraps(view)
    def asked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        by_password, by_factor = second_factor.shown_lately(request)
        if by_password and (by_factor or not second_factor.is_set_up(request.user)):
            return view(request, *args, **kwargs)
        page = get_account_adapter(request).get_reauthentication_methods(request.user)[0]["url"]
        if keeps_form:
            return suspend_request(request, page)
        return redirect(f"{page}?{urlencode({REDIRECT_FIELD_NAME: request.path})}")

    return asked


def one_after_the_other(view: View) -> View:
    """Of two factors that are taken away at once, at two devices, the second sees that the first is gone, and stays."""

    @wraps(view)
    @explained
    def alone(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.method == "POST":
            locked_account(request.user)
        return view(request, *args, **kwargs)

    return alone


def index(request: HttpRequest) -> HttpResponse:
    """What there is, what can be added, and whether an admin has lately taken it all away."""
    resets = SecondFactorReset.objects.visible_to(request.user).filter(user=request.user)
    lately = resets.filter(recorded_at__gt=timezone.now() - _TOLD_FOR).select_related("recorded_by").first()
    context = {
        "reset": lately,
        "has_pin": ScreenPin.objects.of(request.user).exists(),
        "codes_left": second_factor.codes_left(request.user),
    }
    return IndexView.as_view(extra_context=context)(request)


@both_again
def activate_totp(request: HttpRequest) -> HttpResponse:
    """A new authenticator app; its first code has shown that it is there."""
    return _setting_up(request, stock_activate_totp)


@both_again
def add_passkey(request: HttpRequest) -> HttpResponse:
    """A new passkey; adding it has shown that it is there."""
    return _setting_up(request, stock_add_webauthn)


@both_again
@one_after_the_other
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a passkey away, unless it is the only second factor."""
    passkey = _factors(request).filter(pk=pk, type=Authenticator.Type.WEBAUTHN).first()
    if passkey and not get_adapter().can_delete_authenticator(passkey):
        messages.error(request, get_adapter().error_messages["cannot_delete_authenticator"])
        return redirect("mfa_list_webauthn")
    return stock_remove_webauthn(request, pk=pk)


@both_again
@require_http_methods(["GET", "HEAD", "POST"])
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Others in place of those there are; for whoever has a second factor that they could stand in for."""
    if not second_factor.is_set_up(request.user):
        return redirect("mfa_index")
    if request.method == "POST":
        return _new_codes(request)
    context = {"codes_left": second_factor.codes_left(request.user)}
    return render(request, "mfa/recovery_codes/generate.html", context)


deactivate_totp = both_again(one_after_the_other(stock_deactivate_totp))


@pace.never_stopped
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def end_other_sign_ins(request: HttpRequest) -> HttpResponse:
    """Signed out everywhere but here: the key of this session changes, and is signed anew."""
    if request.method != "POST":
        # Back from being asked who it is, after something else was asked for meanwhile.
        return redirect("clinic:sign_ins")
    user = staff.end_sign_ins(user=request.user, by=request.user, at=timezone.now())
    update_session_auth_hash(request, user)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("mfa_index")


def _setting_up(request: HttpRequest, stock: View) -> HttpResponse:
    """allauth's page; what it has added counts as shown, so that nobody signs in a second time right after.

    allauth itself writes into the session only what somebody signed in with. With the first factor come recovery codes.
    """
    if request.method != "POST":
        return stock(request)
    known = set(_factors(request).values_list("pk", flat=True))
    response = stock(request)
    all_added = list(_factors(request).exclude(pk__in=known))
    for added in all_added:
        record_authentication(request, request.user, "mfa", id=added.pk, type=added.type)
    return _new_codes(request) if all_added and not second_factor.codes_left(request.user) else response


def _new_codes(request: HttpRequest) -> HttpResponse:
    """In the answer itself, which no browser keeps: nowhere else are they ever readable again."""
    codes = recovery_codes.make(user=request.user, by=request.user, at=timezone.now())
    sign_in_log.note(request, SignInEventKind.FACTOR_ADDED, request.user, SignInMeans.RECOVERY)
    return render(request, "mfa/recovery_codes/index.html", {"codes": codes})


def _factors(request: HttpRequest):
    return Authenticator.objects.filter(user=request.user, type__in=FACTORS)
