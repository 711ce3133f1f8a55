"""Test injections: the gate's verdict first, then the injection, its reading, and what follows from it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import DomainError
from clinic.forms.base import BaseForm
from consultations import offers, page_rows
from consultations.actions import patch_tests as actions
from consultations.dates import in_words
from consultations.enums import PlanStatus, ReadingKind, TestResult
from consultations.forms.patch_tests import GiveForm, LateForm, ReactionForm, ReadForm
from consultations.models import Lot, PatchTest, Plan, TestReading
from consultations.queries import PlanFacts, facts_of_one, visit_in_progress
from consultations.rules import authorship, clearance, consent, late_readings, retest, tested_lots
from consultations.rules import lots as lots_rules
from consultations.rules import patch_test as rules
from consultations.rules.gates.words import not_confirmed
from consultations.rules.visits import alone_to_read, open_test
from consultations.views import chart, reading_words
from consultations.views.patch_test_results import outcome_of

_GOOD_NEWS = (TestResult.NEGATIVE, TestResult.UNCHANGED)


@require_http_methods(["GET", "POST"])
def give(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """Record and sign a test injection with its immediate reading."""
    plan = get_object_or_404(Plan.objects.visible_to(request.user).select_related("patient"), pk=plan_id)
    authorship.check_may_record(request.user)
    at, facts = timezone.now(), facts_of_one(plan)
    chart.opened(request, plan.patient, at=at)
    form = _give_form(request, facts, at=at)
    if request.method == "GET" or not form.is_valid():
        return _give_page(request, facts, form, at=at, status=422 if form.errors else 200)
    try:
        test = actions.give(
            plan=facts.plan,
            appointment=visit_in_progress(plan.patient),
            details=form.details,
            lots=form.lots,
            immediate=form.immediate,
            deviation_reason=form.cleaned_data.get("deviation_reason", ""),
            by=request.user,
            at=at,
        )
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _give_page(request, facts, form, at=at, status=refusal.status)
    messages.success(request, _("The test injection is signed."))
    if first := rules.washed_out_from(test):
        words = _("The skin may not have answered: a test from %(day)s on would be free of what was taken.")
        messages.warning(request, words % {"day": in_words(first)})
    return redirect("consultations:patch_test", test.pk)


@require_GET
def show(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """The test with its readings, the result in plain words, and what happens next."""
    test = _test(request, test_id)
    at = timezone.now()
    chart.opened(request, test.patient, at=at)
    facts = facts_of_one(test.plan)
    context = {
        "test": test,
        "outcome": outcome_of(test, facts, user=request.user, at=at),
        "readings": list(test.readings.select_related("signed_by", "entered_in_error").order_by("read_at")),
        "washed_out_from": rules.washed_out_from(test),
        "lots": list(test.lots.select_related("component")),
        "error": getattr(test, "entered_in_error", None),
        "addenda": list(test.addenda.select_related("written_by")),
        "may_write": authorship.may_record(request.user),
        **chart.header(request, test.patient),
    }
    return render(request, "consultations/patch_test.html", context)


@require_http_methods(["GET", "POST"])
def read(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """The delayed reading. Outside its window the page says beforehand what the result will be."""
    test = _test(request, test_id)
    authorship.check_may_record(request.user)
    if request.method == "GET" and _was_read(test):
        messages.info(request, _("This test has been read. Record a later reaction instead."))
        return redirect("consultations:patch_test", test.pk)
    window = rules.reading_window(test.given_at, test.policy)
    words = reading_words.of_reading(window, at=timezone.now())
    page = {"template": "consultations/reading.html", "done": words.done, "words": words}
    return _reading(request, test, ReadForm, actions.read, page)


@require_http_methods(["GET", "POST"])
def read_late(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """The optional late reading; where there is nothing to look at a second time, the test's page says so."""
    test = _test(request, test_id)
    authorship.check_may_record(request.user)
    window = late_readings.window_of(test)
    try:
        late_readings.check_may_read(test, test.readings.select_related("superseded_by", "entered_in_error"))
    except DomainError as refusal:
        if request.method == "GET" or window is None:
            messages.info(request, refusal.message)
            return redirect("consultations:patch_test", test.pk)
    words = reading_words.of_late_reading(window, at=timezone.now())
    page = {"template": "consultations/reading.html", "done": words.done, "words": words}
    return _reading(request, test, LateForm, actions.read_late, page)


@require_http_methods(["GET", "POST"])
def reaction(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """A reaction that showed later: whatever was read before, the test is positive from now on."""
    test = _test(request, test_id)
    authorship.check_may_record(request.user)
    page = {"template": "consultations/patch_test_reaction.html", "done": _("The reaction is on record.")}
    return _reading(request, test, ReactionForm, actions.report_reaction, page)


@require_GET
def reading_of_plan(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """The way in from the diary: the plan's test that waits for its reading, the components tested alone, or
    why there is none."""
    plan = get_object_or_404(Plan.objects.visible_to(request.user).select_related("patient"), pk=plan_id)
    authorship.check_may_record(request.user)
    facts = facts_of_one(plan)
    if test := open_test(facts):
        return redirect("consultations:patch_test_read", test.pk)
    if alone := alone_to_read(facts):
        return redirect("consultations:cause", alone[0].search.patch_test_id)
    last = next((each for each in reversed(facts.tests) if each.plan_id == plan.pk), None)
    context = {"plan": facts.plan, "last": last, **chart.header(request, plan.patient)}
    return render(request, "consultations/reading_none.html", context)


@require_GET
def late_reading_of_plan(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """The way in from the diary: the plan's test that may be looked at again; without one, what came of the last."""
    plan = get_object_or_404(Plan.objects.visible_to(request.user).select_related("patient"), pk=plan_id)
    authorship.check_may_record(request.user)
    facts = facts_of_one(plan)
    if looks := late_readings.looks(facts, at=timezone.now()):
        return redirect("consultations:patch_test_read_late", looks[0].test.pk)
    return reading_of_plan(request, plan_id)


def _test(request: HttpRequest, test_id: UUID) -> PatchTest:
    return chart.row_or_404(request, page_rows.TESTS, test_id)


def _was_read(test: PatchTest) -> bool:
    read = test.readings.filter(kind=ReadingKind.DELAYED, entered_in_error=None, superseded_by=None)
    return read.exists()


def _give_form(request: HttpRequest, facts: PlanFacts, *, at: datetime) -> GiveForm:
    """With lots in date, `?lot=` chosen where it is one, else what its visit was booked for; where the rules say no, or
    somebody says so, with every lot and the question why."""
    missing = clearance.judge(facts, gate=clearance.Gate.TEST, on=at).conditions
    anyway = bool(missing) or "anyway" in request.GET or "deviation_reason" in request.POST
    lots, aside = lots_rules.shelf(facts.plan.formula, at=at, allergies=facts.allergies)
    if anyway:
        known = Lot.objects.visible_to(request.user).of_components(list(lots)).select_related("component")
        lots = {code: [lot for lot in known if lot.component.code == code] for code in lots}
    typed = request.POST if request.method == "POST" else None
    wanted = request.GET.getlist("lot")
    if not (typed or anyway or wanted) and offers.is_for_another_lot(facts, at=at):
        wanted = _first_asking(facts, lots, at=at)
    chosen = {
        f"lot_{code}": str(lot.pk) for code, mine in lots.items() for lot in mine if str(lot.pk) in wanted
    }
    return GiveForm(typed, facts=facts, lots=lots, at=at, anyway=anyway, aside=aside, initial=chosen)


def _first_asking(facts: PlanFacts, lots: Mapping[str, Iterable[Lot]], *, at: datetime) -> list[str]:
    """Of each component the first lot that asks for a test, where one does."""
    whole = facts.of_whole_plan
    tested = tested_lots.tested_lots(whole, at)
    found = (
        next(
            (
                lot
                for lot in mine
                if (each := tested_lots.untested(whole, lot, tested)) and each.asks_for_test
            ),
            None,
        )
        for mine in lots.values()
    )
    return [str(lot.pk) for lot in found if lot]


def _give_page(
    request: HttpRequest, facts: PlanFacts, form: GiveForm, *, at: datetime, status: int
) -> HttpResponse:
    missing = clearance.judge(facts, gate=clearance.Gate.TEST, on=at).conditions
    context = {
        "plan": facts.plan,
        "policy": facts.plan.test_policy,
        "form": form,
        "missing": missing,
        "waiting": open_test(facts),
        "is_wanted": offers.test_wanted(facts, at)
        or facts.plan.status != PlanStatus.ACTIVE
        or offers.is_for_another_lot(facts, at=at)
        or "lot" in request.GET,
        "repeat_from": rules.repeat_from(facts),
        "repeat_pending": _repeat_pending(facts),
        "consent": consent.in_force(facts, on=at),
        "no_lots": [
            field.label
            for name, field in form.fields.items()
            if name.startswith("lot_") and len(field.choices) == 1
        ],
        **chart.header(request, facts.plan.patient),
    }
    return render(request, "consultations/patch_test_give.html", context, status=status)


def _repeat_pending(facts: PlanFacts) -> str:
    """That the unclear test is called an error which nobody has confirmed yet: the repeat waits all the same."""
    unclear = rules.last_unclear(facts)
    return not_confirmed() if unclear and retest.is_called_error(facts, unclear) else ""


def _reading(
    request: HttpRequest, test: PatchTest, form_class: type[BaseForm], action: Any, page: dict[str, Any]
) -> HttpResponse:
    """A reading form of a test: shown, or carried out."""
    at = timezone.now()
    chart.opened(request, test.patient, at=at)
    form = form_class(
        request.POST if request.method == "POST" else None,
        initial={"read_at": at, "opened_at": at.isoformat()},
    )
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            made: TestReading = action(test=test, details=form.details, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
            status = refusal.status
        else:
            # Good news alone is told as such.
            say = messages.success if made.result in _GOOD_NEWS else messages.warning
            say(request, f"{page['done']} {made.get_result_display().capitalize()}.")
            return redirect("consultations:patch_test", test.pk)
    context = {**page, "test": test, "form": form, **chart.header(request, test.patient)}
    return render(request, page["template"], context, status=422 if form.errors and status == 200 else status)
