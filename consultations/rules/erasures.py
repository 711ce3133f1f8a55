"""Who may have a record erased, and what has to be said.

The source is the clinic's policy (docs/adr/0036): an admin decides, because the desk and those who treat have other reasons
to want a record gone; and the clinic number is typed from what the patient showed, because the wrong record is not had back.
"""

import re
from datetime import datetime

from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.enums import ErasureKind, Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import Erasure, Patient, User

_A_NAME = 3  # letters; shorter parts of names are words as well


def check_may_decide(user: User) -> None:
    """Admins decide that a record is erased, see what was, and withdraw it.

    Raises:
        NotAllowed: for anybody else.
    """
    if not may_decide(user):
        raise NotAllowed(_("Records are erased by admins. Ask one of them."), "erasures_by_admins")


def may_decide(user: User) -> bool:
    """See check_may_decide."""
    return user.has_role(Role.ADMIN)


def check_number(number: int, patient: Patient) -> None:
    """The number was typed again, not only clicked at.

    Raises:
        DomainError: wrong_number.
    """
    if number != patient.number:
        raise DomainError(
            _("That is not the clinic number of this record. Compare it with what the patient showed."),
            "wrong_number",
            field="number",
        )


def check_said(text: str, patient: Patient, *, field: str) -> None:
    """Words that outlive the record: none of them is a name of it.

    Raises:
        DomainError: not_said, names_the_patient.
    """
    if not text.strip():
        raise DomainError(_("Write it in a few words."), "not_said", field=field)
    said = set(re.findall(r"\w+", text.casefold()))
    if said & _names(patient) or str(patient.number) in said:
        raise DomainError(
            _("Leave out names and numbers of the patient: this sentence stays when the record is gone."),
            "names_the_patient",
            field=field,
        )


def check_time_is_over(kind: ErasureKind, until: datetime | None, *, at: datetime) -> None:
    """Nobody says that the time of keeping is over while it is not.

    Raises:
        DomainError: still_kept.
    """
    if kind == ErasureKind.OVER and until and until > at:
        raise DomainError(
            _("The clinical record has to be kept until %(when)s.") % {"when": moment_in_words(until)},
            "still_kept",
            field="kind",
        )


def check_may_withdraw(erasure: Erasure) -> None:
    """Until anything was done.

    Raises:
        DomainError: erasure_begun, erasure_withdrawn.
    """
    if erasure.withdrawn_at:
        raise DomainError(_("It was withdrawn already."), "erasure_withdrawn")
    if erasure.done.exists():
        raise DomainError(_("It was begun already; what is gone does not come back."), "erasure_begun")


def may_withdraw(erasure: Erasure) -> bool:
    """See check_may_withdraw; of an erasure that was fetched with what was done."""
    return erasure.withdrawn_at is None and not erasure.done.all()


def _names(patient: Patient) -> set[str]:
    texts = (
        *(patient.family_name, patient.given_names, patient.family_name_latin, patient.given_names_latin),
        *(patient.representative_name, patient.email),
    )
    return {word for text in texts for word in re.findall(r"\w+", text.casefold()) if len(word) >= _A_NAME}
