"""How often what happened, of whom was treated; and events that share what they may have come from."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from consultations.models import AdverseEvent, Lot, PathwayPolicy, ReactionType
from consultations.tracing import Trace

_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Rate:
    """Of the patients treated, those with the reaction; `percent` to one decimal place, half up."""

    reaction: ReactionType
    patients: int
    treated: int
    highest_grade: int

    @property
    def percent(self) -> Decimal:
        """Patients with the reaction in a hundred treated (A11: 12 of 31 are 38.7 %)."""
        return (Decimal(100 * self.patients) / self.treated).quantize(_TENTH, ROUND_HALF_UP)


def rates(events: Iterable[AdverseEvent], *, treated: int) -> list[Rate]:
    """A patient counts once for each reaction, however often it came; the most frequent first.

    The events are those of sessions given to the `treated` patients; nobody treated, no rate.
    """
    if treated == 0:
        return []
    by_reaction: dict[str, list[AdverseEvent]] = defaultdict(list)
    for event in events:
        by_reaction[event.reaction.code].append(event)
    found = [
        Rate(
            rows[0].reaction,
            len({row.patient_id for row in rows}),
            treated,
            max(row.grade for row in rows),
        )
        for rows in by_reaction.values()
    ]
    return sorted(found, key=lambda rate: (-rate.patients, rate.reaction.name))


@dataclass(frozen=True)
class Cluster:
    """Events of several that may have one cause: what they share, which they are, by onset, and where it was used.

    The trace is over the days in which they can have been caused: from `cluster_days` before the first to the last.
    """

    kind: str
    shared: Any
    events: tuple[AdverseEvent, ...]
    trace: Trace


def clusters(events: Iterable[AdverseEvent], *, policy: PathwayPolicy) -> list[Cluster]:
    """Infections and nodules that share a lot (a diluent's, too), who injected, a device or a room, within the policy's days.

    `cluster_events` of them with onsets at most `cluster_days` apart make one; the lots come first.
    """
    sharing: dict[tuple[str, Any], list[AdverseEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda each: each.onset_at):
        if event.in_clusters:
            for kind, shared in _traces(event):
                sharing[kind, shared].append(event)
    found = [
        Cluster(kind, shared, tuple(close), _trace(shared, close, policy))
        for (kind, shared), rows in sharing.items()
        if (close := _close_together(rows, policy))
    ]
    return sorted(found, key=lambda each: (each.kind != _("lot"), -len(each.events), str(each.shared)))


def _traces(event: AdverseEvent) -> Iterable[tuple[str, Any]]:
    yield from ((_("lot"), used.lot) for used in event.used_lots.all())
    if event.practitioner is not None:
        yield _("practitioner"), event.practitioner
    if event.device is not None:
        yield _("device"), event.device
    if event.room is not None:
        yield _("room"), event.room


def _trace(shared: Any, events: list[AdverseEvent], policy: PathwayPolicy) -> Trace:
    if isinstance(shared, Lot):
        return Trace(shared)
    first, last = (timezone.localdate(each.onset_at) for each in (events[0], events[-1]))
    return Trace(shared, first - timedelta(days=policy.cluster_days), last)


def _close_together(rows: list[AdverseEvent], policy: PathwayPolicy) -> list[AdverseEvent]:
    """The events that have enough others within the days; by onset."""
    span = timedelta(days=policy.cluster_days)
    close: dict[UUID, AdverseEvent] = {}
    for index, first in enumerate(rows):
        within = [row for row in rows[index:] if row.onset_at - first.onset_at <= span]
        if len(within) >= policy.cluster_events:
            close |= {row.pk: row for row in within}
    return list(close.values())
