"""How long a consultation and a consent hold (PathwayPolicy: both are asked for anew after a time).

Judged by the clinic's days: the last day is the one before the same calendar day so many months later, the last of a
shorter month. The SQL gate says the same (migration 0013).
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.utils import timezone

from clinic.gaps import months_later
from clinic.models import Patient
from clinic.rules.people import of_age_from
from consultations.enums import Signer
from consultations.models import Consent
from consultations.queries import PlanFacts
from consultations.rules.plans import next_to_give


def consultation_ends(facts: PlanFacts, *, on: datetime) -> date | None:
    """The first day on which the consultation has to be confirmed or held anew; None while it is not signed."""
    signed = facts.plan.consultation.signed_at
    moments = [each for each in [signed, *facts.confirmed] if each is not None and each <= on]
    if not moments:
        return None
    return months_later(timezone.localdate(max(moments)), facts.validity.consultation_months)


def consultation_to_confirm(facts: PlanFacts, *, on: datetime) -> bool:
    """Whether a session is to come and the consultation does not hold any more: nothing is asked of a finished plan."""
    ends = consultation_ends(facts, on=on)
    return next_to_give(facts) is not None and ends is not None and ends <= timezone.localdate(on)


def consent_ends(consent: Consent, facts: PlanFacts) -> date:
    """The first day on which the consent no longer holds: too old, or the minor it was signed for is of age."""
    return min(_ends(consent, facts.plan.patient, months=facts.validity.consent_months))


def ends_of_age(consent: Consent, facts: PlanFacts) -> bool:
    """Whether it ends because the patient it was signed for is of age from then on."""
    return consent_ends(consent, facts) == of_age_from(facts.plan.patient.birth_date)


def _ends(consent: Consent, patient: Patient, *, months: int) -> Iterable[date]:
    signed_on = timezone.localdate(consent.signed_at)
    yield months_later(signed_on, months)
    of_age = of_age_from(patient.birth_date)
    if consent.signer == Signer.REPRESENTATIVE and signed_on < of_age:
        yield of_age
