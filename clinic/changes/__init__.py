"""Who changed what, from what to what: the history that triggers write beside each table, as a page shows it."""

from clinic.changes.found import Wanted, kept_tables
from clinic.changes.worded import Change, Detail, changes

__all__ = ["Change", "Detail", "Wanted", "changes", "kept_tables"]
