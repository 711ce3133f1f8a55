"""Case files and their periods."""

from datetime import timedelta

import factory
from factory.django import DjangoModelFactory

from clinic.enums import CaseKind
from clinic.models import CaseFile, CaseFilePeriod
from tests.factories.clock import ago
from tests.factories.people import PatientFactory
from tests.factories.users import UserFactory


class CaseFilePeriodFactory(DjangoModelFactory):
    """Thirty days from when its case was opened, by the owner."""

    class Meta:
        model = CaseFilePeriod

    case_file = factory.SubFactory("tests.factories.case_files.CaseFileFactory", period=None)
    reason = "The patient has asked in writing"
    recorded_at = factory.SelfAttribute("case_file.opened_at")
    recorded_by = factory.SelfAttribute("case_file.opened_by")
    ends_at = factory.LazyAttribute(lambda period: period.recorded_at + timedelta(days=30))


class CaseFileFactory(DjangoModelFactory):
    """A complaint, opened yesterday by an admin on the record as it stood then; runs for thirty days."""

    class Meta:
        model = CaseFile
        skip_postgeneration_save = True

    patient = factory.SubFactory(PatientFactory)
    kind = CaseKind.COMPLAINT
    title = "Lump on the left cheek"
    opened_by = factory.SubFactory(UserFactory, admin=True)
    opened_at = factory.LazyFunction(lambda: ago(days=1))
    as_of = factory.SelfAttribute("opened_at")
    period = factory.RelatedFactory(CaseFilePeriodFactory, "case_file")
