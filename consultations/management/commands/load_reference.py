"""Puts the reference data that ships with the product into the database; safe to run again at any time."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction
from django.utils import timezone

from clinic.models import AppointmentType, ClinicSettings
from consultations import models as pathway
from consultations.models.reference import Versioned

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
# What is named comes before what names it.
KINDS: tuple[tuple[str, type[Versioned]], ...] = (
    ("allergen_group", pathway.AllergenGroup),
    ("component", pathway.Component),
    ("formula", pathway.Formula),
    ("recipe", pathway.Recipe),
    ("in_use_life", pathway.InUseLife),
    ("dose_cap", pathway.DoseCap),
    ("technique", pathway.Technique),
    ("technique_rule", pathway.TechniqueRule),
    ("indication", pathway.Indication),
    ("scale", pathway.Scale),
    ("scale_threshold", pathway.ScaleThreshold),
    ("plan_template", pathway.PlanTemplate),
    ("review_rule", pathway.ReviewRule),
    ("session_formula", pathway.SessionFormula),
    ("contraindication_question", pathway.ContraindicationQuestion),
    ("check_in_question", pathway.CheckInQuestion),
    ("patch_test_policy", pathway.PatchTestPolicy),
    ("method_rule", pathway.MethodRule),
    ("retest_rule", pathway.RetestRule),
    ("pathway_policy", pathway.PathwayPolicy),
    ("alternative", pathway.Alternative),
    ("consent_text", pathway.ConsentText),
    ("leaflet", pathway.Leaflet),
    ("aftercare_rule", pathway.AftercareRule),
    ("reaction_type", pathway.ReactionType),
    ("reaction_rule", pathway.ReactionRule),
    ("follow_up_rule", pathway.FollowUpRule),
    ("body_zone", pathway.BodyZone),
    ("zone_shape", pathway.ZoneShape),
    ("aftercare_scope", pathway.AftercareScope),
    ("red_flag", pathway.RedFlag),
    ("standard_view", pathway.StandardView),
    ("photography_text", pathway.PhotographyText),
)


class Command(BaseCommand):
    """Loads what is missing. A code that exists, in any version, is the clinic's own and is left alone."""

    help = "Loads the reference data that ships with Mesoclinic; entries that exist already are left alone."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """All or nothing. Raises CommandError when the stored time zone is not the one in the settings."""
        at = timezone.now()
        self.verbosity = options["verbosity"]
        self._settings()
        for name, model in KINDS:
            rows = read(name)
            loaded = load(model, rows, at)
            self._say(f"{model._meta.verbose_name_plural}: {loaded} loaded, {len(rows) - loaded} kept")
        loaded = load_appointment_types(read("appointment_type"))
        self._say(f"{AppointmentType._meta.verbose_name_plural}: {loaded} loaded")

    def _settings(self) -> None:
        """Write the clinic's one row at set-up, with the time zone that stays."""
        row, made = ClinicSettings.objects.get_or_create(pk=1, defaults={"time_zone": settings.TIME_ZONE})
        if row.time_zone != settings.TIME_ZONE:
            raise CommandError(
                f"This clinic was set up in {row.time_zone}; the settings say {settings.TIME_ZONE}. "
                f"The time zone cannot change: set MESOCLINIC_TIME_ZONE={row.time_zone}."
            )
        self._say(f"clinic settings: {'set up' if made else 'kept'}, time zone {row.time_zone}")

    def _say(self, line: str) -> None:
        if self.verbosity:
            self.stdout.write(line)


def read(name: str) -> list[dict[str, Any]]:
    """The rows of one file; numbers with a point become Decimals, never floats."""
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)


def load(model: type[Versioned], rows: list[dict[str, Any]], at: datetime) -> int:
    """Insert entries whose code is new, then their children, then publish: later no child could be added."""
    known = set(model.objects.values_list("code", flat=True))
    new = [row for row in rows if row["code"] not in known]
    entries = model.objects.bulk_create([_build(model, row, model.children) for row in new])
    for name in model.children:
        _load_children(model, name, zip(entries, new, strict=True))
    model.objects.filter(pk__in=[entry.pk for entry in entries]).update(published_at=at)
    return len(entries)


def load_appointment_types(rows: list[dict[str, Any]]) -> int:
    """Insert the kinds of visit whose code is new; they have no versions."""
    known = set(AppointmentType.objects.values_list("code", flat=True))
    new = [_build(AppointmentType, row) for row in rows if row["code"] not in known]
    AppointmentType.objects.bulk_create(new)
    return len(new)


def _load_children(model: type[Versioned], name: str, parents: Any) -> None:
    """Insert one kind of child row. Components are named by code; phases are numbered as in the file."""
    relation = model._meta.get_field(name)
    components = _components() if name in ("parts", "lines") else {}
    children = []
    for parent, row in parents:
        for ordinal, values in enumerate(row[name], start=1):
            more: dict[str, Any] = {relation.field.name: parent}
            if components:
                more["component"] = components[values["component"]]
            if name == "phases":
                more["ordinal"] = ordinal
            children.append(_build(relation.related_model, {**values, **more}))
    relation.related_model.objects.bulk_create(children)


def _components() -> dict[str, pathway.Component]:
    """By code, the version in force; a clinic's first draft only where nothing is in force yet."""
    newest_last = pathway.Component.objects.order_by("code", "version")
    drafts = {component.code: component for component in newest_last}
    return drafts | {component.code: component for component in newest_last.current()}


def _build(model: type[models.Model], row: dict[str, Any], without: tuple[str, ...] = ()) -> Any:
    """An unsaved instance with its own columns checked; a mistake in a file names the entry."""
    instance = model(**{name: value for name, value in row.items() if name not in without})
    related = [field.name for field in model._meta.concrete_fields if field.is_relation]
    try:
        instance.clean_fields(exclude=related)
    except ValidationError as error:
        entry = f"{model._meta.verbose_name} {row.get('code', row)}"
        raise CommandError(f"{entry}: {error.message_dict}") from error
    return instance
