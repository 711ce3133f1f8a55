"""Hundreds of thousands of rows in SQL, for databases of the benchmark only.

Triggers are passed by and the indexes that would be kept up row by row are built at the end. What the database checks
then is checked of all rows at once: the exclusion constraints refuse to be built over a single overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from benchmarks.databases import PREFIX
from benchmarks.sizes import SHARE, STARTS, Clinic, Size
from clinic.models import Appointment, Patient, User
from consultations.models import Consent, Consultation, Plan, PlannedSession, Session

_STRIDES = (7919, 7907)  # primes: patients follow each other in no order that a table or an index has
_SESSIONS_A_DAY = 60  # visits of a day that are sessions of a plan, today and the two days after
_TABLES = (Patient, Appointment, Consultation, Plan, PlannedSession, Session, Consent)


@contextmanager
def past_the_guards(cursor: Any) -> Iterator[None]:
    """One transaction without triggers and without the indexes that can be built afterwards.

    Raises:
        RuntimeError: this is not a database of the benchmark.
    """
    cursor.execute("SELECT current_database()")
    if not str(cursor.fetchone()[0]).startswith(PREFIX):
        raise RuntimeError("rows are made past the triggers in the benchmark's own databases only")
    with transaction.atomic():
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        cursor.execute("SET LOCAL work_mem = '128MB'")
        definitions = [each for model in _TABLES for each in _taken_away(cursor, model._meta.db_table)]
        yield
        for definition in definitions:
            cursor.execute(definition)


def _taken_away(cursor: Any, table: str) -> list[str]:
    """Drop what can be built later: exclusion constraints, then indexes that back no constraint. Returns their SQL."""
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'x' ORDER BY conname",
        [table],
    )
    found = [
        (
            f'ALTER TABLE {table} DROP CONSTRAINT "{name}"',
            f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {sql}',
        )
        for name, sql in cursor.fetchall()
    ]
    cursor.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " WHERE i.indrelid = %s::regclass"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid) ORDER BY 1",
        [table],
    )
    found += [(f"DROP INDEX {name}", sql) for name, sql in cursor.fetchall()]
    for drop, _create in found:
        cursor.execute(drop)
    return [create for _drop, create in found]


def insert(cursor: Any, model: type[models.Model], columns: Mapping[str, str], source: str) -> int:
    """INSERT … SELECT; columns that are not named get their field's default. Returns how many rows were made."""
    chosen: dict[str, str] = {}
    values: list[object] = []
    for field in model._meta.concrete_fields:
        if field.generated:
            continue
        if field.column in columns:
            chosen[field.column] = columns[field.column]
        elif field.get_internal_type() == "UUIDField" and field.has_default():
            chosen[field.column] = "gen_random_uuid()"
        elif not field.null and not field.has_db_default():
            chosen[field.column] = "%s"
            values.append(field.get_db_prep_save(field.get_default(), connection))
    names = ", ".join(f'"{name}"' for name in chosen)
    selected = ", ".join(sql if sql == "%s" else sql.replace("%", "%%") for sql in chosen.values())
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {selected} FROM {source.replace('%', '%%')}",
        values,
    )
    return int(cursor.rowcount)


def patients(cursor: Any, count: int, *, by: User) -> None:
    """Names that are found by their beginnings, their middles and with a letter wrong; every tenth shares a name."""
    cursor.execute("CREATE TEMP TABLE bench_patient (n int PRIMARY KEY, id uuid NOT NULL) ON COMMIT DROP")
    cursor.execute(
        "INSERT INTO bench_patient SELECT n, gen_random_uuid() FROM generate_series(0, %s) AS n", [count - 1]
    )
    family, given = _words(_FAMILY, "n"), _words(_GIVEN, f"n / {len(_FAMILY)}")
    insert(
        cursor,
        Patient,
        {
            "id": "id",
            "family_name": f"{family} || substr(md5(n::text), 1, 3)",
            "given_names": given,
            "birth_date": "date '1940-01-01' + (n * 37) % 27000",
            "phone": "'+336' || lpad(((n::bigint * 7919) % 100000000)::text, 8, '0')",
            "email": "'patient' || n || '@example.org'",
            "created_at": "timestamptz '2010-01-01' + n * interval '1 minute'",
            "created_by_id": f"'{by.pk}'",
        },
        "bench_patient",
    )
    cursor.execute("ANALYZE bench_patient")


_FAMILY = (
    "Almeida",
    "Bakker",
    "Chevalier",
    "Demir",
    "Esposito",
    "Fischer",
    "Garnier",
    "Moreau",
    "Novák",
    "Öztürk",
)
_GIVEN = (
    "Alice",
    "Bruno",
    "Camille",
    "David",
    "Émile",
    "Fatima",
    "Georg",
    "Helena",
    "Ivan",
    "Julia",
    "Karim",
)


def _words(words: tuple[str, ...], number: str) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"(ARRAY[{listed}])[1 + ({number}) % {len(words)}]"


def appointments(cursor: Any, size: Size, clinic: Clinic) -> None:
    """Visits of half an hour side by side, each practitioner in a room of their own; the last days first.

    Nobody is double-booked by construction: a practitioner's visits lie on a grid of their own length, and the
    patients of one start are different ones, because they are numbered one after the other.
    """
    _places(cursor, clinic)
    _visits(cursor, size)
    today = timezone.localdate()
    past = f"day < date '{today}'"
    over = f"{past} AND fate >= 10"
    starts = f"(day + start) AT TIME ZONE '{settings.TIME_ZONE}'"
    ends = f"({starts}) + interval '30 minutes'"
    insert(
        cursor,
        Appointment,
        {
            "patient_id": "p.id",
            "type_id": f"'{clinic.plain.pk}'",
            "practitioner_id": "practitioner",
            "room_id": "room",
            "device_id": "CASE WHEN slot % 2 = 0 THEN device END",
            "status": f"CASE WHEN {past} THEN CASE WHEN fate < 5 THEN 'cancelled' WHEN fate < 10 THEN 'no_show'"
            " ELSE 'completed' END ELSE 'booked' END",
            **dict.fromkeys(("starts_at", "practitioner_from", "room_from"), starts),
            **dict.fromkeys(("ends_at", "practitioner_until", "room_until"), ends),
            "arrived_at": f"CASE WHEN {over} THEN {starts} - interval '5 minutes' END",
            "started_at": f"CASE WHEN {over} THEN {starts} + interval '4 minutes' END",
            "ended_at": f"CASE WHEN {over} THEN {ends} END",
            "cancelled_at": f"CASE WHEN {past} AND fate < 5 THEN {starts} - interval '3 days' END",
            "cancelled_by": f"CASE WHEN {past} AND fate < 5 THEN 'patient' ELSE '' END",
            "created_by_id": f"'{clinic.desk.pk}'",
            "created_at": f"({starts}) - interval '14 days'",
        },
        f"bench_visit v JOIN bench_place USING (place)"
        f" JOIN bench_patient p ON p.n = (v.n * {_stride(size.patients)}) % {size.patients}",
    )


def _stride(patients: int) -> int:
    return next(prime for prime in _STRIDES if patients % prime)


def _places(cursor: Any, clinic: Clinic) -> None:
    cursor.execute(
        "CREATE TEMP TABLE bench_place (place int PRIMARY KEY, practitioner uuid, room uuid, device uuid) ON COMMIT DROP"
    )
    devices = [each.pk for each in clinic.devices]
    for n, (person, room) in enumerate(zip(clinic.practitioners, clinic.rooms, strict=False)):
        device = devices[n] if n < len(devices) else None
        cursor.execute("INSERT INTO bench_place VALUES (%s, %s, %s, %s)", [n, person.pk, room.pk, device])


def _visits(cursor: Any, size: Size) -> None:
    """Which starts are taken: seven in ten, chosen by a hash and so the same in every run."""
    times = ", ".join(f"'{start}'" for start in STARTS)
    cursor.execute(
        f"""
        CREATE TEMP TABLE bench_visit ON COMMIT DROP AS
        SELECT row_number() OVER (ORDER BY day DESC, slot, place) AS n, day::date AS day, slot, start, place, fate
          FROM (
            SELECT day, slot::int, start, place,
                   mod(abs(hashtext(day::date || '/' || slot || '/' || place)::bigint), 100) AS taken,
                   mod(abs(hashtext('fate' || day::date || '/' || slot || '/' || place)::bigint), 100) AS fate
              FROM generate_series(%s::date, %s::date, interval '1 day') AS day,
                   unnest(ARRAY[{times}]::time[]) WITH ORDINALITY AS s (start, slot),
                   generate_series(0, %s) AS place
          ) AS every
         WHERE taken < {SHARE}
         ORDER BY 1
         LIMIT %s
        """,
        [
            size.first_day,
            size.first_day + timezone.timedelta(days=size.days - 1),
            size.practitioners - 1,
            size.appointments,
        ],
    )
    cursor.execute("ANALYZE bench_visit")


def plans(cursor: Any, clinic: Clinic) -> None:
    """Half of the patients have a plan of four sessions. Most plans are completed; one in ten was left unfinished,
    and those with a visit in the next days have their third session in it.
    """
    _chosen_visits(cursor)
    cursor.execute(
        """
        CREATE TEMP TABLE bench_plan ON COMMIT DROP AS
        SELECT n, id AS patient, gen_random_uuid() AS consultation, gen_random_uuid() AS plan, visit,
               CASE WHEN visit IS NOT NULL OR n % 20 = 0 THEN 2 ELSE 4 END AS given,
               CASE WHEN visit IS NOT NULL THEN now() - interval '35 days'
                    ELSE now() - interval '100 days' - (n % 1000) * interval '1 day' END AS signed
          FROM bench_patient LEFT JOIN bench_session ON bench_session.patient = bench_patient.id
         WHERE n % 2 = 0
        """
    )
    cursor.execute("ANALYZE bench_plan")
    _plans(cursor, clinic)
    _planned_sessions(cursor, clinic)


def _chosen_visits(cursor: Any) -> None:
    """At most so many visits a day, each of another patient who has a plan."""
    today = timezone.localdate()
    cursor.execute(
        f"""
        CREATE TEMP TABLE bench_session ON COMMIT DROP AS
        SELECT patient, visit FROM (
            SELECT patient, visit, row_number() OVER (PARTITION BY day ORDER BY starts_at, patient) AS nth
              FROM (
                SELECT DISTINCT ON (a.patient_id) a.patient_id AS patient, a.id AS visit, a.starts_at,
                       (a.starts_at AT TIME ZONE '{settings.TIME_ZONE}')::date AS day
                  FROM clinic_appointment a JOIN bench_patient p ON p.id = a.patient_id AND p.n % 2 = 0
                 WHERE a.status = 'booked'
                   AND (a.starts_at AT TIME ZONE '{settings.TIME_ZONE}')::date
                       BETWEEN date '{today}' AND date '{today}' + 2
                 ORDER BY a.patient_id, a.starts_at
              ) AS first_visits
        ) AS numbered WHERE nth <= {_SESSIONS_A_DAY}
        """.replace("%", "%%"),
        [],
    )


def _reference() -> dict[str, str]:
    """One published row of each kind that a plan names, as SQL."""
    return {
        name: f"(SELECT id FROM consultations_{table} WHERE published_at IS NOT NULL ORDER BY id LIMIT 1)"
        for name, table in (
            ("formula_id", "formula"),
            ("technique_id", "technique"),
            ("template_id", "plantemplate"),
            ("test_policy_id", "patchtestpolicy"),
        )
    } | {"indication_id": "(SELECT id FROM consultations_indication ORDER BY id LIMIT 1)"}


def _plans(cursor: Any, clinic: Clinic) -> None:
    doctor, named = clinic.practitioners[0].pk, _reference()
    signed = {
        "signed_at": "signed",
        "signed_by_id": f"'{clinic.doctor.pk}'",
        "content_hash": "md5(plan::text)",
    }
    insert(
        cursor,
        Consultation,
        {
            "id": "consultation",
            "patient_id": "patient",
            "practitioner_id": f"'{doctor}'",
            "created_at": "signed",
            "indication_id": named["indication_id"],
            "outcome": "'eligible'",
            **signed,
        },
        "bench_plan",
    )
    insert(
        cursor,
        Plan,
        {
            "id": "plan",
            "patient_id": "patient",
            "consultation_id": "consultation",
            "status": "CASE WHEN given = 2 THEN 'active' ELSE 'completed' END",
            "created_at": "signed",
            "created_by_id": f"'{clinic.doctor.pk}'",
            **named,
        },
        "bench_plan",
    )
    insert(
        cursor,
        Consent,
        {
            "patient_id": "patient",
            "plan_id": "plan",
            "formula_id": named["formula_id"],
            "text_id": "(SELECT id FROM consultations_consenttext WHERE published_at IS NOT NULL ORDER BY id LIMIT 1)",
            "words": "'Consent'",
            "signer": "'patient'",
            "signer_name": "'Patient'",
            **signed,
        },
        "bench_plan",
    )


def _planned_sessions(cursor: Any, clinic: Clinic) -> None:
    cursor.execute(
        """
        CREATE TEMP TABLE bench_planned ON COMMIT DROP AS
        SELECT gen_random_uuid() AS planned, ordinal, bench_plan.*
          FROM bench_plan, generate_series(1, 4) AS ordinal
        """
    )
    insert(
        cursor,
        PlannedSession,
        {
            "id": "planned",
            "plan_id": "plan",
            "ordinal": "ordinal",
            "interval": "2",
            "unit": "'weeks'",
            "min_gap_days": "12",
            "appointment_id": "CASE WHEN ordinal = 3 THEN visit END",
        },
        "bench_planned",
    )
    started = "signed + (ordinal * 14 - 13) * interval '1 day'"
    insert(
        cursor,
        Session,
        {
            "patient_id": "patient",
            "practitioner_id": f"'{clinic.practitioners[0].pk}'",
            "created_at": started,
            "signed_at": started,
            "signed_by_id": f"'{clinic.doctor.pk}'",
            "content_hash": "md5(planned::text)",
            "plan_id": "plan",
            "planned_id": "planned",
            "technique_id": _reference()["technique_id"],
            "started_at": started,
            "ended_at": f"{started} + interval '20 minutes'",
            "outcome": "'complete'",
        },
        "bench_planned WHERE ordinal <= given",
    )
    cursor.execute(
        "UPDATE clinic_appointment SET purpose = 'session:' || planned FROM bench_planned"
        " WHERE ordinal = 3 AND visit = clinic_appointment.id"
    )
