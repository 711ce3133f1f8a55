"""The questions of a check-in: asked, answered by the patient on a handed-over screen, and reviewed."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils import timezone

from clinic.actions.locking import explained
from clinic.models import Appointment, User
from clinic.rules import access
from consultations.actions import health
from consultations.actions.visits import hold_still, resettle
from consultations.enums import Answer
from consultations.models import CheckIn, CheckInQuestion, ContraindicationQuestion
from consultations.rules import authorship, check_ins
from consultations.rules.check_ins import Said


@explained
def ask(*, appointment: Appointment, by: User, at: datetime) -> CheckIn:
    """The screen is about to be handed over: from now on the answers are waited for. Asking again changes nothing.

    Raises:
        NotAllowed: neither reception nor a practitioner.
        DomainError: not on the day, nothing to ask, or answered already.
    """
    access.check_may_book(by)
    hold_still(appointment.patient_id)
    visit = Appointment.objects.get(pk=appointment.pk)
    earlier = CheckIn.objects.filter(appointment=visit).first()
    asked = check_ins.questions_for(visit, CheckInQuestion.objects.current())
    check_ins.check_may_ask(visit, asked, earlier, at=at)
    return earlier or CheckIn.objects.create(
        appointment=visit, patient_id=visit.patient_id, asked_at=at, asked_by=by
    )


@explained
def answer(*, check_in: CheckIn, said: Sequence[Said], by: User, at: datetime) -> CheckIn:
    """Keep what the patient said. A yes stops what it stops at once; it opens nothing, that is for a practitioner.

    `by` is the person who handed the screen over. The visits are judged anew.

    Raises:
        NotAllowed: neither reception nor a practitioner.
        DomainError: answered before.
    """
    access.check_may_book(by)
    hold_still(check_in.patient_id)
    row = CheckIn.objects.select_related("patient", "appointment").get(pk=check_in.pk)
    check_ins.check_open(row)
    row.said = [each.as_kept() for each in said]
    row.answered_at, row.needs_review = at, check_ins.needs_review(said, on=_day(row))
    row.save()
    yes = {each.asked.question_code: each for each in said if each.answer == Answer.YES}
    questions = ContraindicationQuestion.objects.current().filter(code__in=yes)
    for question in questions.prefetch_related("rules"):
        health.heard(check_in=row, question=question, event_on=yes[question.code].event_on, by=by, at=at)
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


def _day(row: CheckIn) -> date:
    return timezone.localdate(row.appointment.starts_at)


@explained
def review(*, check_in: CheckIn, note: str, by: User, at: datetime) -> CheckIn:
    """A practitioner has looked at the answers, or asked where none were given. What they stopped stays stopped.

    Raises:
        NotAllowed: only practitioners.
        DomainError: nothing waits, or nothing is said about what came of it.
    """
    authorship.check_may_record(by)
    hold_still(check_in.patient_id)
    row = CheckIn.objects.get(pk=check_in.pk)
    check_ins.check_reviewable(row, note=note)
    row.reviewed_at, row.reviewed_by, row.review_note = at, by, note.strip()
    row.save()
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row
