"""Deciding that a record is erased: who, when, what has to be settled before, and until when the law has it kept."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client

from clinic.enums import AppointmentStatus, ErasureKind, ErasureStage
from clinic.errors import DomainError, NotAllowed
from clinic.models import (
    Appointment,
    ClinicSettings,
    ContactEntry,
    Erasure,
    ErasureDone,
    Patient,
    User,
    WaitlistEntry,
    WalkIn,
)
from consultations.actions import erasing, erasures
from consultations.erasure import ledger, summary
from consultations.erasure.keeping import kept_until
from consultations.erasure.obstacles import obstacles
from consultations.models import Consultation, Photo
from consultations.rules import erasures as rules
from tests.factories import (
    AdverseEventFactory,
    AppointmentFactory,
    CaseFileFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ConsultationFactory,
    ContactEntryFactory,
    EmergencyOpeningFactory,
    EnteredInErrorFactory,
    ErasureDoneFactory,
    ErasureFactory,
    PatchTestFactory,
    PatientFactory,
    PhotoFactory,
    PhotoRemovalFactory,
    PlanFactory,
    WaitlistEntryFactory,
    WalkInFactory,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, PARIS, ago, ahead
from tests.guards import refusal_of, without
from tests.web_role import acting_as, made_by_the_shipped_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

SIGNED = datetime(2026, 2, 1, 10, 0, tzinfo=PARIS)


def seen(**details: Any) -> Patient:
    """Somebody who was seen once, and whom nothing keeps any more."""
    patient = PatientFactory(family_name="Belleville", birth_date=date(1980, 1, 1), **details)
    ConsultationFactory(patient=patient, signed=True, created_at=SIGNED, signed_at=SIGNED, history="a scar")
    AppointmentFactory(
        patient=patient, starts_at=ago(days=29), status=AppointmentStatus.COMPLETED, note="rings twice"
    )
    return patient


def decided(patient: Patient, by: User, **changes: Any) -> Erasure:
    said = {
        "kind": ErasureKind.ASKED,
        "reason": "asked in writing",
        "number": patient.number,
        "at": CLINIC_NOW,
    }
    return erasures.decide(patient=patient, by=by, **said | changes)


def run(folder: Path, at: datetime = CLINIC_NOW, **options: Any) -> str:
    out = StringIO()
    with time_machine.travel(at, tick=False):
        call_command(
            "erase_patients", ledger=folder / "ledger", heads=folder / "heads", stdout=out, **options
        )
    return out.getvalue()


BLOCKERS: dict[str, Callable[[Patient], object]] = {
    "case file is open": lambda patient: CaseFileFactory(patient=patient),
    "emergency opening": lambda patient: EmergencyOpeningFactory(patient=patient),
    "visit is to come": lambda patient: AppointmentFactory(patient=patient, starts_at=ahead(days=10)),
    "waits at the counter": lambda patient: WalkInFactory(patient=patient),
    "on the waitlist": lambda patient: WaitlistEntryFactory(patient=patient),
    "still to be called": lambda patient: ContactEntryFactory(patient=patient),
    "plan is proposed": lambda patient: PlanFactory(patient=patient),
    "unsigned draft: consultation": lambda patient: ConsultationFactory(patient=patient),
    "test injection was not read": lambda patient: PatchTestFactory(plan=consented_plan(patient=patient)),
    "adverse event is not over": lambda patient: AdverseEventFactory(patient=patient),
    "report waits": lambda patient: ClinicalReportFactory(patient=patient),
    "check-in wait": lambda patient: CheckInFactory(
        appointment=Appointment.objects.get(patient=patient), patient=patient
    ),
    "second person confirms": lambda patient: EnteredInErrorFactory(
        consultation=Consultation.objects.get(patient=patient)
    ),
    "photograph is called": lambda patient: PhotoRemovalFactory(
        photo=PhotoFactory(patient=patient, consent__patient=patient)
    ),
    "merged into another": lambda patient: Patient.objects.filter(pk=patient.pk).update(
        merged_into=PatientFactory()
    ),
}


class TestWhatHasToBeSettledBefore:
    def test_everything_that_somebody_still_has_to_see_to_blocks_and_says_who_does_what(
        self, admin: User, tmp_path: Path
    ) -> None:
        patient = seen()
        assert obstacles(patient, at=CLINIC_NOW) == []  # the control
        said = {}
        for words, block in BLOCKERS.items():
            with transaction.atomic():
                block(patient)
                found = obstacles(Patient.objects.get(pk=patient.pk), at=CLINIC_NOW)
                said[words] = any(words in each for each in found)
                with pytest.raises(DomainError, match=r".") as decision:
                    decided(patient, admin)
                erasure = ErasureFactory(patient=patient, decided_at=CLINIC_NOW)
                with pytest.raises(DomainError) as execution:
                    erasing.carry_out(erasure=erasure, stage=ErasureStage.DESK, by=None, at=ahead(days=8))
                assert decision.value.code == execution.value.code == "erasure_blocked", words
                transaction.set_rollback(True)
        assert said == dict.fromkeys(BLOCKERS, True)
        decided(patient, admin)
        assert "not erased" not in run(tmp_path, ahead(days=8))

    def test_a_record_that_was_merged_into_it_blocks_as_well(self, admin: User) -> None:
        patient, gone = seen(), PatientFactory()
        AppointmentFactory(patient=gone, starts_at=ahead(days=3))
        Patient.objects.filter(pk=gone.pk).update(merged_into=patient)
        assert len(obstacles(patient, at=CLINIC_NOW)) == 1

    def test_merging_waits_until_it_is_withdrawn(self, admin: User) -> None:
        from clinic import merging

        patient, other = seen(), PatientFactory(birth_date=date(1980, 1, 1))
        assert merging.preview(patient, other, at=CLINIC_NOW).obstacles == ()
        decided(patient, admin)
        assert "withdraw" in merging.preview(patient, other, at=CLINIC_NOW).obstacles[0]


class TestTheTimeOfKeeping:
    def test_runs_from_the_last_clinical_act_for_the_clinics_years(self) -> None:
        patient = seen()
        assert kept_until(patient) == datetime(2046, 2, 2, tzinfo=PARIS)
        ClinicSettings.objects.update_or_create(pk=1, defaults={"retention_years": 10})
        assert kept_until(patient) == datetime(2036, 2, 2, tzinfo=PARIS)
        ConsultationFactory(patient=patient, signed=True, created_at=SIGNED, signed_at=ago(days=1))
        assert kept_until(patient) == datetime(2036, 3, 2, tzinfo=PARIS)

    def test_lasts_until_the_age_of_28_where_that_is_later(self) -> None:
        patient = seen()
        Patient.objects.filter(pk=patient.pk).update(birth_date=date(2020, 2, 29))
        patient.refresh_from_db()
        assert kept_until(patient) == datetime(
            2048, 3, 1, tzinfo=PARIS
        )  # 28 on 29 February, and the day is over
        ClinicSettings.objects.update_or_create(pk=1, defaults={"retention_until_age": 29})
        # 29 on the first of March of a year that has no 29 February
        assert kept_until(patient) == datetime(2049, 3, 2, tzinfo=PARIS)
        ClinicSettings.objects.update_or_create(pk=1, defaults={"retention_until_age": 0})
        assert kept_until(patient) == datetime(2046, 2, 2, tzinfo=PARIS)

    def test_is_nothing_where_nothing_clinical_was_ever_done(self) -> None:
        assert kept_until(AppointmentFactory(starts_at=ago(days=9)).patient) is None

    def test_nobody_says_that_it_is_over_while_it_is_not(self, admin: User) -> None:
        patient = seen()
        with pytest.raises(DomainError) as refusal:
            decided(patient, admin, kind=ErasureKind.OVER)
        assert (refusal.value.code, refusal.value.field) == ("still_kept", "kind")
        assert "until Fri 2 Feb 2046" in str(refusal.value)
        assert decided(patient, admin, kind=ErasureKind.OVER, at=datetime(2046, 2, 2, tzinfo=PARIS)).pk


class TestTheDecision:
    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"number": 4}, "wrong_number", "number"),
            ({"reason": "  "}, "not_said", "reason"),
            ({"reason": "BELLEVILLE wrote to us"}, "names_the_patient", "reason"),
            ({"reason": "zoé wrote to us"}, "names_the_patient", "reason"),
            ({"reason": "number 987654 wrote to us"}, "names_the_patient", "reason"),
        ],
    )
    def test_is_of_the_right_record_with_a_reason_that_names_nobody(
        self, changes: dict[str, Any], code: str, field: str, admin: User
    ) -> None:
        with pytest.raises(DomainError) as refusal:
            decided(seen(given_names="Zoé", number=987654), admin, **changes)
        assert (refusal.value.code, refusal.value.field) == (code, field)

    def test_is_an_admins(self, reception: User, practitioner_user: User) -> None:
        patient = seen()
        for by in (reception, practitioner_user):
            with pytest.raises(NotAllowed) as refusal:
                decided(patient, by)
            assert refusal.value.code == "erasures_by_admins"

    def test_is_made_once_and_can_be_withdrawn_until_something_was_done(
        self, admin: User, tmp_path: Path
    ) -> None:
        patient = seen()
        first = decided(patient, admin)
        with pytest.raises(DomainError) as refusal:
            decided(patient, admin)
        assert refusal.value.code == "erasure_once"
        erasures.withdraw(erasure=first, because="another person was meant", by=admin, at=CLINIC_NOW)
        assert "rows" not in run(tmp_path, ahead(days=30))

        second = decided(patient, admin)
        assert rules.may_withdraw(Erasure.objects.get(pk=second.pk))
        run(tmp_path, ahead(days=8))
        for late, code in ((first, "erasure_withdrawn"), (second, "erasure_begun")):
            assert not rules.may_withdraw(Erasure.objects.get(pk=late.pk))
            with pytest.raises(DomainError, match="already") as refusal:
                erasures.withdraw(erasure=late, because="too late", by=admin, at=ahead(days=9))
            assert refusal.value.code == code


class TestWhatIsDone:
    def test_the_desks_words_go_first_and_the_record_when_its_time_is_over(
        self, admin: User, tmp_path: Path
    ) -> None:
        patient = seen(desk_note="rings twice", phone="0612345678")
        own = WaitlistEntryFactory(patient=patient)
        WaitlistEntry.objects.filter(pk=own.pk).update(
            closed_at=ago(days=2), closed_by=admin, outcome="withdrawn"
        )
        call = ContactEntryFactory(patient=patient)
        ContactEntry.objects.filter(pk=call.pk).update(closed_at=ago(days=2), closed_by=admin, told=True)
        decided(patient, admin)
        assert "rows" not in run(tmp_path, ahead(days=6))

        assert "what the desk noted" in run(tmp_path, ahead(days=8))
        patient.refresh_from_db()
        assert (patient.desk_note, patient.phone, patient.erased_at) == ("", "0612345678", None)
        assert not WaitlistEntry.objects.exists()
        assert Appointment.objects.get(patient=patient).note == "erased"
        assert Consultation.objects.get(patient=patient).history == "a scar"
        assert "rows" not in run(tmp_path, datetime(2046, 2, 1, tzinfo=PARIS))
        # The patient came back meanwhile; what was noted then goes at last as well.
        Patient.objects.filter(pk=patient.pk).update(desk_note="rings thrice")
        WalkInFactory(patient=patient, wants="a plaster", left_at=CLINIC_NOW, left_noted_by=admin)

        over, number = datetime(2046, 2, 2, 3, tzinfo=PARIS), patient.number
        assert "identity, free texts and photographs" in run(tmp_path, over)
        patient.refresh_from_db()
        assert (patient.name, patient.phone, patient.erased_at) == ("Erased record", "", over)
        assert (patient.number != number, patient.desk_note, WalkIn.objects.count()) == (True, "", 0)
        assert Consultation.objects.get(patient=patient).history == "erased"
        assert "rows" not in run(tmp_path, over + timedelta(days=1))
        assert len((tmp_path / "ledger").read_text().splitlines()) == ErasureDone.objects.count() == 2

        # Nothing is found, booked or written any more.
        assert not Patient.objects.current().filter(pk=patient.pk).exists()
        assert refusal_of(lambda: AppointmentFactory(patient=patient)) == "appointment_on_a_kept_record"
        assert refusal_of(lambda: ConsultationFactory(patient=patient)) == "consultation_on_a_kept_record"
        with without("appointment_on_a_kept_record"):  # the control
            AppointmentFactory(patient=patient)
        later = {"family_name": "Belleville", "erased_at": None}
        assert (
            refusal_of(lambda: Patient.objects.filter(pk=patient.pk).update(**later))
            == "patient_erased_for_good"
        )

    def test_a_decision_of_somebody_who_has_no_account_any_more_needs_somebody_who_answers_for_it(
        self, admin: User, tmp_path: Path
    ) -> None:
        patient = seen()
        with transaction.atomic():
            done = erasing.carry_out(
                erasure=decided(patient, admin), stage=ErasureStage.DESK, anew=True, by=None, at=CLINIC_NOW
            )
            ledger.note(done, tmp_path / "ledger")
            transaction.set_rollback(True)
        noted = (tmp_path / "ledger").read_text()
        noted = f"\n{noted}\n \n"  # empty lines say nothing
        (tmp_path / "ledger").write_text(noted.replace(f'"{admin.username}"', '"who has left"'))
        with pytest.raises(CommandError, match="1 lines"):
            run(tmp_path, again=True)
        assert "what the desk noted" in run(tmp_path, again=True, by=admin.username)
        assert ErasureDone.objects.get().erasure.decided_by == admin
        (tmp_path / "ledger").write_text("no ledger")
        with pytest.raises(CommandError, match="is no ledger"):
            run(tmp_path, again=True)

    def test_a_record_that_grows_meanwhile_is_left_for_the_next_run(
        self, admin: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        patient, whole, gathered = seen(), erasing._whole, erasing._gathered
        erasure = decided(patient, admin)

        def outcome() -> str:
            try:
                with transaction.atomic():
                    erasing.carry_out(
                        erasure=erasure, stage=ErasureStage.DESK, anew=True, by=None, at=CLINIC_NOW
                    )
            except DomainError as refused:
                return refused.code
            return ""

        asked = iter([set(), {uuid4()}])
        monkeypatch.setattr(erasing, "_whole", lambda keys: whole(keys) | next(asked))
        assert outcome() == "erasure_busy"  # another record was merged into it
        monkeypatch.undo()

        first = iter([True, False])
        monkeypatch.setattr(
            erasing, "_gathered", lambda *args: erasing.Work(*args) if next(first) else gathered(*args)
        )
        assert outcome() == "erasure_busy"  # a row came into a table that had none of its own
        monkeypatch.undo()
        visit = Appointment.objects.get(patient=patient)
        assert (visit.note, ErasureDone.objects.count()) == ("rings twice", 0)

        assert outcome() == ""  # the control
        visit.refresh_from_db()
        assert (visit.note, ErasureDone.objects.count()) == ("erased", 1)

    def test_of_what_is_erased_nothing_is_written_again(self, admin: User) -> None:
        patient = seen()
        erasure = decided(patient, admin)
        last, first = (
            erasing.carry_out(erasure=erasure, stage=stage, anew=True, by=None, at=CLINIC_NOW)
            for stage in (ErasureStage.RECORD, ErasureStage.DESK)
        )
        assert [
            any({"overwritten", "history", "gone"} & set(each) for each in done.counts.values())
            for done in (last, first)
        ] == [True, False]
        patient.refresh_from_db()
        assert obstacles(patient, at=CLINIC_NOW) == ["This record was erased already."]

    @pytest.mark.parametrize(("writers", "is_done"), [(4, True), (5, False)])
    def test_while_somebody_writes_it_is_tried_a_few_times_and_then_left_for_the_next_run(
        self, admin: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writers: int, is_done: bool
    ) -> None:
        patient, carry_out = seen(), erasing.carry_out
        decided(patient, admin)
        left, waited = [OperationalError("canceling statement due to lock timeout")] * writers, []

        def held(**asked: Any) -> ErasureDone | None:
            if left and asked["stage"] == ErasureStage.DESK:
                raise left.pop()
            return carry_out(**asked)

        monkeypatch.setattr(erasing, "carry_out", held)
        monkeypatch.setattr("time.sleep", waited.append)
        said = run(tmp_path, ahead(days=8))
        assert (waited, "somebody was writing; the next run tries again" in said) == ([2.0] * 4, not is_done)
        assert Appointment.objects.get(patient=patient).note == ("erased" if is_done else "rings twice")
        assert ErasureDone.objects.exists() is (tmp_path / "ledger").exists() is is_done

    def test_where_the_first_stage_is_refused_the_second_is_not_tried(
        self, admin: User, tmp_path: Path
    ) -> None:
        patient = seen()
        decided(patient, admin)
        ContactEntryFactory(patient=patient)
        said = run(tmp_path, datetime(2046, 2, 2, 3, tzinfo=PARIS))
        assert said.count("not erased") == 1
        patient.refresh_from_db()
        assert (patient.family_name, patient.erased_at) == ("Belleville", None)

    def test_a_flood_of_decisions_is_carried_out_a_few_at_a_time(self, admin: User, tmp_path: Path) -> None:
        for _each in range(3):
            decided(PatientFactory(), admin)
        assert "waits for the next run" in run(tmp_path, ahead(days=8), most=2)
        assert Patient.objects.filter(erased_at=None).count() == 1
        assert "waits for the next run" not in run(tmp_path, ahead(days=8), most=2)
        assert Patient.objects.filter(erased_at=None).count() == 0

    def test_no_table_that_belongs_to_a_patient_takes_a_row_for_an_erased_record(self) -> None:
        """Each guard is tried with a merged record; that one sentence in it is about erased ones is looked up here."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE '%%on_a_kept_record%%'")
            found = dict(cursor.fetchall())
        assert len(found) >= 24
        assert [name for name, body in found.items() if "IF erased IS NOT NULL THEN" not in body] == []

    def test_the_role_of_the_web_server_carries_nothing_out(self, admin: User, tmp_path: Path) -> None:
        patient = seen()
        erasure = decided(patient, admin)
        name = made_by_the_shipped_text()
        with transaction.atomic():
            acting_as(name)
            with pytest.raises(CommandError, match="owner"):
                run(tmp_path, ahead(days=8))
            for write in (
                lambda: erasing.carry_out(
                    erasure=erasure, stage=ErasureStage.DESK, anew=True, by=None, at=ahead(days=8)
                ),
                lambda: ErasureDone.objects.create(erasure=erasure, stage=1, done_at=ahead(days=8)),
            ):
                with pytest.raises(DatabaseError), transaction.atomic():
                    write()
            transaction.set_rollback(True)
        assert "rows" in run(tmp_path, ahead(days=8))  # the control: the owner may


class TestPages:
    def test_from_the_patient_to_the_certificate(
        self, admin_client: Client, reception_client: Client, admin: User, tmp_path: Path
    ) -> None:
        patient = seen(phone="0612345678")
        address = f"/patients/{patient.pk}/erase/"
        assert address in admin_client.get(f"/patients/{patient.pk}/").text
        assert address not in reception_client.get(f"/patients/{patient.pk}/").text
        page = admin_client.get(address).text
        assert "kept until Fri 2 Feb 2046, 20 years after the last clinical act" in page
        assert "Consultations: 1. Overwritten: history" in page
        typed = {"kind": "asked", "reason": "asked in writing", "number": patient.number}
        refused = admin_client.post(address, typed | {"number": patient.number + 1})
        assert (refused.status_code, "not the clinic number" in refused.text) == (422, True)
        with transaction.atomic():
            CaseFileFactory(patient=patient)
            blocked = admin_client.post(address, typed)
            assert (blocked.status_code, "case file is open" in blocked.text) == (422, True)
            assert "Have this record erased" not in admin_client.get(address).text
            transaction.set_rollback(True)

        admin_client.post(address, typed)
        erasure = Erasure.objects.get()
        own = f"/erasures/{erasure.pk}/"
        assert admin_client.get(address).url == own
        own_page = admin_client.get(f"/patients/{patient.pk}/").text
        assert ("This record is to be erased" in own_page, f'href="{own}"' in own_page) == (True, True)
        told = reception_client.get(f"/patients/{patient.pk}/").text
        assert ("to be erased from Mon 9 Mar 2026 on" in told, own in told) == (True, False)
        assert "Not carried out before Mon 9 Mar 2026" in admin_client.get(own).text
        assert "Belleville" in admin_client.get("/erasures/").text
        for stage in ErasureStage:
            erasing.carry_out(erasure=erasure, stage=stage, anew=True, by=None, at=ahead(days=8))
        certificate = admin_client.get(own).text
        for words in (
            "Carried out",
            "asked in writing",
            str(admin),
            "Consultations: 1",
            "Stays without a name",
        ):
            assert words in certificate
        notice = reception_client.get(f"/patients/{patient.pk}/").text
        assert "This record was erased" in notice
        pages = [
            certificate,
            notice,
            admin_client.get("/erasures/").text,
            reception_client.get("/patients/").text,
        ]
        assert [
            word for word in ("Belleville", "0612", "1980", "1900") for page in pages if word in page
        ] == []
        late = admin_client.post(f"{own}withdraw/", {"because": "another person was meant"})
        assert (late.status_code, "does not come back" in late.text) == (422, True)
        for closed in ("edit", "book", "erase", "case-file"):
            assert admin_client.get(f"/patients/{patient.pk}/{closed}/").status_code in (302, 403, 404)

    def test_withdrawing_leaves_the_record_as_it_is(self, admin_client: Client) -> None:
        erasure = ErasureFactory()
        admin_client.post(f"/erasures/{erasure.pk}/withdraw/", {"because": "another person was meant"})
        assert "another person was meant" in admin_client.get(f"/erasures/{erasure.pk}/").text
        assert admin_client.get(f"/patients/{erasure.patient_id}/erase/").status_code == 200

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_pages_take_a_fixed_number_of_queries(
        self, admin_client: Client, django_assert_num_queries: Any, count: int
    ) -> None:
        patient = seen()
        for _each in range(count):
            ErasureDoneFactory()
            ConsultationFactory(patient=patient, signed=True)
        with django_assert_num_queries(13):
            admin_client.get(f"/patients/{patient.pk}/erase/")
        own = ErasureFactory(patient=patient)
        with django_assert_num_queries(5):
            admin_client.get("/erasures/")
        with django_assert_num_queries(13):
            admin_client.get(f"/erasures/{own.pk}/")


def test_what_goes_first_what_goes_last_and_what_stays_are_told_apart() -> None:
    patient = seen()
    own = WaitlistEntryFactory(patient=patient)
    PhotoFactory(patient=patient, consent__patient=patient)
    found = summary.preview(patient)
    lines = {str(group.title): {line.label for line in group.lines} for group in found if group.goes}
    assert lines == {
        "erased first: what the desk noted": {str(own._meta.verbose_name_plural)},
        "erased with the record": {str(Photo._meta.verbose_name_plural)},
    }
    stays = [line.label for group in found if not group.goes for line in group.lines]
    assert str(Consultation._meta.verbose_name_plural) in stays
    assert summary.carried_out(ErasureFactory()) == []  # nothing was done yet
