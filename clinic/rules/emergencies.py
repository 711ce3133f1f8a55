"""Who may open a patient's emergency summary, and who looks at that afterwards.

The source is the clinic's policy (docs/adr/0032): when somebody collapses at the desk, whoever is there reads what an
ambulance asks for, at once and without asking anybody; that it was read is told afterwards.
"""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import EmergencyOpening, User
from clinic.models.emergency import SHORTEST_REASON


def check_may_open(user: User) -> None:
    """Reception and admins; who treats patients reads the record itself.

    Raises:
        NotAllowed: for anybody else.
    """
    if not may_open(user):
        raise NotAllowed(
            _("The emergency summary is for those who may not read the record. Open the patient page."),
            "emergency_not_needed",
        )


def may_open(user: User) -> bool:
    """See check_may_open."""
    return user.has_role(Role.RECEPTION, Role.ADMIN) and not user.has_role(Role.PRACTITIONER)


def check_reason(reason: str) -> None:
    """A few words: `SHORTEST_REASON` letters and signs, blanks not counted, as the database counts them.

    Raises:
        DomainError: reason_too_short.
    """
    if len("".join(reason.split())) < SHORTEST_REASON:
        raise DomainError(
            _("Say in a few words what has happened, for example: fainted in the waiting room."),
            "reason_too_short",
            field="reason",
        )


def check_may_see_reviews(user: User) -> None:
    """Admins look at who opened what in an emergency.

    Raises:
        NotAllowed: for anybody else.
    """
    if not user.has_role(Role.ADMIN):
        raise NotAllowed(_("Emergency openings are reviewed by admins. Ask one."), "emergencies_by_admins")


def check_may_review(user: User, opening: EmergencyOpening) -> None:
    """Another admin than who opened it, once.

    Raises:
        NotAllowed: no admin.
        DomainError: reviewed_already, own_emergency.
    """
    check_may_see_reviews(user)
    if opening.reviewed_at:
        raise DomainError(
            _("%(who)s has reviewed this, on %(day)s.")
            % {
                "who": opening.reviewed_by,
                "day": date_format(timezone.localtime(opening.reviewed_at), "j M Y, H:i"),
            },
            "reviewed_already",
        )
    if opening.opened_by_id == user.pk:
        raise DomainError(
            _("You opened this yourself: ask another admin to review it."), "own_emergency", field="note"
        )


def may_review(user: User, opening: EmergencyOpening) -> bool:
    """See check_may_review."""
    return user.has_role(Role.ADMIN) and opening.reviewed_at is None and opening.opened_by_id != user.pk


def check_note(note: str) -> None:
    """Words, not blanks.

    Raises:
        DomainError: note_missing.
    """
    if not note.strip():
        raise DomainError(_("Say what you found."), "note_missing", field="note")
