"""Queries that a connection plans once: the same rows as any other query, whatever happened before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, time
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.postgres.expressions import ArraySubquery
from django.db import DataError, connection, connections, transaction
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import JSONObject
from pghistory.models import Context

from clinic.models import CalendarFeed, Patient, Room, WorkingHours
from clinic.prepared import ByKey, Objects, Prepared, RowsFor
from tests.factories import (
    CalendarFeedFactory,
    PractitionerFactory,
    RoomFactory,
    UserFactory,
    WorkingHoursFactory,
)
from tests.factories.clock import CLINIC_NOW

pytestmark = pytest.mark.django_db


def _planned() -> int:
    """How many statements this connection has planned."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'planned%'")
        return int(cursor.fetchone()[0])


def _halves() -> Prepared:
    return Prepared("SELECT unnest(%(numbers)s) / %(by)s", numbers="int[]", by="int")


def test_a_connection_plans_it_once(django_assert_num_queries):
    halves, before = _halves(), _planned()
    with django_assert_num_queries(3):
        assert halves.rows(numbers=[4, 6], by=2) == [(2,), (3,)]
        assert halves.rows(numbers=[9], by=3) == [(3,)]
        assert halves.rows(numbers=[], by=3) == []
    assert _planned() == before + 1


def test_planned_anew_it_gives_the_same_rows():
    halves, before = _halves(), _planned()
    assert halves.rows_planned_anew(numbers=[4, 6], by=2) == halves.rows(numbers=[4, 6], by=2)
    halves.rows_planned_anew(numbers=[8], by=2)
    assert _planned() == before + 1


def test_a_first_call_that_fails_does_not_spoil_the_next():
    halves = _halves()
    with pytest.raises(DataError), transaction.atomic():
        halves.rows(numbers=[4], by=0)
    assert halves.rows(numbers=[4], by=2) == [(2,)]
    assert halves.rows(numbers=[8], by=2) == [(4,)]


def test_a_plan_outlives_the_transaction_that_was_rolled_back():
    halves = _halves()
    with transaction.atomic():
        halves.rows(numbers=[4], by=2)
        transaction.set_rollback(True)
    assert halves.rows(numbers=[4], by=2) == [(2,)]


def test_another_connection_plans_it_for_itself():
    halves = _halves()
    assert halves.rows(numbers=[4], by=2) == [(2,)]
    other = connection.copy()
    own, connection.connection = connection.connection, None
    try:
        other.connect()
        connection.connection = other.connection
        assert halves.rows(numbers=[6], by=2) == [(3,)]
        assert _planned() == 1
    finally:
        connection.connection = own
        other.close()
    assert halves.rows(numbers=[8], by=2) == [(4,)]


def test_a_connection_that_died_is_replaced_before_it_is_asked_what_it_knows():
    """As after a restart of the database: the first query of a request must not fail because an earlier one was planned."""
    halves = _halves()
    other = connection.copy()
    other.settings_dict = {**connection.settings_dict, "CONN_HEALTH_CHECKS": True}
    before = connections["default"]
    connections["default"] = other
    try:
        assert halves.rows(numbers=[4], by=2) == [(2,)]
        died = other.connection
        with before.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [died.info.backend_pid])
        other.close_if_unusable_or_obsolete()  # what Django does when a request begins
        assert halves.rows(numbers=[8], by=2) == [(4,)]
        assert other.connection is not died
    finally:
        other.close()
        connections["default"] = before


def test_objects_are_those_that_the_model_finds():
    rooms = [RoomFactory(), RoomFactory(is_active=False)]
    in_use = Objects(Room, "WHERE is_active AND kind = %(kind)s ORDER BY position, name", kind="text")
    kind = rooms[0].kind
    assert in_use(kind=kind) == list(Room.objects.active().filter(kind=kind))
    assert [each.location_id for each in in_use(kind=kind)] == [rooms[0].location_id]
    assert in_use(kind="no such kind") == []


def test_by_key_finds_what_there_is(django_assert_num_queries):
    room, find = RoomFactory(), ByKey(Room, "id", "uuid")
    with django_assert_num_queries(1):
        assert find([room.pk, uuid4()]) == {room.pk: room}
    with django_assert_num_queries(0):
        assert find([]) == {}


def _mornings() -> QuerySet[WorkingHours]:
    """All that such a queryset may hold: what it follows, annotates and prefetches, and values that stay the same."""
    rooms = Room.objects.filter(location=OuterRef("location")).values(json=JSONObject(kind="kind"))
    return (
        WorkingHours.objects.filter(starts__lt=time(12))
        .exclude(practitioner__name__contains="100 % 'of' it")
        .select_related("practitioner__user", "location")
        .prefetch_related("location__rooms")
        .annotate(words=Value("100 %% \"of\" 'it' %s"), kinds=ArraySubquery(rooms))
        .order_by("-weekday")
    )


def test_the_rows_for_keys_are_those_that_django_finds(django_assert_num_queries):
    room, found = RoomFactory(), RowsFor(_mornings(), by="location")
    doctor = PractitionerFactory(user=UserFactory(practitioner=True))
    monday = WorkingHoursFactory(location=room.location, practitioner=doctor)
    tuesday = WorkingHoursFactory(location=room.location, weekday=2)
    WorkingHoursFactory(location=room.location, weekday=3, starts=time(13))
    WorkingHoursFactory()  # elsewhere
    with django_assert_num_queries(2):
        rows: list[Any] = found([room.location_id])
        assert rows == [tuesday, monday]
        assert [each.practitioner.user for each in rows] == [None, doctor.user]
        assert [list(each.location.rooms.all()) for each in rows] == [[room], [room]]
    for mine, djangos in zip(rows, found.written_anew([room.location_id]), strict=True):
        assert _facts(mine) == _facts(djangos)
    assert rows[0].kinds == [{"kind": "consultation"}]


def _facts(row: Any) -> dict[str, Any]:
    """Every attribute; of what is prefetched the names."""
    facts = {name: value for name, value in vars(row).items() if name != "_state"}
    return facts | {"follows": sorted(row._state.fields_cache), "adding": row._state.adding}


def test_the_rows_for_other_keys_are_asked_by_the_same_plan(django_assert_num_queries):
    found, before = RowsFor(WorkingHours.objects.all(), by="pk"), _planned()
    first, second = WorkingHoursFactory(), WorkingHoursFactory(weekday=2)
    with django_assert_num_queries(2):
        assert found([first.pk]) == [first]
        assert {each.pk for each in found({second.pk, first.pk})} == {first.pk, second.pk}
    assert _planned() == before + 1
    with django_assert_num_queries(0):
        assert found([]) == []


def test_many_keys_have_a_plan_of_their_own(monkeypatch):
    found, before = RowsFor(WorkingHours.objects.all(), by="pk"), _planned()
    rows = [WorkingHoursFactory(weekday=day) for day in (1, 2)]
    monkeypatch.setattr(RowsFor, "MANY", 2)
    assert {each.pk for each in found([each.pk for each in rows])} == {each.pk for each in rows}
    assert _planned() == before


def test_a_row_is_shown_to_whom_its_model_shows_it(django_assert_num_queries):
    feeds, feed = RowsFor(CalendarFeed.objects.select_related("practitioner"), by="pk"), CalendarFeedFactory()
    reception, nobody = UserFactory(reception=True), UserFactory()
    with django_assert_num_queries(1):
        assert feeds.visible_to(reception, feed.pk) == feed
        assert feeds.visible_to(nobody, feed.pk) is None
    assert feeds.visible_to(reception, uuid4()) is None


def test_where_some_rows_are_theirs_and_others_are_not_they_are_not_asked_so():
    feeds = RowsFor(CalendarFeed.objects.all(), by="pk")
    with pytest.raises(TypeError, match="CalendarFeed has rows for some and not for others"):
        feeds.visible_to(UserFactory(practitioner=True), CalendarFeedFactory().pk)


@pytest.mark.parametrize("since", [{"birth_date__lt": date(2026, 3, 2)}, {"created_at__lt": CLINIC_NOW}])
def test_a_moment_is_not_written_once_and_asked_for_ever_after(since):
    found = RowsFor(Patient.objects.filter(**since), by="pk")
    with pytest.raises(TypeError, match="written once"):
        found([uuid4()])


def test_rows_are_found_from_another_thread():
    """Each has a connection of its own; what was written for the first must not be asked of it."""
    found = RowsFor(WorkingHours.objects.all(), by="pk")
    found([0])

    def elsewhere() -> list[WorkingHours]:
        try:
            return found([0])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(elsewhere).result() == []


def test_a_model_whose_fields_django_converts_is_refused():
    contexts = Objects(Context, "WHERE true")
    with pytest.raises(TypeError, match="metadata"):
        contexts()
