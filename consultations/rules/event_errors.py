"""What goes back when an adverse event turns out never to have happened: only what nothing else asks for."""

from dataclasses import dataclass

from django.db.models import BooleanField, F, Func
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import PlanStatus
from consultations.models import AdverseEvent, Alert, Allergy, Plan, PlanStatusChange

EVENT_IN_ERROR = Func(F("adverse_event"), function="event_in_error", output_field=BooleanField())


@dataclass(frozen=True)
class Undone:
    """What a second person's confirmation takes back, and the stopped plans that stay stopped."""

    plans: list[Plan]
    allergies: list[Allergy]
    alerts: list[Alert]
    stopped: list[Plan]


def undone_by(event: AdverseEvent) -> Undone:
    """All that the event closed, over every word on it, and that closes for no other reason.

    A plan on hold goes on when every hold since it was last active came from this event, or from another that was
    entered in error; a hold by a person, a review or another event stays. An allergy that a practitioner has assessed
    and an alert that was lifted stay as they are. A stopped plan is never opened again (policy of the clinic).
    """
    words = words_of(event)
    concerned = Plan.objects.filter(patient_id=event.patient_id, status_changes__adverse_event__in=words)
    plans = list(concerned.distinct().select_related("indication", "formula").order_by("pk"))
    return Undone(
        plans=[plan for plan in plans if plan.status == PlanStatus.ON_HOLD and _held_only_by(words, plan)],
        allergies=list(Allergy.objects.filter(adverse_event__in=words, assessed_at=None)),
        alerts=list(Alert.objects.filter(adverse_event__in=words, lifted_at=None)),
        stopped=[plan for plan in plans if plan.status == PlanStatus.STOPPED],
    )


def words_of(event: AdverseEvent) -> list[AdverseEvent]:
    """The event as last told and every word before it."""
    words = [event]
    while words[-1].supersedes is not None:
        words.append(words[-1].supersedes)
    return words


def _held_only_by(words: list[AdverseEvent], plan: Plan) -> bool:
    mine = {word.pk for word in words}
    changes = PlanStatusChange.objects.filter(plan=plan).annotate(by_error=EVENT_IN_ERROR).order_by("-pk")
    for change in changes:
        if change.status != PlanStatus.ON_HOLD:
            break
        if change.adverse_event_id not in mine and not change.by_error:
            return False
    return True


def check_last_word(event: AdverseEvent) -> None:
    """An error is said of the event as last told; it stands for every word before it.

    Raises:
        DomainError: followed.
    """
    if AdverseEvent.objects.filter(supersedes=event).exists():
        raise DomainError(
            _("Somebody has followed this event up. Open the latest word on it and say it there."), "followed"
        )
