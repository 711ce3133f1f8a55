"""What is read with a plan itself: what every page judges visits by must not cost it one more query."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from consultations.models import ConsultationConfirmation, PathwayPolicy, PlanStop, Review, ReviewRule


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


@dataclass(frozen=True)
class Validity:
    """For how many calendar months a consultation and a consent hold; 0 where nobody has decided: not at all."""

    consultation_months: int
    consent_months: int


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
# How long the plan's consultation and consent hold, and when the consultation was confirmed.
_POLICIES = PathwayPolicy.objects.filter(code="default", published_at__isnull=False).order_by(
    "-published_at", "-version"
)
CONSULTATION_MONTHS = Subquery(_POLICIES.values("consultation_valid_months")[:1])
CONSENT_MONTHS = Subquery(_POLICIES.values("consent_valid_months")[:1])
CONFIRMED = ArraySubquery(
    ConsultationConfirmation.objects.filter(consultation=OuterRef("consultation")).values("confirmed_at")
)
STOPPED = ArraySubquery(PlanStop.objects.filter(plan=OuterRef("pk")).as_rows())
