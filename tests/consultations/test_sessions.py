"""Sessions through their actions: begun only when cleared, judged again at signing, given or not, and put right."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed, NotCleared, Stale
from clinic.models import Practitioner, User
from consultations import purposes
from consultations.actions import adverse_events, consents, records, sessions
from consultations.actions.signing import content_hash
from consultations.dates import add_months, start_of_day
from consultations.enums import PlanStatus, SessionOutcome, TriageOutcome
from consultations.models import Deviation, Formula, Plan, PlanTemplate, Session
from consultations.queries import facts_of_one
from consultations.rules import plans
from consultations.rules.over_caps import NeedsReason
from tests.consultations import course
from tests.factories import (
    AppointmentFactory,
    ClinicalReportFactory,
    LotFactory,
    PractitionerFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, PARIS, ago, ahead

pytestmark = pytest.mark.django_db


@pytest.fixture
def by(doctor: Practitioner, practitioner_user: User) -> User:
    """The practitioner who acts."""
    return practitioner_user


@pytest.fixture
def colleague() -> User:
    """Another practitioner."""
    return PractitionerFactory(signs_in=True).user


def begun(plan: Plan, by: User, at: datetime = CLINIC_NOW) -> Session:
    planned = plans.next_to_give(facts_of_one(plan))
    assert planned is not None
    return sessions.begin(planned=planned, appointment=None, by=by, at=at)


def signed(session: Session, by: User, at: datetime = CLINIC_NOW) -> Session:
    return sessions.sign(session=session, version=None, by=by, at=at)


def test_a1_amin_four_monthly_sessions_of_two_and_a_quarter_ml(by: User) -> None:
    first = datetime(2025, 1, 15, 10, tzinfo=PARIS)
    plan = course.cleared("FACE-AMIN", by=by, at=first, starts_on=first.date())
    rows = course.zones((125, "0.01"), (100, "0.01"))
    days = [first.replace(month=month) for month in (1, 2, 3, 4)]
    made = [
        course.given(plan, ordinal, rows=rows, by=by, at=at) for ordinal, at in enumerate(days[:3], start=1)
    ]
    course.reviewed(plan, "FACE-AMIN-S3", by=by, at=days[2] + timedelta(hours=1), gais="4")
    made.append(course.given(plan, 4, rows=rows, by=by, at=days[3]))
    for session in made:
        amounts = {dose.component.code: dose.amount for dose in session.doses.select_related("component")}
        assert amounts == {"multivit": Decimal("2.0250"), "ha": Decimal("0.2250")}
    zones = [zone for session in made for zone in session.zones.all()]
    assert sum(zone.points for zone in zones) == 900
    assert sum(zone.volume_ml for zone in zones) == Decimal("9.000")
    plan.refresh_from_db()
    assert plan.status == PlanStatus.COMPLETED
    assert plan.status_changes.get().reason == "All sessions were given."


def test_a2_costantino_five_sessions_in_one_plan_40_40_20_20_20_mg(by: User) -> None:
    first = datetime(2026, 1, 5, 10, tzinfo=PARIS)
    plan = course.cleared("PAIN-ACUTE-LBP", by=by, at=first, starts_on=first.date())
    days = [timezone.localdate(first) + timedelta(days=offset) for offset in (0, 3, 6, 9, 12)]
    assert [window.ideal for window in plans.windows(facts_of_one(plan), on=first.date())] == days
    given = [
        course.given(
            plan,
            ordinal,
            rows=course.zones((20, "0.15")),
            by=by,
            at=first + timedelta(days=3 * (ordinal - 1)),
            weight_kg=Decimal(70),
        )
        for ordinal in range(1, 6)
    ]
    amounts = [
        {dose.component.code: dose.amount for dose in session.doses.select_related("component")}
        for session in given
    ]
    assert [each["methylpred"] for each in amounts] == [40, 40, 20, 20, 20]
    course_sum = {code: sum(each[code] for each in amounts) for code in amounts[0]}
    assert course_sum == {"lidocaine": Decimal(100), "ketoprofen": Decimal(800), "methylpred": Decimal(140)}
    assert sum(zone.volume_ml for session in given for zone in session.zones.all()) == Decimal(15)
    codes = [Session.objects.get(pk=session.pk).formula.code for session in given]
    assert codes == ["F-PAIN-LBP"] * 2 + ["F-PAIN-LBP-20"] * 3
    plan.refresh_from_db()
    assert plan.status == PlanStatus.COMPLETED


def test_a_plan_with_a_formula_of_its_own_choice_keeps_it_in_every_session(by: User) -> None:
    template = PlanTemplate.objects.current().get(code="PAIN-ACUTE-LBP")
    chosen = Formula.objects.current().get(code="F-PAIN-LBP-20")
    plan = course.agreed("PAIN-ACUTE-LBP", by=by, at=CLINIC_NOW, formula=chosen)
    assert (plan.template, plan.formula) == (template, chosen)
    assert {planned.formula for planned in plan.planned_sessions.all()} == {None}


def test_begin_is_refused_with_every_condition_and_leaves_nothing(by: User) -> None:
    plan = cleared_plan()
    consents.withdraw(consent=plan.consents.get(), reason="", by=by, at=CLINIC_NOW)
    ClinicalReportFactory(patient=plan.patient)
    with pytest.raises(NotCleared) as refused:
        begun(plan, by)
    assert [condition.code for condition in refused.value.conditions] == ["report_open", "consent"]
    assert Session.objects.count() == 0


def test_sessions_are_begun_in_order(by: User) -> None:
    plan = cleared_plan()
    with pytest.raises(NotCleared) as refused:
        sessions.begin(planned=plan.planned_sessions.get(ordinal=2), appointment=None, by=by, at=CLINIC_NOW)
    assert refused.value.code == "earlier_session"


def test_only_practitioners_begin(reception: User, admin: User) -> None:
    plan = cleared_plan()
    for user in (reception, admin):
        with pytest.raises(NotAllowed):
            begun(plan, user)


def test_a_session_is_recorded_once_at_a_time(by: User, colleague: User) -> None:
    plan = cleared_plan()
    begun(plan, by)
    with pytest.raises(DomainError) as refused:
        sessions.begin(
            planned=plan.planned_sessions.get(ordinal=1), appointment=None, by=colleague, at=CLINIC_NOW
        )
    assert refused.value.code in {"session_cleared", "session_one_draft"}
    assert Session.objects.count() == 1


def test_signing_seals_the_record_as_the_database_keeps_it(by: User) -> None:
    session = begun(cleared_plan(), by)
    course.written(session, course.zones((13, "0.07")), by=by, at=CLINIC_NOW)
    signed(session, by)
    row = Session.objects.get(pk=session.pk)
    rows = (row.zones.all(), row.used_lots.all(), row.doses.all(), row.scores.all(), row.reactions.all())
    assert row.content_hash == content_hash(row, *rows)
    assert (row.signed_by, row.signed_at, row.ended_at) == (by, CLINIC_NOW, CLINIC_NOW)


def test_signing_judges_again_by_what_was_known_when_it_was_given(by: User) -> None:
    plan = cleared_plan()
    session = begun(plan, by, ago(hours=1))
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
    earlier = ClinicalReportFactory(patient=plan.patient, reported_at=ago(hours=2))
    with pytest.raises(NotCleared) as refused:
        signed(session, by)
    assert refused.value.code == "report_open"
    session.refresh_from_db()
    assert (session.is_signed, session.doses.count()) == (False, 0)
    adverse_events.triage(entry=earlier, outcome=TriageOutcome.NO_ACTION, note="", by=by, at=CLINIC_NOW)
    assert signed(session, by).is_signed


def test_what_closed_only_after_the_injection_does_not_stop_its_signature(by: User) -> None:
    plan = cleared_plan()
    session = begun(plan, by, ago(hours=1))
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
    consents.withdraw(consent=plan.consents.get(), reason="", by=by, at=ago(minutes=10))
    ClinicalReportFactory(patient=plan.patient, reported_at=ago(minutes=10))
    assert signed(session, by).is_signed


def test_signing_computes_doses_anew_and_refuses_the_one_over_its_cap(by: User) -> None:
    plan = course.cleared("FAT-DCA", by=by, at=CLINIC_NOW)
    session = begun(plan, by)
    course.written(session, course.zones((51, "0.19")), by=by, at=CLINIC_NOW)
    with pytest.raises(DomainError) as refused:
        signed(session, by)
    assert (refused.value.code, refused.value.field) == ("too_many_points", "zones")
    course.written(session, course.zones((50, "0.2")), by=by, at=CLINIC_NOW)
    done = signed(session, by)
    (dose,) = done.doses.all()
    assert (dose.amount, dose.cap_amount, dose.cap_arithmetic) == (
        Decimal(100),
        Decimal(100),
        "100 mg per session",
    )


def overdosed(by: User, at: datetime = CLINIC_NOW) -> Session:
    """A draft with 10.1 ml of the label's formula: 50 points, the last of them a little larger."""
    plan = course.cleared("FAT-DCA", by=by, at=at)
    session = begun(plan, by, at)
    zone = course.zones((50, "0.2"))[0]
    rows = [replace(zone, volume_ml=Decimal("10.1"), area_cm2=Decimal(51))]
    return course.written(session, rows, by=by, at=at)


def test_a5_ten_point_one_ml_that_were_injected_are_signed_as_a_deviation_that_shows_its_arithmetic(
    by: User,
) -> None:
    session = overdosed(by)
    with pytest.raises(NeedsReason) as refused:
        signed(session, by)
    assert (refused.value.code, refused.value.field) == ("over_cap", "zones")
    assert (Deviation.objects.count(), session.doses.count()) == (0, 0)
    done = sessions.sign(
        session=session, version=None, deviation_reason="misread the syringe", by=by, at=CLINIC_NOW
    )
    (dose,) = done.doses.all()
    assert (dose.amount, dose.cap_amount) == (Decimal(101), Decimal(100))
    deviation = Deviation.objects.get()
    assert (done.is_signed, done.deviation, deviation.codes) == (True, deviation, ["over_cap"])
    assert (deviation.reason, deviation.recorded_by) == ("misread the syringe", by)
    assert deviation.findings == f"{dose.component}: 101 mg are more than the cap (100 mg per session)."
    row = Session.objects.get(pk=session.pk)
    rows = (row.zones.all(), row.used_lots.all(), row.doses.all(), row.scores.all(), row.reactions.all())
    assert row.content_hash == content_hash(row, *rows)


def test_every_cap_that_was_exceeded_is_named_and_a_reason_for_none_is_refused(by: User) -> None:
    session = overdosed(by)
    course.written(session, course.zones((51, "0.21")), by=by, at=CLINIC_NOW)
    sign = {"session": session, "version": None, "by": by, "at": CLINIC_NOW}
    course.written(session, course.zones((50, "0.2")), by=by, at=CLINIC_NOW)
    with pytest.raises(DomainError) as refused:
        sessions.sign(**sign, deviation_reason="to be sure")
    assert (refused.value.code, Deviation.objects.count()) == ("not_over", 0)
    course.written(session, course.zones((51, "0.21")), by=by, at=CLINIC_NOW)
    sessions.sign(**sign, deviation_reason="another syringe")
    assert Deviation.objects.get().codes == [
        "over_cap",
        "too_many_points",
        "too_much_per_cm2",
        "too_much_per_point",
    ]


def test_a_deviation_for_something_else_lets_no_dose_pass_in_silence(by: User) -> None:
    plan = course.cleared("FAT-DCA", by=by, at=CLINIC_NOW)
    consents.withdraw(consent=plan.consents.get(), reason="", by=by, at=ago(hours=3))
    planned = plan.planned_sessions.get(ordinal=1)
    session = sessions.record_deviating(
        planned=planned, started_at=ago(hours=1), reason="seen too late", by=by, at=CLINIC_NOW
    )
    more = {"unusual_reason": "a small chin"}
    course.written(session, course.zones((51, "0.19")), by=by, at=CLINIC_NOW, **more)
    with pytest.raises(NeedsReason):
        signed(session, by)
    done = sessions.sign(
        session=session, version=None, deviation_reason="one point more", by=by, at=CLINIC_NOW
    )
    assert done.deviation is not None
    assert (done.deviation.codes, done.deviation.reason) == (
        ["consent", "too_many_points"],
        "seen too late\none point more",
    )
    assert (Deviation.objects.count(), list(Deviation.objects.told_once())) == (2, [done.deviation])


def test_a5_a_second_session_within_a_month_is_too_soon_and_after_a_month_it_is_not(by: User) -> None:
    plan = course.cleared("FAT-DCA", by=by, at=CLINIC_NOW)
    course.given(plan, 1, rows=course.zones((50, "0.2")), by=by, at=CLINIC_NOW)
    month = add_months(CLINIC_NOW, 1)
    for too_soon in (CLINIC_NOW + timedelta(days=28), month - timedelta(days=1)):
        with pytest.raises(NotCleared) as refused:
            begun(plan, by, too_soon)
        assert refused.value.code == "too_soon"
        assert refused.value.conditions[0].earliest == start_of_day(month.date())
    assert begun(plan, by, month).planned.ordinal == 2


def test_a5_a_seventh_session_is_refused_whatever_the_plan_and_by_the_database_itself(by: User) -> None:
    first = add_months(CLINIC_NOW, -7)
    plan = course.cleared("FAT-DCA", by=by, at=first)
    for number in range(6):
        course.given(plan, number + 1, rows=course.zones((50, "0.2")), by=by, at=add_months(first, number))
        if number == 2:
            reviewed_at = add_months(first, number) + timedelta(hours=1)
            course.reviewed(plan, "FAT-DCA-S3", by=by, at=reviewed_at, gais="3")
    plan.refresh_from_db()
    assert plan.status == PlanStatus.COMPLETED
    again = course.cleared("FAT-DCA", by=by, at=CLINIC_NOW, patient=plan.patient)
    with pytest.raises(NotCleared) as refused:
        begun(again, by)
    assert refused.value.code == "course_full"
    name = again.formula.parts.get().component.name
    assert refused.value.conditions[0].detail == f"{name} allows 6 sessions over all plans; 6 were given."
    with pytest.raises(IntegrityError) as by_database:
        SessionFactory(plan=again, started_at=CLINIC_NOW, lots=[])
    assert "course_full" in str(by_database.value)


def test_only_the_author_saves_and_a_colleague_takes_over_by_name(by: User, colleague: User) -> None:
    session = begun(cleared_plan(), by)
    with pytest.raises(NotAllowed) as refused:
        course.written(session, [], by=colleague, at=CLINIC_NOW)
    assert refused.value.code == "other_author"
    records.take_over(record=session, by=colleague, at=CLINIC_NOW)
    course.written(session, course.zones((10, "0.1")), by=colleague, at=CLINIC_NOW)
    assert signed(session, colleague).practitioner.user == colleague


def test_a_stale_page_saves_nothing(by: User) -> None:
    session = begun(cleared_plan(), by)
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
    with pytest.raises(Stale):
        sessions.save(
            session=session, details={}, contents=sessions.Contents(), version=1, by=by, at=CLINIC_NOW
        )
    assert session.zones.count() == 1


def test_a_lot_of_something_else_is_refused_by_the_database_itself(by: User) -> None:
    session = begun(cleared_plan(), by)
    with pytest.raises(DomainError):
        course.written(session, [], by=by, at=CLINIC_NOW, lots=[LotFactory()])


def test_a_partial_session_counts_and_says_why(by: User) -> None:
    plan = cleared_plan(min_gap_days=6)
    session = begun(plan, by)
    course.written(
        session,
        course.zones((5, "0.1")),
        by=by,
        at=CLINIC_NOW,
        outcome=SessionOutcome.PARTIAL,
        outcome_reason="fainted",
    )
    signed(session, by)
    facts = facts_of_one(plan)
    assert [each.pk for each in facts.given] == [session.pk]
    with pytest.raises(NotCleared) as refused:
        begun(plan, by, ahead(days=5))
    assert refused.value.code == "too_soon"


def test_a_session_not_given_counts_for_nothing_and_stays_to_be_given(by: User) -> None:
    plan = cleared_plan()
    planned = plan.planned_sessions.get(ordinal=1)
    visit = AppointmentFactory(
        patient=plan.patient, purpose=purposes.session_of(planned), status=AppointmentStatus.IN_PROGRESS
    )
    planned.appointment = visit
    planned.save()
    session = sessions.not_given(planned=planned, appointment=visit, reason="fever", by=by, at=CLINIC_NOW)
    planned.refresh_from_db()
    assert (session.is_signed, session.outcome, planned.appointment) == (True, SessionOutcome.NOT_GIVEN, None)
    assert plans.next_to_give(facts_of_one(plan)) == planned
    assert begun(plan, by, ahead(hours=1)).planned == planned


def test_a_session_not_given_says_why(by: User) -> None:
    plan = cleared_plan()
    with pytest.raises(DomainError) as refused:
        sessions.not_given(
            planned=plan.planned_sessions.first(), appointment=None, reason=" ", by=by, at=CLINIC_NOW
        )
    assert (refused.value.code, refused.value.field) == ("reason_missing", "reason")


def test_a_draft_with_zones_can_become_not_given_once_they_are_emptied(by: User) -> None:
    session = begun(cleared_plan(), by)
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
    changed = {"outcome": SessionOutcome.NOT_GIVEN, "outcome_reason": "fainted before the first point"}
    with pytest.raises(DomainError) as refused:
        course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW, **changed)
    assert refused.value.field == "zones"
    course.written(session, [], by=by, at=CLINIC_NOW, lots=[], **changed)
    assert signed(session, by).outcome == SessionOutcome.NOT_GIVEN


def test_a_deviation_is_recorded_by_name_and_clears_nothing(by: User) -> None:
    plan = cleared_plan()
    consents.withdraw(consent=plan.consents.get(), reason="", by=by, at=ago(hours=3))
    planned = plan.planned_sessions.get(ordinal=1)
    session = sessions.record_deviating(
        planned=planned, started_at=ago(hours=1), reason="withdrawal seen too late", by=by, at=CLINIC_NOW
    )
    assert (session.deviation.codes, session.deviation.recorded_by) == (["consent"], by)
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
    signed(session, by)
    assert plans.next_to_give(facts_of_one(plan)).ordinal == 2
    with pytest.raises(NotCleared) as refused:
        begun(plan, by, ahead(days=30))
    assert refused.value.code == "consent"


def test_a_session_that_is_on_record_is_not_recorded_again_as_a_deviation(by: User) -> None:
    given = SessionFactory(signed=True, started_at=ago(hours=2))
    with pytest.raises(DomainError) as refused:
        sessions.record_deviating(
            planned=given.planned, started_at=ago(hours=1), reason="given late", by=by, at=CLINIC_NOW
        )
    assert (refused.value.code, Deviation.objects.count()) == ("session_done", 0)
    assert Session.objects.get() == given


def test_a_deviation_where_nothing_was_missing_or_in_the_future_is_refused(by: User) -> None:
    plan = cleared_plan()
    planned = plan.planned_sessions.get(ordinal=1)
    with pytest.raises(DomainError) as refused:
        sessions.record_deviating(planned=planned, started_at=ago(hours=1), reason="x", by=by, at=CLINIC_NOW)
    assert refused.value.code == "nothing_missing"
    second = plan.planned_sessions.get(ordinal=2)
    with pytest.raises(DomainError) as refused:
        sessions.record_deviating(planned=second, started_at=ahead(hours=1), reason="x", by=by, at=CLINIC_NOW)
    assert (refused.value.code, refused.value.field) == ("future", "started_at")
    assert Deviation.objects.count() == 0


def test_the_last_session_completes_the_plan(by: User) -> None:
    plan = cleared_plan(sessions=2, min_gap_days=1)
    for ordinal, at in ((1, CLINIC_NOW), (2, ahead(days=1))):
        plan.refresh_from_db()
        assert plan.status == PlanStatus.ACTIVE
        course.given(plan, ordinal, rows=course.zones((10, "0.1")), by=by, at=at)
    plan.refresh_from_db()
    assert plan.status == PlanStatus.COMPLETED


def test_a_session_entered_in_error_is_to_be_given_again_once_a_second_person_confirms(
    by: User, colleague: User
) -> None:
    plan = cleared_plan(sessions=3, min_gap_days=6)
    session = course.given(plan, 1, rows=course.zones((10, "0.1")), by=by, at=ago(days=2))
    entry = records.call_error(record=session, reason="wrong patient", by=by, at=CLINIC_NOW)
    assert plans.next_to_give(facts_of_one(plan)).ordinal == 2
    with pytest.raises(NotCleared):
        begun(plan, by)
    records.confirm_error(entry=entry, by=colleague, at=CLINIC_NOW)
    assert begun(plan, by).planned.ordinal == 1


def test_a_consultation_entered_in_error_makes_its_booked_sessions_provisional(by: User) -> None:
    plan = cleared_plan()
    first = plan.planned_sessions.get(ordinal=1)
    booked = AppointmentFactory(
        patient=plan.patient, purpose=purposes.session_of(first), starts_at=ahead(days=1)
    )
    records.call_error(record=plan.consultation, reason="wrong patient", by=by, at=CLINIC_NOW)
    booked.refresh_from_db()
    assert booked.status == AppointmentStatus.PROVISIONAL


def test_a_session_on_the_same_visit_ends_no_earlier_than_it_began(by: User) -> None:
    session = begun(cleared_plan(), by)
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW, ended_at=ago(hours=1))
    with pytest.raises(DomainError) as refused:
        signed(session, by)
    assert refused.value.field == "ended_at"
    course.written(
        session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW, ended_at=CLINIC_NOW + timedelta(minutes=20)
    )
    assert signed(session, by, ahead(hours=1)).ended_at == CLINIC_NOW + timedelta(minutes=20)
