"""Patients and practitioners."""

from datetime import date

import factory
from factory.django import DjangoModelFactory

from clinic.enums import Sex
from clinic.models import Patient, PatientMerge, Practitioner
from tests.factories.clock import ago
from tests.factories.users import UserFactory


class PatientFactory(DjangoModelFactory):
    """A grown-up with a phone."""

    class Meta:
        model = Patient

    class Params:
        minor = factory.Trait(
            birth_date=date(2014, 5, 17),
            representative_name="Clara Moreau",
            representative_relation="mother",
            representative_phone="+33 6 12 00 44 72",
        )

    family_name = factory.Sequence(lambda n: f"Moreau {n:05}")
    given_names = "Jeanne"
    birth_date = date(1984, 3, 12)
    sex = Sex.FEMALE
    phone = "+33 6 12 00 44 71"
    created_at = factory.LazyFunction(lambda: ago(days=60))
    created_by = factory.SubFactory(UserFactory, reception=True)


class PatientMergeFactory(DjangoModelFactory):
    """A record that was merged into another; no row went along."""

    class Meta:
        model = PatientMerge

    survivor = factory.SubFactory(PatientFactory)
    patient = factory.SubFactory(PatientFactory, merged_into=factory.SelfAttribute("..survivor"))
    reason = "identity card seen"
    merged_at = factory.LazyFunction(lambda: ago(days=3))
    merged_by = factory.SubFactory(UserFactory, reception=True)


class PractitionerFactory(DjangoModelFactory):
    """Somebody trained in every technique; `signs_in=True` gives a sign-in too."""

    class Meta:
        model = Practitioner

    class Params:
        signs_in = factory.Trait(user=factory.SubFactory(UserFactory, practitioner=True))

    name = factory.Sequence(lambda n: f"Dr Amari {n:05}")
    skills = factory.LazyFunction(lambda: ["needle", "gun", "needleless"])
