"""What a search for a cause has found so far, in sentences."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from consultations.dates import in_words
from consultations.enums import TestResult
from consultations.models import CauseFinding, CauseSearch, PatchTest
from consultations.queries import PlanFacts
from consultations.rules import causes


@dataclass(frozen=True)
class Row:
    """One component with what is known of it."""

    name: str
    tested: causes.Tested

    @property
    def words(self) -> str:
        """The result of its test alone, and when it was given."""
        test, result = self.tested.test, self.tested.result
        if test is None or result is None:
            return _("not tested alone")
        said = {"result": TestResult(result).label, "day": in_words(test.given_at), "site": test.site}
        if self.tested.is_questioned:
            words = _(
                "tested alone %(day)s, %(site)s: %(result)s; called an error, not yet confirmed by a second person"
            )
            return words % said
        return _("tested alone %(day)s, %(site)s: %(result)s") % said


def rows_of(facts: PlanFacts, search: CauseSearch) -> list[Row]:
    """Every component of the positive test, by name."""
    names = _names(facts)
    rows = [Row(names.get(each.code, each.code), each) for each in causes.tested(facts, search)]
    return sorted(rows, key=lambda row: row.name)


def said_by(
    facts: PlanFacts, found: Collection[str], opened: Collection[str], rest: Collection[str]
) -> list[str]:
    """What a finding closes and opens; `rest` was not tested to an end."""
    if not found:
        return [_("No component reacted alone: the cause is not known, and all of them stay closed.")]
    sentences = [_("The cause: %(names)s. Every formula that holds it stays closed.") % _said(facts, found)]
    if opened:
        words = _(
            "May be injected again, without the cause, after a new test of the formula that is wanted: %(names)s."
        )
        sentences.append(words % _said(facts, opened))
    if rest:
        words = _("Stays closed, because no test of it alone was read without reaction: %(names)s.")
        sentences.append(words % _said(facts, rest))
    return sentences


def said_of(facts: PlanFacts, found: CauseFinding, test: PatchTest, rest: Collection[str]) -> list[str]:
    """What the last finding about the positive test closes and opens today."""
    open_ = causes.opened_now(facts, test.pk)
    again = [code for code in found.opened_codes if code not in open_]
    sentences = said_by(
        facts, found.cause_codes, [code for code in found.opened_codes if code in open_], rest
    )
    if again:
        words = _(
            "Closed again since: %(names)s. A reading that this rested on is called an error or was superseded, or there was"
            " another reaction: write down anew what was found."
        )
        sentences.append(words % _said(facts, again))
    return sentences


def _said(facts: PlanFacts, codes: Collection[str]) -> dict[str, str]:
    names = _names(facts)
    return {"names": ", ".join(sorted(names.get(code, code) for code in codes))}


def _names(facts: PlanFacts) -> dict[str, str]:
    return {part.component.code: str(part.component.name) for part in facts.parts}
