"""What the diary shows: a day by practitioner, its cards, and who waits. Read only; the pages only draw it."""

from clinic.diary.cards import Card, Waiting, cards_of, short_names, waiting_now
from clinic.diary.day import Day, Place, Scale, read_day

__all__ = ["Card", "Day", "Place", "Scale", "Waiting", "cards_of", "read_day", "short_names", "waiting_now"]
