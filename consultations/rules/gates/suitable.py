"""A signed consultation that found the patient suitable, still valid, and no answer that defers."""

from datetime import datetime, time

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.enums import SUITABLE, Decision
from consultations.models import PlannedSession
from consultations.queries import PlanFacts, in_error
from consultations.rules import validity
from consultations.rules.gates.words import not_cleared


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`consultation`; else `consultation_expired`, `deferred` with the first day that is possible, `contraindicated`."""
    consultation = facts.plan.consultation
    signed = (
        consultation.signed_at is not None and consultation.signed_at <= on and not in_error(consultation)
    )
    if not signed or consultation.outcome not in SUITABLE:
        detail = _("There is no signed consultation that found the patient suitable.")
        return [Condition("consultation", _("A consultation is needed first."), detail=detail)]
    return _expired(facts, on) + _deferred(facts, on) + _ruled_out(facts)


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
    said = [(each.defer_until, each.question.name) for each in facts.answers]
    said += [(each.defer_until, each.name) for each in facts.stops if each.lifted_at is None]
    waits = [(until, name) for until, name in said if until and until > day]
    if not waits:
        return []
    until, name = max(waits)
    return [
        Condition(
            "deferred",
            not_cleared(facts),
            earliest=timezone.make_aware(datetime.combine(until, time())),
            detail=_("%(question)s: not before %(day)s.") % {"question": name, "day": in_words(until)},
        )
    ]


def _ruled_out(facts: PlanFacts) -> list[Condition]:
    """What was answered since the consultation and allows no treatment, until a practitioner lifts it."""
    names = [each.name for each in facts.stops if each.lifted_at is None and each.decision != Decision.DEFER]
    return [
        Condition(
            "contraindicated",
            not_cleared(facts),
            detail=_("%(question)s: answered since the consultation; a practitioner decides.")
            % {"question": name},
        )
        for name in names[:1]
    ]
