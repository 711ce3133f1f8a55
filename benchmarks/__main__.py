"""`./run bench`: sets Django up, then measures."""

import os
import sys

import django


def main() -> int:
    """Run every figure in a database of its own."""
    os.environ.setdefault("MESOCLINIC_MODE", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    django.setup()
    from benchmarks import figures  # noqa: PLC0415  needs Django set up

    return figures.main()


if __name__ == "__main__":
    sys.exit(main())
