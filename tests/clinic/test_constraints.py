"""Every constraint of the front desk, by name: the bad write it refuses, and the same write without it."""

import uuid
from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from clinic.enums import HOLDS_TIME, AppointmentStatus, ContactReason, Pace, SignInEventKind
from clinic.models import (
    Appointment,
    Asked,
    ClinicSettings,
    NotADuplicate,
    Patient,
    RecordOpened,
    SignInEvent,
    User,
)
from tests.factories import (
    AbsenceFactory,
    AccountChangeFactory,
    AppointmentFactory,
    AppointmentTypeFactory,
    CalendarFeedFactory,
    CaseFileFactory,
    CaseFilePeriodFactory,
    ContactEntryFactory,
    ContactTryFactory,
    DeviceCareErrorFactory,
    DeviceCareFactory,
    DeviceFactory,
    EmergencyOpeningFactory,
    ErasureDoneFactory,
    ErasureFactory,
    ExtraOpeningFactory,
    HistorySealFactory,
    InvitationFactory,
    OutOfServiceFactory,
    PatientFactory,
    PatientMergeFactory,
    PractitionerFactory,
    RoomFactory,
    ScreenPinFactory,
    SecondFactorResetFactory,
    UserFactory,
    WaitlistEntryFactory,
    WaitlistOfferFactory,
    WalkInFactory,
    WorkingHoursFactory,
)
from tests.factories.clock import CLINIC_NOW, PARIS, ago, ahead
from tests.guards import (
    Case,
    Cases,
    constraints_in_database,
    constraints_in_models,
    refusal_of,
    tried_with_and_without,
    without,
)

pytestmark = pytest.mark.django_db
cases = Cases()
_TEN = ahead(days=1, hours=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("case", cases, ids=str)
def test_a_bad_write_is_refused_by_the_constraint_of_this_name(case: Case) -> None:
    """And goes through without it: that is the harm it is there for."""
    assert tried_with_and_without(case) == case.guard


def test_every_constraint_of_the_models_has_a_case() -> None:
    assert cases.guards == constraints_in_models("clinic")


def test_the_database_has_the_constraints_of_the_models_and_no_others() -> None:
    assert constraints_in_database("clinic") == constraints_in_models("clinic")


# Nobody is booked twice -------------------------------------------------------------------------------------------


@cases.refused_by("appointment_practitioner_free")
def _one_practitioner_with_two_patients() -> None:
    first = AppointmentFactory(starts_at=_TEN)
    AppointmentFactory(starts_at=_TEN + 29 * _MINUTE, practitioner=first.practitioner)


@cases.refused_by("appointment_room_free")
def _one_room_for_two_practitioners() -> None:
    first = AppointmentFactory(starts_at=_TEN)
    AppointmentFactory(starts_at=_TEN, room=first.room)


@cases.refused_by("appointment_room_free")
def _a_room_that_is_still_being_cleaned() -> None:
    cleaned = AppointmentTypeFactory(session=True)
    first = AppointmentFactory(starts_at=_TEN, type=cleaned)
    AppointmentFactory(starts_at=_TEN + 110 * _MINUTE, room=first.room)


@cases.refused_by("appointment_device_free")
def _one_device_in_two_rooms() -> None:
    first = AppointmentFactory(starts_at=_TEN, device=DeviceFactory())
    AppointmentFactory(starts_at=_TEN, device=first.device)


@cases.refused_by("appointment_patient_free")
def _one_patient_in_two_places() -> None:
    first = AppointmentFactory(starts_at=_TEN)
    AppointmentFactory(starts_at=_TEN + 15 * _MINUTE, patient=first.patient)


@cases.refused_by("appointment_patient_free")
def _a_cancelled_visit_that_comes_back_into_taken_time() -> None:
    gone = AppointmentFactory(starts_at=_TEN, status=AppointmentStatus.CANCELLED)
    AppointmentFactory(starts_at=_TEN, patient=gone.patient)
    gone.status, gone.cancelled_at, gone.cancelled_by = AppointmentStatus.BOOKED, None, ""
    gone.save()


@cases.refused_by("appointment_practitioner_free")
def _a_move_by_update_into_taken_time() -> None:
    first = AppointmentFactory(starts_at=_TEN)
    second = AppointmentFactory(starts_at=_TEN + 2 * _HOUR, practitioner=first.practitioner)
    Appointment.objects.filter(pk=second.pk).update(
        starts_at=_TEN, practitioner_from=_TEN, practitioner_until=_TEN + 30 * _MINUTE, room_from=_TEN
    )


@cases.refused_by("appointment_held_until")
def _a_hold_without_an_end() -> None:
    AppointmentFactory(status=AppointmentStatus.HELD, held_until=None)


@cases.refused_by("appointment_held_until")
def _a_booked_visit_that_runs_out() -> None:
    AppointmentFactory(held_until=_TEN)


@cases.refused_by("patient_suits_weekdays")
def _a_patient_who_comes_on_an_eighth_day() -> None:
    PatientFactory(suits_weekdays=[1, 8])


@cases.refused_by("patient_suits_order")
def _a_patient_who_can_come_until_before_from() -> None:
    PatientFactory(suits_since=time(12), suits_until=time(9))


def test_a_visit_may_begin_at_the_minute_another_ends() -> None:
    first = AppointmentFactory(starts_at=_TEN)
    AppointmentFactory(
        starts_at=_TEN + 30 * _MINUTE, practitioner=first.practitioner, room=first.room, patient=first.patient
    )
    assert Appointment.objects.count() == 2


@pytest.mark.parametrize("status", AppointmentStatus.values)
def test_only_states_that_hold_time_keep_others_out(status: str) -> None:
    first = AppointmentFactory(starts_at=_TEN, status=status)

    def second() -> None:
        AppointmentFactory(starts_at=_TEN, practitioner=first.practitioner)

    if status in HOLDS_TIME:
        assert refusal_of(second) == "appointment_practitioner_free"
    else:
        second()


def test_the_visits_of_a_patient_are_found_without_reading_everybodys_time() -> None:
    """PostgreSQL also takes the index that keeps a patient from two places; with time first it would read all of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indexrelid = 'appointment_patient_free'::regclass"
        )
        assert cursor.fetchall() == [("patient_id",)]


def test_two_visits_may_swap_places_in_one_transaction_that_defers_the_check() -> None:
    morning = AppointmentFactory(starts_at=_TEN)
    noon = AppointmentFactory(starts_at=_TEN + 2 * _HOUR, practitioner=morning.practitioner)
    with transaction.atomic():
        transaction.get_connection().cursor().execute(
            "SET CONSTRAINTS appointment_practitioner_free DEFERRED"
        )
        _move_to(morning, _TEN + 2 * _HOUR)
        _move_to(noon, _TEN)
        transaction.get_connection().cursor().execute(
            "SET CONSTRAINTS appointment_practitioner_free IMMEDIATE"
        )
    assert [visit.starts_at for visit in (noon, morning)] == [_TEN, _TEN + 2 * _HOUR]


def _move_to(visit: Appointment, start: datetime) -> None:
    by = start - visit.starts_at
    for name in (
        "starts_at",
        "ends_at",
        "practitioner_from",
        "practitioner_until",
        "room_from",
        "room_until",
    ):
        setattr(visit, name, getattr(visit, name) + by)
    visit.save()


# An appointment's own sense ---------------------------------------------------------------------------------------


@cases.refused_by("appointment_status_known", aside=["appointment_transition"])
def _an_unknown_status() -> None:
    AppointmentFactory(status="lost")


@cases.refused_by("appointment_order")
def _an_empty_visit_of_the_practitioner() -> None:
    AppointmentFactory(starts_at=_TEN, practitioner_from=_TEN, practitioner_until=_TEN)


@cases.refused_by("appointment_nested")
def _a_practitioner_who_stays_longer_than_the_patient() -> None:
    AppointmentFactory(starts_at=_TEN, practitioner_until=_TEN + 31 * _MINUTE, room_until=_TEN + _HOUR)


@cases.refused_by("appointment_nested")
def _a_practitioner_without_a_room() -> None:
    AppointmentFactory(starts_at=_TEN, room_from=_TEN + _MINUTE)


@cases.refused_by("appointment_within_a_day")
def _a_visit_of_more_than_a_day() -> None:
    AppointmentFactory(starts_at=_TEN, ends_at=_TEN + timedelta(hours=24, minutes=1))


@cases.refused_by("appointment_within_a_day")
def _a_room_held_for_two_days() -> None:
    AppointmentFactory(starts_at=_TEN, room_until=_TEN + timedelta(days=2))


@cases.refused_by("appointment_real_dates")
def _a_visit_in_the_last_century() -> None:
    AppointmentFactory(starts_at=datetime(1999, 12, 31, 10, tzinfo=PARIS))


@cases.refused_by("appointment_real_dates")
def _a_visit_in_the_next_century() -> None:
    AppointmentFactory(starts_at=datetime(2101, 1, 1, 10, tzinfo=PARIS))


@cases.refused_by("appointment_cancelled_together")
def _a_cancellation_that_names_nobody() -> None:
    AppointmentFactory(status=AppointmentStatus.CANCELLED, cancelled_by="")


@cases.refused_by("appointment_cancelled_together")
def _a_cancellation_without_a_time() -> None:
    AppointmentFactory(status=AppointmentStatus.CANCELLED, cancelled_at=None)


@cases.refused_by("appointment_cancelled_together")
def _a_booked_visit_that_is_called_late_cancelled() -> None:
    AppointmentFactory(cancelled_late=True)


@cases.refused_by("appointment_actual_times")
def _an_arrival_without_a_time() -> None:
    visit = AppointmentFactory()
    visit.status = AppointmentStatus.ARRIVED
    visit.save()


@cases.refused_by("appointment_actual_times")
def _a_start_without_a_time() -> None:
    visit = AppointmentFactory(status=AppointmentStatus.ARRIVED)
    visit.status = AppointmentStatus.IN_PROGRESS
    visit.save()


@cases.refused_by("appointment_actual_times")
def _an_end_without_a_time() -> None:
    visit = AppointmentFactory(status=AppointmentStatus.IN_PROGRESS)
    visit.status = AppointmentStatus.COMPLETED
    visit.save()


@cases.refused_by("appointment_request_once")
def _a_request_sent_twice() -> None:
    first = AppointmentFactory(request_id=uuid.uuid4())
    AppointmentFactory(request_id=first.request_id, created_by=first.created_by)


# Types, people, opening time, settings ----------------------------------------------------------------------------


@cases.refused_by("appointment_type_nested")
def _a_type_whose_practitioner_stays_longer_than_the_room() -> None:
    AppointmentTypeFactory(room_until=29)


@cases.refused_by("appointment_type_length")
def _a_type_of_more_than_twelve_hours() -> None:
    AppointmentTypeFactory(patient_minutes=721)


@cases.refused_by("appointment_type_grid")
def _a_type_that_starts_every_zero_minutes() -> None:
    AppointmentTypeFactory(grid_minutes=0)


@cases.refused_by("appointment_type_colour")
def _a_ninth_colour() -> None:
    AppointmentTypeFactory(colour=9)


@cases.refused_by("user_roles_known")
def _a_role_nobody_knows() -> None:
    UserFactory(roles=["surgeon"])


@cases.refused_by("patient_named")
def _a_patient_without_a_name() -> None:
    PatientFactory(family_name="")


@cases.refused_by("patient_birth_date_sane")
def _a_patient_born_in_1899() -> None:
    PatientFactory(birth_date=date(1899, 12, 31))


@cases.refused_by("patient_not_merged_into_itself")
def _a_patient_merged_into_itself() -> None:
    patient = PatientFactory()
    Patient.objects.filter(pk=patient.pk).update(merged_into=patient.pk)


def _pair() -> list[Patient]:
    return sorted([PatientFactory(), PatientFactory()], key=lambda patient: patient.pk)


def _decide(first: Patient, second: Patient) -> None:
    NotADuplicate.objects.create(
        first=first, second=second, decided_at=CLINIC_NOW, decided_by=first.created_by
    )


@cases.refused_by("not_a_duplicate_ordered")
def _a_pair_the_wrong_way_round() -> None:
    first, second = _pair()
    _decide(second, first)


@cases.refused_by("not_a_duplicate_once")
def _a_pair_decided_twice() -> None:
    first, second = _pair()
    _decide(first, second)
    _decide(first, second)


@cases.refused_by("not_a_duplicate_withdrawn_together")
def _a_decision_taken_back_by_nobody() -> None:
    first, second = _pair()
    _decide(first, second)
    NotADuplicate.objects.update(withdrawn_at=CLINIC_NOW)


@cases.refused_by("patient_merge_because")
def _a_merge_without_a_reason() -> None:
    PatientMergeFactory(reason="")


@cases.refused_by("patient_merge_of_two")
def _a_merge_of_a_record_with_itself() -> None:
    patient = PatientFactory()
    PatientMergeFactory(patient=patient, survivor=patient)


@cases.refused_by("patient_merge_undone_together")
def _a_merge_taken_apart_by_nobody() -> None:
    PatientMergeFactory(undone_at=CLINIC_NOW)


@cases.refused_by("patient_merge_once")
def _a_record_merged_twice() -> None:
    PatientMergeFactory(patient=PatientMergeFactory().patient)


@cases.refused_by("working_hours_order")
def _hours_that_end_before_they_start() -> None:
    WorkingHoursFactory(starts=time(17), ends=time(9))


@cases.refused_by("working_hours_valid_order")
def _hours_whose_last_day_precedes_the_first() -> None:
    WorkingHoursFactory(valid_from=date(2026, 3, 2), valid_until=date(2026, 3, 1))


@cases.refused_by("working_hours_weekday")
def _an_eighth_weekday() -> None:
    WorkingHoursFactory(weekday=8)


@cases.refused_by("absence_order")
def _an_absence_of_no_length() -> None:
    AbsenceFactory(ends_at=ahead(days=1))


@cases.refused_by("outofservice_order")
def _a_repair_of_no_length() -> None:
    OutOfServiceFactory(ends_at=ahead(days=1))


@cases.refused_by("extraopening_order")
def _an_opening_that_ends_before_it_starts() -> None:
    ExtraOpeningFactory(ends_at=ahead(hours=1))


@cases.refused_by("out_of_service_one_thing")
def _a_repair_of_nothing() -> None:
    OutOfServiceFactory(room=None)


@cases.refused_by("out_of_service_one_thing")
def _a_repair_of_a_room_and_a_device() -> None:
    OutOfServiceFactory(room=RoomFactory(), device=DeviceFactory())


@cases.refused_by("clinic_settings_one_row")
def _a_second_set_of_settings() -> None:
    ClinicSettings.objects.create(pk=2, time_zone="Europe/Paris")


@cases.refused_by("clinic_settings_grid")
def _a_grid_of_zero_minutes() -> None:
    ClinicSettings.objects.update(grid_minutes=0)


@cases.refused_by("clinic_settings_emergency")
def _a_summary_that_stays_open() -> None:
    ClinicSettings.objects.update(emergency_minutes=241)


@cases.refused_by("clinic_settings_case_file")
def _a_case_file_without_an_end() -> None:
    ClinicSettings.objects.update(case_file_days=91)


@cases.refused_by("clinic_settings_retention")
def _records_that_are_kept_for_no_time() -> None:
    ClinicSettings.objects.update(retention_years=0)


@cases.refused_by("clinic_settings_retention_source")
def _a_time_of_keeping_that_nobody_wrote() -> None:
    ClinicSettings.objects.update(retention_source=" ")


@cases.refused_by("clinic_settings_erasure")
def _an_erasure_that_cannot_be_withdrawn() -> None:
    ClinicSettings.objects.update(erasure_days=0)


@cases.refused_by("walk_in_left_together")
def _somebody_who_left_without_a_witness() -> None:
    WalkInFactory(left_at=ago(minutes=1))


@cases.refused_by("walk_in_one_end")
def _somebody_who_was_placed_and_left() -> None:
    WalkInFactory(appointment=AppointmentFactory(), left_at=timezone.now(), left_noted_by=UserFactory())


@cases.refused_by("walk_in_waits_once")
def _somebody_who_waits_twice() -> None:
    WalkInFactory(patient=WalkInFactory().patient)


# Who has been told, and who waits for a time ----------------------------------------------------------------------


@cases.refused_by("contact_closed_together")
def _a_call_closed_by_nobody() -> None:
    ContactEntryFactory(closed_at=ago(minutes=1), told=True)


@cases.refused_by("contact_closed_together")
def _a_closed_call_that_does_not_say_whether_the_patient_knows() -> None:
    ContactEntryFactory(closed=True, told=None)


@cases.refused_by("contact_reason_known")
def _a_call_for_an_unknown_reason() -> None:
    ContactEntryFactory(reason="gossip")


@cases.refused_by("contact_says_something")
def _a_call_with_nothing_to_say() -> None:
    ContactEntryFactory(text="")


@cases.refused_by("contact_open_once")
def _two_calls_about_one_reading() -> None:
    ContactEntryFactory(patient=ContactEntryFactory().patient)


@cases.refused_by("contact_open_once")
def _two_calls_about_one_moved_visit() -> None:
    visit = AppointmentFactory()
    for _ in range(2):
        ContactEntryFactory(patient=visit.patient, about=visit, reason=ContactReason.MOVED)


def test_a_patient_may_be_called_again_once_told_and_about_another_visit_or_offer() -> None:
    patient = ContactEntryFactory(closed=True).patient
    ContactEntryFactory(patient=patient)
    ContactEntryFactory(patient=patient, about=AppointmentFactory(patient=patient))
    for _ in range(2):
        ContactEntryFactory(patient=patient, reason=ContactReason.WAITLIST_OFFER)
    assert patient.contact_entries.open().count() == 4


@cases.refused_by("contact_try_channel_known")
def _a_try_by_pigeon() -> None:
    ContactTryFactory(channel="pigeon")


@cases.refused_by("contact_try_outcome_known")
def _a_try_with_an_unknown_outcome() -> None:
    ContactTryFactory(outcome="perhaps")


@cases.refused_by("waitlist_closed_together")
def _a_wait_that_nobody_ended() -> None:
    WaitlistEntryFactory(closed_at=ago(minutes=1), outcome="withdrawn")


@cases.refused_by("waitlist_outcome_known")
def _a_wait_that_ended_somehow() -> None:
    WaitlistEntryFactory(closed_at=ago(minutes=1), closed_by=UserFactory())


@cases.refused_by("waitlist_outcome_known")
def _a_wait_that_ended_as_booked_without_a_visit() -> None:
    WaitlistEntryFactory(closed_at=ago(minutes=1), closed_by=UserFactory(), outcome="booked")


@cases.refused_by("waitlist_days_in_order")
def _a_wait_that_ends_before_it_begins() -> None:
    WaitlistEntryFactory(earliest_on=date(2026, 3, 3), latest_on=date(2026, 3, 2))


@cases.refused_by("waitlist_times_in_order")
def _a_wait_for_no_time_of_the_day() -> None:
    WaitlistEntryFactory(since=time(12), until=time(12))


@cases.refused_by("waitlist_weekdays_known")
def _a_wait_for_an_eighth_day() -> None:
    WaitlistEntryFactory(weekdays=[1, 8])


@cases.refused_by("waitlist_weekdays_known")
def _a_wait_for_no_day() -> None:
    WaitlistEntryFactory(weekdays=[])


@cases.refused_by("waitlist_waits_once")
def _a_patient_who_waits_twice_for_one_visit() -> None:
    first = WaitlistEntryFactory()
    WaitlistEntryFactory(patient=first.patient, type=first.type)


@cases.refused_by("waitlist_earlier_once")
def _a_visit_that_is_wanted_earlier_twice() -> None:
    visit = AppointmentFactory()
    for _each in range(2):
        WaitlistEntryFactory(patient=visit.patient, type=visit.type, purpose=visit.purpose, visit=visit)


@cases.refused_by("waitlist_offer_answered_together")
def _an_answer_nobody_noted() -> None:
    WaitlistOfferFactory(answer="declined", answered_at=ago(minutes=1))


@cases.refused_by("waitlist_offer_answer_known")
def _an_unknown_answer() -> None:
    WaitlistOfferFactory(answer="maybe", answered_at=ago(minutes=1), answered_by=UserFactory())


@cases.refused_by("waitlist_offer_answer_known")
def _an_answer_without_its_time() -> None:
    WaitlistOfferFactory(answer="declined")


@cases.refused_by("waitlist_offer_once")
def _one_time_offered_twice_to_one_patient() -> None:
    first = WaitlistOfferFactory()
    WaitlistOfferFactory(entry=first.entry, practitioner=first.practitioner)


@cases.refused_by("waitlist_offer_accepted_once")
def _two_times_accepted_for_one_wait() -> None:
    accepted = {"answer": "accepted", "answered_at": ago(minutes=1), "answered_by": UserFactory()}
    first = WaitlistOfferFactory(**accepted)
    WaitlistOfferFactory(entry=first.entry, starts_at=ahead(days=2), **accepted)


# What is no constraint of ours but must hold ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["patient", "practitioner", "room", "type", "starts_at", "room_until", "status"]
)
def test_an_appointment_without_its_essentials_is_refused(name: str) -> None:
    visit = AppointmentFactory()

    def forget() -> None:
        Appointment.objects.filter(pk=visit.pk).update(**{name: None})

    assert "violates not-null constraint" in refusal_of(forget)


@pytest.mark.parametrize("endless", ["infinity", "-infinity"])
@pytest.mark.parametrize(
    "column", ["starts_at", "ends_at", "practitioner_from", "practitioner_until", "room_from", "room_until"]
)
def test_an_endless_appointment_is_refused(column: str, endless: str) -> None:
    visit = AppointmentFactory()

    def stretch() -> None:
        with transaction.get_connection().cursor() as cursor:
            cursor.execute(f"UPDATE clinic_appointment SET {column} = %s WHERE id = %s", [endless, visit.pk])

    assert refusal_of(stretch).startswith("appointment_")


@pytest.mark.parametrize("person", [PatientFactory, PractitionerFactory, RoomFactory])
def test_who_or_what_has_appointments_cannot_be_deleted(person: type) -> None:
    visit = AppointmentFactory()
    model = person._meta.model
    row = getattr(visit, model._meta.model_name)

    def forget() -> None:
        with transaction.get_connection().cursor() as cursor:
            cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = %s", [row.pk])

    with without("patient_no_delete"):
        assert refusal_of(forget).startswith("clinic_appointment_")


def test_a_user_who_acted_cannot_be_deleted() -> None:
    user = AppointmentFactory().created_by

    def forget() -> None:
        User.objects.filter(pk=user.pk)._raw_delete("default")

    assert "_created_by_id_" in refusal_of(forget)


# Calendar feeds -----------------------------------------------------------------------------------------------------


@cases.refused_by("calendar_feed_of_one")
def _a_feed_of_nobody() -> None:
    CalendarFeedFactory(practitioner=None)


@cases.refused_by("calendar_feed_of_one")
def _a_feed_of_a_person_and_a_room() -> None:
    CalendarFeedFactory(room=RoomFactory())


@cases.refused_by("calendar_feed_revoked_together")
def _revoked_by_nobody() -> None:
    CalendarFeedFactory(revoked_at=CLINIC_NOW)


@cases.refused_by("calendar_feed_keeps_no_secret")
def _a_secret_kept_in_clear() -> None:
    CalendarFeedFactory(digest="kZ3vJx-the-address-itself")


@cases.refused_by("history_seal_reason_and_person")
def _sealed_anew_for_no_reason() -> None:
    HistorySealFactory(sealed_by=UserFactory())


@cases.refused_by("history_seal_reason_and_person")
def _sealed_anew_by_nobody() -> None:
    HistorySealFactory(reason="asked to be forgotten")


@cases.refused_by("record_opened_kind_known")
def _a_record_that_was_eaten() -> None:
    RecordOpened.objects.create(
        at=CLINIC_NOW, user=UserFactory(), patient=PatientFactory(), page="timeline", kind="eaten"
    )


@cases.refused_by("sign_in_event_kind_known")
def _somebody_came_in_by_the_window() -> None:
    SignInEvent.objects.create(at=CLINIC_NOW, kind="by_the_window")


@cases.refused_by("sign_in_event_means_known")
def _somebody_showed_a_smile() -> None:
    SignInEvent.objects.create(at=CLINIC_NOW, kind=SignInEventKind.SIGNED_IN, means="smile")


def asked(**changes: object) -> None:
    said = {"user": UserFactory(), "kind": Pace.PAGES, "slot": 0, "at": CLINIC_NOW, "number": 1}
    Asked.objects.create(**said | changes)


@cases.refused_by("asked_once_each")
def _two_numbers_for_the_same_minutes() -> None:
    somebody = UserFactory()
    asked(user=somebody)
    asked(user=somebody)


@cases.refused_by("asked_kind_known")
def _somebody_asked_for_trouble() -> None:
    asked(kind="trouble")


@cases.refused_by("asked_slot_of_a_day")
def _a_time_after_midnight_of_the_same_day() -> None:
    asked(slot=288)


@cases.refused_by("asked_something")
def _nothing_counted() -> None:
    asked(number=0)


@cases.refused_by("history_seal_is_a_digest")
def _a_link_that_is_none() -> None:
    HistorySealFactory(link="linked")


# The care of devices ------------------------------------------------------------------------------------------------


@cases.refused_by("device_care_kind_known")
def _care_of_an_unknown_kind() -> None:
    DeviceCareFactory(kind="polishing")


@cases.refused_by("device_care_past")
def _cleaned_tomorrow() -> None:
    DeviceCareFactory(happened_at=ahead(days=1), recorded_at=CLINIC_NOW)


@cases.refused_by("device_care_by_somebody")
def _cleaned_by_nobody() -> None:
    DeviceCareFactory(carried_out_by="")


@cases.refused_by("device_care_out_of_use_because")
def _out_of_use_without_a_reason() -> None:
    DeviceCareFactory(out=True, note="")


@cases.refused_by("device_care_due_after_service")
def _a_cleaning_that_sets_the_next_service() -> None:
    DeviceCareFactory(next_due_on=date(2027, 3, 1))


@cases.refused_by("device_care_error_worded")
def _taken_back_without_a_word() -> None:
    DeviceCareErrorFactory(reason="")


# Who is let in ------------------------------------------------------------------------------------------------------


@cases.refused_by("invitation_withdrawn_together")
def _an_invitation_withdrawn_by_nobody() -> None:
    InvitationFactory(withdrawn_at=CLINIC_NOW)


@cases.refused_by("invitation_used_or_withdrawn")
def _an_invitation_used_and_withdrawn() -> None:
    InvitationFactory(accepted_at=CLINIC_NOW, withdrawn_at=CLINIC_NOW, withdrawn_by=UserFactory())


@cases.refused_by("invitation_accepted_in_time")
def _an_invitation_used_when_it_had_run_out() -> None:
    InvitationFactory(accepted_at=CLINIC_NOW, expires_at=CLINIC_NOW)


@cases.refused_by("invitation_keeps_no_secret")
def _an_invitation_that_keeps_its_link() -> None:
    InvitationFactory(digest="kZ3vJx-the-link-itself")


@cases.refused_by("invitation_one_open")
def _two_open_links_for_one_person() -> None:
    InvitationFactory(user=InvitationFactory().user)


@cases.refused_by("screen_pin_keeps_no_pin")
def _a_pin_as_it_was_typed() -> None:
    ScreenPinFactory(hashed="739164")


@cases.refused_by("second_factor_reset_because")
def _a_reset_without_a_reason() -> None:
    SecondFactorResetFactory(reason="")


@cases.refused_by("second_factor_reset_by_another")
def _a_reset_of_oneself() -> None:
    admin = UserFactory(admin=True)
    SecondFactorResetFactory(user=admin, recorded_by=admin)


@cases.refused_by("account_change_because")
def _switched_off_without_a_reason() -> None:
    AccountChangeFactory(reason="")


@cases.refused_by("account_change_known")
def _something_else_done_with_an_account() -> None:
    AccountChangeFactory(kind="lent")


@cases.refused_by("account_change_by_another")
def _switched_off_by_oneself() -> None:
    admin = UserFactory(admin=True)
    AccountChangeFactory(user=admin, recorded_by=admin)


# Whose record is opened for a case --------------------------------------------------------------------------------


@cases.refused_by("case_file_kind_known")
def _a_case_for_no_known_purpose() -> None:
    CaseFileFactory(kind="interest")


@cases.refused_by("case_file_titled")
def _a_case_about_nothing() -> None:
    CaseFileFactory(title=" \t")


@cases.refused_by("case_file_as_it_stood")
def _a_record_as_it_will_stand() -> None:
    CaseFileFactory(as_of=ahead(days=1))


@cases.refused_by("case_file_closed_together")
def _a_case_closed_by_nobody() -> None:
    CaseFileFactory(closed_at=CLINIC_NOW, outcome="Answered", period=None)


@cases.refused_by("case_file_closed_with_outcome")
def _a_case_that_ended_somehow() -> None:
    CaseFileFactory(closed_at=CLINIC_NOW, closed_by=UserFactory(), outcome=" ", period=None)


@cases.refused_by("case_file_closed_with_outcome")
def _a_case_closed_before_it_was_opened() -> None:
    CaseFileFactory(closed_at=ago(days=2), closed_by=UserFactory(), outcome="Answered", period=None)


@cases.refused_by("case_file_period_because")
def _more_time_for_no_reason() -> None:
    CaseFilePeriodFactory(reason=" ")


@cases.refused_by("case_file_period_ends")
def _a_record_open_for_good() -> None:
    CaseFilePeriodFactory(ends_at=ahead(days=91))


@cases.refused_by("case_file_period_ends")
def _a_period_that_ends_before_it_begins() -> None:
    CaseFilePeriodFactory(ends_at=ago(days=1))


# Whose summary is opened in an emergency --------------------------------------------------------------------------


@cases.refused_by("erasure_kind_known")
def _an_erasure_of_no_known_kind() -> None:
    ErasureFactory(kind="spite")


@cases.refused_by("erasure_because")
def _an_erasure_without_a_word() -> None:
    ErasureFactory(reason=" ")


@cases.refused_by("erasure_not_at_once")
def _an_erasure_at_once() -> None:
    ErasureFactory(not_before=ago(days=1))


@cases.refused_by("erasure_withdrawn_together")
def _an_erasure_withdrawn_by_nobody() -> None:
    ErasureFactory(withdrawn_at=CLINIC_NOW)


@cases.refused_by("erasure_once")
def _two_erasures_of_one_record() -> None:
    ErasureFactory(patient=ErasureFactory().patient)


@cases.refused_by("erasure_done_stage_known")
def _a_third_stage() -> None:
    ErasureDoneFactory(stage=3)


@cases.refused_by("erasure_done_once")
def _a_stage_carried_out_twice() -> None:
    ErasureDoneFactory(erasure=ErasureDoneFactory().erasure)


@cases.refused_by("patient_erased_without_identity", aside=["patient_erased_for_good"])
def _an_erased_record_with_a_name() -> None:
    PatientFactory(erased_at=CLINIC_NOW)


@cases.refused_by("emergency_opening_because")
def _an_emergency_of_blanks() -> None:
    EmergencyOpeningFactory(reason="          \t\n  x  ")


@cases.refused_by("emergency_opening_ends")
def _a_summary_open_for_a_day() -> None:
    EmergencyOpeningFactory(ends_at=ahead(days=1))


@cases.refused_by("emergency_opening_ends")
def _a_summary_that_ends_before_it_opens() -> None:
    EmergencyOpeningFactory(ends_at=ago(minutes=11))


@cases.refused_by("emergency_opening_reviewed_together")
def _a_review_by_nobody() -> None:
    EmergencyOpeningFactory(reviewed_at=CLINIC_NOW, review_note="Seen")


@cases.refused_by("emergency_opening_reviewed_with_note")
def _a_review_that_says_nothing() -> None:
    EmergencyOpeningFactory(reviewed_at=CLINIC_NOW, reviewed_by=UserFactory(admin=True), review_note=" ")


@cases.refused_by("emergency_opening_reviewed_by_another")
def _a_review_of_oneself() -> None:
    admin = UserFactory(admin=True)
    EmergencyOpeningFactory(
        opened_by=admin, reviewed_at=CLINIC_NOW, reviewed_by=admin, review_note="As it should be"
    )


@cases.refused_by("record_opened_one_reason")
def _a_record_opened_for_a_case_and_in_an_emergency() -> None:
    RecordOpened.objects.create(
        user=UserFactory(),
        patient=PatientFactory(),
        page="x",
        at=CLINIC_NOW,
        case_file=CaseFileFactory(),
        emergency=EmergencyOpeningFactory(),
    )
