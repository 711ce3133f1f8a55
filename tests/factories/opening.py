"""When people, rooms and devices can be booked."""

from datetime import date, time, timedelta

import factory
from factory.django import DjangoModelFactory

from clinic.enums import AbsenceKind
from clinic.models import Absence, ClosedDay, ExtraOpening, OutOfService, WorkingHours
from tests.factories.clock import ago, ahead
from tests.factories.people import PractitionerFactory
from tests.factories.places import LocationFactory, RoomFactory
from tests.factories.users import UserFactory


class WorkingHoursFactory(DjangoModelFactory):
    """Mondays nine to five, since the start of the year."""

    class Meta:
        model = WorkingHours

    practitioner = factory.SubFactory(PractitionerFactory)
    location = factory.SubFactory(LocationFactory)
    weekday = 1
    starts = time(9)
    ends = time(17)
    valid_from = date(2026, 1, 1)


class _SpanFactory(DjangoModelFactory):
    """An hour, tomorrow at nine."""

    class Meta:
        abstract = True

    starts_at = factory.LazyFunction(lambda: ahead(days=1))
    ends_at = factory.LazyAttribute(lambda span: span.starts_at + timedelta(hours=1))
    created_at = factory.LazyFunction(lambda: ago(days=1))
    created_by = factory.SubFactory(UserFactory, reception=True)


class AbsenceFactory(_SpanFactory):
    """A practitioner's leave."""

    class Meta:
        model = Absence

    practitioner = factory.SubFactory(PractitionerFactory)
    kind = AbsenceKind.LEAVE


class OutOfServiceFactory(_SpanFactory):
    """A room being painted; pass `room=None, device=…` for a device."""

    class Meta:
        model = OutOfService

    room = factory.SubFactory(RoomFactory)
    reason = "painting"


class ExtraOpeningFactory(_SpanFactory):
    """Open this time once."""

    class Meta:
        model = ExtraOpening

    practitioner = factory.SubFactory(PractitionerFactory)
    location = factory.SubFactory(LocationFactory)
    reason = "evening for one patient"


class ClosedDayFactory(DjangoModelFactory):
    """A public holiday."""

    class Meta:
        model = ClosedDay

    day = factory.Sequence(lambda n: date(2026, 5, 1) + timedelta(days=n))
    name = "Holiday"
