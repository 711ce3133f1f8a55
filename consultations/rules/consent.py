"""Consent: in force, for this formula, signed by somebody who may."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.models import Patient
from clinic.rules.people import is_minor, of_age_from
from consultations.dates import in_words
from consultations.enums import PlanStatus, SignAgain, Signer
from consultations.models import Consent, Plan
from consultations.queries import PlanFacts, in_error
from consultations.read_with_plans import NewerText
from consultations.rules import validity


def in_force(facts: PlanFacts, *, on: datetime) -> Consent | None:
    """The consent that covers the plan at the moment: one of those that count, not run out by its day, and under a
    text that no newer version has replaced for this plan."""
    day = timezone.localdate(on)
    return next(
        (
            each
            for each in _counting(facts, on=on)
            if validity.consent_ends(each, facts) > day and not asked_again(each, facts)
        ),
        None,
    )


def asked_again(consent: Consent, facts: PlanFacts) -> bool:
    """Whether a newer version of its text asks for a new signature, as its publisher decided.

    "Now" asks everybody; "at the next course" those whose course had not begun by then: nothing had been given. The SQL
    gate says the same (`gate_consent`).
    """
    row: Any = consent  # read with its newer texts by `facts_of`
    return any(_asks(NewerText.of(each), facts) for each in row.newer_texts)


def _asks(newer: NewerText, facts: PlanFacts) -> bool:
    if newer.sign_again == SignAgain.NEXT_COURSE:
        return not any(session.started_at < newer.since for session in facts.given)
    return newer.sign_again == SignAgain.NOW


def run_out(facts: PlanFacts, *, on: datetime) -> Consent | None:
    """The last consent that would count at the moment, had it not run out by its day or its text been replaced; None
    while one is in force."""
    return None if in_force(facts, on=on) else next(iter(_counting(facts, on=on)), None)


def _counting(facts: PlanFacts, *, on: datetime) -> list[Consent]:
    """Signed by then by who may, for the plan's formula, neither withdrawn nor entered in error; newest first."""
    return [
        consent
        for consent in sorted(facts.consents, key=lambda each: each.signed_at, reverse=True)
        if getattr(consent, "withdrawal", None) is None
        and not in_error(consent)
        and consent.signed_at <= on
        and consent.formula_id == facts.plan.formula_id
        and not signed_alone_as_minor(consent, facts)
    ]


def signed_alone_as_minor(consent: Consent, facts: PlanFacts) -> bool:
    """Whether the patient signed for themselves and was under 18 then, by the birth date that is on record now: a slip of
    the hand that the desk has corrected since. Not asked of a session that had begun. Twin: the SQL gate (`gate_consent`)."""
    of_age = of_age_from(facts.plan.patient.birth_date)
    is_alone = consent.signer == Signer.PATIENT
    return facts.is_of_now and is_alone and timezone.localdate(consent.signed_at) < of_age


def check_signer(
    *,
    patient: Patient,
    plan: Plan,
    signer: Signer,
    signer_name: str,
    relation: str,
    identity_seen: str,
    assent_name: str = "",
    assent_missing: str = "",
    assent_drawn: bool = False,
    agreed: bool,
    at: datetime,
) -> None:
    """A minor's representative signs, seen to be who they are; the young person agrees too, or it is said why not.

    The name is typed and the plan is still open (policy of the clinic).

    Raises:
        DomainError: for the field that is wrong.
    """
    if plan.status not in (PlanStatus.ACTIVE, PlanStatus.ON_HOLD):
        raise DomainError(_("This plan is not open; there is nothing to consent to."), "plan_not_open")
    check_who(patient, signer, signer_name, relation, at=at)
    if signer == Signer.REPRESENTATIVE and not identity_seen.strip():
        raise DomainError(
            _("Say how the identity of the representative was seen."), "identity_seen", field="identity_seen"
        )
    _check_assent(patient, assent_name, assent_missing, drawn=assent_drawn, at=at)
    if not agreed:
        raise DomainError(
            _("The text has to be read and agreed to before it is signed."),
            "agreed",
            field="agreed",
        )


def check_who(patient: Patient, signer: Signer, name: str, relation: str, *, at: datetime) -> None:
    """A minor does not sign alone; whoever signs is named, and a representative says how they are related.

    Raises:
        DomainError: field `signer`, `signer_name` or `signer_relation`.
    """
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


def _check_assent(patient: Patient, name: str, missing: str, *, drawn: bool, at: datetime) -> None:
    """Somebody under 18 is asked too: their name, or why it is not there. Nobody else's assent is taken.

    A drawing without the name is neither: it is not dropped, and it does not stand for a word that was not given.
    """
    named, explained = bool(name.strip()), bool(missing.strip())
    if drawn and not named:
        raise DomainError(
            _("Type the young person's name beside their drawing, or clear the drawing."),
            "assent_drawn",
            field="assent_name",
        )
    if is_minor(patient, at=at) and not named and not explained:
        raise DomainError(
            _("Type the young person's name if they agree too, or say why there is no assent."),
            "assent",
            field="assent_name",
        )
    if named and explained:
        raise DomainError(
            _("Either the young person agrees too, or say why not; not both."),
            "assent_or_reason",
            field="assent_missing",
        )
    if named and not is_minor(patient, at=at):
        raise DomainError(
            _("The patient is of age on %(day)s: an assent is not taken.") % {"day": in_words(at)},
            "assent_of_age",
            field="assent_name",
        )
