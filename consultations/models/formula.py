"""What is injected: components, formulas (recipes), lots."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from clinic.db import check, frozen_with_parent, never_deleted, recorded_together, sees_what_is_committed
from clinic.enums import Role
from clinic.models import User
from consultations.enums import ComponentKind, Unit
from consultations.models.gate_lots import LOT_NAMED_STAYS
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class AllergenGroup(Versioned):
    """An allergy to the group closes every component of it."""

    class Meta(Versioned.Meta):
        verbose_name = _("allergen group")
        verbose_name_plural = _("allergen groups")
        triggers = published_is_final("allergen_group")


@pghistory.track(append_only=True)
class Component(Versioned):
    """One substance of a formula."""

    kind = models.CharField(_("kind"), max_length=20, choices=ComponentKind)
    unit = models.CharField(_("dose unit"), max_length=5, choices=Unit, default=Unit.MG)
    allergen_groups = ArrayField(
        models.SlugField(max_length=80),
        verbose_name=_("allergen groups"),
        default=list,
        blank=True,
    )
    notes = models.TextField(_("notes"), blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta(Versioned.Meta):
        verbose_name = _("component")
        verbose_name_plural = _("components")
        triggers = published_is_final("component")


@pghistory.track(append_only=True)
class Formula(Versioned):
    """A recipe: strengths per ml of the ready mix."""

    evidence = models.TextField(_("evidence"), blank=True)
    is_off_label = models.BooleanField(_("off-label use"), default=True)
    is_active = models.BooleanField(_("in use"), default=True)

    children = ("parts",)

    class Meta(Versioned.Meta):
        verbose_name = _("formula")
        verbose_name_plural = _("formulas")
        triggers = published_is_final("formula")

    @property
    def component_codes(self) -> list[str]:
        """What is in it, sorted; prefetch `parts__component` for lists."""
        return sorted(part.component.code for part in self.parts.all())


class FormulaPartQuerySet(models.QuerySet):
    """Words about what is in a formula."""

    def with_groups_in_force(self, *, at: datetime | None = None) -> Self:
        """Each part with the allergen groups its component has in force, now or at the moment (`closing_groups`)."""
        versions = Component.objects.current() if at is None else Component.objects.in_force_at(at)
        same_code = versions.filter(code=OuterRef("component__code"))
        return self.annotate(groups_in_force=Subquery(same_code.values("allergen_groups")[:1]))


class FormulaPart(models.Model):
    """A component of a formula with its strength: units of the component per ml of the ready mix."""

    formula = models.ForeignKey(Formula, models.CASCADE, related_name="parts")
    component = models.ForeignKey(Component, models.PROTECT, related_name="+", verbose_name=_("component"))
    strength = models.DecimalField(_("per ml of the mix"), max_digits=10, decimal_places=4)

    objects = FormulaPartQuerySet.as_manager()
    groups_in_force: list[str] | None  # set by with_groups_in_force(); None where no version is in force

    class Meta:
        verbose_name = _("formula part")
        verbose_name_plural = _("formula parts")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["formula", "component"],
                name="formula_part_once",
                violation_error_message=_("This component is in the formula already."),
            ),
            check(
                "formula_part_strength",
                Q(strength__gt=0),
                _("The strength is above zero."),
            ),
        ]
        triggers = frozen_with_parent(
            "formula_part",
            parent="consultations_formula",
            key="formula_id",
            frozen="published_at IS NOT NULL",
        )

    def __str__(self) -> str:
        return f"{self.component} {self.strength.normalize():f} {self.component.get_unit_display()}/ml"

    @property
    def closing_groups(self) -> set[str]:
        """Allergies to these close the formula: the groups of its own version and of the one in force.

        Only for parts read `with_groups_in_force()`.
        """
        return {*self.component.allergen_groups, *(self.groups_in_force or ())}


class LotQuerySet(models.QuerySet):
    """Words about lots."""

    def visible_to(self, user: User) -> Self:
        """Practitioners keep the lots; admins see them (docs/security.md)."""
        return self if user.has_role(Role.PRACTITIONER, Role.ADMIN) else self.none()

    def usable_on(self, day: date) -> Self:
        """In date on the day, neither quarantined nor used up; first to expire first."""
        open_long_enough = Q(opened_until=None) | Q(opened_until__gte=day)
        return self.filter(
            open_long_enough, expires_on__gte=day, quarantined_at=None, used_up_on=None
        ).order_by("expires_on", "number")

    def of_components(self, codes: list[str]) -> Self:
        """Lots of any version of the components."""
        return self.filter(component__code__in=codes)


@pghistory.track(append_only=True)
class Lot(models.Model):
    """One delivered batch of a component."""

    IDENTITY = ("component", "maker", "number")
    LABEL = ("expires_on", "received_on", "label_amount", "label_ml", "allergen_groups")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    component = models.ForeignKey(Component, models.PROTECT, related_name="lots", verbose_name=_("component"))
    maker = models.CharField(_("maker"), max_length=100)
    number = models.CharField(_("lot number"), max_length=60)
    expires_on = models.DateField(_("last day of use"))
    received_on = models.DateField(_("received on"))
    label_amount = models.DecimalField(
        _("amount on the label"),
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        help_text=_("In the component's unit, as in “250 mg in 5 ml”."),
    )
    label_ml = models.DecimalField(_("in so many ml"), max_digits=8, decimal_places=3, null=True, blank=True)
    allergen_groups = ArrayField(
        models.SlugField(max_length=80),
        verbose_name=_("allergen groups of its excipients"),
        default=list,
        blank=True,
        help_text=_("What the label or the vial names beside the component: sulfites, parabens, latex …"),
    )
    used_up_on = models.DateField(_("used up on"), null=True, blank=True)
    quarantined_at = models.DateTimeField(_("quarantined"), null=True, blank=True)
    quarantined_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quarantined by"),
    )
    quarantine_reason = models.CharField(_("reason"), max_length=200, blank=True)
    released_at = models.DateTimeField(_("taken out of quarantine"), null=True, blank=True)
    released_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("taken out by")
    )
    release_reason = models.CharField(_("why it may be used again"), max_length=200, blank=True)
    recalled_at = models.DateTimeField(_("recalled by the maker"), null=True, blank=True)
    recalled_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("recall noted by")
    )
    recall_reference = models.CharField(_("the maker's recall reference"), max_length=100, blank=True)
    opened_on = models.DateField(_("opened on"), null=True, blank=True)
    opened_until = models.DateField(_("to be used by, once opened"), null=True, blank=True)

    objects = LotQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering = ["expires_on", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["component", "maker", "number"],
                name="lot_once",
                violation_error_message=_("This lot is on record already."),
            ),
            recorded_together(
                "lot_quarantined_together",
                "quarantined_at",
                "quarantined_by",
                message=_("A quarantine says when and by whom."),
            ),
            check(
                "lot_quarantine_reasoned",
                Q(quarantined_at=None) | Q(quarantine_reason__regex=r"\S"),
                _("Say why the lot is put aside."),
            ),
            recorded_together(
                "lot_released_together",
                "released_at",
                "released_by",
                message=_("Who takes a lot out of quarantine is on record with the time."),
            ),
            check(
                "lot_release_reasoned",
                Q(released_at=None) | Q(release_reason__regex=r"\S"),
                _("Say why the lot may be used again."),
            ),
            recorded_together(
                "lot_recalled_together",
                "recalled_at",
                "recalled_by",
                message=_("A recall says when and by whom it was noted."),
            ),
            check(
                "lot_recalled_stays_aside",
                Q(recalled_at=None) | Q(quarantined_at__isnull=False, recall_reference__regex=r"\S"),
                _("A recalled lot stays in quarantine, with the maker's reference."),
            ),
            check(
                "lot_opened",
                Q(opened_on=None, opened_until=None)
                | Q(opened_on__isnull=False, opened_until__isnull=False, opened_until__gte=F("opened_on")),
                _("An opened lot says from when and until when."),
            ),
            check(
                "lot_label",
                Q(label_amount=None, label_ml=None)
                | Q(label_amount__isnull=False, label_amount__gt=0, label_ml__isnull=False, label_ml__gt=0),
                _("A strength is an amount in so many ml, both above zero."),
            ),
            check(
                "lot_numbered",
                ~Q(number="") & ~Q(maker=""),
                _("Enter the maker and the lot number."),
            ),
        ]
        triggers = [*never_deleted("lot"), sees_what_is_committed("lot"), LOT_NAMED_STAYS]

    def __str__(self) -> str:
        return f"{self.component} {self.number}"

    @property
    def strength(self) -> Decimal | None:
        """Units of the component per ml as the label says; None where nobody has noted it."""
        return self.label_amount / self.label_ml if self.label_amount and self.label_ml else None

    def is_of_strength(self, strength: Decimal) -> bool:
        """Exactly: the amount on the label is compared, not a rounded quotient."""
        if self.label_amount is None or self.label_ml is None:
            return False
        return self.label_amount == strength * self.label_ml

    @property
    def last_day(self) -> date:
        """The last day of use: the expiry, or the end of its life once opened, whichever comes first."""
        return min(self.expires_on, self.opened_until) if self.opened_until else self.expires_on

    def is_usable_on(self, day: date) -> bool:
        """In date and not open too long on the day, neither quarantined nor used up before it."""
        used_up = self.used_up_on is not None and self.used_up_on < day
        return self.last_day >= day and self.quarantined_at is None and not used_up
