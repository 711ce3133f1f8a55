"""NEXT on the patient page: what, who, the earliest date, and the one action that does it. Read only."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Appointment
from clinic.readiness import Condition, Link
from consultations import purposes
from consultations.course_offers import key_of
from consultations.dates import start_of_day
from consultations.enums import OPEN_PLANS, PlanStatus
from consultations.models import PatchTest
from consultations.offers import session_label, test_wanted
from consultations.queries import PlanFacts, unbooked
from consultations.rules import causes, consent, late_readings, plans, validity, visits
from consultations.rules.codes import CLOSES
from consultations.rules.late_readings import Look
from consultations.rules.patch_test import reading_window
from consultations.rules.reviews import outstanding, required_before
from consultations.steppers import awaited_test, pending_visit, standing


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next on a plan. `visit` is on the books for it, `earliest` and `latest` say when it can be;
    `late` are the tests that may still be looked at, for which nothing waits."""

    what: str
    who: str
    primary: Link
    secondary: Link | None = None
    course: Link | None = None
    visit: Appointment | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    conditions: tuple[Condition, ...] = ()
    late: tuple[Look, ...] = ()


def next_of(facts: PlanFacts, *, at: datetime) -> Next:
    """The first thing that is open, in the order of the way, with whatever else stands in the way of the session."""
    return replace(_first_of(facts, at), late=tuple(late_readings.looks(facts, at=at)))


def _first_of(facts: PlanFacts, at: datetime) -> Next:
    if cause := _cause(facts, at):
        return cause
    conditions = tuple(standing(facts, at=at))
    looks: list[Callable[[PlanFacts, datetime], Next | None]] = [
        _held,
        _draft,
        _expired,
        _consent,
        _reading,
        _test,
        _review_first,
        _session,
    ]
    if facts.plan.status == PlanStatus.COMPLETED:
        looks = [_draft]
    elif any(each.code in CLOSES for each in conditions):
        looks = [_held, _draft, _closed]
    for look in looks:
        if found := look(facts, at):
            in_one_go = course_link(facts, at=at) if look in (_test, _session) else None
            return replace(found, conditions=conditions, course=in_one_go)
    return replace(_review(facts, at), conditions=())


def course_link(facts: PlanFacts, *, at: datetime) -> Link | None:
    """Where all that is still open of the plan is booked in one go; None where one visit is all there is, or where the
    plan is closed."""
    waiting = len(unbooked(facts))
    is_closed = any(
        each.code in CLOSES - {"deferred"} for each in standing(facts, at=at)
    )  # later is not never
    if facts.plan.status != PlanStatus.ACTIVE or not waiting or is_closed:
        return None
    begins = test_wanted(facts, at) and awaited_test(facts) is None
    if begins and pending_visit(facts, purposes.test_of(facts.plan), at) is None:
        label = _("Test, reading and session in one go")
    elif waiting > 1:
        label = _("Book all %(count)s open sessions") % {"count": waiting}
    else:
        return None
    url = reverse("clinic:course_for", args=[facts.plan.patient_id])
    return Link(label, f"{url}?course={key_of(facts.plan, first_only=begins)}", "route")


def _practitioner(facts: PlanFacts) -> str:
    return str(facts.plan.consultation.practitioner)


def _link(label: str, route: str, key: object, icon: str) -> Link:
    return Link(label, reverse(route, args=[key]), icon)


def _book(facts: PlanFacts, label: str) -> Link:
    return _link(label, "clinic:book_for", facts.plan.patient_id, "calendar-plus")


def _move(visit: Appointment | None) -> Link | None:
    if visit is None or not visit.is_upcoming:
        return None
    return _link(_("Move"), "clinic:appointment_move", visit.pk, "calendar-time")


def _held(facts: PlanFacts, at: datetime) -> Next | None:
    if facts.plan.status == PlanStatus.ACTIVE:
        return None
    if facts.plan.status == PlanStatus.PROPOSED:
        link = _link(
            _("Open consultation"), "consultations:consultation", facts.plan.consultation_id, "notes"
        )
        return Next(_("Finish and sign the consultation."), _practitioner(facts), link)
    what = _("The plan is %(status)s.") % {"status": facts.plan.get_status_display()}
    return Next(
        what, _practitioner(facts), _link(_("Open plan"), "consultations:plan", facts.plan.pk, "route")
    )


def _cause(facts: PlanFacts, at: datetime) -> Next | None:
    """The search for the cause of the positive test that closed the plan, until something is found."""
    positive = _searched(facts)
    if positive is None:
        return None
    link = _link(_("Look for the cause"), "consultations:cause", positive.pk, "test-pipe")
    if waiting := visits.alone_to_read(facts):
        window = reading_window(waiting[0].given_at, waiting[0].policy)
        visit = pending_visit(facts, purposes.reading_of(facts.plan), at)
        is_late = at >= window.closes_at
        book = None if is_late else _book(facts, _("Book the reading"))
        return Next(
            _("The reading is overdue: see the patient.")
            if is_late
            else _("Read the components that were tested alone."),
            str(visit.practitioner) if visit else _practitioner(facts),
            link,
            _move(visit) if visit else book,
            visit=visit,
            earliest=window.opens_at,
            latest=window.closes_at,
        )
    if causes.is_found(facts, positive.pk):
        return None
    what = _("Test the components one by one, or write down what was found.")
    return Next(what, _practitioner(facts), link)


def _searched(facts: PlanFacts) -> PatchTest | None:
    """The plan's test whose cause is looked for; None where the plan goes on, or where the search is over and nothing waits
    to be read."""
    if facts.plan.status in OPEN_PLANS:
        return None
    mine = [test for test in facts.tests if test.plan_id == facts.plan.pk and hasattr(test, "cause_search")]
    last = mine[-1] if mine else None
    readings = [each for each in facts.readings if last and each.patch_test_id == last.pk]
    return last if last and (causes.may_search(last, readings) or visits.alone_to_read(facts)) else None


def _closed(facts: PlanFacts, at: datetime) -> Next:
    link = _link(_("Open plan"), "consultations:plan", facts.plan.pk, "route")
    return Next(_("Decide how this plan goes on."), _practitioner(facts), link)


def _draft(facts: PlanFacts, at: datetime) -> Next | None:
    for session in facts.sessions:
        if session.plan_id == facts.plan.pk and not session.is_signed:
            what = _("Finish and sign session %(number)s.") % {"number": session.planned.ordinal}
            link = _link(_("Open session"), "consultations:session", session.pk, "signature")
            return Next(what, _practitioner(facts), link)
    return None


def _expired(facts: PlanFacts, at: datetime) -> Next | None:
    if not validity.consultation_to_confirm(facts, on=at):
        return None
    link = _link(
        _("Confirm the consultation"),
        "consultations:consultation_confirm",
        facts.plan.consultation_id,
        "clipboard-check",
    )
    return Next(_("Ask again and confirm the consultation."), _practitioner(facts), link)


def _consent(facts: PlanFacts, at: datetime) -> Next | None:
    if consent.in_force(facts, on=at) or plans.next_to_give(facts) is None:
        return None
    link = _link(_("Sign consent"), "consultations:consent_sign", facts.plan.pk, "writing-sign")
    return Next(_("Sign the consent."), _practitioner(facts), link)


def _reading(facts: PlanFacts, at: datetime) -> Next | None:
    test = awaited_test(facts)
    if test is None:
        return None
    window = reading_window(test.given_at, test.policy)
    visit = pending_visit(facts, purposes.reading_of(facts.plan), at)
    link = _link(_("Open reading"), "consultations:patch_test_read", test.pk, "eye")
    other = _move(visit) if visit else _book(facts, _("Book the reading"))
    what = (
        _("Read the test injection.")
        if at < window.closes_at
        else _("The reading is overdue: see the patient.")
    )
    who = str(visit.practitioner) if visit else _practitioner(facts)
    return Next(what, who, link, other, visit=visit, earliest=window.opens_at, latest=window.closes_at)


def _test(facts: PlanFacts, at: datetime) -> Next | None:
    if not test_wanted(facts, at):
        return None
    visit = pending_visit(facts, purposes.test_of(facts.plan), at)
    give = _link(_("Record the test injection"), "consultations:patch_test_give", facts.plan.pk, "vaccine")
    if visit:
        return Next(_("Give the test injection."), str(visit.practitioner), give, _move(visit), visit=visit)
    book = _book(facts, _("Book test + reading"))
    return Next(_("Book the test injection and its reading."), _("reception"), book, give)


def _session(facts: PlanFacts, at: datetime) -> Next | None:
    planned = plans.next_to_give(facts)
    if planned is None:
        return None
    windows = plans.windows(facts, on=timezone.localdate(at))
    window = next(each for each in windows if each.planned.pk == planned.pk)
    label = session_label(planned.ordinal, len(facts.planned))
    visit = pending_visit(facts, purposes.session_of(planned), at)
    open_it = _link(_("Open session"), "consultations:session_of", planned.pk, "droplet")
    earliest = timezone.make_aware(datetime.combine(window.earliest, time()))
    if visit:
        return Next(
            f"{label}.", str(visit.practitioner), open_it, _move(visit), visit=visit, earliest=earliest
        )
    what = _("Book session %(number)s.") % {"number": planned.ordinal}
    book = _book(facts, _("Book session %(number)s") % {"number": planned.ordinal})
    latest = timezone.make_aware(datetime.combine(window.latest, time()))
    return Next(what, _("reception"), book, open_it, earliest=earliest, latest=latest)


def _review_first(facts: PlanFacts, at: datetime) -> Next | None:
    """The review without which the next session does not begin."""
    planned = plans.next_to_give(facts)
    wanted = required_before(facts, planned, on=at)
    if planned is None or wanted is None:
        return None
    what = _("Hold the review “%(review)s”: session %(number)s waits for it.") % {
        "review": wanted.name,
        "number": planned.ordinal,
    }
    visit = pending_visit(facts, purposes.review_of(facts.plan), at)
    hold = _link(_("Hold the review"), "consultations:reviews_of", facts.plan.pk, "chart-line")
    other = _move(visit) if visit else _book(facts, _("Book the review"))
    return Next(what, str(visit.practitioner) if visit else _practitioner(facts), hold, other, visit=visit)


def _review(facts: PlanFacts, at: datetime) -> Next:
    visit = pending_visit(facts, purposes.review_of(facts.plan), at)
    who = str(visit.practitioner) if visit else _("reception")
    primary = _move(visit) or _book(facts, _("Book the review"))
    hold = _link(_("Hold the review"), "consultations:reviews_of", facts.plan.pk, "chart-line")
    coming = outstanding(facts)
    if not coming:
        return Next(_("Review the outcome."), who, primary, hold, visit=visit)
    day, asked = coming[0]
    what = _("Review the outcome: %(review)s.") % {"review": asked.name}
    return Next(what, who, primary, hold, visit=visit, earliest=start_of_day(day))
