"""Check-ins, and the questions asked at them."""

import factory
from factory.django import DjangoModelFactory

from consultations.enums import Answer
from consultations.models import CheckIn
from tests.factories.booking import AppointmentFactory
from tests.factories.clock import ago
from tests.factories.users import UserFactory


class CheckInFactory(DjangoModelFactory):
    """Asked ten minutes ago and not answered. `answered=True`: no to everything; `open=True`: a yes nobody has seen."""

    class Meta:
        model = CheckIn

    class Params:
        answered = factory.Trait(
            answered_at=factory.LazyFunction(lambda: ago(minutes=5)),
            needs_review=False,
            said=factory.LazyFunction(lambda: [_said(Answer.NO)]),
        )
        open = factory.Trait(
            answered_at=factory.LazyFunction(lambda: ago(minutes=5)),
            needs_review=True,
            said=factory.LazyFunction(lambda: [_said(Answer.YES)]),
        )
        reviewed = factory.Trait(
            reviewed_at=factory.LazyFunction(lambda: ago(minutes=2)),
            reviewed_by=factory.SubFactory(UserFactory, practitioner=True),
            review_note="Asked again: over since a month.",
        )

    patient = factory.SelfAttribute("appointment.patient")
    appointment = factory.SubFactory(AppointmentFactory)
    asked_at = factory.LazyFunction(lambda: ago(minutes=10))
    asked_by = factory.SubFactory(UserFactory)


def _said(answer: Answer) -> dict[str, str]:
    return {"question": "pregnancy", "words": "Are you pregnant?", "answer": answer, "event_on": ""}
