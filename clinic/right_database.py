"""A demo runs on the database of a demo, a clinic on a clinic's: the accounts of a demo have a password everybody knows.

What a database is for is read from its accounts. Those of a demo have addresses below a domain that can never exist
(RFC 2606), so that no member of staff can have one.
"""

from contextlib import suppress

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from clinic.models import User

DEMO_ADDRESSES = "demo.invalid"


def refuse_wrong_database() -> None:
    """Nothing where settings and database fit together, or there are no accounts yet.

    Raises:
        ImproperlyConfigured: a clinic's accounts in a demo, or a demo's in a clinic.
    """
    if settings.MODE not in {"demo", "production"} or not _has_accounts():
        return
    is_demo = User.objects.filter(email__iendswith=f"@{DEMO_ADDRESSES}").exists()
    if is_demo and settings.PRODUCTION:
        raise ImproperlyConfigured(
            "This database holds the accounts of a demo, whose password everybody knows."
            " Give the clinic a database of its own."
        )
    if not is_demo and not settings.PRODUCTION:
        raise ImproperlyConfigured(
            "This database holds the accounts of a real clinic. A demo lets everybody in:"
            " start Mesoclinic with ./run serve, or give the demo a database of its own."
        )


def refuse_at_start() -> None:
    """For the ways in of a web server: no worker of one begins on the wrong database.

    A database that is down was looked at when the server started; a worker that begins meanwhile answers 503.
    """
    with suppress(OperationalError):
        refuse_wrong_database()
    connection.close()


def _has_accounts() -> bool:
    """A database that was never migrated has not even the table."""
    return User._meta.db_table in connection.introspection.table_names() and User.objects.exists()
