"""Consultations and what follows their signature."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from consultations.enums import Answer, Decision, HandoutWay, Outcome
from consultations.models import (
    Addendum,
    Consultation,
    ConsultationConfirmation,
    ContraindicationAnswer,
    DiscussedRisk,
    EnteredInError,
    EvidenceDiscussed,
    Goal,
    LeafletHandout,
)
from tests.factories.clock import ago
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.reference import (
    ContraindicationQuestionFactory,
    IndicationFactory,
    LeafletFactory,
    ScaleFactory,
)
from tests.factories.users import UserFactory

CONTENT_HASH = "0" * 64


class SignableFactory(DjangoModelFactory):
    """A draft; `signed=True` signs it after its children are in place, at `signed_at`."""

    class Meta:
        abstract = True

    class Params:
        signed = factory.Trait(
            signed_at=factory.LazyFunction(lambda: ago(days=30)),
            signed_by=factory.SubFactory(UserFactory, practitioner=True),
            content_hash=CONTENT_HASH,
        )

    _child_names: tuple[str, ...] = ()
    patient = factory.SubFactory(PatientFactory)
    practitioner = factory.SubFactory(PractitionerFactory)
    created_at = factory.LazyFunction(lambda: ago(days=30))

    @classmethod
    def _create(cls, model_class: type[Any], *args: Any, **kwargs: Any) -> Any:
        """Signs last: a signed record takes no children."""
        children = {name: kwargs.pop(name, []) for name in cls._child_names}
        seal = {name: kwargs.pop(name, None) for name in ("signed_at", "signed_by", "content_hash")}
        record = super()._create(model_class, *args, **kwargs)
        for name, rows in children.items():
            cls.add_children(record, name, rows)
        if any(seal.values()):
            for name, value in seal.items():
                setattr(record, name, value)
            record.save()
        return record

    @classmethod
    def add_children(cls, record: Any, name: str, rows: list[Any]) -> None:
        """Makes the child rows; each factory knows its own."""
        raise NotImplementedError


class ConsultationFactory(SignableFactory):
    """An eligible patient's consultation. `answers`: dictionaries for ContraindicationAnswer; `risks`: reactions;
    `aims`: dictionaries for Goal, from six to two of ten where they say nothing else."""

    class Meta:
        model = Consultation

    _child_names = ("answers", "risks", "aims", "evidence")
    indication = factory.SubFactory(IndicationFactory)
    outcome = Outcome.ELIGIBLE
    answers = factory.LazyFunction(list)
    risks = factory.LazyFunction(list)
    aims = factory.LazyFunction(list)
    evidence = factory.LazyFunction(list)

    @classmethod
    def add_children(cls, record: Consultation, name: str, rows: list[Any]) -> None:
        """Answers, discussed risks, goals, what was said of the evidence."""
        for row in rows:
            if name == "answers":
                ContraindicationAnswerFactory(consultation=record, **row)
            elif name == "evidence":
                EvidenceDiscussedFactory(consultation=record, **row)
            elif name == "aims":
                usual = {"baseline": 6, "target": 2}
                usual |= {} if "scale" in row else {"scale": ScaleFactory()}
                Goal.objects.create(consultation=record, **usual | row)
            else:
                DiscussedRisk.objects.create(consultation=record, reaction=row)


class ContraindicationAnswerFactory(DjangoModelFactory):
    """No; `yes=True` is a yes that blocks."""

    class Meta:
        model = ContraindicationAnswer

    class Params:
        yes = factory.Trait(answer=Answer.YES, decision=Decision.BLOCK)

    consultation = factory.SubFactory(ConsultationFactory)
    question = factory.SubFactory(ContraindicationQuestionFactory)
    answer = Answer.NO


class ConsultationConfirmationFactory(DjangoModelFactory):
    """All was asked again, and nothing has changed."""

    class Meta:
        model = ConsultationConfirmation

    consultation = factory.SubFactory(ConsultationFactory, signed=True)
    confirmed_at = factory.LazyFunction(lambda: ago(days=1))
    confirmed_by = factory.SubFactory(UserFactory, practitioner=True)


class AddendumFactory(DjangoModelFactory):
    """A word added to a signed consultation."""

    class Meta:
        model = Addendum

    consultation = factory.SubFactory(ConsultationFactory, signed=True)
    text = "The patient called back."
    written_at = factory.LazyFunction(lambda: ago(days=1))
    written_by = factory.SubFactory(UserFactory, practitioner=True)


class LeafletHandoutFactory(DjangoModelFactory):
    """On paper, to the patient."""

    class Meta:
        model = LeafletHandout

    patient = factory.SubFactory(PatientFactory)
    leaflet = factory.SubFactory(LeafletFactory)
    way = HandoutWay.PAPER
    handed_to = "Jeanne Moreau"
    handed_at = factory.LazyFunction(lambda: ago(hours=1))
    handed_by = factory.SubFactory(UserFactory, practitioner=True)


class EvidenceDiscussedFactory(DjangoModelFactory):
    """What was said at a draft."""

    class Meta:
        model = EvidenceDiscussed

    consultation = factory.SubFactory(ConsultationFactory)
    indication_version = 1
    indication_words = "For: one trial. Against: it was small."


class EnteredInErrorFactory(DjangoModelFactory):
    """Asked for by one person; `confirmed=True` by a second. Name the record: `consent=…`, `session=…`."""

    class Meta:
        model = EnteredInError

    class Params:
        confirmed = factory.Trait(
            confirmed_by=factory.SubFactory(UserFactory, practitioner=True),
            confirmed_at=factory.LazyFunction(lambda: ago(hours=1)),
        )

    reason = "wrong patient"
    requested_by = factory.SubFactory(UserFactory, practitioner=True)
    requested_at = factory.LazyFunction(lambda: ago(hours=2))
