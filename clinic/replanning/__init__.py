"""Other places for visits that are on the books: when one of a course moves or falls out, or time is closed. Read only.

`places` finds them in one reading of the timetable, `shifts` says what a change does to the later visits of a course,
and `substitutes` where the visits in closed time could go.
"""

from clinic.replanning.shifts import Outlook, Shift, outlook
from clinic.replanning.substitutes import by_urgency, substitutes

__all__ = ["Outlook", "Shift", "by_urgency", "outlook", "substitutes"]
