"""What is typed at a consultation: the record, the contraindication questions, the proposed plan."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import DayField, MeasureField
from consultations.actions.plans import Proposal
from consultations.enums import SUITABLE, Outcome
from consultations.forms.goals import GoalRows
from consultations.forms.questions import QuestionsForm
from consultations.models import (
    Consultation,
    ContraindicationAnswer,
    Formula,
    Indication,
    Leaflet,
    PlanTemplate,
    ReactionType,
    Technique,
)
from consultations.queries import policy_in_force
from consultations.rules import evidence, leaflets, suitability

_DETAILS = (
    "indication",
    "history",
    "goals",
    "weight_kg",
    "discussed_technique",
    "discussed_visits",
    "discussed_alternatives",
    "discussed_aftercare",
    "discussed_expectations",
    "leaflet",
    "outcome",
    "outcome_reason",
    "deferred_until",
)
_PROPOSAL = ("technique", "formula", "template")


def _text(label: Any, length: int, rows: int = 3) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=length, required=False, widget=forms.Textarea({"rows": str(rows)})
    )


class ConsultationForm(QuestionsForm):
    """The whole page. A draft may leave anything open; what signing needs is the rules' business."""

    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    evidence_read = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    indication = forms.ModelChoiceField(
        Indication.objects.current().filter(is_active=True).order_by("group", "name"),
        label=_("What the patient comes for"),
        required=False,
    )
    history = _text(_("History"), 10_000, 4)
    goals = _text(_("What the patient hopes for"), 5_000)
    weight_kg = MeasureField(
        label=_("Weight, kg"),
        unit="kg",
        min_value=Decimal("1.1"),
        max_value=Decimal("499.9"),
        max_digits=5,
        decimal_places=1,
        required=False,
        help_text=_("Some dose limits count per kilogram."),
    )
    discussed_technique = forms.BooleanField(label=_("The technique"), required=False)
    discussed_visits = forms.BooleanField(label=_("How many visits, and how often"), required=False)
    discussed_alternatives = forms.BooleanField(label=_("Alternatives, and doing nothing"), required=False)
    discussed_aftercare = forms.BooleanField(label=_("Aftercare"), required=False)
    discussed_expectations = forms.BooleanField(
        label=_("What to expect, and what trials found"), required=False
    )
    risks = forms.ModelMultipleChoiceField(
        ReactionType.objects.current().filter(is_discussed=True),
        label=_("Risks talked through"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    leaflet = forms.ModelChoiceField(
        Leaflet.objects.current().order_by("name"), label=_("Leaflet given"), required=False
    )
    outcome = forms.ChoiceField(label=_("Outcome"), choices=Outcome, required=False, widget=forms.RadioSelect)
    outcome_reason = _text(_("Reason or conditions"), 5_000)
    deferred_until = DayField(label=_("Deferred until"), required=False)
    template = forms.ModelChoiceField(
        PlanTemplate.objects.current().filter(is_active=True).order_by("name"),
        label=_("Course"),
        required=False,
        help_text=_("Choosing a course fills in its usual technique and formula."),
    )
    technique = forms.ModelChoiceField(
        Technique.objects.current().order_by("name"), label=_("Technique"), required=False
    )
    formula = forms.ModelChoiceField(
        Formula.objects.current()
        .filter(is_active=True)
        .order_by("name")
        .prefetch_related("parts__component"),
        label=_("Formula"),
        required=False,
    )
    starts_on = DayField(label=_("Wanted start"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._found: dict[tuple[str, str], Any] = {}
        for name in ("indication", *_PROPOSAL):
            self.fields[name].widget.attrs |= _redrawing(name)
        self.fields["template"].choices = self._courses()
        self._leaflets = list(Leaflet.objects.current().order_by("name"))
        self.fields["leaflet"].choices = self._leaflet_choices()
        self.goal_rows = GoalRows(
            self.data if self.is_bound else None, saved=self.initial.get("scored_goals", ())
        )

    @classmethod
    def of(cls, row: Consultation) -> "ConsultationForm":
        """The form as it shows the draft now."""
        return cls(initial=saved_values(row))

    def redrawn(self) -> "ConsultationForm":
        """The same form with what was typed, unchecked; a course just chosen brings technique and formula."""
        typed = {name: self.data.get(name, "") for name in self.fields}
        typed["risks"] = self.data.getlist("risks")
        ticks = ("discussed_", "unknown_")
        typed |= {name: name in self.data for name in self.fields if name.startswith(ticks)}
        if self.data.get("redraw") == "template":
            typed |= {name: each.pk for name, each in self._usual(self._chosen("template")).items()}
        return type(self)(initial=typed)

    @property
    def wants_redrawing(self) -> bool:
        """Whether the page asks how the form looks with these choices, not for anything to be saved."""
        return "redraw" in self.data

    def build_on(self, version: int) -> None:
        """From now on the form answers to this version; what was typed stays."""
        self.data = self.data.copy()
        self.data["version"] = str(version)

    def clean(self) -> dict[str, Any]:
        """A deferral has its date; a course brings what is left empty; a plan is whole or absent."""
        data = super().clean() or self.cleaned_data
        deferred = data.get("outcome") == Outcome.DEFERRED
        if deferred and not data.get("deferred_until") and "deferred_until" not in self.errors:
            self.add_error("deferred_until", _("Say until when the treatment is deferred."))
        for name, usual in self._usual(data.get("template")).items():
            data[name] = data.get(name) or usual
        self._check_whole(data)
        self._check_evidence_read(data)
        if not self.goal_rows.is_valid():
            self.add_error(None, _("Look at the goals: a row is not right yet."))
        return data

    def _check_evidence_read(self, data: dict[str, Any]) -> None:
        """Only what stood on the page can have been talked about: without scripts the note appears with the first save."""
        words = evidence.words_of(data.get("indication"), data.get("formula"))
        if data.get("discussed_expectations") and data.get("evidence_read") != evidence.seal_of(words):
            self.add_error(
                "discussed_expectations",
                _(
                    "What trials found for this choice stands under the indication now: talk about it, then save again."
                ),
            )

    def _check_whole(self, data: dict[str, Any]) -> None:
        given = [name for name in (*_PROPOSAL, "starts_on") if data.get(name)]
        if not given:
            return
        for name in (*_PROPOSAL, "indication"):
            if not data.get(name) and name not in self.errors:
                self.add_error(
                    name, _("A plan needs indication, course, technique and formula. Please choose.")
                )

    def differences(self, saved: "ConsultationForm") -> list[dict[str, str]]:
        """Where what was typed differs from what somebody else has saved meanwhile, field by field."""
        rows = []
        for name, field in self.fields.items():
            now, typed = _shown(saved[name]), _shown(self[name])
            if now != typed and name not in ("version", "evidence_read"):
                rows.append({"label": str(field.label), "now": now, "typed": typed})
        return rows

    @property
    def details(self) -> dict[str, Any]:
        """The record's own fields. Only for a valid form."""
        return {name: self.cleaned_data[name] for name in _DETAILS}

    @property
    def proposal(self) -> Proposal | None:
        """The proposed plan as typed, whatever the outcome. Only for a valid form."""
        data = self.cleaned_data
        if not data["template"]:
            return None
        return Proposal(data["technique"], data["formula"], data["template"], data["starts_on"])

    @property
    def agreed(self) -> Proposal | None:
        """The plan that the signature brings into force: none for a patient who is not suitable."""
        return self.proposal if self.cleaned_data["outcome"] in SUITABLE else None

    @property
    def evidence(self) -> list[str]:
        """What trials found for the indication and the formula as they are chosen now."""
        formula = self._chosen("formula") or self._usual(self._chosen("template")).get("formula")
        return evidence.words_of(self._chosen("indication"), formula)

    @property
    def evidence_seal(self) -> str:
        """The seal of the notes as they stand on the page."""
        return evidence.seal_of(self.evidence)

    @property
    def leaflets_offered(self) -> list[Leaflet]:
        """Those that fit what is chosen, the most specific first."""
        chosen = {name: self._chosen(name) for name in ("technique", "formula")}
        return leaflets.fitting(self._leaflets, **chosen)

    @property
    def discussed(self) -> list[BoundField]:
        """The ticks for what was talked about."""
        return [self[name] for name in self.fields if name.startswith("discussed_")]

    def intention(self) -> suitability.Intention:
        """See QuestionsForm."""
        indication, technique, formula = (
            self._chosen(each) for each in ("indication", "technique", "formula")
        )
        return suitability.Intention(
            indication=indication.code if indication else "",
            group=indication.group if indication else "",
            technique=technique.family if technique else "",
            components=frozenset(formula.component_codes) if formula else frozenset(),
        )

    def _chosen(self, name: str) -> Any:
        """The entry that is chosen now, saved or typed; None for nothing or nonsense."""
        value = str(self[name].value() or "")
        if (name, value) not in self._found:
            self._found[name, value] = self._entry(name)
        return self._found[name, value]

    def _entry(self, name: str) -> Any:
        value, field = self[name].value(), self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        try:
            return field.clean(value)
        except forms.ValidationError:
            return None

    def _usual(self, template: PlanTemplate | None) -> dict[str, Any]:
        """The technique and formula that a course usually takes, as far as they are in force."""
        if template is None:
            return {}
        found = {
            "technique": Technique.objects.current().filter(code=template.technique_code).first(),
            "formula": Formula.objects.current().filter(code=template.formula_code, is_active=True).first(),
        }
        return {name: each for name, each in found.items() if each}

    def _leaflet_choices(self) -> list[tuple[Any, Any]]:
        """Those that fit the plan, the most specific first."""
        fits = self.leaflets_offered
        groups = [
            (_("For this procedure, and for all"), fits),
            (_("Other leaflets"), [each for each in self._leaflets if each not in fits]),
        ]
        return [
            ("", "---------"),
            *((title, [(each.pk, str(each)) for each in found]) for title, found in groups if found),
        ]

    def _courses(self) -> list[tuple[Any, Any]]:
        """The courses, those for the chosen indication first."""
        indication = self._chosen("indication")
        code = indication.code if indication else ""
        field = self.fields["template"]
        assert isinstance(field, forms.ModelChoiceField)
        fits: list[tuple[Any, str]] = []
        others: list[tuple[Any, str]] = []
        for each in field.queryset:
            (fits if each.indication_code == code else others).append((each.pk, str(each)))
        groups = [(_("Usual for this indication"), fits), (_("Other courses"), others)]
        return [("", "---------"), *((title, courses) for title, courses in groups if courses)]


def _redrawing(value: str) -> dict[str, str]:
    """Only a comfort: without it the server fills in and judges the same when the draft is saved."""
    return {
        "hx-post": "",
        "hx-trigger": "change",
        "hx-vals": f'{{"redraw": "{value}"}}',
        "hx-include": "closest form",
        "hx-swap": "none",
        "hx-sync": "closest form:replace",
        "hx-select-oob": "#evidence,#questions,#leaflets,#proposal",
    }


def _shown(bound: BoundField) -> str:
    """A field's value as people read it."""
    value, field = bound.value(), bound.field
    if isinstance(field, forms.BooleanField):
        return str(_("yes") if value else _("no"))
    if isinstance(field, forms.ModelChoiceField):
        many = value if isinstance(value, list) else [value]
        keys = {str(field.prepare_value(each)) for each in many if each}
        return ", ".join(str(each) for each in field.queryset if str(each.pk) in keys)
    if isinstance(field, forms.ChoiceField):
        return str(dict(field.choices).get(value, ""))
    return "" if value is None else str(value).strip().replace("\r\n", "\n")


def _counted(answer: ContraindicationAnswer) -> date | None:
    """The day that follows from the event of the answer; None without one."""
    if answer.event_on is None:
        return None
    policy = policy_in_force(timezone.now())
    return suitability.defer_until(answer.question, on=answer.event_on, policy=policy)


def saved_values(row: Consultation) -> Mapping[str, Any]:
    """The draft as the form's values."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _DETAILS}
    values |= {"version": row.version, "risks": [each.pk for each in row.discussed_risks.all()]}
    values["scored_goals"] = list(row.scored_goals.select_related("scale"))
    for answer in row.answers.select_related("question"):
        code = answer.question.code
        counted = answer.defer_until is not None and answer.defer_until == _counted(answer)
        values |= {
            f"answer_{code}": answer.answer,
            f"reason_{code}": answer.override_reason,
            f"event_{code}": answer.event_on,
            f"unknown_{code}": answer.event_unknown,
            f"until_{code}": None
            if counted
            else answer.defer_until,  # counts anew when the event is corrected
            f"note_{code}": answer.note,
        }
    if plan := getattr(row, "plan", None):
        values |= {name: getattr(plan, name) for name in (*_PROPOSAL, "starts_on")}
    return values
