"""Checks after sessions: asked by a practitioner, or called by the desk."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.enums import ContactOutcome
from clinic.templatetags.clinic_tags import when
from consultations.dates import in_words
from consultations.models import FollowUpRule, Session
from consultations.rules.follow_ups import due_on
from consultations.views.sections.page import Row, Section, section
from consultations.worklists import follow_ups


def due(request: HttpRequest, at: datetime) -> Section:
    """Checks that are due, the longest first."""
    rules = {rule.code: rule for rule in FollowUpRule.objects.current()}
    return section(
        request,
        "checks",
        follow_ups.due(at=at).visible_to(request.user),
        lambda session: _row(session, rules[session.rule_code]),
        title=_("Checks after a session"),
        icon="phone-call",
        empty=_("No check is due"),
        filled_by=_(
            "After the last session of a plan each check appears on its day, until somebody has asked."
        ),
    )


def _row(session: Session, rule: FollowUpRule) -> Row:
    what = _("%(check)s · session %(number)s, %(plan)s") % {
        "check": rule,
        "number": session.planned.ordinal,
        "plan": session.plan.indication,
    }
    day = due_on(timezone.localdate(session.started_at), rule)
    since = _("due since %(day)s") % {"day": in_words(day)}
    chip = _("on the call list") if session.is_called else ""
    url = reverse("consultations:follow_up", args=[session.pk, rule.code])
    return Row(session.patient, what, since, url, _("Ask"), note=tried(session), chip=chip, tone="info")


def tried(session: Session) -> str:
    """The desk's last try, in words; empty where there was none."""
    if session.tried_at is None:
        return ""
    words = {"outcome": ContactOutcome(session.tried_outcome).label, "moment": when(session.tried_at)}
    return _("last try %(moment)s: %(outcome)s") % words
