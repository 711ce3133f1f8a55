"""What the database must refuse in the pathway, by subject; the tests beside this folder only collect.

A module files bad writes under the constraint (`constraints`) or trigger (`triggers`) that refuses them, and plans that
lack one thing under the code that the gates must return (`missing`). It exports those of the three that it fills.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def collected(name: str) -> list[Any]:
    """What all modules of this folder export under the name, module by module."""
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    return [case for module in modules for case in getattr(module, name, ())]
