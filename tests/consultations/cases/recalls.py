"""Recalls and their calls."""

from datetime import timedelta

from tests.factories import DeviceFactory, RecallCallFactory, RecallFactory
from tests.factories.clock import TODAY
from tests.final_records import delete_in_sql
from tests.guards import Cases, sql

constraints = Cases()
triggers = Cases()


@constraints.refused_by("recall_one_thing")
def _a_recall_of_two_things() -> None:
    RecallFactory(device=DeviceFactory(), first_on=TODAY, last_on=TODAY)


@constraints.refused_by("recall_one_thing", aside=["recall_of_days"])
def _a_recall_of_nothing() -> None:
    RecallFactory(lot=None)


@constraints.refused_by("recall_of_days")
def _everybody_a_device_was_ever_used_for() -> None:
    RecallFactory(lot=None, device=DeviceFactory())


@constraints.refused_by("recall_order")
def _days_in_the_wrong_order() -> None:
    RecallFactory(first_on=TODAY, last_on=TODAY - timedelta(days=1))


@constraints.refused_by("recall_call_once")
def _a_patient_counted_twice() -> None:
    call = RecallCallFactory()
    RecallCallFactory(recall=call.recall, entry=call.entry)


@triggers.refused_by("recall_append_only")
def _a_recall_of_other_days() -> None:
    recall = RecallFactory()
    recall.first_on = TODAY
    recall.save()


@triggers.refused_by("recall_append_only")
def _a_recall_deleted_in_sql() -> None:
    delete_in_sql(RecallFactory())


@triggers.refused_by("recall_call_append_only")
def _a_call_of_another_recall() -> None:
    call = RecallCallFactory()
    sql("UPDATE consultations_recallcall SET recall_id = %s WHERE id = %s", RecallFactory().pk, call.pk)()


@triggers.refused_by("recall_call_append_only")
def _a_call_deleted_in_sql() -> None:
    delete_in_sql(RecallCallFactory())
