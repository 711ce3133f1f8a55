"""`./run bench`: sets Django up, then measures."""

import os
import sys

import django


def main() -> int:
    """Run the chosen figures in databases of their own."""
    os.environ.setdefault("MESOCLINIC_MODE", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    # In some minutes the clients ask for more than a clinic does in a week; counting goes on as for everybody.
    for limit in ("PAGES_AN_HOUR", "PAGES_A_DAY", "ENTRIES_AN_HOUR", "ENTRIES_A_DAY"):
        os.environ.setdefault(limit, "1000000")
    django.setup()
    from benchmarks import run  # noqa: PLC0415  needs Django set up

    return run.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
