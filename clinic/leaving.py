"""What hangs on a person who stops working here: visits, absences, feeds, clinical work. Read only."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from clinic import readiness
from clinic.models import Absence, AccountChange, Appointment, CalendarFeed, ExtraOpening, Practitioner, User
from clinic.readiness import Unfinished

MOST_SHOWN = 10  # entries of closed and opened time; the page of opening times has them all


@dataclass(frozen=True, slots=True)
class Leaving:
    """What somebody leaves behind at a moment, as the reader may know it. `visits` come in the order of the diary."""

    person: User
    practitioner: Practitioner | None
    visits: QuerySet[Appointment]
    visit_count: int
    absences: list[Absence]
    openings: list[ExtraOpening]
    has_more_entries: bool
    feed_count: int
    unfinished: list[Unfinished]
    last_change: AccountChange | None

    @property
    def leaves_nothing(self) -> bool:
        """Whether nothing has to be done by anybody."""
        return not (self.visit_count or self.openings or self.unfinished)


def left_by(person: User, *, user: User, at: datetime) -> Leaving:
    """As it is now; `user` is who asks. A practitioner's work, whether they still take patients or not."""
    practitioner: Practitioner | None = getattr(person, "practitioner", None)
    visits = Appointment.objects.visible_to(user).expected(at).filter(practitioner=practitioner)
    away, extra = (
        list(
            model.objects.visible_to(user)
            .filter(practitioner=practitioner, ends_at__gt=at)
            .order_by("starts_at")[: MOST_SHOWN + 1]
        )
        for model in (Absence, ExtraOpening)
    )
    changes = AccountChange.objects.visible_to(user).of_activity().filter(user=person)
    return Leaving(
        person=person,
        practitioner=practitioner,
        visits=visits.with_people().order_by("starts_at", "pk"),
        visit_count=visits.count(),
        absences=away[:MOST_SHOWN],
        openings=extra[:MOST_SHOWN],
        has_more_entries=max(len(away), len(extra)) > MOST_SHOWN,
        feed_count=CalendarFeed.objects.ending_with(person).count(),
        unfinished=readiness.pathway().unfinished(practitioner, user=user) if practitioner else [],
        last_change=changes.select_related("recorded_by").first(),
    )
