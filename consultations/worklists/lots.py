"""What a lot was used for, and the sessions to come that its component is needed for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Appointment, Patient, User
from consultations.models import Lot, PatchTest, Plan, PlannedSession, Session


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


def lot_use_counts(lot: Lot) -> tuple[int, int]:
    """How many tests and sessions used the lot."""
    return PatchTest.objects.filter(used_lots__lot=lot).count(), Session.objects.filter(
        used_lots__lot=lot
    ).count()


def lot_uses(lot: Lot, *, user: User) -> list[PatchTest | Session]:
    """The tests and sessions that used the lot, newest first, as far as the person may see them."""
    tests = PatchTest.objects.visible_to(user).filter(used_lots__lot=lot).select_related("patient")
    sessions = Session.objects.visible_to(user).filter(used_lots__lot=lot).select_related("patient")
    return sorted([*tests, *sessions], key=used_at, reverse=True)


def used_at(record: PatchTest | Session) -> datetime:
    """When something was injected."""
    return record.given_at if isinstance(record, PatchTest) else record.started_at


def to_come(lot: Lot, *, user: User, at: datetime) -> QuerySet[PlannedSession]:
    """Sessions on the books whose formula holds the lot's component, the next first. Lots are not reserved: any lot of
    it may be used, so that each of them is concerned by what happens to this one."""
    code = lot.component.code
    own = Q(formula__parts__component__code=code)
    of_plan = Q(formula=None, plan__formula__parts__component__code=code)
    rows = PlannedSession.objects.filter(own | of_plan, plan__in=Plan.objects.visible_to(user))
    return (
        rows.filter(appointment__in=Appointment.objects.upcoming(at))
        .select_related("appointment__patient", "plan__indication")
        .distinct()
        .order_by("appointment__starts_at", "pk")
    )


def judged(lot: Lot, planned: list[PlannedSession]) -> list[Coming]:
    """Each of the sessions with what is in date on its day; one query for all of them."""
    others = list(Lot.objects.of_components([lot.component.code]).exclude(pk=lot.pk))
    found = []
    for each in planned:
        visit = each.appointment
        if visit is not None:
            day = timezone.localdate(visit.starts_at)
            from_another = any(other.is_usable_on(day) for other in others)
            found.append(Coming(each, visit, lot.is_usable_on(day), from_another))
    return found


def sheet(lot: Lot, *, user: User, at: datetime) -> Iterator[list[Any]]:
    """One row for each test and session that used the lot, and for each session to come: whom to call, and where."""
    yield [_("Clinic number"), _("Patient"), _("Phone"), _("E-mail"), _("Used in"), _("When")]
    for use in lot_uses(lot, user=user):
        yield _sheet_row(use.patient, str(use._meta.verbose_name), used_at(use))
    for planned in to_come(lot, user=user, at=at):
        visit = planned.appointment
        if visit is not None:
            yield _sheet_row(visit.patient, _("session to come"), visit.starts_at)


def _sheet_row(patient: Patient, kind: str, moment: datetime) -> list[Any]:
    when = f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"
    return [patient.number, patient.name, patient.phone, patient.email, kind, when]
