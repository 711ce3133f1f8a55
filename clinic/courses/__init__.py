"""Several visits booked in one go: the search for a whole course, and what is in the way and would help. Read only.

`search` asks for as little of the timetable as it can (`looks`) and puts places to starts, `days` finds the best chain of
days, `hours` with whom and at what hour on them, and `relaxations` tries what could be given up where there is no chain.
"""

from clinic.courses.search import Choice, Course, CourseSearch, CourseVisit, Start

__all__ = ["Choice", "Course", "CourseSearch", "CourseVisit", "Start"]
