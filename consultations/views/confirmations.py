"""A consultation confirmed: the answers on record, asked again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.errors import DomainError
from consultations.actions import confirmations as actions
from consultations.enums import Answer
from consultations.forms.confirmations import ConfirmForm
from consultations.models import Consultation
from consultations.rules import authorship
from consultations.views import chart


@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, consultation_id: UUID) -> HttpResponse:
    """The questions with the answers of the consultation; confirmed, it holds for its months again."""
    rows = Consultation.objects.visible_to(request.user).signed()
    parts = ("patient", "practitioner", "indication")
    row = get_object_or_404(rows.select_related(*parts), pk=consultation_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, row.patient, at=at)
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.confirm(consultation=row, **form.cleaned_data, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The consultation is confirmed."))
            return redirect("consultations:patient", row.patient_id)
    answers = list(row.answers.select_related("question"))
    context = {
        "consultation": row,
        "present": [each for each in answers if each.answer != Answer.NO],
        "denied": [each for each in answers if each.answer == Answer.NO],
        "form": form,
        "back_url": reverse("consultations:patient", args=[row.patient_id]),
        **chart.header(request, row.patient),
    }
    status = 422 if form.errors else 200
    return render(request, "consultations/consultation_confirm.html", context, status=status)
