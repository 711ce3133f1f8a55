"""What a lot was used for."""

from datetime import datetime

from clinic.models import User
from consultations.models import Lot, PatchTest, Session


def lot_use_counts(lot: Lot) -> tuple[int, int]:
    """How many tests and sessions used the lot."""
    return PatchTest.objects.filter(used_lots__lot=lot).count(), Session.objects.filter(
        used_lots__lot=lot
    ).count()


def lot_uses(lot: Lot, *, user: User) -> list[PatchTest | Session]:
    """The tests and sessions that used the lot, newest first, as far as the person may see them."""
    tests = PatchTest.objects.visible_to(user).filter(used_lots__lot=lot).select_related("patient")
    sessions = Session.objects.visible_to(user).filter(used_lots__lot=lot).select_related("patient")
    return sorted([*tests, *sessions], key=used_at, reverse=True)


def used_at(record: PatchTest | Session) -> datetime:
    """When something was injected."""
    return record.given_at if isinstance(record, PatchTest) else record.started_at
