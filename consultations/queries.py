"""What the pathway needs to know of patients and plans, read in a fixed number of queries however many there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from clinic.enums import UPCOMING, AppointmentStatus
from clinic.errors import DomainError
from clinic.models import Appointment, Patient, User
from consultations import plan_rows
from consultations.enums import GIVEN, OPEN_PLANS, PlanStatus, ReadingKind, ReviewAnchor, TestResult
from consultations.models import (
    Allergy,
    CauseSearch,
    ClinicalReport,
    Consent,
    Consultation,
    ContraindicationAnswer,
    DoseCap,
    Formula,
    FormulaPart,
    KnownCheckIn,
    PatchTest,
    PathwayPolicy,
    Plan,
    PlannedSession,
    Review,
    ReviewRule,
    Session,
    StandingStop,
    TestReading,
)
from consultations.read_with_plans import AskedReview, Confirmed, FoundCause, HeldReview, SinceTest, Validity

Groups = dict[Any, list]


@dataclass(frozen=True)
class PlanFacts:
    """Everything the rules judge a plan by. Rows entered in error carry `entered_in_error`."""

    plan: Plan
    planned: list[PlannedSession]
    parts: list[FormulaPart]
    answers: list[ContraindicationAnswer]
    consents: list[Consent]
    sessions: list[Session]
    validity: Validity
    confirmations: list[Confirmed]
    stops: list[StandingStop]  # lifted ones too
    check_ins: list[KnownCheckIn] = field(default_factory=list)
    tests: list[PatchTest] = field(default_factory=list)
    readings: list[TestReading] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    reports: list[ClinicalReport] = field(default_factory=list)
    visits: list[Appointment] = field(default_factory=list)
    caps: list[DoseCap] = field(default_factory=list)
    asked_reviews: list[AskedReview] = field(default_factory=list)
    held_reviews: list[HeldReview] = field(default_factory=list)
    cap_versions: list[DoseCap] = field(default_factory=list)
    since_test: SinceTest = field(default_factory=SinceTest)
    causes: list[FoundCause] = field(default_factory=list)  # oldest first; of a search the last one counts
    plan_parts: list[FormulaPart] | None = None  # where `parts` are those of one session's own formula
    own_formula: Formula | None = None  # of the session that is judged, where it has one
    is_of_now: bool = True  # else without what came to be known only later (`rules.knowledge`)

    @property
    def of_whole_plan(self) -> "PlanFacts":
        """By what is in the plan's formula in every session of it: consent, test and allergies go by that alone."""
        return self if self.plan_parts is None else replace(self, parts=self.plan_parts, plan_parts=None)

    def in_session(self, planned: PlannedSession | None) -> "PlanFacts":
        """The facts with the caps of the formula that this session of the plan is given with."""
        own = planned.formula if planned and planned.formula_id else None
        return self if own == self.own_formula or planned is None else replace(self, own_formula=own)

    @property
    def confirmed(self) -> list[datetime]:
        """Moments at which the consultation was confirmed as unchanged; one called an error clears nothing at once."""
        return [each.at for each in self.confirmations if each.error_at is None]

    @property
    def component_codes(self) -> frozenset[str]:
        """What is in the formula."""
        return frozenset(part.component.code for part in self.parts)

    @cached_property
    def formula_codes(self) -> frozenset[str]:
        """Whose caps bind: the plan's formula in every session, and the session's own with it."""
        return frozenset(each.code for each in (self.plan.formula, self.own_formula) if each)

    @cached_property
    def own_caps(self) -> list[DoseCap]:
        """The caps that bind a component of the formula, in the plan's or in the session's own."""
        codes, formulas = self.component_codes, {"", *self.formula_codes}
        return [cap for cap in self.caps if cap.component_code in codes and cap.formula_code in formulas]

    @property
    def given(self) -> list[Session]:
        """Sessions wholly or partly given, oldest first; one called an error counts until that is confirmed."""
        mine = [each for each in self.sessions if each.plan_id == self.plan.pk]
        return [
            each for each in mine if each.is_signed and each.outcome in GIVEN and not confirmed_error(each)
        ]

    @property
    def allergic_since(self) -> datetime | None:
        """Since when an allergic event holds the plan: the onset of the latest one. Known of plans read by `facts_of`."""
        since: datetime | None = getattr(self.plan, "allergic_since", None)
        return since

    @property
    def negative_readings(self) -> list[TestReading]:
        """Readings without reaction that nothing has taken back or superseded; none of a component tested alone."""
        return [
            each
            for each in self.readings
            if each.result == TestResult.NEGATIVE
            and each.patch_test.search_id is None
            and getattr(each, "superseded_by", None) is None
            and not in_error(each)
            and not in_error(each.patch_test)
        ]

    def visits_for(self, purpose: str) -> list[Appointment]:
        """Visits on the books for a purpose of this plan."""
        return [visit for visit in self.visits if visit.purpose == purpose and visit.holds_time]


def in_error(record: object) -> bool:
    """Whether a signed record was taken back; what clears stops clearing at once (EnteredInError)."""
    return getattr(record, "entered_in_error", None) is not None


def confirmed_error(record: object) -> bool:
    """Whether a second person confirmed it: only then a closing record stops closing."""
    entry = getattr(record, "entered_in_error", None)
    return entry is not None and entry.confirmed_at is not None


def facts_of(plans: Collection[Plan]) -> dict[UUID, PlanFacts]:
    """The facts of the plans, in about a dozen queries for all of them; in none where there is no plan."""
    if not plans:
        return {}
    full = {plan.pk: plan for plan in plan_rows.PLANS([plan.pk for plan in plans])}
    sessions = plan_rows.PLANNED(full)
    for each in sessions:
        each.plan = full[each.plan_id]
    planned = _grouped(sessions, "plan_id")
    parts = _grouped(plan_rows.PARTS({plan.formula_id for plan in full.values()}), "formula_id")
    answers = _grouped(plan_rows.ANSWERS([plan.consultation_id for plan in full.values()]), "consultation_id")
    consents = _grouped(plan_rows.CONSENTS(full), "plan_id")
    patients = {plan.patient_id for plan in full.values()}
    of_patients = {
        name: _grouped(rows(patients), "patient_id") for name, rows in plan_rows.OF_PATIENTS.items()
    }
    cap_versions = plan_rows.CAP_VERSIONS()
    caps = [cap for cap in cap_versions if cap.retired_at is None]
    return {
        key: PlanFacts(
            plan=plan,
            planned=planned[key],
            parts=parts[plan.formula_id],
            answers=answers[plan.consultation_id],
            consents=consents[key],
            validity=Validity(plan.consultation_months or 0, plan.consent_months or 0, plan.answers_required),
            confirmations=[Confirmed.of(each) for each in plan.confirmed],
            stops=[StandingStop.of(each) for each in plan.stopped],
            check_ins=[KnownCheckIn.of(each) for each in plan.check_ins_known],
            caps=caps,
            asked_reviews=[AskedReview.of(each) for each in plan.asked_reviews],
            held_reviews=[HeldReview.of(each) for each in plan.held_reviews],
            cap_versions=cap_versions,
            since_test=SinceTest.of(plan),
            causes=[FoundCause.of(each) for each in plan.causes_found],
            **{name: rows[plan.patient_id] for name, rows in of_patients.items()},
        )
        for key, plan in full.items()
    }


def facts_of_session(session: Session) -> PlanFacts:
    """The facts of the session's plan, with the parts and the caps of the formula that this session is given with."""
    facts = facts_of_one(session.plan)
    planned = next(each for each in facts.planned if each.pk == session.planned_id)
    if planned.formula_id is None:
        return facts
    own = plan_rows.PARTS([planned.formula_id])
    return replace(facts, parts=own, plan_parts=facts.parts, own_formula=planned.formula)


def facts_of_one(plan: Plan) -> PlanFacts:
    """The facts of a single plan."""
    return facts_of([plan])[plan.pk]


def _grouped(rows: Iterable[object], key: str) -> Groups:
    groups: Groups = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def visit_in_progress(patient: Patient) -> Appointment | None:
    """The visit that clinical acts attach to, whatever its type."""
    return (
        Appointment.objects.filter(patient=patient, status=AppointmentStatus.IN_PROGRESS)
        .order_by("-started_at")
        .first()
    )


def tests_to_read(user: User) -> QuerySet[PatchTest]:
    """Test injections whose delayed reading is still awaited and which the person may see, the longest due first."""
    return awaiting_reading().visible_to(user)


def awaiting_reading() -> QuerySet[PatchTest]:
    """Signed test injections that have not been read, for those who plan the days as well."""
    undecided = (TestResult.AWAITING, TestResult.UNCHANGED)
    decided = TestReading.objects.exclude(result__in=undecided).values("patch_test")
    return (
        PatchTest.objects.signed()
        .exclude(pk__in=decided)
        .select_related("patient", "plan__indication", "formula", "policy", "practitioner")
        .order_by("given_at")
    )


def tests_read_since(moment: datetime, *, user: User) -> QuerySet[TestReading]:
    """Delayed readings made since the moment, newest first."""
    return (
        TestReading.objects.visible_to(user)
        .exclude(kind=ReadingKind.IMMEDIATE)
        .filter(read_at__gte=moment)
        .select_related("patient", "patch_test__formula", "signed_by")
        .order_by("-read_at")
    )


def unsigned(user: User, *, before: datetime) -> list[Consultation | Session | Review]:
    """Drafts begun before the moment, oldest first."""
    drafts: list[Consultation | Session | Review] = [
        *Consultation.objects.visible_to(user)
        .unsigned_since(before)
        .select_related("patient", "practitioner"),
        *Session.objects.visible_to(user)
        .unsigned_since(before)
        .select_related("patient", "practitioner", "plan__indication", "planned"),
        *Review.objects.visible_to(user)
        .unsigned_since(before)
        .select_related("patient", "practitioner", "plan__indication"),
    ]
    return sorted(drafts, key=lambda draft: draft.created_at)


def policy_in_force(at: datetime) -> PathwayPolicy:
    """What the clinic had decided about the pathway at the moment; before its first decision, the first.

    Raises:
        DomainError: policy_missing, where the reference data was never loaded.
    """
    published = PathwayPolicy.objects.filter(code="default", published_at__isnull=False)
    versions = list(published.order_by("published_at", "version"))
    if not versions:
        raise DomainError(
            _(
                "The policy of the pathway is missing: whoever runs this server has to load the reference data."
            ),
            "policy_missing",
        )
    decided = [each for each in versions if each.published_at and each.published_at <= at]
    return decided[-1] if decided else versions[0]


def unbooked(facts: PlanFacts) -> list[PlannedSession]:
    """Sessions of the plan neither given nor on the books, in order."""
    done = {session.planned_id for session in facts.given}
    return [each for each in facts.planned if each.pk not in done and not _is_booked(each)]


_ON_THE_BOOKS = {*UPCOMING, AppointmentStatus.ARRIVED, AppointmentStatus.IN_PROGRESS}


def _is_booked(planned: PlannedSession) -> bool:
    return planned.appointment is not None and planned.appointment.status in _ON_THE_BOOKS


def under_way(patient: Patient) -> QuerySet[Plan]:
    """The patient's open plans, and completed ones whose course asks for a review after its end that nobody has held."""
    held = Review.objects.signed().filter(plan=OuterRef(OuterRef("pk")), rule__code=OuterRef("code"))
    after = Q(anchor=ReviewAnchor.LAST) | Q(anchor=ReviewAnchor.START, offset__gt=0)
    asked = ReviewRule.objects.current().filter(
        after, ~Exists(held), template_code=OuterRef("template__code")
    )
    still = Q(Exists(asked), status=PlanStatus.COMPLETED)
    return Plan.objects.filter(Q(status__in=OPEN_PLANS) | still, patient=patient)


def followed(patient: Patient) -> QuerySet[Plan]:
    """Those under way, and those whose search for a cause is open: nothing found that stands, or a test alone unread."""
    searches = CauseSearch.objects.without_finding().filter(patch_test__plan=OuterRef("pk"))
    alone = PatchTest.objects.filter(plan=OuterRef("pk"), search__isnull=False, entered_in_error=None)
    unread = alone.exclude(readings__result__in=set(TestResult) - {TestResult.AWAITING, TestResult.UNCHANGED})
    looked_for = Q(Exists(searches)) | Q(Exists(unread))
    return Plan.objects.filter(Q(pk__in=under_way(patient).values("pk")) | looked_for, patient=patient)


def quiet_plans(*, since: datetime) -> QuerySet[Plan]:
    """Active plans with a session neither given nor booked in which nothing was given or proposed since the moment.

    The latest plans come first, by index. A clinic gathers plans that nobody comes back to: read a few at a time.
    """
    given = Session.objects.given()
    last_given = given.filter(plan=OuterRef("pk")).order_by("-started_at").values("started_at")[:1]
    to_book = PlannedSession.objects.filter(
        ~Exists(given.filter(planned=OuterRef("pk"))),
        Q(appointment=None) | ~Q(appointment__status__in=sorted(_ON_THE_BOOKS)),
        plan=OuterRef("pk"),
    )
    plans = Plan.objects.filter(status=PlanStatus.ACTIVE).alias(
        quiet_since=Coalesce(Subquery(last_given), "created_at")  # agreed a little later, when it was signed
    )
    return plans.filter(Exists(to_book), quiet_since__lt=since).order_by("-created_at", "pk")


def reference_for(formula_code: str, family: str) -> Q:
    """Policies that apply to a formula and technique family."""
    return Q(formula_code__in=["", formula_code]) & Q(family__in=["", family])
