"""What a patient's record must say."""

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.gaps import months_later
from clinic.models import Patient

OF_AGE = 18  # years; consent by a representative below (a legal age)


def check_details(patient: Patient, *, at: datetime) -> None:
    """A name that can be read, a real birth date, and for a minor somebody who represents them.

    Raises:
        DomainError: for the field that is wrong.
    """
    if not any(each.isalpha() for each in patient.family_name):
        raise DomainError(
            _("Enter the name (a single name is fine)."),
            "name_missing",
            field="family_name",
        )
    today = timezone.localdate(at)
    if patient.birth_date > today:
        raise DomainError(
            _("The birth date lies in the future."),
            "born_in_future",
            field="birth_date",
        )
    if patient.age_on(today) > 125:
        raise DomainError(
            _("Check the birth date: more than 125 years ago."),
            "too_old",
            field="birth_date",
        )
    if is_minor(patient, at=at) and not patient.representative_name.strip():
        raise DomainError(
            _("This patient is under 18: enter who represents them."),
            "representative_missing",
            field="representative_name",
        )


def is_minor(patient: Patient, *, at: datetime) -> bool:
    """Under eighteen on the clinic's day."""
    return patient.age_on(timezone.localdate(at)) < OF_AGE


def of_age_from(birth_date: date) -> date:
    """The 18th birthday; who was born on 29 February is of age on 1 March, as `Patient.age_on` counts."""
    day = months_later(birth_date, OF_AGE * 12)
    return day if day.day == birth_date.day else day + timedelta(days=1)
