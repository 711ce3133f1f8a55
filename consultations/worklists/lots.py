"""The sessions to come that need a lot's component, with what is in date on their day."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Appointment
from consultations.models import Lot, PlannedSession
from consultations.rules.stock import in_date


@dataclass(frozen=True, slots=True)
class Coming:
    """A session on the books that needs the lot's component, and whether this lot or another is in date that day."""

    planned: PlannedSession
    visit: Appointment
    from_this: bool
    from_another: bool

    @property
    def words(self) -> str:
        """What there is to inject from on the day."""
        if self.from_this:
            return _("in date that day")
        return _("another lot is in date that day") if self.from_another else _("no lot is in date that day")


def judged(lot: Lot, planned: list[PlannedSession]) -> list[Coming]:
    """Each of the sessions with what is in date on its day; one query for all of them."""
    component = lot.component
    others = Lot.objects.of_components([component.code]).exclude(pk=lot.pk).select_related("component")
    found = []
    for each in planned:
        visit = each.appointment
        assert visit is not None  # `Trace.to_come()` has those on the books alone
        day = timezone.localdate(visit.starts_at)
        from_another = bool(in_date(component, others, on=day))
        found.append(Coming(each, visit, bool(in_date(component, [lot], on=day)), from_another))
    return found
