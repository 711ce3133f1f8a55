"""Photographs, the consent to them, and those taken out of sight."""

from consultations.models import PhotoRemoval
from tests.factories import (
    AdverseEventFactory,
    PhotoFactory,
    PhotographyConsentFactory,
    PhotographyWithdrawalFactory,
    PhotoRemovalFactory,
    PlanFactory,
    ReviewFactory,
    SessionFactory,
    UserFactory,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.final_records import Record, records
from tests.guards import Cases

constraints = Cases()
triggers = Cases()

records(
    triggers,
    Record(PhotoFactory, "note", "photo_append_only"),
    Record(PhotoRemovalFactory, "reason", "photo_removal_signed"),
    Record(PhotographyConsentFactory, "signer_name", "photography_consent_append_only"),
    Record(PhotographyWithdrawalFactory, "reason", "photography_withdrawal_append_only"),
)


@constraints.refused_by("photo_sized")
def _a_photograph_without_height() -> None:
    PhotoFactory(height=0)


@constraints.refused_by("photo_sized")
def _a_photograph_without_bytes() -> None:
    PhotoFactory(byte_count=0)


@constraints.refused_by("photo_file_named")
def _a_file_outside_the_folder() -> None:
    PhotoFactory(file_name="../secret_key")


@constraints.refused_by("photo_file_named")
def _a_file_without_a_digest() -> None:
    PhotoFactory(sha256="")


@constraints.refused_by("photo_past")
def _a_photograph_that_is_still_to_be_taken() -> None:
    PhotoFactory(taken_at=ago(minutes=1))


@constraints.refused_by("photo_moment")
def _a_photograph_at_an_unknown_moment() -> None:
    PhotoFactory(moment="during")


@constraints.refused_by("photo_file_once")
def _one_file_for_two_photographs() -> None:
    PhotoFactory(file_name=PhotoFactory().file_name)


@constraints.refused_by("photo_removal_reason")
def _a_removal_without_a_reason() -> None:
    PhotoRemovalFactory(reason="")


@constraints.refused_by("photo_removal_confirmed_together")
def _a_confirmed_removal_that_says_not_who() -> None:
    PhotoRemovalFactory(confirmed_at=CLINIC_NOW)


@constraints.refused_by("photo_removal_second_person")
def _a_removal_confirmed_by_who_asked_for_it() -> None:
    asked = PhotoRemovalFactory()
    PhotoRemovalFactory(removed_by=asked.removed_by, confirmed_by=asked.removed_by, confirmed_at=CLINIC_NOW)


@triggers.refused_by("photo_removal_signed")
def _a_confirmation_that_is_taken_back() -> None:
    removal = PhotoRemovalFactory(confirmed_by=UserFactory(admin=True), confirmed_at=CLINIC_NOW)
    PhotoRemoval.objects.filter(pk=removal.pk).update(confirmed_by=None, confirmed_at=None)


@constraints.refused_by("photography_consent_signer_named")
def _a_consent_to_photography_signed_by_nobody() -> None:
    PhotographyConsentFactory(signer_name="")


@constraints.refused_by("photography_consent_relation")
def _a_representative_of_unknown_relation() -> None:
    PhotographyConsentFactory(signer="representative")


@triggers.refused_by("photo_consented")
def _a_photograph_under_another_patients_consent() -> None:
    PhotoFactory(consent=PhotographyConsentFactory())


@triggers.refused_by("photo_consented")
def _a_photograph_under_a_withdrawn_consent() -> None:
    consent = PhotographyWithdrawalFactory().consent
    PhotoFactory(patient=consent.patient, consent=consent)


@triggers.refused_by("photo_consented")
def _a_photograph_before_the_consent() -> None:
    consent = PhotographyConsentFactory(signed_at=ago(minutes=5))
    PhotoFactory(patient=consent.patient, consent=consent)


@triggers.refused_by("photo_same_patient")
def _a_photograph_of_somebody_elses_plan() -> None:
    PhotoFactory(plan=PlanFactory())


@triggers.refused_by("photo_same_patient")
def _a_photograph_of_somebody_elses_session() -> None:
    PhotoFactory(session=SessionFactory())


@triggers.refused_by("photo_same_patient")
def _a_photograph_of_somebody_elses_review() -> None:
    PhotoFactory(review=ReviewFactory())


@triggers.refused_by("photo_same_patient")
def _a_photograph_of_somebody_elses_event() -> None:
    PhotoFactory(adverse_event=AdverseEventFactory())
