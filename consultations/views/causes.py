"""After a positive test: the decision to test its components one by one, those tests, and the cause they find."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.errors import DomainError
from clinic.readiness import Condition
from consultations.actions import causes as actions
from consultations.enums import TestResult
from consultations.forms.causes import ComponentsForm, DecideForm, FindingForm
from consultations.models import CauseSearch, FormulaPart, PatchTest, TestReading
from consultations.queries import PlanFacts, facts_of_one, visit_in_progress
from consultations.rules import authorship, causes, clearance
from consultations.rules import lots as lots_rules
from consultations.views import chart
from consultations.views.cause_words import Row, rows_of, said_by, said_of

_NOT_AGAIN = (TestResult.POSITIVE, TestResult.NEGATIVE, TestResult.AWAITING)


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """The decision, or what came of it so far."""
    tests = PatchTest.objects.visible_to(request.user).select_related("patient", "plan", "formula")
    test = get_object_or_404(tests, pk=test_id)
    authorship.check_may_record(request.user)
    at, facts = timezone.now(), facts_of_one(test.plan)
    chart.opened(request, test.patient, at=at)
    search = _searches(request).filter(patch_test=test).first()
    if search is None:
        causes.check_may_search(test, _readings_of(facts, test))
    form, status = DecideForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.decide(test=test, reason=form.cleaned_data["reason"], by=request.user, at=at)
            return redirect("consultations:cause", test.pk)
        except DomainError as refusal:
            form.add_domain_error(refusal)
            status = refusal.status
    context = {"test": test, "form": form, **_state(facts, search), **chart.header(request, test.patient)}
    return render(request, "consultations/cause.html", context, status=422 if form.errors else status)


@require_http_methods(["GET", "POST"])
def give(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """One or several components in one visit, each at a place of its own."""
    search, facts, at = _opened(request, search_id)
    parts, missing = _testable(facts, search, at=at)
    lots, aside = lots_rules.shelf(facts.plan.formula, at=at, allergies=facts.allergies)
    form = ComponentsForm(
        request.POST if request.method == "POST" else None,
        parts=parts,
        lots=lots,
        policy=facts.plan.test_policy,
        at=at,
    )
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.give(
                search=search,
                appointment=visit_in_progress(search.patient),
                details=form.details,
                places=form.places,
                by=request.user,
                at=at,
            )
            messages.success(request, _("The tests are signed. Each waits for its own reading."))
            return redirect("consultations:cause", search.patch_test_id)
        except DomainError as refusal:
            form.add_domain_error(refusal)
            status = refusal.status
    context = {"search": search, "form": form, "parts": parts, "missing": missing, "aside": aside}
    context |= {"policy": facts.plan.test_policy, **chart.header(request, search.patient)}
    return render(
        request, "consultations/component_test.html", context, status=422 if form.errors else status
    )


@require_http_methods(["GET", "POST"])
def find(request: HttpRequest, search_id: UUID) -> HttpResponse:
    """What the tests say, in sentences, and the signature under it."""
    search, facts, at = _opened(request, search_id)
    form, status = FindingForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.find(search=search, words=form.cleaned_data["words"], by=request.user, at=at)
            messages.success(request, _("The finding is signed."))
            return redirect("consultations:cause", search.patch_test_id)
        except DomainError as refusal:
            form.add_domain_error(refusal)
            status = refusal.status
    said = causes.conclusion(facts, search)
    pending = any(each.is_questioned for each in causes.tested(facts, search))
    sentences = said_by(facts, said.causes, said.opened, said.open_ended)
    context = {"search": search, "form": form, "sentences": sentences, "pending": pending}
    context |= chart.header(request, search.patient)
    return render(request, "consultations/cause_finding.html", context, status=422 if form.errors else status)


def _opened(request: HttpRequest, search_id: UUID) -> tuple[CauseSearch, PlanFacts, datetime]:
    search = get_object_or_404(_searches(request), pk=search_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, search.patient, at=at)
    return search, facts_of_one(search.patch_test.plan), at


def _searches(request: HttpRequest) -> Any:
    parts = (
        "patient",
        "patch_test__plan",
        "patch_test__formula",
        "patch_test__entered_in_error",
        "signed_by",
    )
    return CauseSearch.objects.visible_to(request.user).select_related(*parts)


def _state(facts: PlanFacts, search: CauseSearch | None) -> dict[str, Any]:
    """What is on record of a search; nothing where there is none."""
    if search is None:
        return {"search": None}
    rows = rows_of(facts, search)
    why_closed = causes.why_closed(search.patch_test, _readings_of(facts, search.patch_test))
    found = search.findings.select_related("signed_by").first()
    return {
        "search": search,
        "rows": rows,
        "found": found,
        "sentences": said_of(facts, found, search.patch_test, _rest(rows, found)) if found else [],
        "why_closed": why_closed,
        "may_test": not why_closed and any(row.tested.result not in _NOT_AGAIN for row in rows),
        "may_conclude": any(row.tested.test for row in rows),
    }


def _readings_of(facts: PlanFacts, test: PatchTest) -> list[TestReading]:
    return [each for each in facts.readings if each.patch_test_id == test.pk]


def _rest(rows: list[Row], found: Any) -> list[str]:
    named = {*found.cause_codes, *found.opened_codes}
    return [row.tested.code for row in rows if row.tested.code not in named]


def _testable(
    facts: PlanFacts, search: CauseSearch, *, at: datetime
) -> tuple[list[FormulaPart], list[Condition]]:
    """The components that may be tested alone now, and what stands in the way of the others."""
    parts, missing = [], {}
    if why_closed := causes.why_closed(search.patch_test, _readings_of(facts, search.patch_test)):
        return [], [Condition("search_over", why_closed)]
    open_codes = {each.code for each in causes.tested(facts, search) if each.result not in _NOT_AGAIN}
    for part in facts.parts:
        if part.component.code not in open_codes:
            continue
        alone = causes.for_component(facts, search, part.component.code)
        found = clearance.judge(alone, gate=clearance.Gate.TEST, on=at).conditions
        missing |= {(each.code, each.detail): each for each in found}
        if not found:
            parts.append(part)
    return parts, list(missing.values())
