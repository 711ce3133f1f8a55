"""Taking a handed-over screen back: by the password of the person who is signed in on it."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from clinic import handed_over, pace, screen_lock, sign_in_log
from clinic.enums import SignInEventKind, SignInMeans
from clinic.errors import DomainError
from clinic.forms.screen_lock import PasswordForm
from clinic.views.own_password import check_own_password


@pace.never_stopped
@require_http_methods(["GET", "POST"])
def take_back(request: HttpRequest) -> HttpResponse:
    """Asks for the password; the right one leads to the page from which the screen was handed over.

    Whoever does not know it can only sign out, which shows nothing.
    """
    handed = handed_over.state(request)
    if handed is None:
        return redirect("clinic:start")
    if "sign_out" in request.POST:
        logout(request)
        return redirect("account_login")
    handed_over.ended(request)
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            check_own_password(request, form.cleaned_data["password"])
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            handed_over.take_back(request)
            screen_lock.unlock(request, timezone.now())
            sign_in_log.note(request, SignInEventKind.UNLOCKED, request.user, SignInMeans.PASSWORD)
            return redirect(handed.back)
    status = 422 if form.errors else 200
    context = {"form": form, "is_wrong_person": "not-me" in request.GET}
    return render(request, "clinic/take_back.html", context, status=status)
