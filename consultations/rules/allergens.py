"""Allergies against what is in the formula."""

from collections.abc import Iterable

from consultations.enums import AllergyStatus
from consultations.models import Allergy, Component, FormulaPart


def conflicts(parts: Iterable[FormulaPart], allergies: Iterable[Allergy]) -> list[tuple[Allergy, Component]]:
    """Every allergy in force (reported or confirmed) that meets a component: one that it names, or one of the group, by
    the component's own version or the one in force."""
    parts = list(parts)
    return [
        (allergy, part.component)
        for allergy in allergies
        if allergy.status != AllergyStatus.REFUTED
        for part in parts
        if part.component.code in allergy.component_codes or allergy.group_code in part.closing_groups
    ]


def unassessed(allergies: Iterable[Allergy]) -> list[Allergy]:
    """Reported in words that name neither group nor component: a practitioner has to look before anything is injected."""
    return [
        allergy
        for allergy in allergies
        if allergy.status == AllergyStatus.REPORTED and not allergy.group_code and not allergy.component_codes
    ]
