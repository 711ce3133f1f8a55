"""The clinic's policy on test injections: versioned, per formula and technique family."""

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from consultations.enums import TechniqueFamily, TestMethod, TestRequirement
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class PatchTestPolicy(Versioned):
    """Whether and how a test injection precedes treatment. The most specific policy applies to a plan."""

    formula_code = models.SlugField(_("only for formula"), max_length=80, blank=True)
    family = models.CharField(_("only for technique"), max_length=20, choices=TechniqueFamily, blank=True)
    requirement = models.CharField(_("test injection"), max_length=20, choices=TestRequirement)
    method = models.CharField(_("method"), max_length=20, choices=TestMethod, default=TestMethod.INTRADERMAL)
    volume_ml = models.DecimalField(_("volume, ml"), max_digits=5, decimal_places=3)
    volume_min_ml = models.DecimalField(_("volume from, ml"), max_digits=5, decimal_places=3)
    volume_max_ml = models.DecimalField(_("volume to, ml"), max_digits=5, decimal_places=3)
    dilution = models.CharField(
        _("dilution"), max_length=100, help_text=_("Of the formula as it is tested: undiluted, 1 in 10 …")
    )
    site = models.CharField(_("usual site"), max_length=100)
    needle = models.CharField(_("needle"), max_length=60, blank=True)
    negative_control = models.BooleanField(_("saline control"), default=True)
    control_distance_cm = models.DecimalField(
        _("distance of a control from the test at least, cm"), max_digits=4, decimal_places=1
    )
    positive_control = models.BooleanField(_("histamine control"), default=False)
    observe_minutes = models.PositiveSmallIntegerField(_("observe on site, minutes"))
    wheal_growth_mm = models.DecimalField(
        _("immediate positive: wheal grows by mm"), max_digits=4, decimal_places=1
    )
    reading_due_hours = models.PositiveSmallIntegerField(_("delayed reading due after, hours"))
    reading_from_hours = models.PositiveSmallIntegerField(_("reading window from, hours"))
    reading_until_hours = models.PositiveSmallIntegerField(_("reading window until, hours"))
    late_reading_from_days = models.PositiveSmallIntegerField(
        _("late reading from day"),
        null=True,
        blank=True,
        help_text=_(
            "Optional: a second look, days after the injection. Nothing waits for it. Empty: not offered."
        ),
    )
    late_reading_until_days = models.PositiveSmallIntegerField(
        _("late reading until day"), null=True, blank=True, help_text=_("This day included.")
    )
    min_hours_before_session = models.PositiveSmallIntegerField(
        _("first session at the earliest after, hours")
    )
    validity_months = models.PositiveSmallIntegerField(_("valid for, months"))
    repeat_after_days = models.PositiveSmallIntegerField(_("repeat an unclear test after, days"))
    antihistamine_washout_days = models.PositiveSmallIntegerField(_("antihistamine-free days before"))
    steroid_washout_days = models.PositiveSmallIntegerField(_("oral-steroid-free days before"))

    class Meta(Versioned.Meta):
        verbose_name = _("test injection policy")
        verbose_name_plural = _("test injection policies")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "patch_test_policy_window",
                Q(reading_from_hours__lte=F("reading_due_hours"))
                & Q(reading_due_hours__lte=F("reading_until_hours")),
                _("The reading is due inside its window."),
            ),
            check(
                "patch_test_policy_late_reading",
                Q(late_reading_from_days=None, late_reading_until_days=None)
                | Q(
                    late_reading_from_days__isnull=False,
                    late_reading_until_days__isnull=False,
                    late_reading_from_days__lte=F("late_reading_until_days"),
                    reading_until_hours__lte=F("late_reading_from_days") * 24,
                ),
                _(
                    "A late reading has a first and a last day, in this order, after the window of the delayed reading; or neither."
                ),
            ),
            check(
                "patch_test_policy_volume",
                Q(volume_min_ml__lte=F("volume_ml")) & Q(volume_ml__lte=F("volume_max_ml")),
                _("The usual volume lies inside its range."),
            ),
            check(
                "patch_test_policy_distance",
                Q(control_distance_cm__gt=0, control_distance_cm__lte=50),
                _("A control is placed some centimetres from the test: more than 0, at most 50."),
            ),
            check(
                "patch_test_policy_dilution",
                ~Q(dilution=""),
                _("Say how the formula is diluted for its test, or that it is not."),
            ),
        ]
        triggers = published_is_final("patch_test_policy")
