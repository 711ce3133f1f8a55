"""A consent in force that names the plan's formula."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules import validity
from consultations.rules.consent import asked_again, in_force, run_out


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`consent`, as long as there is none."""
    if in_force(facts, on=on):
        return []
    ended = run_out(facts, on=on)
    if ended and asked_again(ended, facts):
        return [
            Condition(
                "consent",
                _("Consent to sign anew: its text has changed."),
                detail=_(
                    "Signed by %(name)s on %(signed)s under version %(version)s; a newer one asks to sign again."
                )
                % {
                    "name": ended.signer_name,
                    "signed": in_words(ended.signed_at),
                    "version": ended.text.version,
                },
            )
        ]
    if ended:
        day = in_words(validity.consent_ends(ended, facts))
        if validity.ends_of_age(ended, facts):
            words = _("Consent to sign anew: from %(day)s the patient signs, who is of age then.")
            detail = _("Signed by %(name)s for the patient on %(signed)s.")
            said = {"name": ended.signer_name, "signed": in_words(ended.signed_at)}
            return [Condition("consent", words % {"day": day}, detail=detail % said)]
        return [
            Condition(
                "consent",
                _("Consent to sign anew: the last one is valid until %(day)s.") % {"day": day},
                detail=_("Signed by %(name)s on %(signed)s; valid until %(day)s.")
                % {"name": ended.signer_name, "signed": in_words(ended.signed_at), "day": day},
            )
        ]
    return [
        Condition(
            "consent",
            _("Consent to sign."),
            detail=_("No consent in force names this formula."),
        )
    ]
