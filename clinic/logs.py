"""What must not stand in a log."""

import logging
import re

_ADDRESS = re.compile(r"(/calendars/|/invitation/)[^/?\s]+(\.ics|/)")


class HideAddresses(logging.Filter):
    """Takes the secret out of what is logged about a calendar feed or an invitation: its address is its key."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: the record stays, the secret does not."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                _ADDRESS.sub(r"\1…\2", each) if isinstance(each, str) else each for each in record.args
            )
        return True
