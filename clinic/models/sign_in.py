"""Sign-ins: the browsers in which somebody is signed in, or is about to be."""

import uuid
from datetime import datetime
from typing import Self

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic import browsers
from clinic.models.user import User


class SignInQuerySet(models.QuerySet):
    """Words about sign-ins."""

    def visible_to(self, user: User) -> Self:
        """Everybody's own, and nobody else's."""
        return self.filter(user=user)

    def in_force(self, user: User, at: datetime) -> Self:
        """The person's that still open the clinic: not run out, and signed with what the account is worth now."""
        keys = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
        return self.filter(user=user, expire_date__gt=at, signed_with__in=keys)


class SignIn(AbstractBaseSession):
    """What Django keeps of a session, and beside it whose it is, from which browser, and when it was last used.

    `session_key` opens the clinic: it stands in no page and no address; `public_id` names the sign-in there.
    """

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="sign_ins", verbose_name=_("whose")
    )
    signed_with = models.CharField(max_length=128, blank=True, editable=False)
    device = models.CharField(_("what the browser calls itself"), max_length=browsers.LONGEST, blank=True)
    address = models.CharField(_("address"), max_length=45, blank=True)
    signed_in_at = models.DateTimeField(_("signed in at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    # By somebody, not by what a page asks for by itself: from then on the screen is left alone.
    screen_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SignInQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")

    def __str__(self) -> str:
        return browsers.in_words(self.device)

    @property
    def is_in_the_hand(self) -> bool:
        """Whether the browser is a telephone's or a tablet's."""
        return browsers.is_in_the_hand(self.device)
