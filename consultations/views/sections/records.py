"""Records that wait for their signature."""

from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.models import ClinicSettings, User
from clinic.templatetags.clinic_tags import when
from consultations.models import Consultation, Review, Session
from consultations.queries import unsigned
from consultations.views.sections.page import Row, Section, section


def drafts(request: HttpRequest, at: datetime) -> Section:
    """Drafts unsigned for longer than the clinic's hours."""
    hours = ClinicSettings.current().unsigned_after_hours
    return section(
        request,
        "unsigned",
        unsigned(request.user, before=at - timedelta(hours=hours)),
        lambda draft: _draft_row(draft, request.user),
        title=_("Unsigned for more than %(hours)s hours") % {"hours": hours},
        icon="signature",
        empty=_("Every record is signed"),
        filled_by=_("Drafts appear here when they are left unsigned, your own and your colleagues'."),
    )


def _draft_row(draft: Consultation | Session | Review, user: User) -> Row:
    kind, what = "consultation", _("Consultation")
    if isinstance(draft, Review):
        kind, what = "review", _("Review · %(plan)s") % {"plan": draft.plan.indication}
    if isinstance(draft, Session):
        kind, what = (
            "session",
            _("Session %(ordinal)s · %(plan)s")
            % {
                "ordinal": draft.planned.ordinal,
                "plan": draft.plan.indication,
            },
        )
    since = _("begun %(moment)s") % {"moment": when(draft.created_at)}
    author = {"who": draft.practitioner}
    if draft.practitioner.user_id == user.pk:
        url = reverse(f"consultations:{kind}", args=[draft.pk])
        return Row(draft.patient, what, since, url, _("Finish and sign"), chip=_("yours"), tone="info")
    url = reverse("consultations:take_over", args=[kind, draft.pk])
    action = _("Take over from %(who)s") % author
    return Row(draft.patient, what, since, url, action, note=_("written by %(who)s") % author, posts=True)
