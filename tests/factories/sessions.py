"""Treatment sessions."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import factory
from factory.django import DjangoModelFactory

from consultations.enums import ScoreMoment, SessionOutcome
from consultations.models import (
    AftercareSheet,
    Session,
    SessionDose,
    SessionLot,
    SessionReaction,
    SessionScore,
    SessionTyping,
    SessionZone,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.factories.consultations import CONTENT_HASH, SignableFactory
from tests.factories.formulas import lots_of
from tests.factories.patch_tests import cleared_plan
from tests.factories.reference import BodyZoneFactory, ScaleFactory
from tests.factories.users import UserFactory


class SessionFactory(SignableFactory):
    """A draft of the first session of a cleared plan, an hour ago. `signed=True`: complete, with zone, lots, doses."""

    class Meta:
        model = Session

    class Params:
        signed = factory.Trait(
            outcome=SessionOutcome.COMPLETE,
            zones=factory.LazyFunction(lambda: [{}]),
            lots=factory.LazyAttribute(lambda session: lots_of(session.plan.formula)),
            doses=factory.LazyAttribute(
                lambda session: list(session.plan.formula.parts.select_related("component"))
            ),
            signed_at=factory.LazyAttribute(lambda session: session.started_at + timedelta(minutes=30)),
            signed_by=factory.SelfAttribute("plan.created_by"),
            content_hash=CONTENT_HASH,
        )

    _child_names = ("zones", "lots", "doses", "scores", "reactions")
    plan = factory.LazyFunction(lambda: cleared_plan())
    patient = factory.SelfAttribute("plan.patient")
    practitioner = factory.SelfAttribute("plan.consultation.practitioner")
    planned = factory.LazyAttribute(
        lambda session: session.plan.planned_sessions.filter(sessions=None).first()
    )
    technique = factory.SelfAttribute("plan.technique")
    started_at = factory.LazyFunction(lambda: ago(hours=1))
    created_at = factory.SelfAttribute("started_at")

    @classmethod
    def add_children(cls, record: Session, name: str, rows: list[Any]) -> None:
        """Zones and scores (dictionaries), lots, doses (the formula's parts), reactions (their types)."""
        for row in rows:
            if name == "zones":
                SessionZoneFactory(session=record, **row)
            elif name == "lots":
                SessionLot.objects.create(session=record, lot=row)
            elif name == "doses":
                SessionDoseFactory(session=record, component=row.component, strength=row.strength)
            elif name == "scores":
                SessionScoreFactory(session=record, **row)
            else:
                SessionReaction.objects.create(session=record, reaction=row)


class SessionZoneFactory(DjangoModelFactory):
    """Ten points of 0.1 ml."""

    class Meta:
        model = SessionZone

    session = factory.SubFactory(SessionFactory)
    zone = factory.SubFactory(BodyZoneFactory)
    points = 10
    ml_per_point = Decimal("0.1")
    volume_ml = factory.LazyAttribute(lambda zone: zone.points * zone.ml_per_point)


class SessionDoseFactory(DjangoModelFactory):
    """The dose in one ml of the mix."""

    class Meta:
        model = SessionDose

    session = factory.SubFactory(SessionFactory)
    component = factory.LazyAttribute(lambda dose: dose.session.plan.formula.parts.first().component)
    strength = Decimal(10)
    amount = factory.SelfAttribute("strength")
    unit = "mg"


class SessionScoreFactory(DjangoModelFactory):
    """Five of ten, before."""

    class Meta:
        model = SessionScore

    session = factory.SubFactory(SessionFactory)
    scale = factory.SubFactory(ScaleFactory)
    moment = ScoreMoment.BEFORE
    value = Decimal(5)


class SessionTypingFactory(DjangoModelFactory):
    """A needle and a depth, typed a moment ago in some window."""

    class Meta:
        model = SessionTyping

    session = factory.SubFactory(SessionFactory)
    typed = factory.LazyFunction(lambda: {"needle": ["30G"], "depth_mm": ["1,"]})
    window = factory.LazyFunction(uuid4)
    typed_at = CLINIC_NOW
    typed_by = factory.SubFactory(UserFactory, practitioner=True)


class AftercareSheetFactory(DjangoModelFactory):
    """Of a signed session: no sauna before Thursday."""

    class Meta:
        model = AftercareSheet

    session = factory.SubFactory(SessionFactory, signed=True)
    advice = factory.LazyFunction(lambda: [["Sauna", "2026-03-05T13:30:00+00:00"]])
    call_if = factory.LazyFunction(lambda: ["you have fever"])
    emergencies = factory.LazyFunction(lambda: ["wheezing"])
    emergency_number = "112"
    handed_at = CLINIC_NOW
    handed_by = factory.SubFactory(UserFactory, practitioner=True)
