"""Calendar feeds: made, revoked, read."""

import secrets
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import CalendarFeed, Practitioner, Room, User
from clinic.models.feed import digest_of
from clinic.rules import feeds as rules

SECRET_BYTES = 32  # 256 random bits
READ_NOTED_EVERY = timedelta(hours=1)


@explained
def make(
    *, of: Practitioner | Room, name: str, whole_names: bool = False, by: User, at: datetime
) -> tuple[CalendarFeed, str]:
    """A new address for the visits of a practitioner or room, and its secret, which is nowhere else afterwards.

    `name` says where it will be read ("my phone"), so that a lost device's address can be told from the others.

    Raises:
        NotAllowed: a practitioner for anybody but themselves.
    """
    practitioner, room = (of, None) if isinstance(of, Practitioner) else (None, of)
    rules.check_may_keep_feed(by, practitioner)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    feed = CalendarFeed.objects.create(
        practitioner=practitioner,
        room=room,
        name=name,
        whole_names=whole_names,
        digest=digest_of(secret),
        created_at=at,
        created_by=by,
    )
    return feed, secret


@explained
def revoke(*, feed: CalendarFeed, by: User, at: datetime) -> CalendarFeed:
    """The address stops working at once and for good.

    Raises:
        NotAllowed: a practitioner for anybody's but their own.
        DomainError: it has been revoked already.
    """
    row = CalendarFeed.objects.select_for_update(no_key=True, of=("self",)).get(pk=feed.pk)
    rules.check_may_keep_feed(by, row.practitioner)
    if row.revoked_at:
        raise DomainError(_("This address has been revoked already."), "feed_revoked")
    row.revoked_at, row.revoked_by = at, by
    row.save(update_fields=["revoked_at", "revoked_by"])
    return row


def note_read(*, feed: CalendarFeed, at: datetime) -> None:
    """A calendar program has read it; written down at most once an hour."""
    if not feed.was_read_since(at - READ_NOTED_EVERY):
        CalendarFeed.objects.filter(pk=feed.pk).update(last_read_at=at)
