"""The admins' pages for what is done with one account: switched off, switched on again, a new password."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import letters
from clinic.actions import accounts
from clinic.errors import DomainError
from clinic.forms.base import BaseForm
from clinic.forms.staff import NewPasswordForm, SwitchOffForm, SwitchOnForm
from clinic.leaving import Leaving, left_by
from clinic.models import User
from clinic.rules import staff as rules
from clinic.views.posted import Page, one_page

PAGE = 10


@require_http_methods(["GET", "POST"])
def switch_off(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Before: what the person leaves behind, and what becomes of it. After: what of it is left."""
    person = _person(request, user_id)
    form = SwitchOffForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.switch_off(
                user=person, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now()
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(
                request, _("%(person)s is switched off and signed out everywhere.") % {"person": person}
            )
            return redirect("clinic:staff_off", person.pk)
    left = left_by(person, user=request.user, at=timezone.now())
    page = one_page(request, left.visits, PAGE)
    return render(
        request,
        "clinic/staff_off.html",
        _shown(left, page) | {"form": form},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
def switch_on(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """The person signs in again."""
    person = _person(request, user_id)
    posted = request.POST if request.method == "POST" else None
    form = SwitchOnForm(posted, of_practitioner=hasattr(person, "practitioner"))
    if request.method == "POST" and form.is_valid():
        try:
            accounts.switch_on(user=person, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("%(person)s can sign in again.") % {"person": person})
            return redirect("clinic:staff")
    return _asked(request, "clinic/staff_on.html", form, person)


@require_http_methods(["GET", "POST"])
def new_password(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """The person chooses another password, by a link; nobody else ever knows it."""
    person = _person(request, user_id)
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            change, invitation, secret = accounts.ask_for_new_password(
                user=person, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now()
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            address = request.build_absolute_uri(reverse("clinic:come_in", args=[secret]))
            letters.new_password(change, address=address, until=invitation.expires_at)
            shown = "" if settings.MAIL_IS_SET_UP else address
            context = {"invitation": invitation, "address": shown}
            return render(request, "clinic/staff_invited.html", context, status=201)
    return _asked(request, "clinic/staff_new_password.html", form, person)


def _person(request: HttpRequest, user_id: UUID) -> User:
    rules.check_may_keep_staff(request.user)
    people = User.objects.visible_to(request.user).select_related("practitioner")
    return get_object_or_404(people, pk=user_id)


def _asked(request: HttpRequest, template: str, form: BaseForm, person: User) -> HttpResponse:
    context = {"form": form, "person": person, "is_told_by_mail": settings.MAIL_IS_SET_UP}
    return render(request, template, context, status=422 if form.errors else 200)


def _shown(left: Leaving, page: Page) -> dict[str, Any]:
    return {
        "left": left,
        "person": left.person,
        "visits": page.rows,
        **page.links(lambda number: f"?page={number}"),
    }
