"""Which component it was: the decision to test the components of a positive test one by one, and what was found."""

import uuid
from typing import Self

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, guard, on_a_kept_record, refuse, sees_what_is_committed
from clinic.models import Patient, User
from consultations.enums import TestResult
from consultations.models.consultation import ClinicalQuerySet

_OF_POSITIVE = refuse(
    "cause_search_of_positive",
    "The cause is looked for after a positive test of several components of this patient, not after a strong reaction.",
)
_GROUNDED = refuse(
    "cause_finding_grounded",
    "A cause reacted in a test of its own, and what opens again was tested alone without reaction.",
)
# A component test of the search whose reading nobody has taken back: for what opens, one that nobody calls an error; for
# what closes, one that two people have not.
_READ_ALONE = """EXISTS (
        SELECT 1 FROM consultations_patchtest t JOIN consultations_testreading r ON r.patch_test_id = t.id
        WHERE t.search_id = NEW.search_id AND code = ANY(t.component_codes::text[]) AND r.result = '{result}'
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) {error}
            ){more}
    )"""
_CONFIRMED = "AND e.confirmed_at IS NOT NULL"
_REACTED_ALONE = _READ_ALONE.format(result="positive", error=_CONFIRMED, more="")
_REACTED_UNDOUBTED = _READ_ALONE.format(result="positive", error="", more="")
# No test of the component since then is unclear.
_QUIET_ALONE = _READ_ALONE.format(
    result="negative",
    error="",
    more=f"""
            AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)
            AND NOT EXISTS (
                SELECT 1 FROM consultations_patchtest dt JOIN consultations_testreading d ON d.patch_test_id = dt.id
                WHERE dt.search_id = NEW.search_id AND code = ANY(dt.component_codes::text[])
                    AND d.result = 'equivocal' AND dt.given_at >= t.given_at
                    AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = d.id)
                    AND NOT EXISTS (
                        SELECT 1 FROM consultations_enteredinerror e
                        WHERE (e.reading_id = d.id OR e.patch_test_id = dt.id) {_CONFIRMED}
                    )
            )""",
)


class CauseSearchQuerySet(ClinicalQuerySet):
    """Words about searches for a cause."""

    def without_finding(self) -> Self:
        """Nothing was found yet, or last a cause whose every reaction two people have called an error."""
        tests = "search__component_tests"
        reacted = {
            f"{tests}__component_codes__overlap": F("cause_codes"),
            f"{tests}__entered_in_error__confirmed_at": None,
            f"{tests}__readings__result": TestResult.POSITIVE,
            f"{tests}__readings__signed_at__lte": F("signed_at"),
            f"{tests}__readings__entered_in_error__confirmed_at": None,
        }
        later = CauseFinding.objects.filter(search=OuterRef("search"), signed_at__gt=OuterRef("signed_at"))
        found = CauseFinding.objects.filter(Q(cause_codes=[]) | Q(**reacted), search=OuterRef("pk"))
        return self.exclude(Exists(found.exclude(Exists(later))))


@pghistory.track(append_only=True)
class CauseSearch(models.Model):
    """The signed decision to test the components of a positive test one by one. It never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="cause_searches", verbose_name=_("patient")
    )
    patch_test = models.OneToOneField(
        "consultations.PatchTest",
        models.PROTECT,
        related_name="cause_search",
        verbose_name=_("the positive test"),
    )
    reason = models.CharField(_("why the components are tested"), max_length=1000)
    signed_at = models.DateTimeField(_("signed at"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("decided by"))
    content_hash = models.CharField(max_length=64)

    objects = CauseSearchQuerySet.as_manager()

    class Meta:
        verbose_name = _("search for the cause")
        verbose_name_plural = _("searches for the cause")
        ordering = ["-signed_at"]
        constraints = [
            check("cause_search_reasoned", ~Q(reason=""), _("Say why the components are tested.")),
        ]
        triggers = [
            *append_only("cause_search"),
            guard(
                "cause_search_of_positive",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_patchtest t
                        JOIN consultations_testreading r ON r.patch_test_id = t.id
                        WHERE t.id = NEW.patch_test_id AND t.patient_id = NEW.patient_id AND t.search_id IS NULL
                            AND cardinality(t.component_codes) > 1 AND r.result = 'positive'
                            AND r.signed_at <= NEW.signed_at AND NOT EXISTS (
                                SELECT 1 FROM consultations_enteredinerror e
                                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) {_CONFIRMED}
                            )
                    ) OR test_reacted(NEW.patch_test_id, true, 'infinity') THEN
                        {_OF_POSITIVE}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("cause_search"),
            sees_what_is_committed("cause_search"),
        ]

    def __str__(self) -> str:
        return self.reason


@pghistory.track(append_only=True)
class CauseFinding(models.Model):
    """What the tests of single components found, signed. The latest one of a search counts; none ever changes.

    `opened_codes` may be injected again, after a new test of the formula that holds them; everything else that the
    positive test named stays closed. Without a cause nothing opens.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="cause_findings", verbose_name=_("patient")
    )
    search = models.ForeignKey(
        CauseSearch, models.PROTECT, related_name="findings", verbose_name=_("search for the cause")
    )
    cause_codes = ArrayField(models.SlugField(max_length=80), verbose_name=_("the cause"), blank=True)
    opened_codes = ArrayField(models.SlugField(max_length=80), verbose_name=_("opens again"), blank=True)
    words = models.CharField(_("assessment"), max_length=1000)
    signed_at = models.DateTimeField(_("signed at"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("found by"))
    content_hash = models.CharField(max_length=64)

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        verbose_name = _("cause found")
        verbose_name_plural = _("causes found")
        ordering = ["-signed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["search", "signed_at"],
                name="cause_finding_one_at_a_time",
                violation_error_message=_("The cause was recorded at this very moment already."),
            ),
            check("cause_finding_worded", ~Q(words=""), _("Say what you conclude.")),
            check(
                "cause_finding_opens",
                Q(opened_codes=[]) | ~Q(cause_codes=[]),
                _("Without a cause nothing opens again."),
            ),
        ]
        triggers = [
            *append_only("cause_finding"),
            guard(
                "cause_finding_grounded",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_causesearch s
                        WHERE s.id = NEW.search_id AND s.patient_id = NEW.patient_id AND s.signed_at <= NEW.signed_at
                    ) OR EXISTS (
                        SELECT 1 FROM unnest(NEW.cause_codes::text[]) code
                        WHERE NOT {_REACTED_ALONE}
                    ) OR NEW.opened_codes <> '{{}}' AND NEW.cause_codes <> '{{}}' AND NOT EXISTS (
                        SELECT 1 FROM unnest(NEW.cause_codes::text[]) code WHERE {_REACTED_UNDOUBTED}
                    ) OR EXISTS (
                        SELECT 1 FROM unnest(NEW.opened_codes::text[]) code
                        WHERE NOT {_QUIET_ALONE} OR {_REACTED_ALONE}
                    ) THEN
                        {_GROUNDED}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("cause_finding"),
            sees_what_is_committed("cause_finding"),
        ]

    def __str__(self) -> str:
        return self.words
