"""What travels to another machine travels encrypted, to whom it is meant for. Asked by the settings, before anything is sent."""

import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any


def is_open_database(database: Mapping[str, Any]) -> bool:
    """Whether what is asked of this database (an entry of DATABASES) could be read, or answered, by others on the way.

    Without `sslmode=verify-full` PostgreSQL's library goes on in clear where a server says it has no TLS, or takes whatever
    certificate it shows. What the address does not say it takes from its own variables, and from a service file, which is
    not read here.
    """
    options = database.get("OPTIONS", {})
    named = [database.get("HOST"), *(options.get(name) for name in ("host", "hostaddr", "service"))]
    if not any(named):
        named = [os.environ.get(name) for name in ("PGHOST", "PGSERVICE")]
    named.append(os.environ.get("PGHOSTADDR"))
    return options.get("sslmode") != "verify-full" and not is_here(str(place) for place in named if place)


def is_here(places: Iterable[str]) -> bool:
    """Whether each is this machine: a folder of a socket, or the loopback. One may name several, with commas between."""
    return all(_is_here(each) for place in places for each in place.split(","))


def _is_here(place: str) -> bool:
    if place in {"", "localhost"} or place.startswith(("/", "@")):
        return True
    try:
        return ip_address(place).is_loopback
    except ValueError:
        return False
