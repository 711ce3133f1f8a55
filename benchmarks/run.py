"""One run, from the command line to the table."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence

from benchmarks import bench as shared
from benchmarks import databases
from benchmarks.bench import Bench, say
from benchmarks.figures import booking, courses, pages, plan, race, search, starts
from benchmarks.options import Options, parse
from benchmarks.report import Report

_AT_THE_DESK: dict[str, Callable[[Bench], None]] = {
    "search": search.measure,
    "starts": starts.measure,
    "booking": booking.measure,
    "race": race.measure,
    "courses": courses.measure,
    "plan": plan.measure,
}


def main(arguments: Sequence[str]) -> int:
    """0 when everything was measured, whether every budget was held or not; 1 when something stopped it, 130 after
    Ctrl-C. What was measured until then is printed and written all the same."""
    options, report = parse(arguments), Report()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    try:
        with databases.server():
            say("making the database …")
            databases.migrate()
            _measure(options, report)
    except KeyboardInterrupt:
        print("\ninterrupted; the benchmark's databases and servers are gone", file=sys.stderr)
        code = 130
    except (databases.Busy, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        code = 1
    if options.json and report.rows:
        report.write(options.json)
    print(f"\nBudgets\n{report.summary()}")
    return code


def _measure(options: Options, report: Report) -> None:
    report.head()
    chosen = [each for each in options.figures if each in _AT_THE_DESK]
    if chosen:
        with shared.opened(options, report) as bench:
            for name in chosen:
                say(name)
                _AT_THE_DESK[name](bench)
    if "pages" in options.figures:
        pages.measure(options, report)
