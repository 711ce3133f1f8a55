"""Consent: in force, for this formula, signed by somebody who may (CLINICAL 3, DESIGN 5)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.models import Patient
from clinic.rules.people import is_minor
from consultations.dates import in_words
from consultations.enums import PlanStatus, Signer
from consultations.models import Consent, Plan
from consultations.queries import PlanFacts, in_error


def in_force(facts: PlanFacts, *, on: datetime) -> Consent | None:
    """The consent that covers the plan at the moment: for its formula, neither withdrawn nor entered in error."""
    for consent in sorted(facts.consents, key=lambda each: each.signed_at, reverse=True):
        withdrawn = getattr(consent, "withdrawal", None) is not None
        counts = not withdrawn and not in_error(consent) and consent.signed_at <= on
        if counts and consent.formula_id == facts.plan.formula_id:
            return consent
    return None


def check_signer(
    *,
    patient: Patient,
    plan: Plan,
    signer: Signer,
    signer_name: str,
    relation: str,
    agreed: bool,
    at: datetime,
) -> None:
    """A minor's representative signs; the name is typed; the plan is still open.

    Raises:
        DomainError: for the field that is wrong.
    """
    if plan.status not in (PlanStatus.ACTIVE, PlanStatus.ON_HOLD):
        raise DomainError(_("This plan is not open; there is nothing to consent to."), "plan_not_open")
    _check_who(patient, signer, signer_name, relation, at=at)
    if not agreed:
        raise DomainError(
            _("The text has to be read and agreed to before it is signed."),
            "agreed",
            field="agreed",
        )


def _check_who(patient: Patient, signer: Signer, name: str, relation: str, *, at: datetime) -> None:
    """A minor does not sign alone; whoever signs is named, and a representative says how they are related."""
    if signer == Signer.PATIENT and is_minor(patient, at=at):
        raise DomainError(
            _("The patient is under 18 on %(day)s: a representative signs.") % {"day": in_words(at)},
            "minor",
            field="signer",
        )
    if not name.strip():
        raise DomainError(
            _("Type the full name of the person who signs."),
            "signer_name",
            field="signer_name",
        )
    if signer == Signer.REPRESENTATIVE and not relation.strip():
        raise DomainError(
            _("Say how the representative is related to the patient."),
            "signer_relation",
            field="signer_relation",
        )
