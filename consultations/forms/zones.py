"""The rows of zones of a session: zone, points, ml per point, volume."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clinic.forms.base import BaseForm, MeasureField
from consultations.actions.sessions import Zone
from consultations.forms.places import PlacesField
from consultations.models import BodyZone, SessionZone, TechniqueRule
from consultations.models.session import Place
from consultations.rules.doses import ZoneDose
from consultations.technique_enums import Counted

MOST_ROWS = 40
_COUNTED: Mapping[Counted, Mapping[str, Any]] = {
    Counted.POINTS: {},
    Counted.LINES: {"points": _("Lines"), "ml_per_point": _("ml per line")},
    Counted.SHOTS: {"points": _("Shots"), "ml_per_point": _("ml per shot")},
    Counted.AREA: {},
}


class ZoneForm(BaseForm):
    """One row. The volume follows from points and ml per point, unless the technique counts nothing but a volume, or
    injects nothing: then there are only points."""

    zone = forms.ChoiceField(label=_("Zone"), required=False)
    points = forms.IntegerField(
        label=_("Points"),
        min_value=0,
        max_value=2000,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    ml_per_point = MeasureField(
        label=_("ml per point"), max_digits=6, decimal_places=3, min_value=0, max_value=5, required=False
    )
    volume_ml = MeasureField(
        label=_("Volume, ml"), max_digits=7, decimal_places=3, min_value=0, max_value=200, required=False
    )
    area_cm2 = MeasureField(
        label=_("Area, cm²"), max_digits=6, decimal_places=1, min_value=0, max_value=5000, required=False
    )
    places = PlacesField()

    def __init__(
        self,
        *args: Any,
        choices: Sequence[Any],
        usual: Mapping[str, Any],
        rule: TechniqueRule,
        with_area: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.usual, self.rule = usual, rule
        self.fields["zone"].choices = choices
        for name, label in _COUNTED[Counted(rule.counts)].items():
            self.fields[name].label = label
        for name in self._left_out(with_area):
            del self.fields[name]
        for name, field in self.fields.items():
            if field.widget.is_hidden:
                continue
            field.widget.attrs.setdefault("aria-label", str(field.label))
            field.widget.attrs["class"] = "form-select" if name == "zone" else "form-control"

    def _left_out(self, with_area: bool) -> list[str]:
        names = [] if with_area else ["area_cm2"]
        if self.rule.counts == Counted.AREA:
            names += ["points", "ml_per_point", "places"]
        if self.rule.injects_nothing:
            names += ["ml_per_point", "volume_ml"]
        return names

    @property
    def is_empty(self) -> bool:
        """Nothing was entered but, at most, the template's usual figures."""
        data = self.cleaned_data
        rest = {
            name: data.get(name)
            for name in ("points", "ml_per_point", "volume_ml", "area_cm2")
            if data.get(name) is not None
        }
        return not data.get("zone") and (
            not rest or rest == {k: v for k, v in self.usual.items() if v is not None}
        )

    def clean(self) -> dict[str, Any]:
        """A row names its zone and what went into it."""
        data = super().clean() or {}
        self.cleaned_data = data
        if self.errors or self.is_empty:
            return data
        if not data.get("zone"):
            self.add_error("zone", ValidationError(_("Choose the zone."), code="zone_missing"))
        by_point = [name for name in ("points", "ml_per_point") if name in self.fields]
        wanted = by_point or ["volume_ml"]
        if data.get("area_cm2") == 0:
            self.add_error("area_cm2", ValidationError(_("Above zero."), code="above_zero"))
        for name in wanted:
            if not data.get(name):
                self.add_error(name, ValidationError(_("Above zero."), code="above_zero"))
        self._check_places(data)
        return data

    def _check_places(self, data: Mapping[str, Any]) -> None:
        places, points = data.get("places") or [], data.get("points")
        if places and points and len(places) != points:
            words = _(
                "On the map this zone has %(places)s: set or remove points there, or take them all off the map."
            )
            said = ngettext("%(count)s point", "%(count)s points", len(places)) % {"count": len(places)}
            self.add_error("points", ValidationError(words, code="places", params={"places": said}))

    def forget_errors(self) -> None:
        """Show what was typed without saying what is wrong with it."""
        self._errors = ErrorDict()

    @property
    def set_one_by_one(self) -> Sequence[Place]:
        """Its points that were set one by one, as typed or as saved; none where they did not arrive whole."""
        value = self["places"].value() or []
        if not isinstance(value, str):
            return value
        try:
            found: Sequence[Place] = self.fields["places"].clean(value)
        except ValidationError:
            return []
        return found

    @property
    def counts(self) -> bool:
        """Whether its figures make sense, with or without a zone."""
        return not set(self.errors) - {"zone"} and not self.is_empty

    @property
    def dose(self) -> ZoneDose:
        """The row in numbers; the volume as typed, or points × ml per point."""
        data = self.cleaned_data
        points, each = data.get("points") or 0, data.get("ml_per_point") or Decimal(0)
        volume = data.get("volume_ml") or points * each
        return ZoneDose(points, each, volume, data.get("area_cm2") or None)


class ZoneRows:
    """All rows of one session: as saved, as typed, with one more when asked."""

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        saved: Sequence[SessionZone],
        usual: Mapping[str, Any],
        rule: TechniqueRule,
        with_area: bool = False,
        add: bool = False,
    ) -> None:
        self.data, self.saved = data, saved
        self.usual, self.rule, self.with_area = usual, rule, with_area
        self.count = self._typed() if data is not None else max(len(saved), 1)
        self.count = min(self.count + add, MOST_ROWS)

    def _typed(self) -> int:
        text = str(self.data.get("zone_rows", "") if self.data is not None else "")[:3]
        return min(max(int(text), 1), MOST_ROWS) if text.isascii() and text.isdigit() else 1

    @cached_property
    def zones(self) -> dict[str, BodyZone]:
        """What can be chosen, by key."""
        chosen = {row.zone_id: row.zone for row in self.saved}
        current = {zone.pk: zone for zone in BodyZone.objects.current()}
        return {str(key): zone for key, zone in {**chosen, **current}.items()}

    @property
    def chosen(self) -> set[int]:
        """The keys of the zones in the rows, as typed or as saved."""
        keys = (str(form["zone"].value() or "") for form in self.forms)
        return {self.zones[key].pk for key in keys if key in self.zones}

    @property
    def places(self) -> dict[int, Sequence[Place]]:
        """By the key of a zone its points that were set one by one, as typed or as saved."""
        typed = {str(form["zone"].value() or ""): form for form in self.forms if "places" in form.fields}
        return {self.zones[key].pk: form.set_one_by_one for key, form in typed.items() if key in self.zones}

    @property
    def views(self) -> set[str]:
        """On which drawings the chosen zones lie."""
        chosen = self.chosen
        return {zone.view for zone in self.zones.values() if zone.pk in chosen}

    @cached_property
    def choices(self) -> list[tuple[str, Any]]:
        """For every row the same."""
        return [("", _("Choose…")), *((key, zone.name) for key, zone in self.zones.items())]

    @cached_property
    def forms(self) -> list[ZoneForm]:
        """One per row."""
        return [self._form(index) for index in range(self.count)]

    def _form(self, index: int) -> ZoneForm:
        row = self.saved[index] if index < len(self.saved) else None
        initial: Mapping[str, Any] = self.usual if index == 0 and not self.saved else {}
        if row:
            computed = row.points * row.ml_per_point == row.volume_ml
            initial = {
                "zone": str(row.zone_id),
                "points": row.points,
                "ml_per_point": row.ml_per_point.normalize(),
                "volume_ml": None if computed else row.volume_ml.normalize(),
                "area_cm2": row.area_cm2.normalize() if row.area_cm2 else None,
                "places": row.places,
            }
        return ZoneForm(
            self.data,
            prefix=f"zone{index}",
            initial=initial,
            choices=self.choices,
            usual=self.usual,
            rule=self.rule,
            with_area=self.with_area,
        )

    @property
    def headings(self) -> list[Any]:
        """What the columns are called."""
        return [field.label for field in self.forms[0].visible_fields()]

    def is_valid(self) -> bool:
        """Every row is, and no zone is named twice."""
        valid = not [form for form in self.forms if not form.is_valid()]
        times = Counter(form.cleaned_data.get("zone") for form in self.filled)
        for form in self.filled:
            zone = form.cleaned_data.get("zone")
            if zone and times[zone] > 1:
                form.add_error("zone", ValidationError(_("This zone is named twice."), code="zone_twice"))
                valid = False
        return valid

    @property
    def filled(self) -> list[ZoneForm]:
        """Rows with something in them that makes sense by itself."""
        return [form for form in self.forms if form.is_bound and form.is_valid() and not form.is_empty]

    @property
    def has_proposal(self) -> bool:
        """Whether a row shows the template's usual figures and no zone: it is neither counted nor saved."""
        if self.data is None:
            return not self.saved and any(self.usual.values())
        return any(
            form.is_bound and form.is_valid() and form.is_empty and form.cleaned_data.get("points")
            for form in self.forms
        )

    @property
    def doses(self) -> list[ZoneDose]:
        """For the running totals: as typed (a zone may still be missing), or as saved."""
        if self.data is not None:
            return [self._placed(form) for form in self.forms if form.counts]
        return [ZoneDose.of(row) for row in self.saved]

    def _placed(self, form: ZoneForm) -> ZoneDose:
        zone = self.zones.get(form.cleaned_data.get("zone") or "")
        return replace(form.dose, view=zone.view if zone else "")

    @property
    def contents(self) -> list[Zone]:
        """For the action."""
        return [
            Zone(
                self.zones[form.cleaned_data["zone"]],
                dose.points,
                dose.ml_per_point,
                dose.volume_ml,
                dose.area_cm2,
                form.cleaned_data.get("places") or (),
            )
            for form in self.filled
            for dose in [form.dose]
        ]
