"""What the diary shows: days by practitioner or room, a week of one of them, the cards, and who waits. Read only; the
pages only draw it."""

from clinic.diary.cards import Card, Waiting, cards_of, numbered, short_names, waiting_now
from clinic.diary.day import Day, Place, Scale, read_day, read_week
from clinic.diary.feed import feed_of
from clinic.diary.lanes import Lane, LaneKind, find_lane, lanes_of, own_lane
from clinic.diary.mark import mark_of
from clinic.diary.sheet import Sheet, read_sheet, week_around

__all__ = [
    "Card",
    "Day",
    "Lane",
    "LaneKind",
    "Place",
    "Scale",
    "Sheet",
    "Waiting",
    "cards_of",
    "feed_of",
    "find_lane",
    "lanes_of",
    "mark_of",
    "numbered",
    "own_lane",
    "read_day",
    "read_sheet",
    "read_week",
    "short_names",
    "waiting_now",
    "week_around",
]
