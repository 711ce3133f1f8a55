"""What a patient may book next, what a visit is called, and the clinical pages that fit it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.enums import AppointmentStatus, Readiness
from clinic.models import Appointment, AppointmentType, Patient
from clinic.readiness import Condition, Link, Offer, PairOffer, Visit
from consultations import purposes
from consultations.dates import in_words, start_of_day
from consultations.enums import OPEN_PLANS, PlanStatus, TestRequirement
from consultations.models import PlannedSession
from consultations.purposes import Kind, Purpose
from consultations.queries import PlanFacts, facts_of, followed, unbooked
from consultations.rules import clearance, late_readings, plans, retest, visits
from consultations.rules.adverse_events import tested_since
from consultations.rules.codes import MAY_STILL_COME
from consultations.rules.patch_test import Window, reading_window, repeat_from
from consultations.rules.reviews import outstanding, required_before

Types = list[AppointmentType]


def for_patient(patient: Patient, *, at: datetime) -> list[Offer]:
    """Plan by plan what comes next, with the reasons where it cannot be booked yet; a consultation is always possible."""
    return for_facts(facts_of(list(followed(patient))).values(), at=at)


def clinical_types() -> Types:
    """The kinds of visit that mean something here."""
    return list(AppointmentType.objects.active().exclude(purpose=""))


def for_facts(all_facts: Iterable[PlanFacts], *, at: datetime, types: Types | None = None) -> list[Offer]:
    """The same from the facts of a patient's open plans (and the `types`), where a page has read them already."""
    types = clinical_types() if types is None else types
    found: list[Offer] = []
    for facts in all_facts:
        if facts.plan.status != PlanStatus.PROPOSED:
            found += _of_plan(facts, types, at=at)
    for kind in _types(types, Kind.CONSULTATION):
        found.append(Offer(kind, kind.name, Kind.CONSULTATION))
    return found


def is_something_next(facts: PlanFacts, *, at: datetime) -> bool:
    """Whether anything of the plan itself can be booked now; one query, for the types of visits."""
    types = clinical_types()
    return any(not offer.conditions for offer in _of_plan(facts, types, at=at))


def _of_plan(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    late = _late_offers(facts, types, at=at)
    if facts.plan.status == PlanStatus.STOPPED:
        return _alone_offers(facts, types, at=at) + late
    if facts.plan.status == PlanStatus.COMPLETED:
        return _alone_offers(facts, types, at=at) + _review_offers(facts, types, at=at) + late
    found = test_offers(facts, types, at=at)
    if unbooked(facts):
        found += _session_offers(facts, types, at=at)
    return found + _review_offers(facts, types, at=at) + late


def _late_offers(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    """The optional late reading, last of all: for the first test that has neither it nor a visit for it."""
    look = next((each for each in late_readings.looks(facts, at=at) if each.visit is None), None)
    if look is None:
        return []
    words = _("Late reading, optional, until %(day)s") % {"day": in_words(look.window.last_moment)}
    return [
        Offer(
            kind,
            named(words, facts),
            purposes.late_reading_of(facts.plan),
            earliest=max(look.window.opens_at, at),
            latest=look.window.closes_at,
        )
        for kind in _types(types, Kind.READING)
    ]


def _review_offers(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    """The next review, best on its day; nothing where it is on the books already."""
    if not _review_wanted(facts, at=at):
        return []
    coming = outstanding(facts)
    ideal = max(_noon(coming[0][0]), at) if coming else None
    purpose = purposes.review_of(facts.plan)
    return [Offer(kind, named(kind.name, facts), purpose, ideal=ideal) for kind in _types(types, Kind.REVIEW)]


def _review_wanted(facts: PlanFacts, *, at: datetime) -> bool:
    """After the course; and before its end, where the next session waits for a review. Not where it is booked already."""
    if any(each.is_upcoming for each in facts.visits_for(purposes.review_of(facts.plan))):
        return False
    waiting = plans.next_to_give(facts)
    is_over = facts.plan.status == PlanStatus.COMPLETED or waiting is None
    return is_over or required_before(facts, waiting, on=at) is not None


def named(label: str, facts: PlanFacts) -> str:
    """With the indication, which tells two plans of one patient apart."""
    return f"{label} · {facts.plan.indication}"


def _types(types: Types, kind: Kind, skill: str = "") -> Types:
    return [each for each in types if each.purpose == kind and each.skill == skill][:1]


def test_wanted(facts: PlanFacts, at: datetime) -> bool:
    """Whether the policy asks for a test that is not settled for the next session, and nothing positive closes it; or
    an allergic event holds the plan until there is a new one. Of a finished plan nothing is asked any more."""
    if facts.plan.status not in OPEN_PLANS:
        return False
    if not tested_since(facts):
        return True
    if retest.requirement(facts) == TestRequirement.NOT_REQUIRED:
        return False
    # Read without reaction, only the policy's waiting hours may still be running.
    return not clearance.test_settled(facts, at) and clearance.settled_from(facts, at) is None


def test_offers(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    """The reading that is due, or the test with its reading; nothing where both are settled or on the books."""
    plan, test = facts.plan, visits.open_test(facts)
    if test and at >= reading_window(test.given_at, test.policy).closes_at:
        test = None  # nobody read it in time: a new test is wanted
    if not test_wanted(facts, at) and (test is None or plan.status not in OPEN_PLANS):
        return []  # a test of another lot is read although an earlier one still clears
    reading_booked = any(each.is_upcoming for each in facts.visits_for(purposes.reading_of(plan)))
    readings = _types(types, Kind.READING)
    if test and readings and not reading_booked:
        return _reading_offers(facts, readings, reading_window(test.given_at, test.policy))
    test_booked = any(
        each.is_upcoming or each.started_at for each in facts.visits_for(purposes.test_of(plan))
    )
    if test or (test_booked and reading_booked):
        return []
    return _pair_offers(facts, types, at=at)


def may_test_another_lot(facts: PlanFacts, *, at: datetime) -> bool:
    """Whether a plan that a test clears has room for another test: none is wanted anyway, waits for its reading, or is on
    the books."""
    if facts.plan.status != PlanStatus.ACTIVE or test_wanted(facts, at):
        return False
    test = visits.open_test(facts)
    if test and at < reading_window(test.given_at, test.policy).closes_at:
        return False
    booked = (purposes.test_of(facts.plan), purposes.reading_of(facts.plan))
    return not any(visit.is_upcoming for purpose in booked for visit in facts.visits_for(purpose))


def is_for_another_lot(facts: PlanFacts, *, at: datetime) -> bool:
    """Whether a visit for a test is on the books or in progress although the plan is cleared by one."""
    now = (
        each.is_upcoming or each.status == AppointmentStatus.IN_PROGRESS
        for each in facts.visits_for(purposes.test_of(facts.plan))
    )
    return any(now) and not test_wanted(facts, at)


def other_lot_offers(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    """The test with its reading, for a lot that asks for one. The desk hears that it is another lot, not of what."""
    label = named(_("Test + reading with another maker's lot"), facts)
    return [replace(each, label=label) for each in _pair_offers(facts, types, at=at)]


def _reading_offers(facts: PlanFacts, readings: Types, window: Window) -> list[Offer]:
    return [
        Offer(
            kind,
            named(_("Reading"), facts),
            purposes.reading_of(facts.plan),
            earliest=window.opens_at,
            ideal=window.due_at,
            latest=window.closes_at,
        )
        for kind in readings
    ]


def _alone_offers(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    """The reading of components that were tested alone, for the first of them that no visit on the books would read."""
    visits_ = facts.visits_for(purposes.reading_of(facts.plan))
    booked = [each.starts_at for each in visits_ if each.is_upcoming]
    windows = [reading_window(each.given_at, each.policy) for each in visits.alone_to_read(facts)]
    for window in windows:
        if at < window.closes_at and not any(window.contains(moment) for moment in booked):
            return _reading_offers(facts, _types(types, Kind.READING), window)
    return []


def _pair_offers(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    tests, readings, policy = _types(types, Kind.TEST), _types(types, Kind.READING), facts.plan.test_policy
    if not tests or not readings:
        return []
    pair = PairOffer(
        readings[0],
        _("Reading"),
        purposes.reading_of(facts.plan),
        shortest=timedelta(hours=policy.reading_from_hours),
        ideal=timedelta(hours=policy.reading_due_hours),
        longest=timedelta(hours=policy.reading_until_hours) - timedelta(minutes=1),
    )
    missing = clearance.judge(facts, gate=clearance.Gate.TEST, on=at).conditions
    hard = tuple(each for each in missing if each.code not in MAY_STILL_COME)
    label = named(_("Test + reading"), facts)
    purpose = purposes.test_of(facts.plan)
    return [Offer(tests[0], label, purpose, earliest=repeat_from(facts), pair=pair, conditions=hard)]


def _session_offers(facts: PlanFacts, types: Types, *, at: datetime) -> list[Offer]:
    first = unbooked(facts)[0]
    window = next(
        each for each in plans.windows(facts, on=timezone.localdate(at)) if each.planned.pk == first.pk
    )
    cleared = cleared_from(facts, at)
    earliest = max(start_of_day(window.earliest), at, cleared)
    ideal = max(_noon(window.ideal), earliest)
    latest = max(start_of_day(window.latest + timedelta(days=1)), ideal + timedelta(days=7))
    return [
        Offer(
            kind,
            named(session_label(first.ordinal, len(facts.planned)), facts),
            purposes.session_of(first),
            earliest=earliest,
            ideal=ideal,
            latest=latest,
            conditions=in_the_way(facts, first, at=ideal),
        )
        for kind in _types(types, Kind.SESSION, facts.plan.technique.family)
    ]


def in_the_way(facts: PlanFacts, planned: PlannedSession, *, at: datetime) -> tuple[Condition, ...]:
    """What keeps the session from being booked even for then; what may still come before it does not."""
    visit = Visit(facts.plan.patient, purposes.session_of(planned), at)
    purpose = Purpose(Kind.SESSION, planned.pk)
    judged = visits.verdict(visit, purpose, facts, together=visits.Together(), starting=False)
    if judged.state != Readiness.REFUSED:
        return ()
    return tuple(each for each in judged.conditions if each.code not in MAY_STILL_COME)


def cleared_from(facts: PlanFacts, at: datetime) -> datetime:
    """From when the test, read or under way, would clear a session; now, if nothing is awaited."""
    if retest.requirement(facts) == TestRequirement.NOT_REQUIRED or clearance.test_settled(facts, at):
        return at
    awaited = visits.test_clears_from(facts, together=visits.Together())
    return clearance.settled_from(facts, at) or max(at, awaited or at)


def _noon(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=12)


def session_label(ordinal: int, total: int) -> str:
    """Session 2 of 6."""
    return _("Session %(ordinal)s of %(total)s") % {"ordinal": ordinal, "total": total}


def label(purpose: Purpose, facts: PlanFacts | None) -> str:
    """What a card calls the visit; empty when the type's own name says it."""
    if purpose.kind == Kind.LATE_READING:
        return _("Late reading")
    if facts is None or purpose.kind != Kind.SESSION:
        return ""
    for planned in facts.planned:
        if planned.pk == purpose.key:
            return session_label(planned.ordinal, len(facts.planned))
    return ""


def clinical_links(appointment: Appointment) -> list[Link]:
    """The clinical page that this visit is for, first and primary once the visit is in progress."""
    purpose = purposes.parse(appointment.purpose)
    primary = appointment.status == AppointmentStatus.IN_PROGRESS
    if purpose.kind == Kind.TEST and purpose.key:
        url = reverse("consultations:patch_test_give", args=[purpose.key])
        return [Link(_("Record the test injection"), url, "vaccine", primary)]
    if purpose.kind == Kind.READING and purpose.key:
        url = reverse("consultations:reading_of_plan", args=[purpose.key])
        return [Link(_("Open reading"), url, "eye", primary)]
    if purpose.kind == Kind.LATE_READING and purpose.key:
        url = reverse("consultations:late_reading_of_plan", args=[purpose.key])
        return [Link(_("Open late reading"), url, "eye", primary)]
    if purpose.kind == Kind.SESSION and purpose.key:
        url = reverse("consultations:session_of", args=[purpose.key])
        return [Link(_("Open session"), url, "droplet", primary)]
    if purpose.kind == Kind.REVIEW and purpose.key:
        url = reverse("consultations:reviews_of", args=[purpose.key])
        return [Link(_("Open review"), url, "chart-line", primary)]
    if purpose.kind == Kind.CONSULTATION:
        url = reverse("consultations:consultation_of", args=[appointment.pk])
        return [Link(_("Open consultation"), url, "notes", primary)]
    return []
