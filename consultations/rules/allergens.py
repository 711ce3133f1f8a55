"""Allergies against what is in the formula (CLINICAL 2.2)."""

from collections.abc import Iterable

from consultations.enums import AllergyStatus
from consultations.models import Allergy, Component, FormulaPart


def conflicts(parts: Iterable[FormulaPart], allergies: Iterable[Allergy]) -> list[tuple[Allergy, Component]]:
    """Every allergy in force (reported or confirmed) that meets a component of the group, by its own version or the
    one in force."""
    parts = list(parts)
    return [
        (allergy, part.component)
        for allergy in allergies
        if allergy.status != AllergyStatus.REFUTED and allergy.group_code
        for part in parts
        if allergy.group_code in part.closing_groups
    ]


def unassessed(allergies: Iterable[Allergy]) -> list[Allergy]:
    """Reported in words that name no group: a practitioner has to look before anything is injected."""
    return [
        allergy
        for allergy in allergies
        if allergy.status == AllergyStatus.REPORTED and not allergy.group_code
    ]
