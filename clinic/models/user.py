"""The people who sign in."""

import uuid
from typing import Self

import pghistory
import pgtrigger
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from clinic.db import check, guard, refuse, sees_what_is_committed
from clinic.enums import Role

# One at a time: two admins who switch each other off at the same moment would each still see the other.
_AN_ADMIN_STAYS = f"""
    IF OLD.is_active AND '{Role.ADMIN}' = ANY(OLD.roles)
        AND (TG_OP = 'DELETE' OR NOT (NEW.is_active AND '{Role.ADMIN}' = ANY(NEW.roles)))
    THEN
        PERFORM pg_advisory_xact_lock(hashtext('clinic_user_an_admin_stays'));
        IF NOT EXISTS (
            SELECT FROM clinic_user WHERE id <> OLD.id AND is_active AND '{Role.ADMIN}' = ANY(roles)
        ) THEN
            {refuse("user_an_admin_stays", "This is the last admin: make somebody else one first.")}
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
"""


class UserQuerySet(models.QuerySet):
    """Words about accounts."""

    def visible_to(self, user: "User") -> Self:
        """Admins see all of them, everybody their own."""
        return self if user.has_role(Role.ADMIN) else self.filter(pk=user.pk)


class AccountManager(UserManager.from_queryset(UserQuerySet)):
    """Makes accounts as Django does, and knows our words about them."""

    use_in_migrations = False  # none makes accounts; else each would name this class for ever


@pghistory.track(append_only=True, exclude=["password", "last_login"])
class User(AbstractUser):
    """A member of staff. Roles decide what they see and do; Django's permissions are used by the admin only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role.choices),
        verbose_name=_("roles"),
        default=list,
        blank=True,
    )

    # Part of what a session is signed with: one more, and every sign-in of the person has ended.
    sign_ins_ended = models.PositiveIntegerField(default=0, editable=False)

    objects = AccountManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            check(
                "user_roles_known",
                Q(roles__contained_by=Role.values),
                _("Choose roles from the list."),
            ),
        ]
        triggers = [
            guard("user_an_admin_stays", operation=pgtrigger.Update | pgtrigger.Delete, func=_AN_ADMIN_STAYS),
            sees_what_is_committed("user"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What Django compares on every request with what the session keeps; no query is needed for it."""
        signed = f"{self.password}:{self.sign_ins_ended}"
        return salted_hmac("clinic.User.sign_in", signed, secret=secret, algorithm="sha256").hexdigest()

    def has_role(self, *roles: Role) -> bool:
        """Whether the person is active and holds any of the roles."""
        return self.is_active and any(role in self.roles for role in roles)
