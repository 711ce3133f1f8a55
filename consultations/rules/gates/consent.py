"""A consent in force that names the plan's formula."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.models import Consent, PlannedSession
from consultations.queries import PlanFacts
from consultations.rules import validity
from consultations.rules.consent import asked_again, in_force, run_out, signed_alone_as_minor


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`consent`, as long as there is none."""
    if in_force(facts, on=on):
        return []
    ended = run_out(facts, on=on)
    if ended:
        return [_to_sign_anew(ended, facts)]
    if any(signed_alone_as_minor(each, facts) for each in facts.consents):
        born = _("By the birth date that is on record now, the patient was under 18 and signed alone.")
        return [Condition("consent", _("Consent to sign anew: a representative signs."), detail=born)]
    return [Condition("consent", _("Consent to sign."), detail=_("No consent in force names this formula."))]


def _to_sign_anew(ended: Consent, facts: PlanFacts) -> Condition:
    """Why one that was signed does not count any more: a newer text asks, the patient is of age, or its time is over."""
    day = in_words(validity.consent_ends(ended, facts))
    said = {
        "name": ended.signer_name,
        "signed": in_words(ended.signed_at),
        "version": ended.text.version,
        "day": day,
    }
    if asked_again(ended, facts):
        words = _("Consent to sign anew: its text has changed.")
        detail = _(
            "Signed by %(name)s on %(signed)s under version %(version)s; a newer one asks to sign again."
        )
    elif validity.ends_of_age(ended, facts):
        words = _("Consent to sign anew: from %(day)s the patient signs, who is of age then.")
        detail = _("Signed by %(name)s for the patient on %(signed)s.")
    else:
        words = _("Consent to sign anew: the last one is valid until %(day)s.")
        detail = _("Signed by %(name)s on %(signed)s; valid until %(day)s.")
    return Condition("consent", words % said, detail=detail % said)
