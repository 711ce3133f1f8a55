"""What a practitioner who leaves has begun: unsigned records, and tests nobody has read. Counts, not a word of what is in them."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Count, Min, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.enums import Role
from clinic.models import Practitioner, User
from clinic.readiness import Unfinished
from consultations.models import Consultation, Review, Session
from consultations.queries import awaiting_reading


def _consultations(count: int) -> str:
    return ngettext("unsigned consultation", "unsigned consultations", count)


def _sessions(count: int) -> str:
    return ngettext("unsigned session", "unsigned sessions", count)


def _reviews(count: int) -> str:
    return ngettext("unsigned review", "unsigned reviews", count)


def _tests(count: int) -> str:
    return ngettext("test injection to be read", "test injections to be read", count)


_DRAFTS: tuple[tuple[type[Consultation | Session | Review], Callable[[int], str]], ...] = (
    (Session, _sessions),
    (Consultation, _consultations),
    (Review, _reviews),
)


def left_behind(practitioner: Practitioner, *, user: User) -> list[Unfinished]:
    """By kind, those that there are. Four queries. The lists are for practitioners: only they are led there."""
    may_read = user.has_role(Role.PRACTITIONER)
    lists = reverse("consultations:worklists") if may_read else ""
    take_over = _(
        "Nobody else can sign them as they are: a colleague opens the record and takes it over by name, then signs."
    )
    read = _("Any practitioner reads them; they stay on the worklist with the day they are due.")
    found = [
        (words, *_counted(model.objects.drafts().filter(practitioner=practitioner), "created_at"), take_over)
        for model, words in _DRAFTS
    ]
    found += [(_tests, *_counted(awaiting_reading().filter(practitioner=practitioner), "given_at"), read)]
    return [
        Unfinished(words(count), count, since, advice, lists)
        for words, count, since, advice in found
        if since
    ]


def _counted(rows: QuerySet, moment: str) -> tuple[int, datetime | None]:
    found = rows.order_by().aggregate(count=Count("pk"), since=Min(moment))
    return found["count"], found["since"]
