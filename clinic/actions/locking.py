"""Locks, taken once and in one order; and what a lost race becomes for the person."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.utils.translation import gettext as _

from clinic.errors import DomainError, SlotTaken
from clinic.models import Appointment, Device, Patient, Practitioner, Room, User

P = ParamSpec("P")
R = TypeVar("R")

_LOCK = "SELECT 1 FROM {table} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_DEADLOCK, _LOCK_TIMEOUT = "40P01", "55P03"
_TAKEN = {
    "appointment_practitioner_free": "practitioner_taken",
    "appointment_room_free": "room_taken",
    "appointment_device_free": "device_taken",
    "appointment_patient_free": "patient_taken",
}


def lock(
    *,
    patients: Iterable[UUID] = (),
    practitioners: Iterable[UUID] = (),
    rooms: Iterable[UUID] = (),
    devices: Iterable[UUID | None] = (),
    appointments: Iterable[UUID] = (),
) -> dict[UUID, Appointment]:
    """Lock everything a transaction decides on: kind by kind, each in the order of its keys.

    Call it once, before anything is read that a decision rests on. Returns the locked appointments, read afresh.
    """
    kinds = ((Patient, patients), (Practitioner, practitioners), (Room, rooms), (Device, devices))
    _lock_rows((model, [key for key in set(keys) if key]) for model, keys in kinds)
    wanted = set(appointments)
    if not wanted:
        return {}
    rows = Appointment.objects.filter(pk__in=wanted).order_by("pk")
    return {row.pk: row for row in rows.select_for_update(no_key=True, of=("self",))}


def locked_account(user: User) -> User:
    """Somebody's account as it is now, and nobody changes it meanwhile. After `lock`, where both are needed."""
    return User.objects.select_for_update(no_key=True, of=("self",)).get(pk=user.pk)


def one_registration_at_a_time() -> None:
    """Until the end of the transaction nobody else registers a patient: a record that does not exist yet cannot be locked,
    and whoever clicks twice, or at two desks, would look for its like before either is there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('clinic_patient_registered'))")


def _lock_rows(kinds: Iterable[tuple[type[models.Model], list[UUID]]]) -> None:
    """In SQL, because nobody reads these rows: making objects of them took longer than locking them.

    One statement a kind, one round trip for all: PostgreSQL carries them out in this order, and waits in between.
    """
    wanted = [(connection.ops.quote_name(model._meta.db_table), keys) for model, keys in kinds if keys]
    if not wanted:
        return
    with connection.cursor() as cursor:
        statements = "; ".join(_LOCK.format(table=table) for table, _ in wanted)
        cursor.execute(statements, [keys for _, keys in wanted])


def explained(action: Callable[P, R]) -> Callable[P, R]:
    """Run the action in one transaction; a violated constraint or a lost lock becomes a DomainError with a sentence."""

    @wraps(action)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with explaining(), transaction.atomic():
            return action(*args, **kwargs)

    return wrapper


@contextmanager
def explaining() -> Iterator[None]:
    """Translate what the database refused (see `explained`).

    Raises:
        SlotTaken: an exclusion constraint, a deadlock or a lock that was not had in time.
        DomainError: any other named constraint, with that constraint's own sentence; or a field's own complaint.
    """
    try:
        yield
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise DomainError(messages[0], "invalid", field=field) from error
    except IntegrityError as error:
        raise _sentence(error) from error
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") not in (_DEADLOCK, _LOCK_TIMEOUT):
            raise
        raise SlotTaken(_("Somebody else is booking the same time. Please try again."), "busy") from error


def constraint_name(error: IntegrityError) -> str:
    """The name of the constraint or trigger that refused."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


def _sentence(error: IntegrityError) -> DomainError:
    name = constraint_name(error)
    message = _messages().get(name)
    if code := _TAKEN.get(name):
        return SlotTaken(str(message), code)
    if message is None:
        primary = getattr(getattr(error.__cause__, "diag", None), "message_primary", None)
        message = primary or _("The database refused this.")
    return DomainError(str(message), name or "refused")


def _messages() -> dict[str, Any]:
    """Every named constraint with its sentence, from the models themselves."""
    from django.apps import apps  # noqa: PLC0415  the registry is complete only at run time

    return {
        constraint.name: constraint.violation_error_message
        for model in apps.get_models()
        for constraint in model._meta.constraints
        if constraint.violation_error_message != constraint.default_violation_error_message
    }
