"""Invitations, sign-ins, and what admins do with accounts."""

from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from factory.django import DjangoModelFactory

from clinic.enums import AccountChangeKind, Role
from clinic.models import AccountChange, Invitation, ScreenPin, SecondFactorReset, SignIn
from clinic.models.feed import digest_of
from tests.factories.clock import ago
from tests.factories.users import UserFactory


class InvitedFactory(UserFactory):
    """Somebody who has not come in yet: switched off, and without a password."""

    is_active = False
    roles = factory.LazyFunction(lambda: [Role.RECEPTION])
    password = factory.LazyFunction(lambda: make_password(None))


class InvitationFactory(DjangoModelFactory):
    """Made yesterday by an admin, open. `secret` is what stands in its link."""

    class Meta:
        model = Invitation

    secret = factory.Sequence(lambda n: f"invitation-{n}")
    user = factory.SubFactory(InvitedFactory)
    created_by = factory.SubFactory(UserFactory, admin=True)
    created_at = factory.LazyFunction(lambda: ago(days=1))
    expires_at = factory.LazyAttribute(lambda invitation: invitation.created_at + timedelta(days=7))

    @classmethod
    def _create(cls, model_class: type[Invitation], *args: Any, secret: str, **kwargs: Any) -> Invitation:
        invitation = super()._create(model_class, *args, **{"digest": digest_of(secret), **kwargs})
        invitation.secret = secret  # a real one forgets it
        return invitation


class SecondFactorResetFactory(DjangoModelFactory):
    """By an admin, because a phone was lost."""

    class Meta:
        model = SecondFactorReset

    user = factory.SubFactory(UserFactory, reception=True)
    recorded_by = factory.SubFactory(UserFactory, admin=True)
    recorded_at = factory.LazyFunction(ago)
    reason = "phone lost"


class AccountChangeFactory(DjangoModelFactory):
    """Switched off by an admin."""

    class Meta:
        model = AccountChange

    user = factory.SubFactory(UserFactory, reception=True)
    kind = AccountChangeKind.SWITCHED_OFF
    recorded_by = factory.SubFactory(UserFactory, admin=True)
    recorded_at = factory.LazyFunction(ago)
    reason = "has left the clinic"


class SignInFactory(DjangoModelFactory):
    """Somebody's browser, for the list; no key of it opens anything."""

    class Meta:
        model = SignIn

    session_key = factory.Sequence(lambda n: f"{n:032}")
    expire_date = factory.LazyFunction(lambda: ago() + timedelta(days=14))
    user = factory.SubFactory(UserFactory, reception=True)
    device = "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"
    address = "192.0.2.10"
    signed_in_at = last_used_at = factory.LazyFunction(ago)


class ScreenPinFactory(DjangoModelFactory):
    """Of somebody at the desk; `pin=` chooses another one."""

    class Meta:
        model = ScreenPin

    class Params:
        pin = "739164"

    user = factory.SubFactory(UserFactory, reception=True)
    created_at = factory.LazyFunction(ago)
    hashed = factory.LazyAttribute(lambda row: make_password(row.pin))
