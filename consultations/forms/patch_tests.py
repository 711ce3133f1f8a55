"""What is typed about a test injection: how it was given, what its readings showed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from crispy_forms.layout import Div, Fieldset, Layout
from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, DayField, LocalDateTimeField, MeasureField
from clinic.forms.booking import InstantField
from consultations.dates import in_words
from consultations.enums import Grade, TestArm, TestMethod, TestResult
from consultations.models import Lot, PatchTestPolicy, TestReading
from consultations.queries import PlanFacts
from consultations.rules import patch_test as rules
from consultations.rules.doses import plain
from consultations.rules.lots import SetAside, label_words

_MINUTE = timedelta(minutes=1)
# The criteria of the ICDRG with what follows from each.
GRADES = [
    (Grade.NEGATIVE, _("− No reaction")),
    (Grade.DOUBTFUL, _("?+ Faint redness only: unclear")),
    (Grade.WEAK, _("+ Redness and infiltration, possibly papules: positive")),
    (Grade.STRONG, _("++ Redness, infiltration, papules, vesicles: positive")),
    (
        Grade.EXTREME,
        _("+++ Intense redness and infiltration, merging vesicles or blisters: positive, strong"),
    ),
    (Grade.IRRITANT, _("IR Irritant: the control looks similar: unclear")),
    (Grade.NOT_DONE, _("NT Not read: invalid, a new test is needed")),
]
_POSITIVE = (Grade.WEAK, Grade.STRONG, Grade.EXTREME)
_DELAYED = ("read_at", "site_readable", "grade", "saline_positive", "systemic_sign", "note")


def _millimetres(label: Any) -> MeasureField:
    return MeasureField(
        label=label,
        unit="mm",
        min_value=Decimal(0),
        max_value=Decimal(200),
        max_digits=4,
        decimal_places=1,
        required=False,
    )


def _note(label: Any, *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=5000, required=required, widget=forms.Textarea({"rows": "2"})
    )


class MinuteForm(BaseForm):
    """Times are typed to the minute. The minute in which the page was opened means that very moment, so that what
    was signed seconds before still lies before it.
    """

    opened_at = InstantField(required=False, widget=forms.HiddenInput)

    def exact(self, name: str) -> datetime | None:
        """The typed time, exact where it is the page's own minute."""
        typed: datetime | None = self.cleaned_data.get(name)
        opened: datetime | None = self.cleaned_data.get("opened_at")
        if typed and opened and typed <= opened < typed + _MINUTE:
            return opened
        return typed


class GiveForm(MinuteForm):
    """The injection, its lots, and the immediate reading. With `anyway` every lot may be named, and a reason has to."""

    given_at = LocalDateTimeField(label=_("Given at"))
    method = forms.ChoiceField(label=_("Method"), choices=TestMethod)
    arm = forms.ChoiceField(label=_("Side"), choices=TestArm)
    antihistamine_last_on = DayField(label=_("Antihistamine last taken on"), required=False)
    steroid_last_on = DayField(label=_("Steroid tablets last taken on"), required=False)
    site = forms.CharField(label=_("Site"), max_length=100, help_text=_("Away from the area to be treated."))
    volume_ml = MeasureField(
        label=_("Volume"),
        unit="ml",
        min_value=Decimal("0.001"),
        max_value=Decimal(1),
        max_digits=5,
        decimal_places=3,
    )
    saline_control = forms.BooleanField(label=_("Saline control placed"), required=False)
    histamine_control = forms.BooleanField(label=_("Histamine control placed"), required=False)
    observed_until = LocalDateTimeField(label=_("Observed until"))
    wheal_start_mm = _millimetres(_("Wheal at once"))
    wheal_end_mm = _millimetres(_("Wheal after observation"))
    flare = forms.BooleanField(label=_("Flare around it"), required=False)
    saline_positive = forms.BooleanField(label=_("The saline control reacted"), required=False)
    histamine_wheal_mm = _millimetres(_("Histamine wheal"))
    saline_wheal_mm = _millimetres(_("Saline wheal"))
    systemic_sign = forms.BooleanField(
        label=_("A sign beyond the test site"),
        required=False,
        help_text=TestReading._meta.get_field("systemic_sign").help_text,
    )
    note = _note(_("Note"))

    def __init__(
        self,
        *args: Any,
        facts: PlanFacts,
        lots: Mapping[str, Iterable[Lot]],
        at: datetime,
        anyway: bool,
        aside: Iterable[SetAside] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.parts, self.anyway, self.at, self.aside = facts.parts, anyway, at, list(aside)
        self._by_key: dict[str, Lot] = {}
        for part in facts.parts:
            self._add_lot(part.component.code, str(part), list(lots.get(part.component.code, [])))
        if anyway:
            reason = forms.CharField(
                label=_("Why it was given all the same"),
                max_length=1000,
                widget=forms.Textarea({"rows": "2"}),
                help_text=_("This goes on the admin's list of incidents with your name. It clears nothing."),
            )
            self.add_field("deviation_reason", reason)
        unclear = rules.last_unclear(facts)
        arm = TestArm.RIGHT if unclear and unclear.arm == TestArm.LEFT else TestArm.LEFT
        self._hint_washout(facts.plan.test_policy)
        self.fields["saline_control"].help_text = control_words(facts.plan.test_policy)
        self.initial = {**usual(facts.plan.test_policy, at), "arm": arm, **self.initial}
        if arm != TestArm.LEFT:
            self.initial["site"] = ""  # the policy's words name its usual arm

    def _hint_washout(self, policy: PatchTestPolicy) -> None:
        """By when it has to have been taken for the last time; later is recorded and warned of, not refused."""
        for name, days in (
            ("antihistamine_last_on", policy.antihistamine_washout_days),
            ("steroid_last_on", policy.steroid_washout_days),
        ):
            last = timezone.localdate(self.at) - timedelta(days=days)
            words = _("After %(day)s the skin may not answer. Empty: none.") % {"day": in_words(last)}
            self.fields[name].help_text = words

    def _add_lot(self, code: str, label: str, lots: list[Lot]) -> None:
        choices = [(str(lot.pk), lot_choice(lot, self.at)) for lot in lots]
        self._by_key |= {str(lot.pk): lot for lot in lots}
        field = forms.ChoiceField(
            label=_("Lot of %(part)s") % {"part": label},
            choices=[("", _("not known") if self.anyway else _("choose")), *choices],
            required=not self.anyway,
            initial="" if self.anyway or not choices else choices[0][0],
        )
        self.add_field(f"lot_{code}", field)

    def layout(self) -> Layout:
        """The deviation first, if it is one; the injection, its lots, the skin after observation."""
        injection = Fieldset(
            _("The injection"),
            "given_at",
            side("method", "volume_ml"),
            side("arm", "site"),
            "saline_control",
            "histamine_control",
        )
        before = Fieldset(_("What the patient takes"), side("antihistamine_last_on", "steroid_last_on"))
        lots = Fieldset(_("Lots"), *(f"lot_{part.component.code}" for part in self.parts))
        skin = Fieldset(
            _("The skin after observation"),
            "observed_until",
            side("wheal_start_mm", "wheal_end_mm"),
            "flare",
            "saline_positive",
            side("saline_wheal_mm", "histamine_wheal_mm"),
            "systemic_sign",
            "note",
        )
        return Layout(
            "opened_at", *(["deviation_reason"] if self.anyway else []), before, injection, lots, skin
        )

    @property
    def details(self) -> dict[str, Any]:
        """The test's own fields. Only for a valid form."""
        names = (
            "method",
            "arm",
            "site",
            "antihistamine_last_on",
            "steroid_last_on",
            "volume_ml",
            "saline_control",
            "histamine_control",
            "observed_until",
            "note",
        )
        return {name: self.cleaned_data[name] for name in names} | {"given_at": self.exact("given_at")}

    @property
    def immediate(self) -> dict[str, Any]:
        """The immediate reading's own fields. Only for a valid form."""
        names = (
            "wheal_start_mm",
            "wheal_end_mm",
            "flare",
            "saline_positive",
            "histamine_wheal_mm",
            "saline_wheal_mm",
            "systemic_sign",
        )
        return {name: self.cleaned_data[name] for name in names}

    @property
    def lots(self) -> list[Lot]:
        """The lots that were named. Only for a valid form."""
        keys = [self.cleaned_data[f"lot_{part.component.code}"] for part in self.parts]
        return [self._by_key[key] for key in keys if key]


def control_words(policy: PatchTestPolicy) -> str:
    """How far from the test a control is placed."""
    return _("At least %(distance)s cm from the test.") % {"distance": plain(policy.control_distance_cm)}


def lot_choice(lot: Lot, at: datetime) -> str:
    """A lot as it is chosen: number, maker, last day of use, and what speaks against it at the moment."""
    words = _("%(number)s, %(maker)s, until %(day)s") % {
        "number": lot.number,
        "maker": lot.maker,
        "day": in_words(lot.expires_on),
    }
    if strength := label_words(lot):
        words = f"{words}, {strength}"
    if lot.quarantined_at:
        return _("%(lot)s (in quarantine)") % {"lot": words}
    return _("%(lot)s (expired)") % {"lot": words} if lot.expires_on < timezone.localdate(at) else words


def usual(policy: PatchTestPolicy, at: datetime) -> dict[str, Any]:
    """The policy's own values, now."""
    ends = at + timedelta(minutes=policy.observe_minutes) + _MINUTE
    return {
        "opened_at": at.isoformat(),
        "given_at": at,
        "method": policy.method,
        "site": policy.site,
        "volume_ml": policy.volume_ml.normalize(),
        "saline_control": policy.negative_control,
        "histamine_control": policy.positive_control,
        "observed_until": ends.replace(second=0, microsecond=0),
    }


class ReadForm(MinuteForm):
    """The delayed reading."""

    seen: ClassVar[tuple[str, ...]] = _DELAYED
    read_at = LocalDateTimeField(label=_("Read at"))
    site_readable = forms.BooleanField(label=_("The test site can be read"), required=False, initial=True)
    grade = forms.ChoiceField(
        label=_("What you see"), choices=GRADES, required=False, widget=forms.RadioSelect
    )
    saline_positive = forms.BooleanField(label=_("The saline control reacted"), required=False)
    systemic_sign = GiveForm.base_fields["systemic_sign"]
    note = _note(_("Note"))
    stricter = forms.ChoiceField(
        label=_("Judge it stricter than computed"),
        required=False,
        choices=[
            ("", _("no")),
            (TestResult.EQUIVOCAL, _("unclear: repeat")),
            (TestResult.INVALID, _("invalid: test again")),
            (TestResult.POSITIVE, _("positive")),
        ],
    )
    stricter_reason = forms.CharField(label=_("Why"), max_length=1000, required=False)

    def layout(self) -> Layout:
        """When, the grade, the controls, and a stricter judgement."""
        return Layout("opened_at", *self.seen, side("stricter", "stricter_reason"))

    @property
    def details(self) -> dict[str, Any]:
        """The reading's own fields; a site that cannot be read has no grade. Only for a valid form."""
        found = {name: self.cleaned_data[name] for name in self.seen} | {"read_at": self.exact("read_at")}
        if not found["site_readable"] and not found["grade"]:
            found["grade"] = Grade.NOT_DONE
        if self.cleaned_data["stricter"]:
            found |= {name: self.cleaned_data[name] for name in ("stricter", "stricter_reason")}
        return found


class LateForm(ReadForm):
    """The optional late reading: the same without what only makes a delayed one invalid."""

    seen = ("read_at", "site_readable", "grade", "systemic_sign", "note")
    grade = forms.ChoiceField(
        label=_("What you see"),
        choices=[each for each in GRADES if each[0] != Grade.NOT_DONE],
        required=False,
        widget=forms.RadioSelect,
    )
    saline_positive = None  # a control that looks the same is the grade IR


class ReactionForm(MinuteForm):
    """A reaction that was seen or reported after the test: always positive."""

    read_at = LocalDateTimeField(label=_("Seen or reported at"))
    grade = forms.ChoiceField(
        label=_("What it looks like, if you see it"),
        choices=[("", _("not seen, only reported")), *(each for each in GRADES if each[0] in _POSITIVE)],
        required=False,
    )
    systemic_sign = GiveForm.base_fields["systemic_sign"]
    note = _note(_("What happened, and since when"), required=True)

    @property
    def details(self) -> dict[str, Any]:
        """The reading's own fields. Only for a valid form."""
        names = ("grade", "systemic_sign", "note")
        return {name: self.cleaned_data[name] for name in names} | {"read_at": self.exact("read_at")}


def side(*names: str) -> Div:
    """Fields beside each other where there is room."""
    return Div(*(Div(name, css_class="col-sm-6") for name in names), css_class="row")
