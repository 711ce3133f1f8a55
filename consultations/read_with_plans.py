"""What is read with a plan itself: what every page judges visits by must not cost it one more query."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, ExpressionWrapper, Func, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject

from consultations.enums import PlanStatus, SignAgain
from consultations.models import (
    AdverseEvent,
    CauseFinding,
    CheckIn,
    CheckInQuestion,
    ConsentText,
    ConsultationConfirmation,
    HealthAnswer,
    PathwayPolicy,
    PlanStatusChange,
    PlanStop,
    RetestRule,
    Review,
    ReviewRule,
)


@dataclass(frozen=True, slots=True)
class AskedReview:
    """A review that the plan's course asks for: counted from where, since when; without a required one no session after
    the one it names begins."""

    code: str
    name: str
    anchor: str
    session: int | None
    offset: int
    unit: str
    is_required: bool
    since: datetime

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `ASKED_REVIEWS`."""
        return cls(**row | {"since": datetime.fromisoformat(row["since"])})


@dataclass(frozen=True, slots=True)
class HeldReview:
    """A signed review of the plan, the rule it was held for if any, and since when it is called an error."""

    code: str | None
    signed_at: datetime
    error_at: datetime | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `HELD_REVIEWS`."""
        moments = {name: datetime.fromisoformat(row[name]) for name in ("signed_at", "error_at") if row[name]}
        return cls(**row | moments)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The moment at which the consultation was confirmed as unchanged, and since when that is called an error."""

    at: datetime
    error_at: datetime | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `CONFIRMED`."""
        return cls(**_moments(row, "at", "error_at"))


@dataclass(frozen=True, slots=True)
class Retest:
    """A version of a rule for a new test, with the time in which it was in force."""

    code: str
    version: int
    trigger: str
    question: str
    effect: str
    wait_days: int | None
    lapse_months: int | None
    session_extends: bool
    published_at: datetime
    retired_at: datetime | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `SINCE_TEST`."""
        return cls(**row | _moments(row, "published_at", "retired_at"))


@dataclass(frozen=True, slots=True)
class HealthChange:
    """What the patient answered to a question since a consultation."""

    question: str
    answer: str
    at: datetime

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `SINCE_TEST`."""
        return cls(**row | _moments(row, "at"))


@dataclass(frozen=True, slots=True)
class AllergicEvent:
    """An allergic reaction of the patient: when it began, since when it was known, and until when it was the latest word."""

    onset_at: datetime
    signed_at: datetime
    superseded_at: datetime | None
    components: tuple[str, ...]
    plan: str | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `SINCE_TEST`."""
        moments = _moments(row, "onset_at", "signed_at", "superseded_at")
        return cls(**row | moments | {"components": tuple(row["components"])})


@dataclass(frozen=True)
class SinceTest:
    """What may ask for a new test, and the rules that say so, in the versions that count."""

    rules: list[Retest] = field(default_factory=list)
    health: list[HealthChange] = field(default_factory=list)  # oldest first
    allergic: list[AllergicEvent] = field(default_factory=list)
    rule_versions: list[Retest] = field(default_factory=list)
    allergic_versions: list[AllergicEvent] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Any) -> Self:
        """Of a plan that was read with `SINCE_TEST`."""
        versions = [Retest.of(each) for each in plan.retests]
        allergic = [AllergicEvent.of(each) for each in plan.allergic]
        return cls(
            rules=[each for each in versions if each.retired_at is None],
            health=[HealthChange.of(each) for each in plan.health],
            allergic=[each for each in allergic if each.superseded_at is None],
            rule_versions=versions,
            allergic_versions=allergic,
        )


def _moments(row: dict[str, Any], *names: str) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(row[name]) for name in names if row[name]}


@dataclass(frozen=True, slots=True)
class FoundCause:
    """What was found after a positive test: the search, the test, what it opened, and when it was signed."""

    search: str
    test: str
    causes: tuple[str, ...]
    opened: tuple[str, ...]
    signed_at: datetime

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `AFTER_POSITIVE`."""
        codes = {name: tuple(row[name]) for name in ("causes", "opened")}
        return cls(**row | codes | _moments(row, "signed_at"))


@dataclass(frozen=True, slots=True)
class NewerText:
    """A later version of the text a consent was signed under, that asks for a new signature, and since when."""

    sign_again: str
    since: datetime

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `NEWER_TEXTS`."""
        return cls(row["sign_again"], datetime.fromisoformat(row["since"]))


@dataclass(frozen=True)
class Validity:
    """What the clinic has decided about every plan: for how many calendar months a consultation and a consent hold (0
    where nobody has decided: not at all), and whether a session waits for the answers of the check-in."""

    consultation_months: int
    consent_months: int
    answers_required: bool = False


def _in_error(event: str) -> Func:
    """Whether two people have called the adverse event an error, in whatever words it is told now (SQL)."""
    return Func(event, function="event_in_error", output_field=BooleanField())


ASKED_REVIEWS = ArraySubquery(
    ReviewRule.objects.current()
    .filter(template_code=OuterRef("template__code"))
    .order_by("position", "code")
    .values(
        json=JSONObject(
            **{each.name: each.name for each in fields(AskedReview) if each.name != "since"},
            since="published_at",
        ),
    )
)
HELD_REVIEWS = ArraySubquery(
    Review.objects.filter(plan=OuterRef("pk"), signed_at__isnull=False)
    .order_by("signed_at")
    .values(
        json=JSONObject(code="rule__code", signed_at="signed_at", error_at="entered_in_error__requested_at"),
    )
)
# Beside a consent, whoever reads it to judge a plan.
NEWER_TEXTS = ArraySubquery(
    ConsentText.objects.filter(
        code=OuterRef("text__code"), version__gt=OuterRef("text__version"), published_at__isnull=False
    )
    .exclude(sign_again=SignAgain.NO)
    .order_by("version")
    .values(json=JSONObject(sign_again="sign_again", since="published_at"))
)
# How long the plan's consultation and consent hold, and when the consultation was confirmed.
_POLICIES = PathwayPolicy.objects.filter(code="default", published_at__isnull=False).order_by(
    "-published_at", "-version"
)
CONSULTATION_MONTHS = Subquery(_POLICIES.values("consultation_valid_months")[:1])
CONSENT_MONTHS = Subquery(_POLICIES.values("consent_valid_months")[:1])
_ASKED_BEFORE_SESSIONS = CheckInQuestion.objects.current().filter(before_sessions=True)
ANSWERS_REQUIRED = ExpressionWrapper(
    Q(Exists(_ASKED_BEFORE_SESSIONS))
    & Q(Exists(PathwayPolicy.objects.current().filter(code="default", check_in_required=True))),
    output_field=BooleanField(),
)
CONFIRMED = ArraySubquery(
    ConsultationConfirmation.objects.filter(consultation=OuterRef("consultation")).values(
        json=JSONObject(at="confirmed_at", error_at="entered_in_error__requested_at")
    )
)
CHECK_INS = ArraySubquery(CheckIn.objects.filter(patient=OuterRef("patient")).as_rows())
STOPPED = ArraySubquery(PlanStop.objects.filter(plan=OuterRef("pk")).as_rows())
SINCE_TEST = {
    "retests": ArraySubquery(
        RetestRule.objects.filter(published_at__isnull=False)
        .order_by("published_at", "version")
        .values(
            json=JSONObject(
                question="question_code",
                **{each.name: each.name for each in fields(Retest) if each.name != "question"},
            )
        )
    ),
    "health": ArraySubquery(
        HealthAnswer.objects.filter(patient=OuterRef("patient"))
        .order_by("recorded_at")
        .values(json=JSONObject(question="question__code", answer="answer", at="recorded_at"))
    ),
    "allergic": ArraySubquery(
        AdverseEvent.objects.filter(patient=OuterRef("patient"), is_allergic=True)
        .exclude(_in_error("pk"))
        .order_by("onset_at")
        .values(
            json=JSONObject(
                onset_at="onset_at",
                signed_at="signed_at",
                superseded_at="superseded_by__signed_at",
                components="component_codes",
                plan="plan",
            )
        )
    ),
}
# The onset of the latest allergic event among the holds since the plan was last active; events entered in error do not
# count (SQL: plan_allergic_since).
_LATER = PlanStatusChange.objects.filter(plan=OuterRef("plan"), pk__gt=OuterRef("pk"))
_ALLERGIC_HOLDS = PlanStatusChange.objects.filter(
    ~Exists(_LATER.exclude(status=PlanStatus.ON_HOLD)),
    plan=OuterRef("pk"),
    status=PlanStatus.ON_HOLD,
    adverse_event__is_allergic=True,
).exclude(_in_error("adverse_event"))
ALLERGIC_SINCE = Subquery(
    _ALLERGIC_HOLDS.order_by("-adverse_event__onset_at").values("adverse_event__onset_at")[:1]
)
# What was found after the patient's positive tests, oldest first; and the positive test that ended the plan, where one did.
_CAUSES_FOUND = ArraySubquery(
    CauseFinding.objects.filter(patient=OuterRef("patient"))
    .order_by("signed_at")
    .values(
        json=JSONObject(
            search="search",
            test="search__patch_test",
            causes="cause_codes",
            opened="opened_codes",
            signed_at="signed_at",
        )
    )
)
_ENDED_BY_TEST = Subquery(
    PlanStatusChange.objects.filter(plan=OuterRef("pk"))
    .order_by("-changed_at", "-pk")
    .values("test_reading__patch_test")[:1]
)
AFTER_POSITIVE = {"causes_found": _CAUSES_FOUND, "ended_by_test": _ENDED_BY_TEST}
