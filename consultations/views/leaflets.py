"""Leaflets: read and printed, handed out for a plan, and what was handed out before."""

from uuid import UUID

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import DomainError
from clinic.rules.people import is_minor
from consultations.actions import leaflets as actions
from consultations.enums import HandoutWay
from consultations.forms.leaflets import HandOutForm
from consultations.models import Leaflet, LeafletHandout, Plan
from consultations.rules import authorship
from consultations.rules import leaflets as rules
from consultations.views import chart
from consultations.views.paging import pages

PAGE_SIZE = 25


@require_GET
def show(request: HttpRequest, leaflet: int) -> HttpResponse:
    """One version to read and print; those that were replaced stay readable, because they were handed out."""
    row = get_object_or_404(Leaflet.objects.visible_to(request.user), pk=leaflet)
    context = {"leaflet": row, "blocks": list(rules.blocks(row.body))}
    return render(request, "consultations/leaflet.html", context)


@require_http_methods(["GET", "POST"])
def of_plan(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """The leaflets for the plan's procedure, offered before a session; handing one out goes on record."""
    parts = ("patient", "indication", "formula", "technique")
    plan = get_object_or_404(Plan.objects.visible_to(request.user).select_related(*parts), pk=plan_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, plan.patient, at=at)
    handed = LeafletHandout.objects.visible_to(request.user).filter(patient=plan.patient)
    last = handed.counting().filter(leaflet=OuterRef("pk")).order_by("-handed_at").values("handed_at")[:1]
    in_force = Leaflet.objects.visible_to(request.user).current().annotate(last_handed_at=Subquery(last))
    in_force = list(in_force.order_by("name"))
    fits = rules.fitting(in_force, technique=plan.technique, formula=plan.formula)
    others = [each for each in in_force if each not in fits]
    reader = (is_minor(plan.patient, at=at) and plan.patient.representative_name) or plan.patient.name
    posted = request.POST if request.method == "POST" else None
    form = HandOutForm(posted, leaflets=[*fits, *others], handed_to=reader)
    if request.method == "POST" and form.is_valid() and _handed(request, plan, form):
        return redirect("consultations:leaflets_of", plan.pk)
    context = {
        "plan": plan,
        "form": form,
        "offered": fits,
        "handed": pages(
            request,
            handed.select_related("leaflet", "handed_by", "entered_in_error"),
            name="handed",
            size=PAGE_SIZE,
        ),
        **chart.header(request, plan.patient),
    }
    return render(request, "consultations/leaflets.html", context, status=422 if form.errors else 200)


def _handed(request: HttpRequest, plan: Plan, form: HandOutForm) -> bool:
    """Whether it went on record; a refusal stands beside its field."""
    data = form.cleaned_data | {"way": HandoutWay(form.cleaned_data["way"])}
    try:
        actions.hand_out(patient=plan.patient, plan=plan, **data, by=request.user, at=timezone.now())
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return False
    messages.success(request, _("On record: the leaflet was handed out."))
    return True
