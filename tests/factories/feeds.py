"""Calendar feeds."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from clinic.models import CalendarFeed
from clinic.models.feed import digest_of
from tests.factories.clock import ago
from tests.factories.people import PractitionerFactory
from tests.factories.users import UserFactory


class CalendarFeedFactory(DjangoModelFactory):
    """A practitioner's, initials only, made by reception. `secret` is what stands in its address."""

    class Meta:
        model = CalendarFeed

    secret = factory.Sequence(lambda n: f"secret-{n}")
    practitioner = factory.SubFactory(PractitionerFactory)
    name = "phone"
    created_by = factory.SubFactory(UserFactory, reception=True)
    created_at = factory.LazyFunction(lambda: ago(days=1))

    @classmethod
    def _create(cls, model_class: type[CalendarFeed], *args: Any, secret: str, **kwargs: Any) -> CalendarFeed:
        feed = super()._create(model_class, *args, **{"digest": digest_of(secret), **kwargs})
        feed.secret = secret  # a real feed forgets it
        return feed
