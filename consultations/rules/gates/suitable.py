"""A signed consultation that found the patient suitable, still valid, and no answer that defers (CLINICAL 3)."""

from datetime import datetime, time

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.enums import SUITABLE
from consultations.models import PlannedSession
from consultations.queries import PlanFacts, in_error
from consultations.rules import validity
from consultations.rules.gates.words import not_cleared


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`consultation`; else `consultation_expired`, and `deferred` with the first day that is possible."""
    consultation = facts.plan.consultation
    signed = (
        consultation.signed_at is not None and consultation.signed_at <= on and not in_error(consultation)
    )
    if not signed or consultation.outcome not in SUITABLE:
        detail = _("There is no signed consultation that found the patient suitable.")
        return [Condition("consultation", _("A consultation is needed first."), detail=detail)]
    return _expired(facts, on) + _deferred(facts, on)


def _expired(facts: PlanFacts, on: datetime) -> list[Condition]:
    ends = validity.consultation_ends(facts, on=on)
    if ends is None or timezone.localdate(on) < ends:
        return []
    said = {"day": in_words(ends)}
    return [
        Condition(
            "consultation_expired",
            _("The consultation is valid until %(day)s: a practitioner asks again and confirms it.") % said,
            who=_("any practitioner"),
            detail=_("From %(day)s on the consultation has to be confirmed, or held anew.") % said,
        )
    ]


def _deferred(facts: PlanFacts, on: datetime) -> list[Condition]:
    day = timezone.localdate(on)
    waits = [answer for answer in facts.answers if answer.defer_until and answer.defer_until > day]
    if not waits:
        return []
    last = max(waits, key=lambda answer: answer.defer_until or day)
    assert last.defer_until is not None  # filtered above
    return [
        Condition(
            "deferred",
            not_cleared(facts),
            earliest=timezone.make_aware(datetime.combine(last.defer_until, time())),
            detail=_("%(question)s: not before %(day)s.")
            % {"question": last.question.name, "day": in_words(last.defer_until)},
        )
    ]
