"""Outcomes put together for pages: the lines of one patient with their drawings, and the cohort of a course. Read only."""
