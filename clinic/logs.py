"""What must not stand in a log."""

import logging
import re
import traceback
from collections.abc import Iterator, Mapping

_ADDRESS = re.compile(r"(/calendars/|/invitation/)[^/?\s]+(\.ics|/)")
_INNERMOST = 40  # places of one error


class HideAddresses(logging.Filter):
    """Takes the secret out of what is logged about a calendar feed or an invitation: its address is its key."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: the record stays, the secret does not."""
        if isinstance(record.args, Mapping):  # "%(path)s", {"path": …}
            record.args = {name: _hidden(each) for name, each in record.args.items()}
        else:
            record.args = tuple(_hidden(each) for each in record.args or ())
        return True


class HideData(logging.Filter):
    """Leaves of an error what it is and where in the program it happened, and the number that the person was shown.

    What errors say may name patients (a database quotes the row that it refused), and so may what was worked on: neither the
    words of an error nor any value is kept, nor the request for a later handler to look into.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: the record stays."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        request = record.__dict__.pop("request", None)
        if error is None:
            return True
        if record.getMessage() == str(error):  # so Django tells of what it takes for an attack
            record.msg, record.args = _kind(error), ()
        number = getattr(request, "fault_number", "")
        told = [f"number shown: {number}"] if number else []
        record.exc_info, record.exc_text = None, "\n".join([*told, *_chain(error)])
        return True


def _hidden(value: object) -> object:
    return _ADDRESS.sub(r"\1…\2", value) if isinstance(value, str) else value


def _chain(error: BaseException) -> Iterator[str]:
    """The error and what led to it, the last one first; each with its places, the innermost last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield f"{'caused by ' if len(seen) > 1 else ''}{_kind(current)}"
        for place, line in list(traceback.walk_tb(current.__traceback__))[-_INNERMOST:]:
            yield f'  File "{place.f_code.co_filename}", line {line}, in {place.f_code.co_name}'
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _kind(error: BaseException) -> str:
    """Its class; where the database refused something, also the name of the constraint, which stands in the program."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
    return f"{name} ({constraint})" if constraint else name
