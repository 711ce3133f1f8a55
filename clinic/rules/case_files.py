"""Who may open a patient's record for a case, and what a case must say.

The source is the clinic's policy (docs/adr/0032): whoever answers a complaint, a recall or an authority reads one record, for a
stated purpose and time, and nobody else does with them.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import CaseFile, Patient, User


def check_may_keep_case_files(user: User) -> None:
    """Admins open case files, see that there are some, and close them.

    Raises:
        NotAllowed: for anybody else.
    """
    if not may_keep_case_files(user):
        raise NotAllowed(_("Case files are opened by admins. Ask one of them."), "case_files_by_admins")


def may_keep_case_files(user: User) -> bool:
    """See check_may_keep_case_files."""
    return user.has_role(Role.ADMIN)


def check_may_extend(user: User, case_file: CaseFile) -> None:
    """The owner, while the case is open.

    Raises:
        NotAllowed: for anybody else.
        DomainError: case_file_closed.
    """
    check_may_keep_case_files(user)
    if case_file.opened_by_id != user.pk:
        raise NotAllowed(
            _("Only %(owner)s can extend this case. Open one of your own for another purpose.")
            % {"owner": case_file.opened_by},
            "case_file_of_another",
        )
    check_is_open(case_file)


def may_extend(user: User, case_file: CaseFile) -> bool:
    """See check_may_extend."""
    return may_keep_case_files(user) and case_file.opened_by_id == user.pk and case_file.closed_at is None


def check_is_open(case_file: CaseFile) -> None:
    """Closed once, for good.

    Raises:
        DomainError: case_file_closed.
    """
    if case_file.closed_at is not None:
        raise DomainError(_("This case is closed. Open another one."), "case_file_closed")


def check_about(patient: Patient) -> None:
    """One record, and the one that counts.

    Raises:
        DomainError: case_file_of_merged, case_file_of_erased.
    """
    if patient.erased_at:
        raise DomainError(_("This record was erased: there is nothing to be read."), "case_file_of_erased")
    if patient.merged_into_id:
        raise DomainError(
            _("This record was merged into another. Open the case on the one that counts."),
            "case_file_of_merged",
        )


def check_as_of(as_of: datetime, *, at: datetime) -> None:
    """The record as it stood, not as it will stand.

    Raises:
        DomainError: as_of_in_future.
    """
    if as_of > at:
        raise DomainError(
            _("Choose a day in the past: the record can be shown as it stood, not as it will stand."),
            "as_of_in_future",
            field="as_of",
        )


def check_said(text: str, *, field: str) -> None:
    """Words, not blanks.

    Raises:
        DomainError: not_said, for the field.
    """
    if not text.strip():
        raise DomainError(_("Write it in a few words."), "not_said", field=field)
