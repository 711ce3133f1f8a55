"""A check after a session: asked and recorded by practitioners; the desk is asked to call."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.enums import ContactReason
from clinic.errors import DomainError
from clinic.models import ContactTry
from clinic.rules import access
from clinic.views.posted import way_back
from clinic.views.privacy import called
from consultations.actions import follow_ups
from consultations.enums import FollowUpAnswer
from consultations.forms.follow_ups import FollowUpForm
from consultations.models import AdverseEvent, FollowUp, FollowUpRule, Session
from consultations.rules import authorship
from consultations.rules.follow_ups import due_on
from consultations.views import chart
from consultations.views.event_origin import record_url
from consultations.worklists.follow_ups import due

_TRIES = 10


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, session_id: UUID, code: str) -> HttpResponse:
    """The question, whom to ask it, and the answer; something noticed leads on to the adverse event."""
    sessions = Session.objects.visible_to(request.user).given()
    people = ("patient", "practitioner", "plan__indication", "planned")
    session = get_object_or_404(sessions.select_related(*people), pk=session_id)
    rule = get_object_or_404(FollowUpRule.objects.current(), code=code)
    at = timezone.now()
    chart.opened(request, session.patient, at=at)
    form = FollowUpForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _page(request, session, rule, form, at=at)
    try:
        made = follow_ups.record(session=session, rule=rule, told=form.told, by=request.user, at=at)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, session, rule, form, at=at, status=refusal.status)
    return _onwards(request, made)


def _onwards(request: HttpRequest, made: FollowUp) -> HttpResponse:
    """Back to the list; where something was noticed, to the event with its session."""
    if made.answer == FollowUpAnswer.SOMETHING:
        messages.success(request, _("The answer is on record. Now record what was noticed as an event."))
        return redirect(record_url(made))
    messages.success(
        request, _("The check is on record: %(answer)s.") % {"answer": made.get_answer_display()}
    )
    return redirect(f"{reverse('consultations:worklists')}#checks")


def _page(
    request: HttpRequest,
    session: Session,
    rule: FollowUpRule,
    form: FollowUpForm,
    *,
    at: datetime,
    status: int = 200,
) -> HttpResponse:
    made = FollowUp.objects.visible_to(request.user).filter(session=session, rule__code=rule.code)
    made = made.select_related("rule", "done_by").first()
    events = AdverseEvent.objects.visible_to(request.user).in_force()
    tries = ContactTry.objects.filter(
        entry__patient=session.patient,
        entry__reason=ContactReason.FOLLOW_UP,
        tried_at__gte=session.started_at,
    )
    context = chart.header(request, session.patient) | {
        "session": session,
        "rule": made.rule if made else rule,
        "made": made,
        "events": events.filter(follow_up=made).select_related("reaction") if made else [],
        "record_url": record_url(made) if made else "",
        "may_record": bool(made)
        and made.answer == FollowUpAnswer.SOMETHING
        and authorship.may_record(request.user),
        "form": form,
        "waiting": None if made else due(at=at).where(pk=session.pk).first(),
        "due_on": due_on(timezone.localdate(session.started_at), rule),
        "tries": tries.select_related("tried_by").order_by("-tried_at")[:_TRIES],
    }
    return render(request, "consultations/follow_up.html", context, status=422 if form.errors else status)


@require_POST
def call(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Put the patient whose check is due on the contact list."""
    access.check_may_contact(request.user)
    at = timezone.now()
    session = get_object_or_404(due(at=at).where(pk=session_id))
    follow_ups.ask_to_call(session=session, by=request.user, at=at)
    words = _("%(name)s is on the list of patients to call.")
    messages.success(request, words % {"name": called(request, session.patient)})
    return redirect(way_back(request, request.POST) or "consultations:late")
