"""The plan: what was agreed, where it stands, and its changes of status with their reasons."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import DomainError
from consultations import course_totals, offers, plan_page, steppers
from consultations.actions import plans as actions
from consultations.enums import PlanStatus
from consultations.forms.plans import ReasonForm
from consultations.models import Plan
from consultations.next_steps import next_of
from consultations.queries import facts_of_one
from consultations.releases import refused_among
from consultations.rules import authorship
from consultations.rules import plans as rules
from consultations.views import chart

_OPEN = (PlanStatus.ACTIVE, PlanStatus.ON_HOLD)


class Change:
    """One way to change a plan's status: the action behind it, and its words."""

    def __init__(
        self, action: Callable[..., Plan], status: PlanStatus, verb: Promise, consequence: Promise, icon: str
    ) -> None:
        self.action, self.status, self.verb = action, status, verb
        self.consequence, self.icon = consequence, icon

    @property
    def is_final(self) -> bool:
        """Stopped and completed plans are never reopened."""
        return self.status in (PlanStatus.STOPPED, PlanStatus.COMPLETED)


CHANGES = {
    "hold": Change(
        actions.hold,
        PlanStatus.ON_HOLD,
        gettext_lazy("Put on hold"),
        gettext_lazy(
            "No session starts until the plan is resumed. Visits keep their times and show as not cleared."
        ),
        "player-pause",
    ),
    "resume": Change(
        actions.resume,
        PlanStatus.ACTIVE,
        gettext_lazy("Resume"),
        gettext_lazy("Sessions can be booked and given again, as far as everything else clears them."),
        "player-play",
    ),
    "complete": Change(
        actions.complete,
        PlanStatus.COMPLETED,
        gettext_lazy("Complete"),
        gettext_lazy("The course is over as it is. A completed plan is not opened again."),
        "circle-check",
    ),
    "stop": Change(
        actions.stop,
        PlanStatus.STOPPED,
        gettext_lazy("Stop"),
        gettext_lazy(
            "A stopped plan is never reopened; going on later takes a new plan. Visits keep their times until"
            " somebody releases them."
        ),
        "player-stop",
    ),
}


@require_GET
def show(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """What was agreed, the windows of all sessions, and what has changed since."""
    plan = get_object_or_404(Plan.objects.visible_to(request.user).select_related("patient"), pk=plan_id)
    at = timezone.now()
    chart.opened(request, plan.patient, at=at)
    facts = facts_of_one(plan)
    is_open = facts.plan.status in _OPEN
    may_write = authorship.may_record(request.user)
    context = chart.header(request, plan.patient) | {
        "plan": facts.plan,
        "steps": steppers.steps_of(facts, at=at),
        "next": next_of(facts, at=at) if is_open else None,
        "agreed": plan_page.agreed(facts, at=at),
        "policy": plan_page.policy_words(facts.plan.test_policy),
        "rows": plan_page.rows(facts, at=at),
        "totals": course_totals.totals(facts),
        "release": refused_among([facts], at=at),
        "may_book_next": is_open and offers.is_something_next(facts, at=at),
        "done": len({session.planned_id for session in facts.given}),
        "changes": list(facts.plan.status_changes.select_related("changed_by")),
        "may_write": may_write,
        "possible": _possible(facts.plan) if may_write else [],
    }
    return render(request, "consultations/plan.html", context)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, plan_id: UUID, change: str) -> HttpResponse:
    """Hold, resume, complete or stop: asks with the consequence in the question, and for the reason."""
    if change not in CHANGES:
        raise Http404
    wanted = CHANGES[change]
    plan = get_object_or_404(
        Plan.objects.visible_to(request.user).select_related("patient", "indication", "formula"), pk=plan_id
    )
    authorship.check_may_record(request.user)
    chart.opened(request, plan.patient, at=timezone.now())
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            wanted.action(plan=plan, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            status = wanted.status.label
            messages.success(request, _("The plan is now “%(status)s”.") % {"status": status})
            return redirect("consultations:plan", plan.pk)
    context = chart.header(request, plan.patient) | {
        "plan": plan,
        "form": form,
        "change": wanted,
        "slug": change,
    }
    return render(request, "consultations/plan_change.html", context, status=422 if form.errors else 200)


def _possible(plan: Plan) -> list[dict[str, Any]]:
    """The changes that this plan's status allows."""
    return [
        {"slug": slug, "verb": each.verb, "icon": each.icon}
        for slug, each in CHANGES.items()
        if rules.may_change_status(plan, each.status) and plan.status in _OPEN
    ]
