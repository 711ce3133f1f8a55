"""The moment tests live in, and moments around it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
CLINIC_NOW = datetime(2026, 3, 2, 9, 0, tzinfo=PARIS)
TODAY = CLINIC_NOW.date()


def ago(**amount: float) -> datetime:
    """So long before CLINIC_NOW: `ago(days=3)`."""
    return CLINIC_NOW - timedelta(**amount)


def ahead(**amount: float) -> datetime:
    """So long after CLINIC_NOW."""
    return CLINIC_NOW + timedelta(**amount)
