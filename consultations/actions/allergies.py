"""Allergies and alerts: reported by anyone at the desk, assessed by a practitioner."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import Patient, User
from consultations.actions.visits import hold_still, resettle
from consultations.enums import AllergyStatus
from consultations.models import Alert, AllergenGroup, Allergy
from consultations.rules import alerts, authorship


@explained
def report(
    *,
    patient: Patient,
    words: str,
    group_code: str = "",
    reaction: str = "",
    by: User,
    at: datetime,
) -> Allergy:
    """Write down what the patient says. A named group closes its components at once.

    Raises:
        NotAllowed: reception and practitioners only.
        DomainError: no words, an unknown group, or on record already.
    """
    authorship.check_may_report(by)
    if not words.strip():
        raise DomainError(_("Write what the patient is allergic to."), "words_missing", field="words")
    if group_code and not AllergenGroup.objects.current().filter(code=group_code).exists():
        raise DomainError(_("Choose the group from the list."), "unknown_group", field="group_code")
    hold_still(patient.pk)
    allergy = Allergy(
        patient=patient,
        words=words,
        group_code=group_code,
        reaction=reaction,
        reported_at=at,
        reported_by=by,
    )
    alerts.check_reported_once(allergy)
    allergy.save()
    resettle(patient_id=patient.pk, by=by, at=at)
    return allergy


@explained
def assess(
    *,
    allergy: Allergy,
    status: AllergyStatus,
    group_code: str,
    assessment: str,
    seen: datetime | None = None,
    by: User,
    at: datetime,
) -> Allergy:
    """A practitioner confirms or refutes, and names the group if there is one. `seen` is when it was last assessed as the
    page showed it.

    Raises:
        DomainError: no assessment, or not a decision.
        AssessedMeanwhile: by somebody else.
    """
    authorship.check_may_record(by)
    if status == AllergyStatus.REPORTED:
        raise DomainError(_("Choose confirmed or refuted."), "not_decided", field="status")
    if not assessment.strip():
        raise DomainError(
            _("Say what your assessment rests on."),
            "assessment_missing",
            field="assessment",
        )
    hold_still(allergy.patient_id)
    row = Allergy.objects.select_related("assessed_by").get(pk=allergy.pk)
    alerts.check_assessment_seen(row, seen)
    row.status, row.group_code, row.assessment = status, group_code, assessment
    row.assessed_at, row.assessed_by = at, by
    row.save()
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


@explained
def raise_alert(*, patient: Patient, text: str, by: User, at: datetime) -> Alert:
    """Show a sentence in the patient's header to everybody who meets them.

    Raises:
        DomainError: no text, or it shows already.
    """
    authorship.check_may_record(by)
    if not text.strip():
        raise DomainError(_("Write the alert."), "text_missing", field="text")
    hold_still(patient.pk)
    alert = Alert(patient=patient, text=text, raised_at=at, raised_by=by)
    alerts.check_raised_once(alert)
    alert.save()
    return alert


@explained
def lift_alert(*, alert: Alert, by: User, at: datetime) -> Alert:
    """Take the sentence out of the header; it stays on record.

    Raises:
        DomainError: it was lifted before.
    """
    authorship.check_may_record(by)
    row = Alert.objects.select_for_update().get(pk=alert.pk)
    if row.lifted_at:
        raise DomainError(_("This alert has been lifted already."), "lifted_already")
    row.lifted_at, row.lifted_by = at, by
    row.save()
    return row
