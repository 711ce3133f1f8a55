"""Test injections and their readings. A result is computed, never typed."""

import uuid

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, frozen_once, frozen_with_parent, on_a_kept_record, sees_what_is_committed
from clinic.models import Patient, User
from consultations.enums import Grade, ReadingKind, TestArm, TestMethod, TestResult
from consultations.models.cause_search import CauseSearch
from consultations.models.consultation import ClinicalQuerySet, Signable
from consultations.models.formula import Formula, Lot
from consultations.models.gate import (
    GATE_ON_TEST,
    LATE_READING_IN_WINDOW,
    READING_OF_SIGNED_TEST,
)
from consultations.models.gate_lots import GATE_ON_TEST_LOT
from consultations.models.patch_test_policy import PatchTestPolicy
from consultations.models.plan import Plan


@pghistory.track(append_only=True)
class PatchTest(Signable):
    """A small amount of the formula, injected to see how the skin answers. "Test injection" in the pages."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="patch_tests", verbose_name=_("plan"))
    formula = models.ForeignKey(Formula, models.PROTECT, related_name="+", verbose_name=_("formula"))
    policy = models.ForeignKey(PatchTestPolicy, models.PROTECT, related_name="+")
    component_codes = ArrayField(models.SlugField(max_length=80), verbose_name=_("components"))
    search = models.ForeignKey(
        CauseSearch,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="component_tests",
        verbose_name=_("search for the cause"),
        help_text=_("Only of a test of one component alone, after a positive test of several."),
    )
    given_at = models.DateTimeField(_("given at"))
    method = models.CharField(_("method"), max_length=20, choices=TestMethod)
    site = models.CharField(_("site"), max_length=100)
    arm = models.CharField(_("arm"), max_length=10, choices=TestArm, blank=True)  # not asked before
    antihistamine_last_on = models.DateField(_("antihistamine last taken on"), null=True, blank=True)
    steroid_last_on = models.DateField(_("steroid tablets last taken on"), null=True, blank=True)
    volume_ml = models.DecimalField(_("volume, ml"), max_digits=5, decimal_places=3)
    saline_control = models.BooleanField(_("saline control placed"), default=True)
    histamine_control = models.BooleanField(_("histamine control placed"), default=False)
    observed_until = models.DateTimeField(_("observed until"))
    lots = models.ManyToManyField(
        Lot, through="PatchTestLot", related_name="patch_tests", verbose_name=_("lots")
    )
    note = models.TextField(_("note"), max_length=5000, blank=True)
    deviation = models.OneToOneField(
        "consultations.Deviation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="patch_test",
        verbose_name=_("deviation"),
    )

    class Meta(Signable.Meta):
        verbose_name = _("test injection")
        verbose_name_plural = _("test injections")
        ordering = ["-given_at"]
        constraints = [
            *Signable.Meta.constraints,
            check(
                "patch_test_volume",
                Q(volume_ml__gt=0, volume_ml__lte=1),
                _("The volume is above 0 and at most 1 ml."),
            ),
            check(
                "patch_test_observed",
                Q(observed_until__gte=F("given_at")),
                _("Observation ends after the injection."),
            ),
            check(
                "patch_test_components",
                ~Q(component_codes=[]),
                _("A test names what is tested."),
            ),
            check(
                "patch_test_component_alone",
                Q(search=None) | Q(component_codes__len=1),
                _("Looking for the cause, each component is tested alone."),
            ),
        ]
        triggers = [
            *frozen_once("patch_test"),
            on_a_kept_record("patch_test"),
            sees_what_is_committed("patch_test"),
            GATE_ON_TEST,
        ]

    def __str__(self) -> str:
        return f"{self.subject}, {self.given_at:%Y-%m-%d}"

    @property
    def subject(self) -> str:
        """What was injected: the formula, or one of its components alone."""
        if self.search_id is None:
            return str(self.formula)
        said = {"formula": self.formula, "component": ", ".join(self.component_codes)}
        return _("%(formula)s: %(component)s alone") % said


@pghistory.track(append_only=True)
class PatchTestLot(models.Model):
    """One lot that a test used."""

    patch_test = models.ForeignKey(PatchTest, models.CASCADE, related_name="used_lots")
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patch_test", "lot"],
                name="patch_test_lot_once",
                violation_error_message=_("This lot is recorded already."),
            )
        ]
        triggers = [
            *frozen_with_parent("patch_test_lot", parent="consultations_patchtest", key="patch_test_id"),
            GATE_ON_TEST_LOT,
        ]

    def __str__(self) -> str:
        return str(self.lot)


class TestReadingQuerySet(ClinicalQuerySet):
    """Words about readings."""

    __test__ = False

    def in_force(self) -> "TestReadingQuerySet":
        """Neither superseded nor entered in error."""
        return self.filter(superseded_by=None, entered_in_error=None)


# From what was computed to what it may be made.
_STRICTER = (
    Q(computed=TestResult.AWAITING, result__in=[TestResult.INVALID, TestResult.POSITIVE])
    | Q(
        computed=TestResult.NEGATIVE,
        result__in=[TestResult.EQUIVOCAL, TestResult.INVALID, TestResult.POSITIVE],
    )
    | Q(computed=TestResult.EQUIVOCAL, result__in=[TestResult.INVALID, TestResult.POSITIVE])
    | Q(computed=TestResult.INVALID, result=TestResult.POSITIVE)
    | Q(
        computed=TestResult.UNCHANGED,
        result__in=[TestResult.EQUIVOCAL, TestResult.INVALID, TestResult.POSITIVE],
    )
)


@pghistory.track(append_only=True)
class TestReading(models.Model):
    """What was seen at the test site. Signed when it is made; a later look is a new row that supersedes."""

    __test__ = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="test_readings")
    patch_test = models.ForeignKey(PatchTest, models.PROTECT, related_name="readings")
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=ReadingKind)
    read_at = models.DateTimeField(_("read at"))
    site_readable = models.BooleanField(_("test site readable"), default=True)
    wheal_start_mm = models.DecimalField(
        _("wheal at once, mm"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    wheal_end_mm = models.DecimalField(
        _("wheal after observation, mm"),
        max_digits=4,
        decimal_places=1,
        null=True,
        blank=True,
    )
    flare = models.BooleanField(_("flare"), default=False)
    saline_positive = models.BooleanField(_("saline control reacted"), default=False)
    histamine_wheal_mm = models.DecimalField(
        _("histamine wheal, mm"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    saline_wheal_mm = models.DecimalField(
        _("saline wheal, mm"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    systemic_sign = models.BooleanField(
        _("sign beyond the test site"),
        default=False,
        help_text=_("Hives elsewhere, wheeze, low blood pressure, vomiting."),
    )
    grade = models.CharField(_("grade"), max_length=10, choices=Grade, blank=True)
    note = models.TextField(_("note"), max_length=5000, blank=True)
    result = models.CharField(_("result"), max_length=10, choices=TestResult)
    computed = models.CharField(
        _("computed result"),
        max_length=10,
        choices=TestResult,
        blank=True,
        help_text=_("Where it was made stricter."),
    )
    stricter_reason = models.CharField(_("why it is judged stricter"), max_length=1000, blank=True)
    valid_from = models.DateTimeField(_("clears from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("clears until"), null=True, blank=True)
    signed_at = models.DateTimeField(_("signed at"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("read by"))
    content_hash = models.CharField(max_length=64)

    objects = TestReadingQuerySet.as_manager()

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        ordering = ["-read_at"]
        constraints = [
            check(
                "test_reading_negative_is_valid",
                Q(
                    result=TestResult.NEGATIVE,
                    valid_from__isnull=False,
                    valid_until__isnull=False,
                )
                & Q(valid_until__gt=F("valid_from"))
                | (~Q(result=TestResult.NEGATIVE) & Q(valid_from=None, valid_until=None)),
                _("Only a reading without reaction clears, and for a limited time."),
            ),
            check(
                "test_reading_negative_is_delayed",
                ~Q(result=TestResult.NEGATIVE)
                | Q(
                    kind=ReadingKind.DELAYED,
                    grade=Grade.NEGATIVE,
                    site_readable=True,
                    saline_positive=False,
                    valid_from__gte=F("read_at"),
                ),
                _(
                    "Only a delayed reading of a readable site without reaction clears, and not before it was made."
                ),
            ),
            check(
                "test_reading_positive_sign",
                Q(result=TestResult.POSITIVE)
                | (Q(systemic_sign=False) & ~Q(grade__in=[Grade.WEAK, Grade.STRONG, Grade.EXTREME])),
                _("A positive sign always makes the result positive."),
            ),
            check(
                "test_reading_only_stricter",
                Q(computed="", stricter_reason="") | (_STRICTER & ~Q(stricter_reason="")),
                _("A result can only be made stricter than it was computed, with a reason."),
            ),
            check(
                "test_reading_late",
                ~Q(kind=ReadingKind.LATE) & ~Q(result=TestResult.UNCHANGED)
                | Q(
                    kind=ReadingKind.LATE,
                    result=TestResult.UNCHANGED,
                    supersedes=None,
                    grade__in=[Grade.NEGATIVE, Grade.NOT_DONE],
                )
                | Q(
                    kind=ReadingKind.LATE,
                    result__in=[TestResult.EQUIVOCAL, TestResult.INVALID, TestResult.POSITIVE],
                    supersedes__isnull=False,
                ),
                _(
                    "A late reading that shows nothing changes nothing; any other takes the reading before it back."
                ),
            ),
        ]
        triggers = [
            *frozen_once("test_reading"),
            READING_OF_SIGNED_TEST,
            LATE_READING_IN_WINDOW,
            on_a_kept_record("test_reading"),
            sees_what_is_committed("test_reading"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_result_display()}"
