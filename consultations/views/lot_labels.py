"""What a lot's label says: strength and excipients, noted where nobody has, or put right."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.errors import DomainError
from consultations.actions import lots as actions
from consultations.forms.lots import LabelForm
from consultations.lot_queries import is_named
from consultations.models import Lot
from consultations.rules import authorship
from consultations.rules.lots import label_words, named_words


@require_http_methods(["GET", "POST"])
def label(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """Note the strength and the excipients that the label says."""
    lot = get_object_or_404(Lot.objects.visible_to(request.user).select_related("component"), pk=lot_id)
    authorship.check_may_record(request.user)
    back = f"{reverse('consultations:lots')}?lot={lot.pk}"
    known = {"label_amount": lot.label_amount, "label_ml": lot.label_ml}
    shown = {name: value.normalize() for name, value in known.items() if value is not None}
    typed = request.POST if request.method == "POST" else None
    form = LabelForm(
        typed, initial={**shown, "allergen_groups": lot.allergen_groups}, kept=lot.allergen_groups
    )
    if request.method == "POST" and form.is_valid():
        try:
            noted = actions.note_label(lot=lot, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            said = {"lot": noted.number, "strength": label_words(noted) or _("counted in ml")}
            messages.success(request, _("Lot %(lot)s: %(strength)s.") % said)
            return redirect(back)
    context = {"form": form, "lot": lot, "back": back, "stays": named_words() if is_named(lot) else ""}
    return render(request, "consultations/lot_label.html", context, status=422 if form.errors else 200)
