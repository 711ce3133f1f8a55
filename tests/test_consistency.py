"""What a reviewer would say twice: architecture and style, as tests over the source.

Each test gathers the places that break its rule, as "file:line what", and expects none. A rule that must be broken is
broken in an allow-list here, with the reason.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.defaults import page_not_found

from tests.guards import tables

ROOT = Path(settings.BASE_DIR)
APPS = ("clinic", "consultations")
SOURCES = sorted(
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts and "__pycache__" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
OUR_MODELS = [model for app in APPS for model in tables(app)]
Function = ast.FunctionDef | ast.AsyncFunctionDef

FUNCTION_LINES = 40
MODULE_LINES = 400
TEMPLATE_LINES = 100


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _at(path: Path, line: int, what: str) -> str:
    return f"{path.relative_to(ROOT)}:{line} {what}"


def _expect_none(found: list[str]) -> None:
    """Fails with one line for each place."""
    assert not found, "\n" + "\n".join(found)


def _functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, Function))


def _in(folder: str) -> list[Path]:
    """The sources of one layer of both apps: `views`, `actions`, …; a folder or a module of that name."""
    return [path for path in SOURCES if folder in (*path.relative_to(ROOT).parts, path.stem)]


# Names and sizes --------------------------------------------------------------------------------------------------


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    everywhere = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    assert [
        str(path) for path in everywhere if drawers & {part.lower() for part in (path.stem, *path.parts)}
    ] == []


def test_functions_are_short() -> None:
    long = [
        _at(path, node.lineno, f"{node.name}: {lines} lines")
        for path in SOURCES
        for node in _functions(path)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    _expect_none(long)


@pytest.mark.parametrize(("paths", "limit"), [(SOURCES, MODULE_LINES), (TEMPLATES, TEMPLATE_LINES)])
def test_modules_and_templates_are_short(paths: list[Path], limit: int) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    _expect_none([_at(path, lines, "lines") for path, lines in lengths.items() if lines > limit])


def test_public_functions_and_classes_say_what_they_are_for() -> None:
    silent = [
        _at(path, node.lineno, name)
        for path in SOURCES
        for name, node in _public(_tree(path))
        if ast.get_docstring(node) is None
    ]
    _expect_none(silent)


# Django calls these by name; their names say it all.
DJANGO_HOOKS = {"Meta", "Params"}


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Public functions, classes, and their public methods; not what a class inside a form or a model is made of."""
    for node in tree.body:
        if (
            isinstance(node, Function | ast.ClassDef)
            and not node.name.startswith("_")
            and node.name not in DJANGO_HOOKS
        ):
            if isinstance(node, Function) and _is_override(node):
                continue
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{name}", child) for name, child in _public(node))


def _is_override(node: Function) -> bool:
    """Marked `@override`, or of Django's own interface: what it does is said where it is declared."""
    interface = {
        "clean",
        "get_queryset",
        "has_add_permission",
        "has_change_permission",
        "has_delete_permission",
    }
    interface |= {
        "has_view_permission",
        "save_model",
        "handle",
        "add_arguments",
        "ready",
        "get_readonly_fields",
    }
    marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
    return node.name in interface or node.name.startswith("clean_") or "override" in marks


# How a passage of a paper that is not in the repository would be named: in capitals, with its number.
_ELSEWHERE = re.compile(r"\b(?:DESIGN|CLINICAL|UX|EXAMPLES|STACK)(?:\.md|,? (?:section )?[A-Z]?\d)")


def test_no_text_points_at_a_paper_that_a_reader_does_not_have() -> None:
    """A rule's source is a study, a guideline, a label or the clinic's policy, in words. Landed migrations stay as they are."""
    suffixes = {".py", ".html", ".css", ".js", ".md"}
    roots = (*APPS, "templates", "tests", "benchmarks", "docs")
    texts = [path for root in roots for path in (ROOT / root).rglob("*") if path.suffix in suffixes]
    texts += ROOT.glob("*.md")
    _expect_none(
        [
            _at(path, number, line.strip())
            for path in texts
            if "migrations" not in path.parts
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            if _ELSEWHERE.search(line)
        ]
    )


def test_the_search_for_papers_elsewhere_finds_them() -> None:
    named = ("CLINICAL" + " 1.5", "DESIGN" + " 6", "DESIGN" + " section 7", "UX" + ".md", "CLINICAL" + " A14")
    assert [text for text in named if not _ELSEWHERE.search(text)] == []
    assert not _ELSEWHERE.search("CancelledBy.CLINICAL, CLINICAL_QUERIES = 5")


def test_nothing_is_left_to_do() -> None:
    todo = re.compile(r"(#|<!--|\"\"\").*\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        _at(path, number, line.strip())
        for path in [*SOURCES, *TEMPLATES]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if todo.search(line)
    ]
    _expect_none(found)


# Layers -----------------------------------------------------------------------------------------------------------

# The composition root: it puts the two apps together.
MAY_NAME_CONSULTATIONS = {"clinic/settings.py", "clinic/urls.py"}
# Runs the migrations of both apps in batches.
MAY_WRITE_CONSULTATIONS = MAY_NAME_CONSULTATIONS | {"clinic/management/commands/migrate.py"}


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def test_the_desk_does_not_import_the_pathway() -> None:
    found = [
        _at(path, line, name)
        for path in SOURCES
        if path.is_relative_to(ROOT / "clinic") and str(path.relative_to(ROOT)) not in MAY_NAME_CONSULTATIONS
        for line, name in _imports(path)
        if name.split(".")[0] == "consultations"
    ]
    _expect_none(found)


def test_the_desk_does_not_name_the_pathway_in_strings_either() -> None:
    """Foreign keys, `apps.get_model`, `reverse` and template names are imports in disguise."""
    named = re.compile(r"^consultations([.:/]|$)")
    found = [
        _at(path, node.lineno, node.value)
        for path in SOURCES
        if path.is_relative_to(ROOT / "clinic") and str(path.relative_to(ROOT)) not in MAY_WRITE_CONSULTATIONS
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and named.match(node.value)
    ]
    _expect_none(found)


def test_the_desks_templates_do_not_name_the_pathway() -> None:
    found = [
        _at(path, number, line.strip())
        for path in TEMPLATES
        if path.relative_to(ROOT / "templates").parts[0] in {"clinic", "components"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"['\"]consultations[:/]|consultations_tags", line)
    ]
    _expect_none(found)


def test_views_start_from_what_the_user_may_see() -> None:
    """`Model.objects` in a view forgets `visible_to(user)`.

    Models without that word (reference data, opening hours) are for everybody who may open the page.
    """
    scoped = {model.__name__ for model in OUR_MODELS if hasattr(model._default_manager, "visible_to")}
    found = [
        _at(path, node.lineno, ast.unparse(node))
        for path in _in("views")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"objects", "_default_manager", "_base_manager"}
        and ast.unparse(node.value).split(".")[-1] in scoped
        and not _is_scoped(path, node)
    ]
    _expect_none(found)


def _is_scoped(path: Path, node: ast.Attribute) -> bool:
    """`Model.objects.visible_to(user)`: the one thing a view may do with such a manager."""
    return any(
        isinstance(outer, ast.Attribute) and outer.attr == "visible_to" and outer.value is node
        for outer in ast.walk(_tree(path))
    )


def test_rules_and_actions_are_told_what_time_it_is() -> None:
    found = [
        _at(path, node.lineno, ast.unparse(node))
        for layer in ("rules", "actions", "queries", "availability", "search", "readiness")
        for path in _in(layer)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "today", "utcnow"}
    ]
    _expect_none(found)


# Modules of that layer that hold parts of actions.
PARTS = {
    "clinic/actions/locking.py": "takes locks and puts the database's refusals into sentences",
    "consultations/actions/signing.py": "seals a record for the action that signs it",
    "consultations/actions/visits.py": "locks and re-judges visits for the actions that change what clears them",
}
# Public functions beside the actions that write nothing, or write for an action that has taken `by` and `at` down.
NOT_ACTIONS = {
    "clinic/actions/booking.py::destinations": "reads: where visits that may be moved go",
    "clinic/actions/booking.py::places_of": "reads: where wishes that may be booked go",
    "clinic/actions/booking.py::put": "inserts for book and book_many",
    "clinic/actions/feeds.py::note_read": "noted for a calendar program: nobody is signed in",
    "consultations/actions/adverse_events.py::check_triage": "checks; the form asks it too",
    "consultations/actions/consultations.py::intention": "reads: what the answers are judged for",
    "consultations/actions/consultations.py::open_points": "reads: what a draft still lacks",
    "consultations/actions/events.py::followed": "reads: the next word on an event, not saved",
    "consultations/actions/session_contents.py::replace": "part of saving a draft session",
    "consultations/actions/plans.py::drop_proposal": "part of changing a draft consultation",
    "consultations/actions/records.py::record_of": "reads",
    "consultations/actions/reference.py::check_publishable": "checks",
    "consultations/actions/reference.py::formulas_behind": "reads",
    "consultations/actions/reference.py::unknown_codes": "reads",
}


def _actions() -> Iterator[tuple[Path, Function]]:
    for path in _in("actions"):
        if str(path.relative_to(ROOT)) in PARTS:
            continue
        for node in _tree(path).body:
            public = isinstance(node, Function) and not node.name.startswith("_")
            if public and f"{path.relative_to(ROOT)}::{node.name}" not in NOT_ACTIONS:
                yield path, node


def test_actions_take_everything_by_name() -> None:
    positional = [
        _at(path, node.lineno, node.name)
        for path, node in _actions()
        if node.args.args or node.args.posonlyargs
    ]
    _expect_none(positional)


def test_the_exceptions_among_the_actions_exist() -> None:
    names = {f"{path.relative_to(ROOT)}::{node.name}" for path in _in("actions") for node in _functions(path)}
    assert set(NOT_ACTIONS) - names == set()


def test_actions_are_told_who_and_when() -> None:
    found = [
        _at(path, node.lineno, f"{node.name} lacks {' and '.join(sorted(lacking))}")
        for path, node in _actions()
        if (lacking := {"by", "at"} - {argument.arg for argument in node.args.kwonlyargs})
    ]
    _expect_none(found)


def test_an_import_inside_a_function_says_why() -> None:
    found = [
        _at(path, node.lineno, ast.unparse(node))
        for path in SOURCES
        for function in _functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not _has_comment(path, node)
    ]
    _expect_none(found)


def _has_comment(path: Path, node: ast.stmt) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines()
    return "#" in lines[node.lineno - 1] or lines[node.lineno - 2].strip().startswith("#")


# After each migrate; and what happens at the door, of which Django and allauth tell in no other way.
HEAR = {"apps.py", "sign_in_log.py"}


def test_models_have_no_logic_in_save_and_nobody_listens_to_signals() -> None:
    overrides = [
        _at(path, node.lineno, node.name)
        for path in _in("models")
        for node in _functions(path)
        if node.name in {"save", "delete", "bulk_create", "update"}
    ]
    signals = [
        _at(path, line, name)
        for path in SOURCES
        for line, name in _imports(path)
        if name.endswith(".signals") and path.name not in HEAR
    ]
    _expect_none(overrides + signals)


# Views ------------------------------------------------------------------------------------------------------------


def _routed(patterns: list[URLPattern | URLResolver]) -> Iterator[object]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routed(pattern.url_patterns)
        else:
            yield pattern.callback


def test_every_view_has_a_route() -> None:
    """A page without an address is dead. (Who may open which: the test of the routes.)"""
    resolver = get_resolver()
    routed = {_unwrapped(view) for view in _routed(resolver.url_patterns)}
    routed |= {_unwrapped(resolver.resolve_error_handler(code)) for code in (400, 403, 404, 500)}
    lost = [
        _at(path, node.lineno, node.name)
        for path in _in("views")
        for node in _tree(path).body
        if isinstance(node, Function)
        and not node.name.startswith("_")
        and node.args.args
        and node.args.args[0].arg == "request"
        and _names_of_view(path, node.name) not in routed
        and path.stem not in {"errors", "announced"}  # called by Django and by the middleware, not by address
        and not _is_part_of_a_view(node.name)
    ]
    _expect_none(lost)


@cache
def _names_used_in_views() -> frozenset[str]:
    used = (node for path in _in("views") for node in ast.walk(_tree(path)))
    return frozenset(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in used
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
    )


def _is_part_of_a_view(name: str) -> bool:
    """Called by a view."""
    return name in _names_used_in_views()


def _unwrapped(view: object) -> tuple[str, str]:
    while hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    return getattr(view, "__module__", ""), getattr(view, "__name__", page_not_found.__name__)


def _names_of_view(path: Path, name: str) -> tuple[str, str]:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return _unwrapped(getattr(importlib.import_module(module.removesuffix(".__init__")), name))


# Templates --------------------------------------------------------------------------------------------------------

FORBIDDEN_IN_TEMPLATES = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.S),
    "a style element": re.compile(r"<style\b"),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.S),
    "an on… handler": re.compile(r"<[^>]*\s(on[a-z]+|hx-on[:\w-]*)\s*=", re.S),
    "a javascript: address": re.compile(r"javascript:"),
    "unescaped text": re.compile(r"\|\s*(safe|safeseq)\b|{%\s*autoescape\s+off"),
    "somebody else's server": re.compile(r"(src|href|action)=\"(https?:)?//"),
}


@pytest.mark.parametrize("what", FORBIDDEN_IN_TEMPLATES)
def test_templates_keep_to_the_content_security_policy(what: str) -> None:
    found = [
        _at(path, text.count("\n", 0, match.start()) + 1, match.group().split("\n")[0])
        for path in TEMPLATES
        for text in [_without_comments(path.read_text(encoding="utf-8"))]
        for match in FORBIDDEN_IN_TEMPLATES[what].finditer(text)
    ]
    _expect_none(found)


def test_no_code_trusts_text_or_skips_the_csrf_check() -> None:
    """`format_html` escapes what it is given; these do not. (SafeString as a return type is fine.)"""
    found = [
        _at(path, node.lineno, name)
        for path in SOURCES
        for node in ast.walk(_tree(path))
        for name in [getattr(node, "id", getattr(node, "attr", getattr(node, "name", None)))]
        if name in {"mark_safe", "csrf_exempt"}
        or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SafeString")
    ]
    _expect_none(found)


# A name, and signs that read the same in every language.
NOT_WORDS = {"Mesoclinic", "kg", "ml", "mm", "mg", "h", "min", "CSV", "ICD", "v", "B", "N", "T", "PDF"}
_TAG = re.compile(r"{%.*?%}|{{.*?}}", re.S)
_READ_ALOUD = re.compile(r"\b(?:title|placeholder|aria-label|alt|data-confirm|hx-confirm)=\"([^\"]*)\"", re.S)


def _blanked(match: re.Match[str]) -> str:
    """As many lines of nothing, so that line numbers stay."""
    return "\n" * match.group().count("\n")


def _without_comments(text: str) -> str:
    text = re.sub(r"{%\s*comment.*?endcomment\s*%}", _blanked, text, flags=re.S)
    return re.sub(r"{#.*?#}|<!--.*?-->", _blanked, text, flags=re.S)


def _untranslated(text: str) -> Iterator[tuple[int, str]]:
    """Words a person reads or hears that no {% translate %} has seen, with their lines."""
    text = _without_comments(text)
    text = re.sub(r"{%\s*blocktrans(late)?\b.*?endblocktrans(late)?\s*%}", _blanked, text, flags=re.S)
    text = re.sub(r"<(script|style|code|kbd)\b.*?</\1>", _blanked, text, flags=re.S)
    text = _TAG.sub(_blanked, text)
    heard = [(match.start(1), match.group(1)) for match in _READ_ALOUD.finditer(text)]
    seen = [(match.start(1), match.group(1)) for match in re.finditer(r"(?:^|>)([^<>]+)", text)]
    for start, words in [*heard, *seen]:
        for word in re.finditer(r"(?<![&\w])[^\W\d_]+", words):
            if word.group() not in NOT_WORDS and not re.match(r"&\w+;", words[max(0, word.start() - 1) :]):
                yield text.count("\n", 0, start + word.start()) + 1, word.group()


def test_all_words_of_the_templates_can_be_translated() -> None:
    found = [
        _at(path, line, word)
        for path in TEMPLATES
        if "gallery" not in path.stem  # shows the components with made-up people
        for line, word in _untranslated(path.read_text(encoding="utf-8"))
    ]
    _expect_none(found)


def test_the_search_for_untranslated_words_finds_them() -> None:
    page = '<p title="Hello">\n{% translate "fine" %} there {{ name }}</p>\n{# not this #}<i>&nbsp;3 × 4</i>'
    assert sorted(_untranslated(page)) == [(1, "Hello"), (2, "there")]


def test_tests_sign_in_with_both_factors() -> None:
    """`force_login` alone opens no page; tests/signing_in.py does what people do."""
    may = {"tests/signing_in.py", "tests/test_second_factor.py"}
    found = [
        _at(path, node.lineno, "force_login")
        for path in (ROOT / "tests").rglob("*.py")
        if str(path.relative_to(ROOT)) not in may
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "force_login"
    ]
    _expect_none(found)


# Models -----------------------------------------------------------------------------------------------------------

# When somebody did something, recorded elsewhere or by nobody in particular.
ALONE = {
    "created_at": "always set, and with created_by where a person asked for the row; drafts have their practitioner",
    "published_at": "reference data is published by the admin; the history names the user",
    "retired_at": "as published_at",
    "starts_at": "a planned time",
    "ends_at": "a planned time",
    "was_at": "a planned time, as the patient knows it",
    "arrived_at": "every step of an appointment is in its history with the user",
    "started_at": "as arrived_at; of a session: its practitioner's",
    "ended_at": "as started_at",
    "cancelled_at": "with cancelled_by, which says on whose account: appointment_cancelled_together",
    "answered_at": "of a check-in: by its patient, on the screen that asked_by handed over",
    "given_at": "of a test: its practitioner's",
    "read_at": "of a reading: the person who signs",
    "came_at": "with noted_by, always set",
    "happened_at": "with recorded_at and recorded_by, always set",
    "onset_at": "of an event, as told: with signed_by",
    "taken_at": "of a photograph: with recorded_at and recorded_by, always set",
    "withdrawn_at": "with recorded_by, always set",
    "signed_in_at": "of a browser: by its user",
    "last_used_at": "as signed_in_at",
    "screen_used_at": "as signed_in_at",
    "accepted_at": "of an invitation: by the person it is for",
    "expires_at": "a planned time",
    "erased_at": "of a record: by the timer; its erasure says who decided it",
    "done_at": "as erased_at; of a check after a session: with done_by, always set",
    "last_read_at": "of a feed: by a calendar program, nobody in particular",
    "at": "of the log of opened records, with its user",
    "sealed_at": "of the history: by the timer, or with its reason by sealed_by: history_seal_reason_and_person",
}


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_a_time_and_a_person_are_recorded_together(model: type[models.Model]) -> None:
    fields = {field.name: field for field in model._meta.fields if model._meta.label != "clinic.User"}
    loose = []
    for name, field in fields.items():
        if (not name.endswith("_at") and name != "at") or not isinstance(field, models.DateTimeField):
            continue
        person = fields.get(f"{name.removesuffix('_at')}_by") or fields.get(
            f"{name.removesuffix('_at')}_noted_by"
        )
        if person is None or field.null != person.null:
            loose += [] if name in ALONE else [name]
        elif field.null and not any({name, person.name} <= kept for kept in _fields_kept_together(model)):
            loose.append(name)
    _expect_none(loose)


def _fields_kept_together(model: type[models.Model]) -> list[set[str]]:
    """Field names in each CHECK whose branches are all-set or all-unset."""
    return [
        {name.removesuffix("__isnull") for name in _lookups(constraint.condition)}
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
        and all(name.endswith("__isnull") for name in _lookups(constraint.condition))
    ]


def _lookups(condition: models.Q) -> Iterator[str]:
    for child in condition.children:
        if isinstance(child, models.Q):
            yield from _lookups(child)
        else:
            yield child[0]


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_constraints_have_a_sentence_that_can_be_translated(model: type[models.Model]) -> None:
    """The default ("Constraint … is violated.") tells a receptionist nothing."""
    default = models.BaseConstraint.default_violation_error_message
    mute = [each.name for each in model._meta.constraints if each.violation_error_message == default]
    _expect_none(mute)


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_models_and_their_fields_have_names_for_people(model: type[models.Model]) -> None:
    assert str(model) and model.__str__ is not models.Model.__str__


# Permanent from birth, or frozen with a parent whose version is kept: nothing happens to them that a history could tell.
UNTRACKED = {
    "clinic.AccountChange": "append only",
    "clinic.Asked": "how much was asked for within a day; no record of anything",
    "clinic.CaseFilePeriod": "append only",
    "clinic.SignInEvent": "is a log itself",
    "clinic.SignIn": "a browser that is signed in now, and gone with it",
    "clinic.DeviceCare": "append only",
    "clinic.DeviceCareError": "append only",
    "clinic.ErasureDone": "append only",
    "clinic.HistorySeal": "is what the history is held against",
    "clinic.RecordOpened": "is a log itself",
    "clinic.SecondFactorReset": "append only",
    "consultations.Recall": "append only",
    "consultations.RecallCall": "append only",
    "consultations.Addendum": "append only",
    "consultations.AftercareSheet": "append only",
    "consultations.ConsentWithdrawal": "append only",
    "consultations.ConsultationConfirmation": "append only",
    "consultations.AdverseEventLot": "frozen with its event, from birth",
    "consultations.ContraindicationRule": "frozen with its question's version",
    "consultations.Deviation": "append only",
    "consultations.DiscussedRisk": "frozen with its consultation",
    "consultations.HealthAnswer": "append only",
    "consultations.EvidenceDiscussed": "frozen with its consultation",
    "consultations.LeafletHandout": "append only",
    "consultations.FormulaPart": "frozen with its formula's version",
    "consultations.RecipeLine": "frozen with its recipe's version",
    "consultations.Photo": "append only",
    "consultations.PhotoRemoval": "who and when of both people stand in the row, and it never changes after",
    "consultations.PhotographyConsent": "append only",
    "consultations.PhotographyConsentWithdrawal": "append only",
    "consultations.PlanPhase": "frozen with its template's version",
    "consultations.PlanStatusChange": "append only",
    "consultations.SessionTyping": "no record: what is typed stands in the draft once that is saved",
}


def test_every_table_keeps_its_history_or_says_why_not() -> None:
    silent = {
        model._meta.label
        for model in OUR_MODELS
        if not {"insert_insert", "update_update", "delete_delete"}
        <= {each.name for each in getattr(model._meta, "triggers", [])}
    }
    assert silent == set(UNTRACKED)


def test_clinical_and_booking_rows_are_protected_from_their_parents_deletion() -> None:
    """CASCADE only from a part to its whole; never from a person, a visit or a signed record's subject."""
    people = {"clinic.Patient", "clinic.User", "clinic.Appointment", "consultations.Plan"}
    cascades = [
        f"{model._meta.label}.{field.name}"
        for model in OUR_MODELS
        for field in model._meta.fields
        if field.remote_field
        and field.related_model._meta.label in people
        and field.remote_field.on_delete is not models.PROTECT
    ]
    _expect_none(cascades)
