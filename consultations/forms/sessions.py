"""Forms of a session: what is recorded while it is given, why it was not, and what happened outside the rules."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, LocalDateTimeField, MeasureField
from consultations.actions.sessions import Reaction, Score
from consultations.enums import ScoreMoment, SessionOutcome, TechniqueFamily
from consultations.forms.devices import DeviceField
from consultations.forms.scores import score_field
from consultations.forms.session_lots import LotsField
from consultations.models import Lot, ReactionType, Scale, Session, TechniqueRule
from consultations.queries import PlanFacts
from consultations.rules import doses, tested_lots
from consultations.rules import lots as lots_rules
from consultations.technique_enums import GunMode, TechniqueDetail

_GRADES = [
    ("", _("not seen")),
    ("1", _("1 mild")),
    ("2", _("2 moderate")),
    ("3", _("3 severe")),
    ("4", _("4 life-threatening")),
    ("5", _("5 death")),
]
_TECHNIQUE_FIELDS = {
    TechniqueFamily.NEEDLE: ("needle", "depth_mm"),
    TechniqueFamily.GUN: ("device", "depth_mm", "gun_mode", "shots_per_minute"),
    TechniqueFamily.NEEDLELESS: ("device", "program", "intensity", "minutes_applied"),
}


class SessionForm(BaseForm):
    """Everything but the zones. Fields follow the technique, the formula and the template's score."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    weight_kg = MeasureField(
        label=_("Weight today, kg"),
        max_digits=5,
        decimal_places=1,
        min_value=2,
        max_value=499,
        required=False,
    )
    needle = forms.CharField(label=_("Needle"), max_length=60, required=False)
    depth_mm = MeasureField(
        label=_("Depth, mm"), max_digits=4, decimal_places=1, min_value=0, max_value=20, required=False
    )
    device = DeviceField(label=_("Device"), required=False)
    gun_mode = forms.ChoiceField(
        label=_("Mode"), choices=[("", _("Choose…")), *GunMode.choices], required=False
    )
    shots_per_minute = forms.IntegerField(
        label=_("Shots per minute"), min_value=1, max_value=2000, required=False
    )
    program = forms.CharField(label=_("Programme"), max_length=60, required=False)
    intensity = forms.CharField(label=_("Intensity"), max_length=40, required=False)
    minutes_applied = forms.IntegerField(
        label=_("Minutes applied"), min_value=1, max_value=300, required=False
    )
    spacing_mm = MeasureField(
        label=_("Spacing, mm"), max_digits=4, decimal_places=1, min_value=1, max_value=100, required=False
    )
    line_length_mm = MeasureField(
        label=_("Length of a line, mm"),
        max_digits=4,
        decimal_places=1,
        min_value=1,
        max_value=200,
        required=False,
    )
    unusual_reason = forms.CharField(
        label=_("Why unusual"),
        max_length=500,
        required=False,
        help_text=_("Only where a figure is unusual for the technique."),
    )
    outcome = forms.ChoiceField(
        label=_("The session was"),
        choices=[choice for choice in SessionOutcome.choices if choice[0]],
        widget=forms.RadioSelect,
        required=False,
    )
    outcome_reason = forms.CharField(label=_("Why not in full"), max_length=1000, required=False)
    ended_at = LocalDateTimeField(label=_("Ended at"), required=False, help_text=_("Empty: when you sign."))
    note = forms.CharField(
        label=_("Note"), max_length=10000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    aftercare_given = forms.BooleanField(label=_("Aftercare explained and handed out"), required=False)
    deviation_reason = forms.CharField(
        label=_("Why it was injected all the same"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        session: Session,
        facts: PlanFacts,
        rule: TechniqueRule,
        scale: Scale | None,
        lots: Iterable[Lot],
        reactions: Iterable[ReactionType],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.session, self.facts, self.rule, self.scale = session, facts, rule, scale
        self.reaction_types = list(reactions)
        super().__init__(data, initial={**self._from(session), **(initial or {})})
        self._fit_technique()
        self._add_lots(list(lots))
        self._add_scores()
        self._add_reactions()

    @staticmethod
    def _from(session: Session) -> dict[str, Any]:
        names = [name for name in SessionForm.base_fields if name not in ("device", "deviation_reason")]
        return {name: getattr(session, name) for name in names} | {"device": session.device_id}

    def _fit_technique(self) -> None:
        """The fields that the technique has, each fitted to it; and the weight, where a dose counts by it."""
        wanted = [*_TECHNIQUE_FIELDS[TechniqueFamily(self.session.technique.family)], *self.rule.asks]
        known = {name for names in _TECHNIQUE_FIELDS.values() for name in names}
        for name in known.union(TechniqueDetail.values) - set(wanted):
            del self.fields[name]
        fits = {
            "device": self._fit_device,
            "depth_mm": self._fit_depth,
            "gun_mode": self._fit_gun_mode,
            "spacing_mm": self._fit_spacing,
        }
        for name, fit in fits.items():
            if name in self.fields:
                fit()
        if not doses.needs_weight(self.facts):
            del self.fields["weight_kg"]
        self.technique_names = [name for name in wanted if name in self.fields]

    def _fit_device(self) -> None:
        technique, began = self.session.technique, self.session.started_at
        self.fields["device"].fit(
            kind=technique.device_kind or technique.family,
            since=began,
            until=timezone.now(),
            may_all=self.session.deviation_id is not None,
            today=timezone.localdate(began),
        )

    def _fit_depth(self) -> None:
        low, high = self.session.technique.depth_min_mm, self.session.technique.depth_max_mm
        words = _("%(low)s mm for this technique."), _("%(low)s to %(high)s mm for this technique.")
        self._fit_span("depth_mm", low, high, words)

    def _fit_gun_mode(self) -> None:
        mode = self.session.gun_mode
        if mode not in ("", *GunMode.values):  # a draft of when the mode was typed
            self.fields["gun_mode"].choices = [*self.fields["gun_mode"].choices, (mode, mode)]

    def _fit_spacing(self) -> None:
        low, high = self.rule.spacing_min_mm, self.rule.spacing_max_mm
        if low is not None and high is not None:
            words = _("Usual is %(low)s mm."), _("Usual are %(low)s to %(high)s mm.")
            self._fit_span("spacing_mm", low, high, words)

    def _fit_span(self, name: str, low: Decimal, high: Decimal, words: tuple[Any, Any]) -> None:
        """Says what is usual; where that is one figure, it is filled in."""
        one, several = words
        said = {"low": doses.plain(low), "high": doses.plain(high)}
        self.fields[name].help_text = (one if low == high else several) % said
        if low == high and getattr(self.session, name) is None:
            self.initial[name] = low.normalize()

    def _add_lots(self, lots: list[Lot]) -> None:
        """One field per component; the form shows what the rules say of each lot."""
        began, whole = self.session.started_at, self.facts.of_whole_plan
        self.asked = lots_rules.asked_for(self.session.formula, at=began, allergies=self.facts.allergies)
        tested, used = tested_lots.tested_lots(whole, began), list(self.session.used_lots.all())
        for part in self.facts.parts:
            code = part.component.code
            mine = [lot for lot in lots if lot.component.code == code]
            choice = lots_rules.for_draft(mine, self.asked, session=self.session, used=used)
            found = (tested_lots.untested(whole, lot, tested) for lot in choice.usable)
            self.fields[f"lot_{code}"] = LotsField(
                label=part.component.name,
                choice=choice,
                untested=[each for each in found if each],
                preselects=not used,
            )

    def _add_scores(self) -> None:
        if self.scale is None:
            return
        taken = {
            score.moment: score.value
            for score in self.session.scores.all()
            if score.scale_id == self.scale.pk
        }
        for moment in ScoreMoment:
            self.fields[f"score_{moment}"] = score_field(
                self.scale, f"{self.scale.name}, {moment.label}", taken.get(moment)
            )

    def _add_reactions(self) -> None:
        seen = {each.reaction_id: str(each.grade) for each in self.session.reactions.all()}
        for kind in self.reaction_types:
            self.fields[f"reaction_{kind.code}"] = forms.ChoiceField(
                label=kind.name, choices=_GRADES, required=False, initial=seen.get(kind.pk, "")
            )

    def clean(self) -> dict[str, Any]:
        """A session not given in full says why; it does not end before it began."""
        data = super().clean() or {}
        if data.get("outcome") in (SessionOutcome.PARTIAL, SessionOutcome.NOT_GIVEN) and not data.get(
            "outcome_reason"
        ):
            self.add_error(
                "outcome_reason", ValidationError(_("Say why, in a few words."), code="reason_missing")
            )
        ended = data.get("ended_at")
        if ended and ended < self.session.started_at - timedelta(minutes=1):
            self.add_error("ended_at", ValidationError(_("It ended before it began."), code="ended_before"))
        return data

    def forget_errors(self) -> None:
        """Show what was typed without saying what is wrong with it."""
        self._errors = ErrorDict()

    def parts(self, prefix: str) -> list[Any]:
        """The bound fields whose names start like this, for the template."""
        return [self[name] for name in self.fields if name.startswith(prefix)]

    @property
    def lot_fields(self) -> list[Any]:
        """One per component."""
        return self.parts("lot_")

    @property
    def score_fields(self) -> list[Any]:
        """Before and after."""
        return self.parts("score_")

    @property
    def reaction_fields(self) -> list[Any]:
        """One per reaction of the list."""
        return self.parts("reaction_")

    @property
    def has_reactions(self) -> bool:
        """Whether one is recorded, typed or wrong: then the list is shown open."""
        return any(field.value() or field.errors for field in self.reaction_fields)

    @property
    def technique_fields(self) -> list[Any]:
        """The technique's own parameters."""
        return [self[name] for name in self.technique_names]

    @property
    def details(self) -> dict[str, Any]:
        """The session's own fields as they were typed."""
        own = ("outcome", "outcome_reason", "ended_at", "unusual_reason", "note", "aftercare_given")
        names = [*self.technique_names, *own]
        if "weight_kg" in self.fields:
            names.append("weight_kg")
        return {name: self.cleaned_data[name] for name in names}

    @property
    def lots_past_use(self) -> list[str]:
        """What the signature will ask of ticked lots that are past use: as typed, or as saved."""
        return [
            words for bound in self.lot_fields for words in bound.field.chosen_past_use(bound.value() or ())
        ]

    @property
    def lots(self) -> list[Lot]:
        """All lots that were ticked."""
        return [lot for bound in self.lot_fields for lot in bound.field.lots(self.cleaned_data[bound.name])]

    @property
    def scores(self) -> list[Score]:
        """The scores that were taken."""
        if self.scale is None:
            return []
        values = ((moment, self.cleaned_data[f"score_{moment}"]) for moment in ScoreMoment)
        return [Score(self.scale, moment, value) for moment, value in values if value is not None]

    @property
    def reactions(self) -> list[Reaction]:
        """The reactions that were seen."""
        grades = ((kind, self.cleaned_data[f"reaction_{kind.code}"]) for kind in self.reaction_types)
        return [Reaction(kind, int(grade)) for kind, grade in grades if grade]
