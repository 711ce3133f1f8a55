"""The admins' page of accounts, and the page of whoever comes in by an invitation."""

from datetime import datetime
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import letters, sign_in_log
from clinic.actions import staff as actions
from clinic.enums import SignInEventKind
from clinic.errors import DomainError
from clinic.forms.staff import ChoosePasswordForm, InvitationForm, ResetForm
from clinic.models import Invitation, User
from clinic.rules import staff as rules
from clinic.staff_list import invitation_at, staff, state, taken_by
from clinic.views.posted import one_page

PAGE = 30


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Everybody with an account, how it stands, and what can be done about it."""
    rules.check_may_keep_staff(request.user)
    page, at = one_page(request, staff(request.user), PAGE), timezone.now()
    taken = taken_by(page.rows, at=at)
    context = {
        "people": [
            {
                "person": each,
                "state": state(each, at),
                "is_oneself": each == request.user,
                "taken": taken.get(each.pk),
            }
            for each in page.rows
        ],
        **page.links(lambda number: f"?page={number}"),
    }
    return render(request, "clinic/staff.html", context)


@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """A new account; the answer says how its link reaches the person."""
    rules.check_may_keep_staff(request.user)
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return render(request, "clinic/staff_invite.html", {"form": form}, status=422 if form.errors else 200)
    try:
        invitation, secret = actions.invite(**form.cleaned_data, by=request.user, at=timezone.now())
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return render(request, "clinic/staff_invite.html", {"form": form}, status=refusal.status)
    return _invited(request, invitation, secret)


@require_POST
def invite_again(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """A new link in place of one that was lost or has run out."""
    rules.check_may_keep_staff(request.user)
    user = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    try:
        invitation, secret = actions.invite_again(user=user, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect("clinic:staff")
    return _invited(request, invitation, secret)


@require_POST
def withdraw(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """The link stops working."""
    rules.check_may_keep_staff(request.user)
    user = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    try:
        actions.withdraw(user=user, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The invitation of %(person)s is withdrawn.") % {"person": user})
    return redirect("clinic:staff")


@require_http_methods(["GET", "POST"])
def reset_second_factor(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """After asking why: the person sets up a new second factor at the next sign-in."""
    rules.check_may_keep_staff(request.user)
    user = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    form = ResetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.reset_second_factor(
                user=user, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now()
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("%(person)s sets up a new second factor.") % {"person": user})
            return redirect("clinic:staff")
    context = {"form": form, "person": user, "is_told_by_mail": settings.MAIL_IS_SET_UP}
    return render(request, "clinic/staff_reset.html", context, status=422 if form.errors else 200)


@login_not_required
@require_http_methods(["GET", "POST"])
def come_in(request: HttpRequest, secret: str) -> HttpResponse:
    """Whoever holds the link chooses a password and goes on to the second factor."""
    now = timezone.now()
    invitation = invitation_at(secret, now)
    if invitation is None:
        return render(request, "clinic/come_in.html", {"form": None}, status=404)
    form = ChoosePasswordForm(request.POST if request.method == "POST" else None, user=invitation.user)
    if request.method == "POST" and form.is_valid():
        return _come_in(request, invitation, secret, form.cleaned_data["password"], now)
    context = {"form": form, "person": invitation.user}
    return render(request, "clinic/come_in.html", context, status=422 if form.errors else 200)


def _come_in(
    request: HttpRequest, invitation: Invitation, secret: str, password: str, at: datetime
) -> HttpResponse:
    """Signed in by password, so that the next page is the second factor's. Whoever was signed in here is not any more."""
    user = actions.come_in(secret=secret, password=password, by=invitation.user, at=at)
    logout(request)
    sign_in_log.note(request, SignInEventKind.INVITED_IN, user)
    record_authentication(request, user, "password")
    get_adapter(request).login(request, user)
    return redirect("mfa_index")


def _invited(request: HttpRequest, invitation: Invitation, secret: str) -> HttpResponse:
    """How the link reaches the person: by mail or, where none is set up, by who has made it; it is shown once."""
    address = request.build_absolute_uri(reverse("clinic:come_in", args=[secret]))
    if settings.MAIL_IS_SET_UP:
        letters.invitation(invitation.user, address=address, until=invitation.expires_at)
    context = {"invitation": invitation, "address": "" if settings.MAIL_IS_SET_UP else address}
    return render(request, "clinic/staff_invited.html", context, status=201)
