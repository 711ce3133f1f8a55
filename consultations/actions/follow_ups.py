"""Checks after a session: the practitioner asks and writes the answer down, the desk only calls."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions import contacts
from clinic.actions.locking import explained
from clinic.enums import ContactReason
from clinic.errors import DomainError
from clinic.models import ContactEntry, User
from consultations.actions import calls
from consultations.actions.visits import hold_still
from consultations.enums import FollowUpAnswer
from consultations.models import FollowUp, FollowUpRule, Session
from consultations.rules import authorship
from consultations.rules import follow_ups as rules


@explained
def record(*, session: Session, rule: FollowUpRule, told: rules.Told, by: User, at: datetime) -> FollowUp:
    """Write down what came of a check; nobody has to call about it any more. It never changes.

    Raises:
        NotAllowed: practitioners only.
        DomainError: made already (done_already), or as rules.follow_ups.check_follow_up.
    """
    authorship.check_may_record(by)
    hold_still(session.patient_id)
    row = Session.objects.get(pk=session.pk)
    if FollowUp.objects.filter(session=row, rule__code=rule.code).exists():
        raise DomainError(_("Somebody has made this check already."), "done_already")
    day = timezone.localdate(row.started_at)
    rules.check_follow_up(row, rule, told, session_day=day, at=at, on=timezone.localdate(at))
    made = FollowUp(
        patient_id=row.patient_id,
        session=row,
        rule=rule,
        due_on=rules.due_on(day, rule),
        answer=told.answer,
        words=told.words.strip(),
        done_at=at,
        done_by=by,
    )
    made.clean_fields(exclude=["patient", "session", "rule", "done_by"])
    made.save(force_insert=True)
    _nobody_calls(made, by=by, at=at)
    return made


def ask_to_call(*, session: Session, by: User, at: datetime) -> ContactEntry:
    """Put the patient on the contact list, in words without a finding.

    Raises:
        NotAllowed: reception and practitioners only.
    """
    return calls.ask(
        patient=session.patient, reason=ContactReason.FOLLOW_UP, who=session.practitioner, by=by, at=at
    )


def _nobody_calls(made: FollowUp, *, by: User, at: datetime) -> None:
    asked = ContactEntry.objects.open().filter(patient=made.patient_id, reason=ContactReason.FOLLOW_UP)
    entry = asked.select_for_update(no_key=True).first()
    if entry:
        told = made.answer != FollowUpAnswer.NOT_REACHED
        contacts.close(entry=entry, told=told, reason=_("The check was made."), by=by, at=at)
