"""What is typed into a session's draft, kept every few seconds until the draft is saved."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from clinic.actions.locking import explained
from clinic.models import User
from consultations.actions.visits import hold_still
from consultations.models import Session, SessionTyping
from consultations.rules import authorship
from consultations.rules.authorship import Window


@explained
def keep(
    *,
    session: Session,
    typed: Mapping[str, Sequence[str]],
    version: int,
    window: Window,
    by: User,
    at: datetime,
) -> SessionTyping:
    """Keep the page's fields as they are typed. Nothing is judged, and nothing of it is on record.

    Raises:
        NotAllowed, Stale, DomainError: not one's own draft; saved or typed in another window meanwhile; signed.
    """
    hold_still(session.patient_id)
    row = Session.objects.select_related("practitioner", "typing").get(pk=session.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    authorship.check_window(row, window)
    kept, _created = SessionTyping.objects.update_or_create(
        session=row,
        defaults={"typed": dict(typed), "window": window.key, "typed_at": at, "typed_by": by},
    )
    return kept


@explained
def forget(*, session: Session, by: User, at: datetime) -> None:
    """Drop what was typed since the draft was last saved; the draft stays as it was `at` that moment.

    Raises:
        NotAllowed, DomainError: not one's own draft; signed.
    """
    hold_still(session.patient_id)
    row = Session.objects.select_related("practitioner").get(pk=session.pk)
    authorship.check_may_edit(row, by)
    SessionTyping.objects.filter(session=row, typed_at__lte=at).delete()
