"""What the pathway does when two records become one, and when they are taken apart again."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.models import Patient, PatientMerge, User
from consultations.actions.visits import resettle
from consultations.enums import AllergyStatus
from consultations.models import Allergy, ClinicalReport


def merged(*, merge: PatientMerge, by: User, at: datetime) -> None:
    """What warned at the other record warns at this one now: its visits are judged anew. Under the locks of the merge."""
    resettle(patient_id=merge.survivor_id, by=by, at=at)


def taken_apart(*, merge: PatientMerge, by: User, at: datetime) -> None:
    """Nobody knows whose it is what was told or done meanwhile. So no session of either starts until a practitioner has
    looked, and every allergy that was reported or assessed meanwhile stands in both records. A policy of the clinic.
    """
    survivor, other = merge.survivor, merge.patient
    meanwhile = Q(reported_at__gte=merge.merged_at) | Q(pk__in=merge.moved.get(Allergy._meta.label, {}))
    for allergy in Allergy.objects.in_force().filter(meanwhile, patient=survivor):
        _report(allergy, other, by=by, at=at)
    words = _(
        "№ %(one)s and № %(other)s were one record for a while and were taken apart. Look at both: what was told or done "
        "meanwhile may be the other person's."
    ) % {"one": survivor.number, "other": other.number}
    for patient in (survivor, other):
        ClinicalReport.objects.create(patient=patient, words=words, reported_at=at, reported_by=by)
        resettle(patient_id=patient.pk, by=by, at=at)


def _report(allergy: Allergy, patient: Patient, *, by: User, at: datetime) -> None:
    """The same allergy, as reported: it closes what it closed, until a practitioner has assessed it for this patient."""
    Allergy.objects.create(
        patient=patient,
        group_code=allergy.group_code,
        component_codes=allergy.component_codes,
        words=allergy.words,
        reaction=allergy.reaction,
        status=AllergyStatus.REPORTED,
        reported_at=at,
        reported_by=by,
    )
