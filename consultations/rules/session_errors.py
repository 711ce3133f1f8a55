"""What goes with a session that was entered in error: what only its signature made."""

from dataclasses import dataclass

from consultations.models import AdverseEvent, Session
from consultations.queries import confirmed_error


@dataclass(frozen=True)
class GoneWith:
    """The events that the session's own reactions made, each as last told; and how many were recorded of it otherwise.

    Those of the second kind somebody wrote down: the patient told them, whatever session they were put beside. They
    stay, and are called an error by themselves where they never happened (policy of the clinic).
    """

    events: list[AdverseEvent]
    staying: int


def gone_with(session: Session) -> GoneWith:
    """All events of the session that nobody has taken back, sorted by where they came from."""
    rows = list(AdverseEvent.objects.filter(session=session).select_related("entered_in_error"))
    told = {event.supersedes_id: event for event in rows if event.supersedes_id}
    first = [event for event in rows if event.supersedes_id is None]
    latest = [(event.signed_at == session.signed_at, _latest(event, told)) for event in first]
    standing = [(made, event) for made, event in latest if not confirmed_error(event)]
    made_here = [event for made, event in standing if made]
    return GoneWith(made_here, len(standing) - len(made_here))


def _latest(event: AdverseEvent, by_earlier: dict) -> AdverseEvent:
    while later := by_earlier.get(event.pk):
        event = later
    return event
