"""Who was let in and who was not any more: invitations, second factors reset, accounts switched off and on, PINs for a lock."""

import uuid
from datetime import datetime
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, guard, recorded_together, refuse
from clinic.enums import AccountChangeKind, Role
from clinic.models.feed import digest_of
from clinic.models.user import User


class InvitationQuerySet(models.QuerySet):
    """Words about invitations."""

    def visible_to(self, user: User) -> Self:
        """Admins."""
        return self if user.has_role(Role.ADMIN) else self.none()

    def open(self) -> Self:
        """Neither accepted nor withdrawn; it may have run out."""
        return self.filter(accepted_at=None, withdrawn_at=None)

    def working(self, at: datetime) -> Self:
        """Open, and its link has not run out."""
        return self.open().filter(expires_at__gt=at)

    def at_link(self, secret: str) -> Self:
        """The invitation of this secret, if there is one."""
        return self.filter(digest=digest_of(secret))


@pghistory.track(append_only=True)
class Invitation(models.Model):
    """One link by which one person comes in for the first time. Only the SHA-256 of its secret is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="invitations", verbose_name=_("for"))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("made by"))
    expires_at = models.DateTimeField(_("works until"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at", "pk"]
        constraints = [
            recorded_together(
                "invitation_withdrawn_together",
                "withdrawn_at",
                "withdrawn_by",
                message=_("A withdrawal says when and by whom."),
            ),
            check(
                "invitation_used_or_withdrawn",
                Q(accepted_at=None) | Q(withdrawn_at=None),
                _("An invitation is accepted or withdrawn, not both."),
            ),
            check(
                "invitation_accepted_in_time",
                Q(accepted_at=None) | Q(accepted_at__lt=F("expires_at")),
                _("This link has run out."),
            ),
            check(
                "invitation_keeps_no_secret",
                Q(digest__regex=r"^[0-9a-f]{64}$"),
                _("Only the SHA-256 of a link is kept."),
            ),
            models.UniqueConstraint(
                name="invitation_one_open",
                fields=["user"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                violation_error_message=_("This person has an open invitation already."),
            ),
        ]
        triggers = [
            guard(
                "invitation_once",
                operation=pgtrigger.Update,
                func=f"""
                    IF OLD.accepted_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL THEN
                        {refuse("invitation_once", "This invitation was used or withdrawn; make a new one.")}
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return str(self.user)


class SecondFactorResetQuerySet(models.QuerySet):
    """Words about resets."""

    def visible_to(self, user: User) -> Self:
        """Admins see all of them, everybody their own."""
        return self if user.has_role(Role.ADMIN) else self.filter(user=user)


class SecondFactorReset(models.Model):
    """An admin has taken somebody's second factors away, so that they set up new ones. It is never silent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="factor_resets", verbose_name=_("whose"))
    recorded_at = models.DateTimeField(_("when"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    reason = models.CharField(_("reason"), max_length=200)

    objects = SecondFactorResetQuerySet.as_manager()

    class Meta:
        verbose_name = _("reset of a second factor")
        verbose_name_plural = _("resets of second factors")
        ordering = ["-recorded_at", "pk"]
        constraints = [
            check("second_factor_reset_because", ~Q(reason=""), _("Say why it is reset.")),
            check(
                "second_factor_reset_by_another",
                ~Q(user=F("recorded_by")),
                _("Nobody resets their own second factor: ask another admin."),
            ),
        ]
        triggers = append_only("second_factor_reset")

    def __str__(self) -> str:
        return str(self.user)


class AccountChangeQuerySet(models.QuerySet):
    """Words about what was done with accounts."""

    def visible_to(self, user: User) -> Self:
        """Admins."""
        return self if user.has_role(Role.ADMIN) else self.none()

    def of_activity(self) -> Self:
        """Switched off or on, not passwords; newest first."""
        kinds = (AccountChangeKind.SWITCHED_OFF, AccountChangeKind.SWITCHED_ON)
        return self.filter(kind__in=kinds).order_by("-recorded_at", "-pk")


class AccountChange(models.Model):
    """An admin has switched somebody's account off or on, or made them choose a new password: who, when and why."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="account_changes", verbose_name=_("whose"))
    kind = models.CharField(_("what"), max_length=20, choices=AccountChangeKind)
    recorded_at = models.DateTimeField(_("when"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    reason = models.CharField(_("reason"), max_length=200)

    objects = AccountChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of an account")
        verbose_name_plural = _("changes of accounts")
        ordering = ["-recorded_at", "pk"]
        constraints = [
            check(
                "account_change_known",
                Q(kind__in=AccountChangeKind.values),
                _("Choose what is done with the account."),
            ),
            check("account_change_because", ~Q(reason=""), _("Say why.")),
            check(
                "account_change_by_another",
                ~Q(user=F("recorded_by")),
                _("Nobody does this with their own account: ask another admin."),
            ),
        ]
        triggers = append_only("account_change")

    def __str__(self) -> str:
        return f"{self.user}: {AccountChangeKind(self.kind).label}"


class ScreenPinQuerySet(models.QuerySet):
    """Words about PINs."""

    def of(self, user: User) -> Self:
        """The person's own; nobody sees anybody else's."""
        return self.filter(user=user)


@pghistory.track(append_only=True, exclude=["hashed"])
class ScreenPin(models.Model):
    """What opens one person's locked screen, beside passkey and password; it signs nobody in. Another PIN is another row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(User, models.PROTECT, related_name="screen_pin", verbose_name=_("whose"))
    created_at = models.DateTimeField(_("made at"))
    hashed = models.CharField(max_length=128, editable=False)

    objects = ScreenPinQuerySet.as_manager()

    class Meta:
        verbose_name = _("PIN of a locked screen")
        verbose_name_plural = _("PINs of locked screens")
        constraints = [
            check(
                "screen_pin_keeps_no_pin",
                Q(hashed__regex=r"^[a-z0-9_]+\$.+\$.{20,}$"),
                _("Only the hash of a PIN is kept."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)
