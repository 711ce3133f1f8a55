"""Checks after sessions."""

from datetime import timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from consultations.enums import FollowUpAnswer
from consultations.models import FollowUp, FollowUpRule
from tests.factories.clock import ago
from tests.factories.reference import VersionedFactory
from tests.factories.sessions import SessionFactory
from tests.factories.users import UserFactory


class FollowUpRuleFactory(VersionedFactory):
    """Two weeks after, for a week."""

    class Meta:
        model = FollowUpRule

    days = 14
    open_days = 7
    question = "How is it?"


class FollowUpFactory(DjangoModelFactory):
    """The day after a session of two days ago: nothing was noticed."""

    class Meta:
        model = FollowUp

    session = factory.SubFactory(
        SessionFactory, signed=True, started_at=factory.LazyFunction(lambda: ago(days=2))
    )
    patient = factory.SelfAttribute("session.patient")
    rule = factory.LazyFunction(lambda: FollowUpRule.objects.current().get(code="day_1"))
    due_on = factory.LazyAttribute(
        lambda check: timezone.localdate(check.session.started_at) + timedelta(days=check.rule.days)
    )
    answer = FollowUpAnswer.NOTHING
    done_at = factory.LazyFunction(lambda: ago(hours=1))
    done_by = factory.SubFactory(UserFactory, practitioner=True)
