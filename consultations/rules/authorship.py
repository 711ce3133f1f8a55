"""Who may write, sign and take over clinical records (docs/security.md)."""

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed, Stale
from clinic.models import Practitioner, User
from consultations.models import Consultation, PatchTest, Review, Session, SessionTyping

Record = Consultation | Session | PatchTest | Review


@dataclass(frozen=True, slots=True)
class Window:
    """The browser window that writes; `shows` is the one whose typing it was opened with."""

    key: UUID
    shows: UUID | None = None


def check_may_record(user: User) -> Practitioner:
    """Practitioners write clinical records; returns the practitioner behind the sign-in.

    Raises:
        NotAllowed: for anybody else.
    """
    practitioner = (
        Practitioner.objects.filter(user=user).first() if user.has_role(Role.PRACTITIONER) else None
    )
    if practitioner is None:
        raise NotAllowed(_("Clinical records are written by practitioners."), "record_not_allowed")
    return practitioner


def may_record(user: User) -> bool:
    """See check_may_record."""
    return user.has_role(Role.PRACTITIONER) and Practitioner.objects.filter(user=user).exists()


def check_may_read(user: User) -> None:
    """Practitioners read clinical records, one patient's or a whole course's (docs/security.md).

    Raises:
        NotAllowed: for anybody else.
    """
    if not user.has_role(Role.PRACTITIONER):
        raise NotAllowed(_("Clinical records are read by practitioners. Ask one."), "read_not_allowed")


def check_may_report(user: User) -> None:
    """Reception and practitioners write down what a patient says.

    Raises:
        NotAllowed: for anybody else.
    """
    if not user.has_role(Role.RECEPTION, Role.PRACTITIONER):
        raise NotAllowed(
            _("Allergies are written down by reception or a practitioner."), "allergy_not_allowed"
        )


def check_may_take_report(user: User) -> None:
    """Reception and practitioners take a caller's words down (docs/security.md).

    Raises:
        NotAllowed: for anybody else.
    """
    if not user.has_role(Role.RECEPTION, Role.PRACTITIONER):
        raise NotAllowed(_("Reports are taken by reception or a practitioner."), "report_not_allowed")


def check_may_edit(record: Record, user: User) -> None:
    """A draft is written and signed by its own practitioner; a colleague takes it over by name first.

    Raises:
        DomainError: signed.
        NotAllowed: another practitioner's draft.
    """
    if record.is_signed:
        raise DomainError(_("This record is signed. Add an addendum instead."), "signed")
    if record.practitioner.user_id != user.pk:
        raise NotAllowed(
            _("%(who)s is writing this record. Take it over by name if you cover for them.")
            % {"who": record.practitioner},
            "other_author",
        )


def may_edit(record: Record, user: User) -> bool:
    """See check_may_edit."""
    return not record.is_signed and record.practitioner.user_id == user.pk


def check_version(record: Record, version: int | None) -> None:
    """The page was opened on the draft as it still is.

    Raises:
        Stale: it was saved elsewhere meanwhile.
    """
    if version is not None and record.version != version:
        raise Stale(
            _("This record was saved in another window meanwhile. Look at it again before you save."),
            "stale_record",
        )


def check_window(session: Session, window: Window | None) -> None:
    """Nothing has been typed into the draft in a window that this one has not seen.

    Raises:
        Stale: there is typing of another window, which would be lost.
    """
    typing: SessionTyping | None = getattr(session, "typing", None)
    if window is not None and typing is not None and typing.window not in (window.key, window.shows):
        raise Stale(
            _("This record is being written in another window too. Look at it again before you save."),
            "stale_typing",
        )


def check_may_confirm(user: User, *, asked_by: UUID) -> None:
    """An error is confirmed by a second person, practitioner or admin (policy of the clinic).

    Raises:
        NotAllowed: confirm_not_allowed, second_person.
    """
    if not user.has_role(Role.PRACTITIONER, Role.ADMIN):
        raise NotAllowed(_("Errors are confirmed by a practitioner or an admin."), "confirm_not_allowed")
    if asked_by == user.pk:
        raise NotAllowed(_("A second person confirms. Ask a colleague."), "second_person")
