"""Who opened whose record."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.enums import Role
from clinic.forms.review import NumberForm
from clinic.models import Patient, RecordOpened, User
from clinic.views.posted import id_in, one_page

PAGE = 25


@require_http_methods(["GET", "POST"])
def records_opened(request: HttpRequest) -> HttpResponse:
    """Who opened whose record, newest first; narrowed to one patient or one member of staff. Admins only."""
    if not request.user.has_role(Role.ADMIN):
        raise Http404
    patients = Patient.objects.visible_to(request.user)
    form = NumberForm(request.POST or None)
    if form.is_valid():
        if found := patients.filter(number=form.cleaned_data["number"]).first():
            return redirect(f"{reverse('clinic:records_opened')}?{urlencode({'patient': found.pk})}")
        form.add_error("number", _("There is no patient with this number."))
    log = RecordOpened.objects.visible_to(request.user).select_related("user", "patient")
    patient = _chosen(request, "patient", patients)
    user = _reader(request, log)
    chosen = {name: each for name, each in (("patient", patient), ("user", user)) if each}
    page = one_page(request, log.filter(**chosen), PAGE)
    filters = urlencode({name: each.pk for name, each in chosen.items()})
    context = {
        "form": form,
        "patient": patient,
        "chosen_user": user,
        "entries": page.rows,
        **page.links(lambda number: f"?{filters}&page={number}"),
    }
    return render(request, "clinic/review_records_opened.html", context, status=422 if form.errors else 200)


def _reader(request: HttpRequest, log: QuerySet[RecordOpened]) -> User | None:
    """The member of staff asked for, if they have opened anything."""
    key = _public_id(request, "user")
    return get_object_or_404(log.filter(user=key)[:1]).user if key else None


def _chosen(request: HttpRequest, name: str, rows: QuerySet[Any]) -> Any:
    key = _public_id(request, name)
    return get_object_or_404(rows, pk=key) if key else None


def _public_id(request: HttpRequest, name: str) -> UUID | None:
    return id_in(request.GET, name) if name in request.GET else None
