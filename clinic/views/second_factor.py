"""One's own second factors and sign-ins: allauth's pages, and what the clinic asks beyond them."""

from collections.abc import Callable
from datetime import timedelta

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import activate_totp as stock_activate_totp
from allauth.mfa.webauthn.views import add_webauthn as stock_add_webauthn
from allauth.mfa.webauthn.views import remove_webauthn as stock_remove_webauthn
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.actions import staff
from clinic.models import ScreenPin, SecondFactorReset
from clinic.second_factor import FACTORS

View = Callable[..., HttpResponse]
_TOLD_FOR = timedelta(days=30)


def index(request: HttpRequest) -> HttpResponse:
    """What there is, what can be added, and whether an admin has lately taken it all away."""
    resets = SecondFactorReset.objects.visible_to(request.user).filter(user=request.user)
    lately = resets.filter(recorded_at__gt=timezone.now() - _TOLD_FOR).select_related("recorded_by").first()
    context = {"reset": lately, "has_pin": ScreenPin.objects.of(request.user).exists()}
    return IndexView.as_view(extra_context=context)(request)


def activate_totp(request: HttpRequest) -> HttpResponse:
    """A new authenticator app; its first code has shown that it is there."""
    return _setting_up(request, stock_activate_totp)


def add_passkey(request: HttpRequest) -> HttpResponse:
    """A new passkey; adding it has shown that it is there."""
    return _setting_up(request, stock_add_webauthn)


def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a passkey away, unless it is the only second factor."""
    passkey = _factors(request).filter(pk=pk, type=Authenticator.Type.WEBAUTHN).first()
    if passkey and not get_adapter().can_delete_authenticator(passkey):
        messages.error(request, get_adapter().error_messages["cannot_delete_authenticator"])
        return redirect("mfa_list_webauthn")
    return stock_remove_webauthn(request, pk=pk)


@require_POST
def end_other_sign_ins(request: HttpRequest) -> HttpResponse:
    """Signed out everywhere but here: the key of this session changes, and is signed anew."""
    user = staff.end_sign_ins(user=request.user, by=request.user, at=timezone.now())
    update_session_auth_hash(request, user)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("mfa_index")


def _setting_up(request: HttpRequest, stock: View) -> HttpResponse:
    """allauth's page; what it has added counts as shown, so that nobody signs in a second time right after.

    allauth itself writes into the session only what somebody signed in with.
    """
    known = set(_factors(request).values_list("pk", flat=True)) if request.method == "POST" else set()
    response = stock(request)
    if request.method == "POST":
        for added in _factors(request).exclude(pk__in=known):
            record_authentication(request, request.user, "mfa", id=added.pk, type=added.type)
    return response


def _factors(request: HttpRequest):
    return Authenticator.objects.filter(user=request.user, type__in=FACTORS)
