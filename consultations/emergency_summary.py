"""What an ambulance asks for of a patient, and nothing more: no notes, no photographs.

Whoever may read it is decided before (`EmergencyOpening.objects.readable_by`); here nobody is asked any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.models import EmergencyOpening, Patient
from consultations.as_it_stood.words import lot_said
from consultations.enums import Answer, SessionOutcome, TestResult
from consultations.models import (
    AdverseEvent,
    Alert,
    Allergy,
    Consultation,
    ContraindicationAnswer,
    HealthAnswer,
    PatchTest,
    Session,
    SessionReaction,
    TestReading,
)

_INJECTIONS = 3  # the last ones: an immediate reaction is to the very last, a late one to those of some weeks
_REACTIONS = 5
_NOT_AN_ERROR = Q(entered_in_error=None) | Q(entered_in_error__confirmed_at=None)


@dataclass(frozen=True, slots=True)
class Injection:
    """What was injected, when, where and from which lots. `is_draft`: it is being given now, or was never signed."""

    at: datetime
    title: str
    formula: str
    zones: list[str]
    lots: list[str]
    is_draft: bool


@dataclass(frozen=True, slots=True)
class Reaction:
    """One reaction, and when it began or was seen."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Summary:
    """All of the page."""

    patient: Patient
    allergies: list[Allergy]
    alerts: list[str]
    answers: list[str]
    injections: list[Injection]
    reactions: list[Reaction]


def of(opening: EmergencyOpening) -> Summary:
    """The summary of the patient and of records merged into this one; a fixed number of queries."""
    kept = opening.patient_id
    whose = list(Patient.objects.filter(Q(pk=kept) | Q(merged_into=kept)).values_list("pk", flat=True))
    injections = sorted([*_sessions(whose), *_tests(whose)], key=lambda each: each.at, reverse=True)
    reactions = [*_events(whose), *_session_reactions(whose), *_positive_readings(whose)]
    return Summary(
        opening.patient,
        list(Allergy.objects.in_force().filter(patient__in=whose)),
        [each.text for each in Alert.objects.in_force().filter(patient__in=whose)],
        _answers(whose),
        injections[:_INJECTIONS],
        sorted(reactions, key=lambda each: each.at, reverse=True)[:_REACTIONS],
    )


def _answers(whose: list[UUID]) -> list[str]:
    """Medicines, illnesses and the like: what was last answered with anything but a no, by question."""
    last = Consultation.objects.filter(patient__in=whose, signed_at__isnull=False).filter(_NOT_AN_ERROR)
    newest = last.order_by("-signed_at").values("pk")[:1]
    said: dict[str, tuple[str, str]] = {}
    for answers in (
        ContraindicationAnswer.objects.filter(consultation__in=newest),
        HealthAnswer.objects.filter(patient__in=whose).order_by("recorded_at"),
    ):
        for row in answers.select_related("question"):
            said[row.question.code] = (row.answer, row.question.name)
    unknown = _("%(what)s (not known)")
    return [
        name if answer == Answer.YES else unknown % {"what": name}
        for answer, name in said.values()
        if answer != Answer.NO
    ]


def _sessions(whose: list[UUID]) -> Iterable[Injection]:
    """Drafts as well: somebody may collapse while it is written."""
    rows = Session.objects.filter(_NOT_AN_ERROR, patient__in=whose).exclude(outcome=SessionOutcome.NOT_GIVEN)
    beside = ("zones__zone", "used_lots__lot__component")
    named = rows.select_related("planned__formula", "plan__formula", "technique").prefetch_related(*beside)
    for row in named.order_by("-started_at")[:_INJECTIONS]:
        yield Injection(
            row.started_at,
            _("Session: %(technique)s") % {"technique": row.technique},
            str(row.planned.formula or row.plan.formula),
            [str(each.zone) for each in row.zones.all()],
            [lot_said(each.lot) for each in row.used_lots.all()],
            not row.is_signed,
        )


def _tests(whose: list[UUID]) -> Iterable[Injection]:
    rows = PatchTest.objects.filter(_NOT_AN_ERROR, patient__in=whose)
    named = rows.select_related("formula").prefetch_related("used_lots__lot__component")
    for row in named.order_by("-given_at")[:_INJECTIONS]:
        yield Injection(
            row.given_at,
            _("Test injection"),
            str(row.formula),
            [row.site],
            [lot_said(each.lot) for each in row.used_lots.all()],
            not row.is_signed,
        )


def _events(whose: list[UUID]) -> Iterable[Reaction]:
    rows = AdverseEvent.objects.filter(_NOT_AN_ERROR, patient__in=whose, superseded_by=None)
    for row in rows.select_related("reaction").order_by("-onset_at")[:_REACTIONS]:
        yield Reaction(row.onset_at, str(row))


def _session_reactions(whose: list[UUID]) -> Iterable[Reaction]:
    rows = SessionReaction.objects.filter(session__patient__in=whose).exclude(
        session__entered_in_error__confirmed_at__isnull=False
    )
    for row in rows.select_related("reaction", "session").order_by("-session__started_at")[:_REACTIONS]:
        yield Reaction(
            row.session.started_at,
            _("%(reaction)s, grade %(grade)s, at a session") % {"reaction": row.reaction, "grade": row.grade},
        )


def _positive_readings(whose: list[UUID]) -> Iterable[Reaction]:
    rows = TestReading.objects.filter(_NOT_AN_ERROR, patient__in=whose, result=TestResult.POSITIVE)
    for row in rows.select_related("patch_test__formula").order_by("-read_at")[:_REACTIONS]:
        yield Reaction(
            row.read_at, _("positive test injection of %(formula)s") % {"formula": row.patch_test.formula}
        )
