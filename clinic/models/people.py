"""Patients and practitioners."""

import uuid
from datetime import date, time
from typing import Any, Self

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    check,
    frozen_once,
    guard,
    never_deleted,
    recorded_together,
    refuse,
    sees_what_is_committed,
)
from clinic.enums import ContactChannel, Role, Sex
from clinic.intervals import Suits
from clinic.models.places import ActiveQuerySet
from clinic.models.user import User


class PatientSearchText(Func):
    """The SQL function that gathers everything a patient can be found by (migration 0001)."""

    function = "PATIENT_SEARCH_TEXT"
    output_field = models.TextField()


class PatientFoldedName(Func):
    """The SQL function that gathers the names a patient goes by, folded (migration 0006)."""

    function = "PATIENT_FOLDED_NAME"
    output_field = models.TextField()


class PatientQuerySet(models.QuerySet):
    """The desk's words about patients."""

    def visible_to(self, user: User) -> Self:
        """All staff roles see every patient's identity (docs/security.md); nobody else sees any."""
        return self if user.has_role(*Role) else self.none()

    def current(self) -> Self:
        """Without records that were merged into another, or erased."""
        return self.filter(merged_into=None, erased_at=None)

    def by_name(self) -> Self:
        """In the order people expect, whatever the server's collation: by the folded name."""
        return self.order_by("folded_name", "birth_date", "number")


# Neither a chain nor a cycle: who follows one pointer stands at the record that counts. The survivor's row is locked, so that
# it is not itself merged away at this moment.
_MERGED_IN_ONE_STEP = guard(
    "patient_merged_in_one_step",
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("merged_into_id"),
    declare=[("beyond", "UUID")],
    func=f"""
        IF NEW.merged_into_id IS NOT NULL THEN
            SELECT merged_into_id INTO beyond FROM clinic_patient
                WHERE id = NEW.merged_into_id FOR NO KEY UPDATE;
            IF beyond IS NOT NULL OR EXISTS (SELECT 1 FROM clinic_patient WHERE merged_into_id = NEW.id) THEN
                {refuse("patient_merged_in_one_step", "One of the records was merged already. Take that apart first.")}
            END IF;
        END IF;
        RETURN NEW;
    """,
)


# What stands in an erased record, beside another clinic number. The birth date is the first that the table takes.
PSEUDONYM: dict[str, Any] = {
    "family_name": "Erased record",
    "given_names": "",
    "family_name_latin": "",
    "given_names_latin": "",
    "birth_date": date(1900, 1, 1),
    "sex": Sex.UNKNOWN,
    "phone": "",
    "email": "",
    "prefers": ContactChannel.PHONE,
    "address": "",
    "representative_name": "",
    "representative_relation": "",
    "representative_phone": "",
    "desk_note": "",
    "suits_weekdays": [],
    "suits_since": None,
    "suits_until": None,
    "usual_practitioner": None,
}
# Whoever erases owns the tables and switches the triggers off meanwhile (ADR 36).
_ERASED_BY_THE_OWNER = guard(
    "patient_erased_for_good",
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        IF NEW.erased_at IS NOT NULL OR (TG_OP = 'UPDATE' AND OLD.erased_at IS NOT NULL) THEN
            {refuse("patient_erased_for_good", "A record is erased by the owner of the tables, and never written on again.")}
        END IF;
        RETURN NEW;
    """,
)


@pghistory.track(append_only=True, exclude=["search_text", "folded_name"])
class Patient(models.Model):
    """A person known to the clinic. Names are kept as written and, where that helps, in Latin letters."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(
        _("clinic number"),
        unique=True,
        editable=False,
        db_default=Func(Value("clinic_patient_number"), function="nextval"),
    )
    family_name = models.CharField(_("family name"), max_length=100)
    given_names = models.CharField(_("given names"), max_length=100, blank=True)
    family_name_latin = models.CharField(_("family name in Latin letters"), max_length=100, blank=True)
    given_names_latin = models.CharField(_("given names in Latin letters"), max_length=100, blank=True)
    birth_date = models.DateField(_("birth date"))
    sex = models.CharField(_("sex"), max_length=10, choices=Sex, default=Sex.UNKNOWN)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    prefers = models.CharField(
        _("prefers"),
        max_length=10,
        choices=ContactChannel,
        default=ContactChannel.PHONE,
    )
    address = models.TextField(_("address"), max_length=500, blank=True)
    representative_name = models.CharField(_("representative"), max_length=200, blank=True)
    representative_relation = models.CharField(_("relation to the patient"), max_length=100, blank=True)
    representative_phone = models.CharField(_("representative's phone"), max_length=40, blank=True)
    desk_note = models.TextField(_("desk note"), max_length=2000, blank=True)
    suits_weekdays = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("weekdays that suit"),
        default=list,
        blank=True,
        help_text=_("None chosen: any day."),
    )
    suits_since = models.TimeField(_("can come from"), null=True, blank=True)
    suits_until = models.TimeField(_("can come until"), null=True, blank=True)
    usual_practitioner = models.ForeignKey(
        "Practitioner",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("usual practitioner"),
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged_from",
    )
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("registered at"), editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    search_text = models.GeneratedField(
        expression=PatientSearchText(
            "number",
            "family_name",
            "given_names",
            "family_name_latin",
            "given_names_latin",
            "phone",
            "email",
            "birth_date",
        ),
        output_field=models.TextField(),
        db_persist=True,
    )
    # Family name, given names, then both in Latin letters, with tabs between: it sorts as the family name and then the
    # given names do. Stored, because folding thousands of names to sort them took longer than finding them. In byte
    # order, so that an index gives names in order, and those that begin alike, whatever the server's collation.
    folded_name = models.GeneratedField(
        expression=PatientFoldedName("family_name", "given_names", "family_name_latin", "given_names_latin"),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        indexes = [
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="patient_search"),
            # Of its own: misspelt words are compared with names only, which takes a seventh of the time.
            GinIndex(OpClass(F("folded_name"), name="gin_trgm_ops"), name="patient_similar_name"),
            models.Index("folded_name", name="patient_folded_name"),
            models.Index("birth_date", name="patient_birth_date"),
            # Whoever shares one of them may be the same person.
            models.Index("phone", name="patient_phone"),
            models.Index(Upper("email"), name="patient_email"),
        ]
        constraints = [
            check(
                "patient_named",
                ~Q(family_name=""),
                _("Enter the name (a single name is fine)."),
            ),
            check(
                "patient_birth_date_sane",
                Q(birth_date__gte=date(1900, 1, 1)),
                _("Check the birth date: it lies before 1900."),
            ),
            check(
                "patient_suits_weekdays",
                Q(suits_weekdays__contained_by=list(range(1, 8))),
                _("Choose weekdays from the list."),
            ),
            check(
                "patient_suits_order",
                Q(suits_since=None) | Q(suits_until=None) | Q(suits_since__lt=F("suits_until")),
                _("The end must come after the start."),
            ),
            check(
                "patient_not_merged_into_itself",
                Q(merged_into=None) | ~Q(merged_into=F("id")),
                _("A record cannot be merged into itself."),
            ),
            check(
                "patient_erased_without_identity",
                Q(erased_at=None) | Q(**PSEUDONYM),
                _("A record that was erased holds nothing of a person."),
            ),
        ]
        triggers = [
            *never_deleted("patient"),
            sees_what_is_committed("patient"),
            _MERGED_IN_ONE_STEP,
            _ERASED_BY_THE_OWNER,
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Family name first, as written."""
        return ", ".join(part for part in (self.family_name, self.given_names) if part)

    @property
    def latin_name(self) -> str:
        """In Latin letters, if recorded."""
        return ", ".join(part for part in (self.family_name_latin, self.given_names_latin) if part)

    @property
    def short_name(self) -> str:
        """For a diary card: family name and initial."""
        return f"{self.family_name}, {self.given_names[:1]}." if self.given_names else self.family_name

    @property
    def suits(self) -> Suits | None:
        """When it suits the patient, as recorded; None where nothing is."""
        if not self.suits_weekdays and self.suits_since is None and self.suits_until is None:
            return None
        days = frozenset(self.suits_weekdays or range(1, 8))
        return Suits(days, self.suits_since or time.min, self.suits_until)

    def age_on(self, day: date) -> int:
        """Full years on the day."""
        had_birthday = (day.month, day.day) >= (
            self.birth_date.month,
            self.birth_date.day,
        )
        return day.year - self.birth_date.year - (0 if had_birthday else 1)


class NotADuplicateQuerySet(models.QuerySet):
    """Words about pairs that were told apart."""

    def in_force(self) -> Self:
        """Not taken back."""
        return self.filter(withdrawn_at=None)

    def of(self, patient: Patient, other: Patient) -> Self:
        """Of these two, in whichever order."""
        first, second = sorted((patient.pk, other.pk))
        return self.filter(first=first, second=second)


@pghistory.track(append_only=True)
class NotADuplicate(models.Model):
    """Somebody looked: these two records are two people. Not asked again, and not merged, until it is taken back."""

    first = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    second = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = NotADuplicateQuerySet.as_manager()

    class Meta:
        constraints = [
            recorded_together(
                "not_a_duplicate_withdrawn_together",
                "withdrawn_at",
                "withdrawn_by",
                message=_("Taking back says who and when."),
            ),
            check(
                "not_a_duplicate_ordered",
                Q(first__lt=F("second")),
                _("The pair is kept in one order."),
            ),
            models.UniqueConstraint(
                fields=["first", "second"],
                condition=Q(withdrawn_at=None),
                name="not_a_duplicate_once",
                violation_error_message=_("This pair has been decided already."),
            ),
        ]
        triggers = frozen_once(
            "not_a_duplicate",
            """TG_OP = 'DELETE' OR OLD.withdrawn_at IS NOT NULL
                OR to_jsonb(NEW) - '{withdrawn_at,withdrawn_by_id}'::text[]
                    <> to_jsonb(OLD) - '{withdrawn_at,withdrawn_by_id}'::text[]""",
        )

    def __str__(self) -> str:
        return f"{self.first} ≠ {self.second}"


@pghistory.track(append_only=True)
class Practitioner(models.Model):
    """A person patients are booked with. The sign-in is optional: a locum may have none yet."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="practitioner",
        verbose_name=_("sign-in"),
    )
    name = models.CharField(_("name"), max_length=100, unique=True)
    skills = ArrayField(
        models.SlugField(max_length=30),
        verbose_name=_("techniques"),
        default=list,
        blank=True,
        help_text=_("Technique families this person is trained in: needle, gun, needleless."),
    )
    position = models.PositiveSmallIntegerField(_("order in the diary"), default=0)
    is_active = models.BooleanField(_("takes patients"), default=True)

    objects = ActiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("practitioner")
        verbose_name_plural = _("practitioners")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name
