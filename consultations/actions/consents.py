"""Consent: signed on screen, withdrawn by a new row with immediate effect."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import User
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.enums import Signer
from consultations.models import Consent, ConsentText, ConsentWithdrawal, Plan
from consultations.rules import authorship, consent_texts
from consultations.rules import consent as rules

Strokes = list[list[list[int]]]


@dataclass(frozen=True)
class Beside:
    """What stands beside the typed name: the drawing, the identity seen, the interpreter, a young person's assent."""

    strokes: Strokes = field(default_factory=list)
    identity_seen: str = ""
    interpreter_name: str = ""
    assent_name: str = ""
    assent_missing: str = ""
    assent_strokes: Strokes = field(default_factory=list)


NOTHING_BESIDE = Beside()


@explained
def sign(
    *,
    plan: Plan,
    text: ConsentText,
    signer: Signer,
    signer_name: str,
    signer_relation: str = "",
    beside: Beside = NOTHING_BESIDE,
    agreed: bool,
    words_read: str,
    by: User,
    at: datetime,
) -> Consent:
    """The patient, or who represents them, signs the text; the practitioner witnesses.

    Without strokes the typed name signs: both are worth the same. All that stands beside it is in the seal. `words_read`
    is the seal of the words on the page: these very words are signed or none. Raises DomainError: a minor signing alone
    or not asked, no name, an identity nobody saw, not agreed, or other words than were read.
    """
    authorship.check_may_record(by)
    hold_still(plan.patient_id)
    rules.check_signer(
        patient=plan.patient,
        plan=plan,
        signer=signer,
        signer_name=signer_name,
        relation=signer_relation,
        identity_seen=beside.identity_seen,
        assent_name=beside.assent_name,
        assent_missing=beside.assent_missing,
        assent_drawn=bool(beside.assent_strokes),
        agreed=agreed,
        at=at,
    )
    _check_read(consent_texts.wording(plan, text), words_read)
    name = {"signer": signer, "signer_name": signer_name, "signer_relation": signer_relation}
    consent = _sealed(plan, text, name | asdict(beside), by=by, at=at)
    resettle(patient_id=plan.patient_id, by=by, at=at)
    return consent


def _check_read(words: str, words_read: str) -> None:
    """What the text names, as the risks, may have changed between reading and signing."""
    if words_read != consent_texts.seal_of(words):
        raise DomainError(
            _("What this text names has been changed meanwhile. Read it again before you sign."),
            "words_changed",
            field="agreed",
        )


def _sealed(plan: Plan, text: ConsentText, signature: dict[str, Any], *, by: User, at: datetime) -> Consent:
    consent = Consent(
        patient_id=plan.patient_id,
        plan=plan,
        formula_id=plan.formula_id,
        text=text,
        words=consent_texts.wording(plan, text),
        signed_at=at,
        signed_by=by,
        **signature,
    )
    consent.content_hash = content_hash(consent)
    consent.save(force_insert=True)
    return consent


@explained
def withdraw(*, consent: Consent, reason: str, by: User, at: datetime) -> ConsentWithdrawal:
    """From this moment on nothing may be injected under this consent.

    Raises:
        DomainError: it was withdrawn before.
    """
    authorship.check_may_record(by)
    hold_still(consent.patient_id)
    if ConsentWithdrawal.objects.filter(consent=consent).exists():
        raise DomainError(_("This consent has been withdrawn already."), "withdrawn_already")
    withdrawal = ConsentWithdrawal.objects.create(
        consent=consent, reason=reason, withdrawn_at=at, recorded_by=by
    )
    resettle(patient_id=consent.patient_id, by=by, at=at)
    return withdrawal
