"""Outcome reviews: chosen and begun from the plan or the review visit, written, signed; afterwards read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.errors import DomainError, Stale
from consultations import page_rows
from consultations.actions import reviews as actions
from consultations.forms.reviews import BeginForm, ReviewForm, ScoreRows
from consultations.models import Plan, Review, ReviewScore, Scale
from consultations.outcomes import scores
from consultations.outcomes.lines import Line, lines_of
from consultations.outcomes.words import score_words, shown
from consultations.queries import visit_in_progress
from consultations.rules import authorship
from consultations.rules.plans import booked_on
from consultations.rules.reviews import wanted_scores
from consultations.views import chart


@require_http_methods(["GET", "POST"])
def of_plan(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """The reviews of a plan: those that are due, begun, on record; a new one begins here."""
    plans = Plan.objects.visible_to(request.user)
    plan = get_object_or_404(plans.select_related("patient", "indication", "template"), pk=plan_id)
    draft = Review.objects.visible_to(request.user).drafts().filter(plan=plan).first()
    if draft:
        return redirect("consultations:review", draft.pk)
    at = timezone.now()
    chart.opened(request, plan.patient, at=at)
    taken = scores.read([plan])
    planned = list(plan.planned_sessions.select_related("appointment"))
    schedule = taken.schedule(plan, total=len(planned), booked=booked_on(planned, at=at))
    due = [each for each in schedule if each.is_due(timezone.localdate(at))]
    form = BeginForm(
        request.POST if request.method == "POST" else None,
        rules=[each.rule for each in schedule if each.review is None and each.may_begin],
        initial={"rule": due[0].rule.pk if due else None},
    )
    if request.method == "POST" and form.is_valid():
        try:
            review = _begun(request, plan, form, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            return redirect("consultations:review", review.pk)
    context = chart.header(request, plan.patient) | {
        "plan": plan,
        "form": form,
        "schedule": [(each, each.is_due(timezone.localdate(at))) for each in schedule],
        "others": [each for each in taken.reviews[plan.pk] if each.rule is None],
        "may_record": authorship.may_record(request.user),
    }
    return render(request, "consultations/reviews.html", context, status=422 if form.errors else 200)


def _begun(request: HttpRequest, plan: Plan, form: BeginForm, *, at: datetime) -> Review:
    visit = visit_in_progress(plan.patient)
    return actions.begin(plan=plan, rule=form.cleaned_data["rule"], appointment=visit, by=request.user, at=at)


@dataclass
class _Writing:
    """A draft with its form and its scores, as saved or as typed."""

    review: Review
    lines: list[Line]
    form: ReviewForm
    rows: ScoreRows

    @classmethod
    def of(cls, review: Review, data: Any = None) -> "_Writing":
        """What is on record of the plan and of the draft, in a fixed number of queries."""
        taken = scores.read([review.plan])
        lines = lines_of(review.plan, taken)
        codes = review.rule.scale_codes if review.rule else []
        scales = Scale.objects.current().filter(code__in=codes)
        rows = ScoreRows(
            data,
            wanted=wanted_scores(review.rule, taken.goals[review.plan_id], scales),
            saved=list(review.scores.select_related("scale")),
            before={
                (line.scale.code, line.landmark): line.baseline.value
                for line in lines
                if line.baseline and line.baseline.value is not None
            },
        )
        return cls(review, lines, ReviewForm(data, review=review), rows)

    def is_valid(self) -> bool:
        """Both are asked, so that every error shows at once."""
        form, rows = self.form.is_valid(), self.rows.is_valid()
        if not rows:
            self.form.add_error(None, _("Look at the scores: a row is not right yet."))
        return form and rows

    def build_on(self, version: int) -> None:
        """From now on the page answers to this version; what was typed stays."""
        self.form.data = self.form.data.copy()
        self.form.data["version"] = str(version)


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """One's own draft as a form; anything else as it is on record."""
    row = chart.row_or_404(request, page_rows.REVIEWS, review_id)
    at = timezone.now()
    if request.method == "POST":
        return _save(request, row, at=at)
    chart.opened(request, row.patient, at=at)
    if authorship.may_edit(row, request.user):
        return _draft_page(request, _Writing.of(row))
    return _record_page(request, row)


def _save(request: HttpRequest, row: Review, *, at: datetime) -> HttpResponse:
    """Save, and sign if asked to. A signature that is refused leaves the draft saved and the page as it was typed."""
    writing = _Writing.of(row, request.POST)
    if not writing.is_valid():
        return _draft_page(request, writing, status=422)
    before = row.version
    try:
        _act(request, writing, at=at)
    except DomainError as refusal:
        row.refresh_from_db(fields=["version"])
        saved = row.version != before and not isinstance(refusal, Stale)
        writing.form.add_domain_error(refusal)
        writing.build_on(row.version)
        return _draft_page(request, writing, saved=saved, status=refusal.status)
    messages.success(request, _("Signed.") if "sign" in request.POST else _("Draft saved."))
    return redirect("consultations:review", row.pk)


def _act(request: HttpRequest, writing: _Writing, *, at: datetime) -> None:
    data = writing.form.cleaned_data
    saved = actions.save(
        review=writing.review,
        words=data["words"],
        decision=data["decision"],
        scores=writing.rows.scores,
        version=data["version"],
        by=request.user,
        at=at,
    )
    if "sign" in request.POST:
        actions.sign(review=saved, version=saved.version, by=request.user, at=at)


def _draft_page(
    request: HttpRequest, writing: _Writing, *, saved: bool = False, status: int = 200
) -> HttpResponse:
    row = writing.review
    context = chart.header(request, row.patient) | {
        "review": row,
        "form": writing.form,
        "rows": writing.rows.forms,
        "asks_where": any("landmark" in row.fields for row in writing.rows.forms),
        "lines": [shown(line) for line in writing.lines],
        "refused": _("The draft is saved. It is not signed yet, because:") if saved else "",
    }
    return render(request, "consultations/review.html", context, status=status)


def _record_page(request: HttpRequest, row: Review) -> HttpResponse:
    """What is on record: signed, or a colleague's draft that may be taken over by name."""
    lines = lines_of(row.plan, scores.read([row.plan]))
    context = chart.header(request, row.patient) | {
        "review": row,
        "scores": [_taken(score) for score in row.scores.select_related("scale")],
        "lines": [shown(line) for line in lines if row.is_signed],
        "addenda": list(row.addenda.select_related("written_by")),
        "error": getattr(row, "entered_in_error", None),
        "may_write": authorship.may_record(request.user),
        "outcomes_url": reverse("consultations:outcomes", args=[row.patient_id]),
    }
    return render(request, "consultations/review_record.html", context)


def _taken(score: ReviewScore) -> dict[str, Any]:
    """One score in words, or why it is missing."""
    scale = f"{score.scale}, {score.landmark}" if score.landmark else str(score.scale)
    value = score_words(score.scale, score.value) if score.value is not None else ""
    return {"scale": scale, "value": value, "reason": score.not_taken_reason}
