"""Logs that admins narrow to one patient or one member of staff: the number that is typed, and whom the address names."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.forms.review import NumberForm
from clinic.models import Patient
from clinic.views.posted import id_in


def by_number(request: HttpRequest, page: str) -> tuple[NumberForm, HttpResponse | None]:
    """The form for a patient's number; and the way to the page of that patient, once it names one."""
    form = NumberForm(request.POST or None)
    if form.is_valid():
        patients = Patient.objects.visible_to(request.user)
        if found := patients.filter(number=form.cleaned_data["number"]).first():
            return form, redirect(reverse(page, query={"patient": found.pk}))
        form.add_error("number", _("There is no patient with this number."))
    return form, None


def chosen(request: HttpRequest, name: str, rows: Any) -> Any:
    """The row that the address names; None where it names none. Raises Http404 for one that is not there."""
    return get_object_or_404(rows, pk=id_in(request.GET, name)) if request.GET.get(name) else None
