"""What an erasure makes of a table: which rows go, which columns are overwritten with what, and why the rest stays.

A key, a moment, a figure, a tick and a choice from a list say nothing about who it was: they stay, unless a fate says
otherwise. All other columns (texts, days, JSON, lists, files' names) must be named by the fate of their table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.apps import apps
from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    Field,
    IntegerField,
    Model,
    Q,
)
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.enums import ErasureStage

Words = str | Promise

# What stands where somebody had written something. What was left empty stays empty: constraints tell the two apart.
ERASED = "erased"
TEXT = f"CASE WHEN {{column}} = '' THEN '' WHEN {{column}} IS NOT NULL THEN '{ERASED}' END"
# Where no two rows of one record may say the same.
NUMBERED = f"CASE WHEN {{column}} = '' THEN '' ELSE '{ERASED} ' || id::text END"
NO_DIGEST = "CASE WHEN {column} IS NOT NULL THEN repeat('0', 64) END"
NO_LIST = "'[]'::jsonb"

KEY = _("internal keys, which say nothing by themselves")
MOMENT = _("when something was done: the clinic's times, with nobody's name beside them")
FIGURE = _("figures and choices from lists: what was found and given, by no name")
CODES = _("codes of the clinic's lists")
DAYS = _("days of the course of treatment, with nobody's name beside them")
GENERATED = _("made by the database of what stands beside it")


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one table's rows, and of what the history says of them.

    `only` are the rows it is about, where a table has two fates. Without `goes` the rows stay, for the reason in `because`.
    `texts` and `overwritten` (column to SQL, in which `{column}` is what stands there; `in_history` where it is another in the
    history) are overwritten at `stage`, those in `at_first` with what the desk noted. `stays` gives the reason of columns that
    do. `acts` are moments that count as clinical acts, from which the time of keeping runs.
    """

    model: type[Model]
    because: Words = ""
    only: Q = field(default_factory=Q)
    goes: ErasureStage | None = None
    stage: ErasureStage = ErasureStage.RECORD
    texts: tuple[str, ...] = ()
    overwritten: Mapping[str, str] = field(default_factory=dict)
    in_history: Mapping[str, str] = field(default_factory=dict)
    at_first: frozenset[str] = frozenset()
    stays: Mapping[str, Words] = field(default_factory=dict)
    acts: tuple[str, ...] = ()

    def sql(self, stage: ErasureStage, of: type[Model] | None = None) -> dict[str, str]:
        """By column of the database, what is written there at this stage: in its rows, or in those of its history.

        The last stage does all that the first does once more: the patient may have come back meanwhile.
        """
        named = dict.fromkeys(self.texts, TEXT) | dict(self.overwritten)
        if of:
            kept = {each.name for each in of._meta.concrete_fields}
            named = {name: sql for name, sql in (named | dict(self.in_history)).items() if name in kept}
        columns = {
            self.model._meta.get_field(name).column: sql
            for name, sql in named.items()
            if self.stage_of(name) <= stage
        }
        return {name: sql.replace("{column}", f'"{name}"') for name, sql in columns.items()}

    def stage_of(self, name: str) -> ErasureStage:
        """When a column is overwritten."""
        return ErasureStage.DESK if name in self.at_first else self.stage

    @property
    def label(self) -> str:
        """What the clinic calls these rows."""
        return str(self.model._meta.verbose_name_plural)

    def goes_at(self, stage: ErasureStage) -> bool:
        """Whether its rows go at this stage, where there are any left."""
        return self.goes is not None and self.goes <= stage

    def is_touched(self, stage: ErasureStage) -> bool:
        """Whether rows of this table go, or are overwritten, at this stage."""
        return self.goes_at(stage) or bool(self.sql(stage))

    def of(self, column: Field) -> Words:
        """What becomes of a column in words; empty where nobody has said it."""
        if column.name in self.texts or column.name in self.overwritten:
            return _("overwritten")
        if column.name in self.stays:
            return self.stays[column.name]
        if self.goes:
            return ""
        return _by_kind(column)


def _by_kind(column: Field) -> Words:
    if column.generated:
        return GENERATED
    if column.primary_key or column.is_relation:
        return KEY
    if isinstance(column, DateTimeField):
        return MOMENT
    if isinstance(column, BooleanField | DecimalField | IntegerField) or (
        isinstance(column, CharField) and column.choices
    ):
        return FIGURE
    return ""


def history_of(model: type[Model]) -> Iterator[type[Model]]:
    """The tables in which the history of its rows stands: one, or none."""
    return (each for each in apps.get_models() if getattr(each, "pgh_tracked_model", None) is model)
