"""Every trigger of the front desk, by name: the write it refuses, and the same write without it. And the history."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, models, transaction

from clinic.db import close_trigger_switch
from clinic.enums import BORN_AS, TRANSITIONS, AppointmentStatus, CancelledBy, SignInEventKind
from clinic.models import (
    Absence,
    Appointment,
    CaseFile,
    CaseFilePeriod,
    ClinicSettings,
    ContactTry,
    EmergencyOpening,
    Erasure,
    HistorySeal,
    NotADuplicate,
    Patient,
    PatientMerge,
    RecordOpened,
    SignInEvent,
    WaitlistEntry,
)
from clinic.models.people import PSEUDONYM
from tests.factories import (
    AbsenceFactory,
    AccountChangeFactory,
    AppointmentFactory,
    CalendarFeedFactory,
    CaseFileFactory,
    CaseFilePeriodFactory,
    ContactEntryFactory,
    ContactTryFactory,
    DeviceCareErrorFactory,
    DeviceCareFactory,
    EmergencyOpeningFactory,
    ErasureDoneFactory,
    ErasureFactory,
    HistorySealFactory,
    InvitationFactory,
    PatientFactory,
    PatientMergeFactory,
    SecondFactorResetFactory,
    UserFactory,
    WaitlistEntryFactory,
    WaitlistOfferFactory,
    WalkInFactory,
)
from tests.factories.clock import CLINIC_NOW
from tests.guards import (
    Case,
    Cases,
    check_deferred,
    events,
    ignore_all,
    isolation_guards,
    refusal_of,
    sql,
    tried_with_and_without,
    triggers_in_database,
    triggers_in_models,
    truncate_guards,
    without,
)
from tests.merged_rows import onto_merged_records

pytestmark = pytest.mark.django_db
cases = Cases()


@pytest.mark.parametrize("case", cases, ids=str)
def test_a_bad_write_is_refused_by_the_trigger_of_this_name(case: Case) -> None:
    """And goes through without it: that is the harm it is there for."""
    assert tried_with_and_without(case) == case.guard


@pytest.mark.parametrize("case", cases, ids=str)
def test_no_session_can_switch_a_trigger_off(case: Case) -> None:
    with without(*case.aside):
        ignore_all("clinic")
        assert refusal_of(case.prepared()) == case.guard


def test_every_trigger_of_the_models_has_a_case() -> None:
    elsewhere = isolation_guards("clinic") | truncate_guards("clinic").keys()
    assert cases.guards | elsewhere == triggers_in_models("clinic")


def test_the_database_has_the_triggers_of_the_models_and_no_others() -> None:
    assert triggers_in_database("clinic") == triggers_in_models("clinic")


# States of an appointment -----------------------------------------------------------------------------------------


@cases.refused_by("appointment_transition")
def _a_visit_born_confirmed() -> None:
    booked = AppointmentFactory.build(
        patient=PatientFactory(), type=(seen := AppointmentFactory()).type, practitioner=seen.practitioner,
        room=seen.room, created_by=seen.created_by, starts_at=seen.starts_at.replace(hour=15),
    )  # fmt: skip
    booked.status = AppointmentStatus.CONFIRMED
    booked.save(force_insert=True)


@cases.refused_by("appointment_transition")
def _a_booked_visit_that_is_completed_at_once() -> None:
    visit = AppointmentFactory()
    Appointment.objects.filter(pk=visit.pk).update(status="completed", **_moments("completed"))


@cases.refused_by("appointment_transition")
def _a_no_show_that_is_cancelled_in_raw_sql() -> None:
    visit = AppointmentFactory(status=AppointmentStatus.NO_SHOW)
    sql(
        "UPDATE clinic_appointment SET status = 'cancelled', cancelled_at = now(), cancelled_by = 'clinic' WHERE id = %s",
        visit.pk,
    )()


def _moments(status: str) -> dict[str, object]:
    """The columns that a row in this state must and may fill."""
    called_off = status == AppointmentStatus.CANCELLED
    return {
        "held_until": CLINIC_NOW if status == AppointmentStatus.HELD else None,
        "arrived_at": CLINIC_NOW,
        "started_at": CLINIC_NOW,
        "ended_at": CLINIC_NOW,
        "cancelled_at": CLINIC_NOW if called_off else None,
        "cancelled_by": CancelledBy.CLINIC if called_off else "",
    }


@pytest.mark.parametrize("after", AppointmentStatus)
@pytest.mark.parametrize("before", AppointmentStatus)
def test_a_status_moves_only_along_the_table(before: AppointmentStatus, after: AppointmentStatus) -> None:
    visit = AppointmentFactory(status=before)

    def move() -> None:
        Appointment.objects.filter(pk=visit.pk).update(status=after, **_moments(after))

    if after in TRANSITIONS[before] or after == before:
        move()
        assert Appointment.objects.get(pk=visit.pk).status == after
    else:
        assert refusal_of(move) == "appointment_transition"


@pytest.mark.parametrize("status", AppointmentStatus)
def test_a_visit_is_born_held_provisional_or_booked(status: AppointmentStatus) -> None:
    seen = AppointmentFactory()

    def born() -> None:
        seen.pk, seen.request_item = None, 1
        Appointment.objects.filter(request_item=0).update(status=AppointmentStatus.NO_SHOW)
        for name, value in {"status": status, **_moments(status)}.items():
            setattr(seen, name, value)
        seen.save(force_insert=True)

    if status in BORN_AS:
        born()
        assert Appointment.objects.get(request_item=1).status == status
    else:
        assert refusal_of(born) == "appointment_transition"


# What is permanent ------------------------------------------------------------------------------------------------


@cases.refused_by("appointment_no_delete")
def _a_visit_that_is_deleted() -> None:
    AppointmentFactory().delete()


@cases.refused_by("appointment_no_delete")
def _a_called_off_visit_that_is_deleted_in_raw_sql() -> None:
    visit = AppointmentFactory(status=AppointmentStatus.CANCELLED)
    sql("DELETE FROM clinic_appointment WHERE id = %s", visit.pk)()


@cases.refused_by("patient_no_delete")
def _a_patient_who_is_deleted() -> None:
    PatientFactory().delete()


@cases.refused_by("patient_no_delete")
def _a_patient_who_is_deleted_in_raw_sql() -> None:
    sql("DELETE FROM clinic_patient WHERE id = %s", PatientFactory().pk)()


@cases.refused_by("clinic_time_zone_fixed")
def _a_clinic_that_moves_to_another_time_zone() -> None:
    ClinicSettings.objects.update(time_zone="Asia/Kathmandu")


@cases.refused_by("clinic_settings_no_delete")
def _a_clinic_that_is_taken_away_to_come_back_in_another_time_zone() -> None:
    zone = ClinicSettings.current()
    sql("DELETE FROM clinic_clinicsettings")()
    ClinicSettings.objects.create(time_zone="Pacific/Kiritimati", name=zone.name)


def _decision() -> NotADuplicate:
    first, second = sorted([PatientFactory(), PatientFactory()], key=lambda patient: patient.pk)
    return NotADuplicate.objects.create(
        first=first, second=second, decided_at=CLINIC_NOW, decided_by=first.created_by
    )


@cases.refused_by("not_a_duplicate_signed")
def _a_decision_that_is_taken_back() -> None:
    _decision().delete()


@cases.refused_by("not_a_duplicate_signed")
def _a_decision_put_on_somebody_else() -> None:
    NotADuplicate.objects.filter(pk=_decision().pk).update(decided_by=UserFactory())


@cases.refused_by("patient_merged_in_one_step")
def _a_record_merged_into_one_that_was_merged() -> None:
    PatientFactory(merged_into=PatientMergeFactory().patient)


@cases.refused_by("patient_merged_in_one_step")
def _a_record_merged_away_that_others_were_merged_into() -> None:
    merge = PatientMergeFactory()
    Patient.objects.filter(pk=merge.survivor_id).update(merged_into=PatientFactory())


@cases.refused_by("patient_merged_in_one_step")
def _two_records_merged_into_each_other() -> None:
    merge = PatientMergeFactory()
    sql("UPDATE clinic_patient SET merged_into_id = %s WHERE id = %s", merge.patient_id, merge.survivor_id)()


@cases.refused_by("patient_merge_signed")
def _a_merge_that_is_forgotten() -> None:
    PatientMergeFactory().delete()


@cases.refused_by("patient_merge_signed")
def _a_merge_whose_moved_rows_are_changed_afterwards() -> None:
    PatientMerge.objects.filter(pk=PatientMergeFactory().pk).update(moved={"clinic.Appointment": {}})


@cases.refused_by("patient_merge_signed")
def _a_merge_taken_apart_twice() -> None:
    undone = {"undone_at": CLINIC_NOW, "undone_by": UserFactory(), "undone_because": "twins"}
    PatientMerge.objects.filter(pk=PatientMergeFactory(**undone).pk).update(undone_because="a slip")


onto_merged_records(cases, AppointmentFactory, ContactEntryFactory, WalkInFactory, WaitlistEntryFactory)


def _opened() -> RecordOpened:
    return RecordOpened.objects.create(
        at=CLINIC_NOW, user=UserFactory(), patient=PatientFactory(), page="timeline"
    )


@cases.refused_by("record_opened_append_only")
def _a_look_into_a_record_that_is_forgotten() -> None:
    _opened().delete()


@cases.refused_by("record_opened_append_only")
def _a_look_into_a_record_put_on_somebody_else() -> None:
    RecordOpened.objects.filter(pk=_opened().pk).update(user=UserFactory())


def _tried() -> SignInEvent:
    return SignInEvent.objects.create(at=CLINIC_NOW, kind=SignInEventKind.PASSWORD_WRONG, user=UserFactory())


@cases.refused_by("sign_in_event_append_only")
def _a_try_that_is_forgotten() -> None:
    _tried().delete()


@cases.refused_by("sign_in_event_append_only")
def _a_try_put_on_nobody() -> None:
    SignInEvent.objects.filter(pk=_tried().pk).update(user=None)


@cases.refused_by("history_seal_final")
def _a_seal_that_is_taken_away() -> None:
    HistorySealFactory().delete()


@cases.refused_by("history_seal_final")
def _a_digest_exchanged() -> None:
    HistorySeal.objects.filter(pk=HistorySealFactory().pk).update(digests=[b"another"])


@cases.refused_by("history_seal_final")
def _a_salt_exchanged() -> None:
    HistorySeal.objects.filter(pk=HistorySealFactory().pk).update(salts=[uuid4()])


@cases.refused_by("history_seal_final")
def _a_salt_added() -> None:
    seal = HistorySealFactory()
    HistorySeal.objects.filter(pk=seal.pk).update(salts=[*seal.salts, uuid4()])


@cases.refused_by("contact_no_delete")
def _a_call_that_is_forgotten() -> None:
    ContactEntryFactory().delete()


@cases.refused_by("contact_try_append_only")
def _a_try_that_is_forgotten() -> None:
    ContactTryFactory().delete()


@cases.refused_by("contact_try_append_only")
def _a_try_that_ended_otherwise_afterwards() -> None:
    ContactTry.objects.filter(pk=ContactTryFactory().pk).update(outcome="reached")


@cases.refused_by("waitlist_no_delete")
def _a_wait_that_is_forgotten() -> None:
    WaitlistEntryFactory().delete()


@cases.refused_by("waitlist_same_visit")
def _a_wait_to_have_somebody_elses_visit_earlier() -> None:
    visit = AppointmentFactory()
    WaitlistEntryFactory(type=visit.type, purpose=visit.purpose, visit=visit)


@cases.refused_by("waitlist_same_visit")
def _a_wait_that_is_turned_to_a_visit_of_another_kind() -> None:
    visit = AppointmentFactory()
    entry = WaitlistEntryFactory(patient=visit.patient)
    WaitlistEntry.objects.filter(pk=entry.pk).update(visit=visit)


@cases.refused_by("waitlist_offer_no_delete")
def _an_offer_that_is_forgotten() -> None:
    WaitlistOfferFactory().delete()


# History ----------------------------------------------------------------------------------------------------------


def _events_of(visit: Appointment) -> list[tuple[str, str]]:
    return list(visit.events.order_by("pgh_id").values_list("pgh_label", "note"))


def test_a_write_in_raw_sql_enters_the_history() -> None:
    visit = AppointmentFactory(note="first")
    sql("UPDATE clinic_appointment SET note = 'second' WHERE id = %s", visit.pk)()
    assert _events_of(visit) == [("insert", "first"), ("update", "second")]


def test_an_absence_that_is_removed_leaves_a_trace() -> None:
    absence = AbsenceFactory(note="conference")
    key = absence.pk
    absence.delete()
    events = Absence.pgh_event_model.objects.filter(id=key).order_by("pgh_id")
    assert list(events.values_list("pgh_label", "note")) == [
        ("insert", "conference"),
        ("delete", "conference"),
    ]


def test_a_row_removed_in_raw_sql_leaves_a_trace() -> None:
    absence = AbsenceFactory(note="conference")
    sql("DELETE FROM clinic_absence WHERE id = %s", absence.pk)()
    removed = Absence.pgh_event_model.objects.get(id=absence.pk, pgh_label="delete")
    assert removed.note == "conference"


def test_without_the_history_triggers_the_same_write_leaves_no_trace() -> None:
    visit = AppointmentFactory(note="first")
    check_deferred()
    for trigger in Appointment._meta.triggers:
        if trigger.name == "update_update":
            sql(f'ALTER TABLE clinic_appointment DISABLE TRIGGER "{trigger.get_pgid(Appointment)}"')()
    sql("UPDATE clinic_appointment SET note = 'second' WHERE id = %s", visit.pk)()
    assert _events_of(visit) == [("insert", "first")]


EVENT_TABLES = [*events("clinic"), *events("consultations")]


@pytest.mark.parametrize("model", EVENT_TABLES, ids=lambda model: model.__name__)
def test_history_can_be_neither_changed_nor_deleted(model: type[models.Model]) -> None:
    guards = {trigger.name for trigger in model._meta.triggers}
    assert guards == {"append_only"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE 'pgtrigger_append_only_%%'"
            " AND tgenabled = 'O' AND tgtype & 24 = 24",  # on DELETE (8) and on UPDATE (16)
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("ignore", [False, True], ids=["plainly", "with the triggers ignored"])
def test_an_event_refuses_update_and_delete(ignore: bool) -> None:
    visit = AppointmentFactory(note="first")
    if ignore:
        ignore_all("clinic")
    words = "Cannot update or delete rows from clinic_appointmentevent"
    change = sql("UPDATE clinic_appointmentevent SET note = 'never' WHERE id = %s", visit.pk)
    forget = sql("DELETE FROM clinic_appointmentevent WHERE id = %s", visit.pk)
    assert words in refusal_of(change)
    assert words in refusal_of(forget)


def test_without_its_guard_history_could_be_rewritten() -> None:
    visit = AppointmentFactory(note="first")
    check_deferred()
    event = next(model for model in EVENT_TABLES if model._meta.db_table == "clinic_appointmentevent")
    (guard,) = event._meta.triggers
    sql(f'ALTER TABLE clinic_appointmentevent DISABLE TRIGGER "{guard.get_pgid(event)}"')()
    sql("UPDATE clinic_appointmentevent SET note = 'never' WHERE id = %s", visit.pk)()
    assert _events_of(visit) == [("insert", "never")]


# Calendar feeds -----------------------------------------------------------------------------------------------------


@cases.refused_by("calendar_feed_stays_revoked")
def _a_revoked_address_works_again() -> None:
    feed = CalendarFeedFactory(revoked_at=CLINIC_NOW, revoked_by=UserFactory())
    feed.revoked_at = feed.revoked_by = None
    feed.save()


# The care of devices ------------------------------------------------------------------------------------------------


@cases.refused_by("device_care_append_only")
def _a_care_log_rewritten() -> None:
    care = DeviceCareFactory()
    care.note = "new seals"
    care.save()


@cases.refused_by("device_care_append_only")
def _a_care_log_torn_out() -> None:
    sql("DELETE FROM clinic_devicecare WHERE id = %s", DeviceCareFactory().pk)()


@cases.refused_by("device_care_error_append_only")
def _an_error_taken_back() -> None:
    sql("DELETE FROM clinic_devicecareerror WHERE id = %s", DeviceCareErrorFactory().pk)()


# Who is let in ------------------------------------------------------------------------------------------------------


@cases.refused_by("invitation_once")
def _a_used_invitation_opened_again() -> None:
    invitation = InvitationFactory(accepted_at=CLINIC_NOW)
    invitation.accepted_at = None
    invitation.save()


@cases.refused_by("second_factor_reset_append_only")
def _a_reset_made_to_look_like_another_admins() -> None:
    reset = SecondFactorResetFactory()
    reset.recorded_by = UserFactory(admin=True)
    reset.save()


@cases.refused_by("second_factor_reset_append_only")
def _a_reset_forgotten() -> None:
    sql("DELETE FROM clinic_secondfactorreset WHERE id = %s", SecondFactorResetFactory().pk)()


@cases.refused_by("account_change_append_only")
def _a_switching_off_made_to_look_like_another_admins() -> None:
    change = AccountChangeFactory()
    change.recorded_by = UserFactory(admin=True)
    change.save()


@cases.refused_by("user_an_admin_stays")
def _the_last_admin_switched_off() -> None:
    UserFactory(admin=True)
    sql("UPDATE clinic_user SET is_active = false WHERE 'admin' = ANY(roles)")()


@cases.refused_by("user_an_admin_stays")
def _the_last_admin_made_something_else() -> None:
    UserFactory(reception=True)
    sql("UPDATE clinic_user SET roles = '{reception}' WHERE id = %s", UserFactory(admin=True).pk)()


@cases.refused_by("user_an_admin_stays")
def _the_last_admin_deleted_beside_one_who_is_switched_off() -> None:
    UserFactory(admin=True, is_active=False)
    sql("DELETE FROM clinic_user WHERE id = %s", UserFactory(admin=True).pk)()


# Whose record is opened for a case ----------------------------------------------------------------------------------


@cases.refused_by("case_file_final")
def _a_case_moved_to_another_patient() -> None:
    CaseFile.objects.filter(pk=CaseFileFactory().pk).update(patient=PatientFactory())


@cases.refused_by("case_file_final")
def _a_closed_case_opened_again() -> None:
    case = CaseFileFactory(closed_at=CLINIC_NOW, closed_by=UserFactory(), outcome="Answered", period=None)
    CaseFile.objects.filter(pk=case.pk).update(closed_at=None, closed_by=None, outcome="")


@cases.refused_by("case_file_no_delete")
def _a_case_that_never_was() -> None:
    CaseFileFactory(period=None).delete()


@cases.refused_by("case_file_period_by_owner")
def _more_time_for_somebody_elses_case() -> None:
    CaseFilePeriodFactory(recorded_by=UserFactory(admin=True))


@cases.refused_by("case_file_period_by_owner")
def _more_time_for_a_closed_case() -> None:
    case = CaseFileFactory(closed_at=CLINIC_NOW, closed_by=UserFactory(), outcome="Answered", period=None)
    CaseFilePeriodFactory(case_file=case)


@cases.refused_by("case_file_period_append_only")
def _a_reason_worded_otherwise_afterwards() -> None:
    CaseFilePeriod.objects.filter(pk=CaseFilePeriodFactory().pk).update(reason="Asked by the patient")


@cases.refused_by("patient_erased_for_good")
def _a_record_that_is_called_erased_by_a_page() -> None:
    Patient.objects.filter(pk=PatientFactory().pk).update(**PSEUDONYM, erased_at=CLINIC_NOW)


@cases.refused_by("appointment_not_to_be_erased")
def _a_visit_on_a_record_that_is_to_be_erased() -> None:
    AppointmentFactory(patient=ErasureFactory().patient)


@cases.refused_by("appointment_not_to_be_erased")
def _a_visit_that_comes_back_to_it() -> None:
    called_off = AppointmentFactory(status=AppointmentStatus.NO_SHOW)
    ErasureFactory(patient=called_off.patient)
    Appointment.objects.filter(pk=called_off.pk).update(status=AppointmentStatus.BOOKED)


@cases.refused_by("waitlist_not_to_be_erased")
def _a_wait_for_a_visit_on_it() -> None:
    WaitlistEntryFactory(patient=ErasureFactory().patient)


@cases.refused_by("erasure_signed")
def _an_erasure_put_on_somebody_else() -> None:
    Erasure.objects.filter(pk=ErasureFactory().pk).update(patient=PatientFactory())


@cases.refused_by("erasure_signed")
def _an_erasure_withdrawn_after_it_was_begun() -> None:
    begun = Erasure.objects.filter(pk=ErasureDoneFactory().erasure_id)
    begun.update(withdrawn_at=CLINIC_NOW, withdrawn_by=UserFactory(), withdrawn_because="too late")


@cases.refused_by("erasure_signed")
def _an_erasure_that_was_never_decided() -> None:
    ErasureFactory().delete()


@cases.refused_by("erasure_done_append_only")
def _a_stage_that_was_never_carried_out() -> None:
    ErasureDoneFactory().delete()


@cases.refused_by("emergency_opening_final")
def _a_summary_kept_open_longer() -> None:
    opening = EmergencyOpeningFactory()
    EmergencyOpening.objects.filter(pk=opening.pk).update(ends_at=opening.ends_at + timedelta(hours=1))


@cases.refused_by("emergency_opening_final")
def _a_review_that_is_worded_again() -> None:
    seen = {"reviewed_at": CLINIC_NOW, "reviewed_by": UserFactory(admin=True), "review_note": "Odd"}
    opening = EmergencyOpeningFactory(**seen)
    EmergencyOpening.objects.filter(pk=opening.pk).update(review_note="Fine")


@cases.refused_by("emergency_opening_no_delete")
def _an_emergency_opening_that_never_was() -> None:
    EmergencyOpeningFactory().delete()


def test_without_the_switch_of_the_triggers_there_is_none_to_close() -> None:
    """A database in which no trigger has been made yet; then the switch of an older one, which would open."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION _pgtrigger_should_ignore RENAME TO kept_for_later")
        close_trigger_switch(using="default")
        cursor.execute("SELECT to_regproc('_pgtrigger_should_ignore')")
        assert cursor.fetchone() == (None,)
        cursor.execute(
            "CREATE FUNCTION _pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN LANGUAGE sql AS 'SELECT true'"
        )
        close_trigger_switch(using="default")
        cursor.execute("SELECT _pgtrigger_should_ignore('any')")
        assert cursor.fetchone() == (False,)
        transaction.set_rollback(True)
