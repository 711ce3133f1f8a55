"""Photographs: consented to, added with their file, taken out of sight when they were recorded in error."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import Patient, User
from consultations import photographs
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still
from consultations.enums import Signer
from consultations.models import (
    Photo,
    PhotographyConsent,
    PhotographyConsentWithdrawal,
    PhotographyText,
    PhotoRemoval,
)
from consultations.photographs import Picture
from consultations.rules import authorship
from consultations.rules import photos as rules


@explained
def sign_consent(
    *,
    patient: Patient,
    text: PhotographyText,
    signer: Signer,
    signer_name: str,
    signer_relation: str = "",
    agreed: bool,
    by: User,
    at: datetime,
) -> PhotographyConsent:
    """The patient, or who represents them, agrees to photographs; the practitioner witnesses. No plan is judged by it.

    Raises:
        NotAllowed: practitioners only.
        DomainError: a minor signing alone, no name, not agreed.
    """
    authorship.check_may_record(by)
    hold_still(patient.pk)
    rules.check_signer(
        patient=patient,
        signer=signer,
        signer_name=signer_name,
        relation=signer_relation,
        agreed=agreed,
        at=at,
    )
    consent = PhotographyConsent(
        patient=patient,
        text=text,
        words=text.body,
        signer=signer,
        signer_name=signer_name,
        signer_relation=signer_relation,
        signed_at=at,
        signed_by=by,
    )
    consent.content_hash = content_hash(consent)
    consent.save(force_insert=True)
    return consent


@explained
def withdraw_consent(
    *, consent: PhotographyConsent, reason: str, by: User, at: datetime
) -> PhotographyConsentWithdrawal:
    """From this moment on no photograph is added; treatment goes on as before.

    Raises:
        DomainError: it was withdrawn before.
    """
    authorship.check_may_record(by)
    hold_still(consent.patient_id)
    if PhotographyConsentWithdrawal.objects.filter(consent=consent).exists():
        raise DomainError(_("This consent has been withdrawn already."), "withdrawn_already")
    return PhotographyConsentWithdrawal.objects.create(
        consent=consent, reason=reason, withdrawn_at=at, recorded_by=by
    )


@explained
def add(*, patient: Patient, picture: Picture, details: Mapping[str, Any], by: User, at: datetime) -> Photo:
    """Keep the file, then record it, in this order: a row always has its file. `details` are Photo's own fields.

    A file whose row was refused goes again; one that a crash leaves behind has a name that nobody knows and no row, so
    that no page serves it (`check_photos` lists it). Written after the commit it could be missing from the record.

    Raises:
        NotAllowed: practitioners only.
        DomainError: no consent, a time to come, somebody else's plan, no room on the disk; nothing is kept.
    """
    authorship.check_may_record(by)
    hold_still(patient.pk)
    consent = rules.check_may_add(patient, taken_at=details["taken_at"], at=at)
    photo = Photo(
        patient=patient,
        consent=consent,
        file_name=photographs.new_name(),
        sha256=picture.sha256,
        byte_count=len(picture.content),
        width=picture.width,
        height=picture.height,
        recorded_at=at,
        recorded_by=by,
        **details,
    )
    photo.clean_fields(
        exclude=["patient", "consent", "recorded_by", "plan", "session", "review", "adverse_event"]
    )
    photographs.keep(photo.file_name, picture)
    try:
        photographs.keep_small(photo.file_name, picture.content)
        photo.save(force_insert=True)
    except BaseException:
        photographs.drop(photo.file_name)
        raise
    return photo


@explained
def remove(*, photo: Photo, reason: str, by: User, at: datetime) -> PhotoRemoval:
    """The photograph was recorded in error, of the wrong patient for example: a second person confirms. What a review
    asks for is open again at once.

    Raises:
        NotAllowed: practitioners only.
        DomainError: no reason, or removed before.
    """
    authorship.check_may_record(by)
    if not reason.strip():
        raise DomainError(_("Say what was wrong."), "reason_missing", field="reason")
    hold_still(photo.patient_id)
    if PhotoRemoval.objects.filter(photo=photo).exists():
        raise DomainError(_("This photograph has been called an error already."), "removed_already")
    return PhotoRemoval.objects.create(photo=photo, reason=reason, removed_at=at, removed_by=by)


@explained
def confirm_removal(*, removal: PhotoRemoval, by: User, at: datetime) -> PhotoRemoval:
    """A second person, practitioner or admin, confirms: from now on nobody is shown the photograph.

    Raises:
        NotAllowed: the same person, or neither role.
        DomainError: confirmed before.
    """
    authorship.check_may_confirm(by, asked_by=removal.removed_by_id)
    hold_still(removal.photo.patient_id)
    row = PhotoRemoval.objects.get(pk=removal.pk)
    if not row.waits:
        raise DomainError(_("This has been confirmed already."), "confirmed_already")
    row.confirmed_by, row.confirmed_at = by, at
    row.save()
    return row
