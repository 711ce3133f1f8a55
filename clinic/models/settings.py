"""The clinic's own settings: one row."""

import pghistory
import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, guard, never_deleted, refuse
from clinic.models.case_file import LONGEST_PERIOD
from clinic.models.emergency import LONGEST_OPENING

LONGEST_RETENTION = 100  # years
MOST_MINUTES = int(LONGEST_OPENING.total_seconds() // 60)


@pghistory.track(append_only=True)
class ClinicSettings(models.Model):
    """Name, address, grid and desk rules. The time zone is chosen at set-up and never changes afterwards."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(_("clinic name"), max_length=100, default="Mesoclinic")
    address = models.TextField(_("address"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    emergency_number = models.CharField(_("emergency number"), max_length=20, default="112")
    country = models.CharField(_("country (two letters)"), max_length=2, default="FR")
    time_zone = models.CharField(_("time zone"), max_length=60, editable=False)
    grid_minutes = models.PositiveSmallIntegerField(
        _("starts every … minutes"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
    )
    late_cancellation_hours = models.PositiveSmallIntegerField(
        _("a cancellation is late within … hours"), default=24
    )
    longest_hold_hours = models.PositiveSmallIntegerField(
        _("a hold lasts at most … hours"),
        default=72,
        validators=[MinValueValidator(1)],
        help_text=_("How long a time may be kept for a patient who calls back."),
    )
    unsigned_after_hours = models.PositiveSmallIntegerField(
        _("an unsigned record is overdue after … hours"), default=24
    )

    case_file_days = models.PositiveSmallIntegerField(
        _("a case file opens its record for … days"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_PERIOD.days)],
        help_text=_(
            "A month, in which a request of a person about their data is to be answered (GDPR, article 12.3)."
        ),
    )
    emergency_minutes = models.PositiveSmallIntegerField(
        _("an emergency summary is open for … minutes"),
        default=60,
        validators=[MinValueValidator(5), MaxValueValidator(MOST_MINUTES)],
        help_text=_(
            "As long as first aid and the handing over to an ambulance may take: the clinic's policy."
        ),
    )
    retention_years = models.PositiveSmallIntegerField(
        _("a record is kept for … years after the last clinical act"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_RETENTION)],
    )
    retention_until_age = models.PositiveSmallIntegerField(
        _("and at least until the patient is … years old"),
        default=28,
        validators=[MaxValueValidator(LONGEST_RETENTION)],
        help_text=_("0: there is no such rule here."),
    )
    retention_source = models.CharField(
        _("which law or policy says so"), max_length=200, default="Code de la santé publique, art. R.1112-7"
    )
    erasure_days = models.PositiveSmallIntegerField(
        _("an erasure is carried out … days after it was decided"),
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
        help_text=_(
            "Until then it can be withdrawn: another person may have been meant. A request is answered within a month (GDPR, "
            "article 12.3)."
        ),
    )

    class Meta:
        verbose_name = _("clinic settings")
        verbose_name_plural = _("clinic settings")
        constraints = [
            check(
                "clinic_settings_one_row",
                Q(id=1),
                _("There is one set of clinic settings."),
            ),
            check(
                "clinic_settings_grid",
                Q(grid_minutes__range=(1, 240)),
                _("The grid is 1 to 240 minutes."),
            ),
            check(
                "clinic_settings_case_file",
                Q(case_file_days__range=(1, LONGEST_PERIOD.days)),
                _("A case file opens its record for 1 to 90 days."),
            ),
            check(
                "clinic_settings_emergency",
                Q(emergency_minutes__range=(5, MOST_MINUTES)),
                _("An emergency summary is open for 5 to 240 minutes."),
            ),
            check(
                "clinic_settings_retention",
                Q(retention_years__range=(1, LONGEST_RETENTION), retention_until_age__lte=LONGEST_RETENTION),
                _("A record is kept for 1 to 100 years, and until an age of 100 years at most."),
            ),
            check(
                "clinic_settings_retention_source",
                Q(retention_source__regex=r"\S"),
                _("Name the law or policy that says how long records are kept."),
            ),
            check(
                "clinic_settings_erasure",
                Q(erasure_days__range=(1, 30)),
                _("An erasure is carried out 1 to 30 days after it was decided."),
            ),
        ]
        triggers = [
            # Taken away and made anew, the clinic would be in another time zone: every day of the record would be another.
            *never_deleted("clinic_settings"),
            guard(
                "clinic_time_zone_fixed",
                operation=pgtrigger.UpdateOf("time_zone"),
                func=f"""
                    IF NEW.time_zone <> OLD.time_zone THEN
                        {refuse("clinic_time_zone_fixed", "The time zone is chosen at set-up and cannot change.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> "ClinicSettings":
        """The one row; before set-up has written it, the defaults (unsaved)."""
        return cls.objects.filter(pk=1).first() or cls(time_zone=settings.TIME_ZONE)
