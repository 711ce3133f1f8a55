"""What an erasure takes and what it leaves, table by table in the clinic's words: as a preview, and as it was carried out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.enums import ErasureStage
from clinic.models import Erasure, Patient
from consultations.erasure.fates import Fate, Words
from consultations.erasure.tables import FATES, counted, record_of


@dataclass(frozen=True, slots=True)
class Line:
    """One table under one fate: how many rows, how many of them are overwritten, and in which columns."""

    label: str
    rows: int
    overwritten: int = 0
    columns: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Tables that go together, or stay for the same reason."""

    title: Words
    goes: bool
    lines: list[Line]


def preview(patient: Patient) -> list[Group]:
    """What would become of the record as it is now. Two queries."""
    found = zip(FATES, counted(record_of(patient)), strict=True)
    return _grouped(
        (fate, rows, rows if not fate.goes and (fate.texts or fate.overwritten) else 0)
        for fate, rows in found
    )


def carried_out(erasure: Erasure) -> list[Group]:
    """What was done: of an erasure that was fetched with its stages."""
    return _grouped(_told(erasure))


def history_entries(erasure: Erasure) -> int:
    """How many entries of the history were overwritten."""
    done = erasure.stages_done.values()
    return sum(counts.get("history", 0) for each in done for counts in each.counts.values())


def _told(erasure: Erasure) -> Iterator[tuple[Fate, int, int]]:
    """What both stages overwrote is told once, and what stays as the last one found it."""
    done = [each for _stage, each in sorted(erasure.stages_done.items())]
    for fate in FATES:
        counts = [each.counts.get(fate.model._meta.label, {}) for each in done]
        if fate.goes:
            yield fate, sum(each.get("gone", 0) for each in counts), 0
        elif counts:
            overwritten = max(each.get("overwritten", 0) for each in counts)
            yield fate, counts[-1].get("stay", 0), overwritten


def _grouped(found: Iterable[tuple[Fate, int, int]]) -> list[Group]:
    groups: dict[str, Group] = {}
    for fate, rows, overwritten in found:
        if rows:
            group = groups.setdefault(str(_title(fate)), Group(_title(fate), bool(fate.goes), []))
            columns = ", ".join(_columns(fate)) if overwritten else ""
            group.lines.append(Line(fate.label, rows, overwritten, columns))
    return sorted(groups.values(), key=lambda group: not group.goes)


def _title(fate: Fate) -> Words:
    if fate.goes == ErasureStage.DESK:
        return _("erased first: what the desk noted")
    if fate.goes == ErasureStage.RECORD:
        return _("erased with the record")
    return fate.because


def _columns(fate: Fate) -> Iterator[str]:
    for name in (*fate.texts, *fate.overwritten):
        if name == "content_hash":
            yield _("seal of the signature")
        elif name != "erased_at":
            yield str(fate.model._meta.get_field(name).verbose_name)
