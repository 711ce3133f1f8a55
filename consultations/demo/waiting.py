"""The demo's waitlist: patients who would like an earlier or another time, with different wishes."""

from collections.abc import Callable, Sequence
from datetime import time, timedelta

from clinic.actions import waitlist
from clinic.chooser import whats
from clinic.models import Patient
from consultations.demo.clinic import DemoClinic
from consultations.purposes import Kind

_WORKDAYS = range(1, 6)
_ANY_DAY = range(1, 8)


def enter(clinic: DemoClinic, people: Sequence[Patient], step: Callable[[str], None]) -> None:
    """Four patients wait for a consultation; they were put on the list on different days."""
    wishes = [
        (9, _ANY_DAY, time.min, None, [], "Lives round the corner, can come at once."),
        (6, _WORKDAYS, time(9), time(12), [], ""),
        (4, _ANY_DAY, time(14), None, ["silva"], "Only with Dr Silva."),
        (1, (2, 4), time.min, time(11), [], ""),
    ]
    for patient, (days_ago, weekdays, since, until, names, note) in zip(people, wishes, strict=False):
        at = clinic.now - timedelta(days=days_ago)
        what = next(each for each in whats(patient, at=at) if each.purpose == Kind.CONSULTATION)
        wait = waitlist.Wait(
            what=what,
            practitioners=[clinic.practitioners[name] for name in names],
            earliest_on=clinic.day(-days_ago),
            latest_on=clinic.day(30),
            weekdays=weekdays,
            since=since,
            until=until,
            note=note,
        )
        waitlist.add(patient=patient, wait=wait, by=clinic.reception, at=at)
    step(f"{len(wishes)} patients on the waitlist")
