"""One person with two records: what moves when they become one, what may never move, and how they come apart again."""

from datetime import date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic import merging
from clinic.actions import merging as actions
from clinic.actions import people
from clinic.actions.visits import no_show
from clinic.enums import AppointmentStatus, Sex
from clinic.errors import DomainError, NotAllowed, Stale
from clinic.finding import find_patients
from clinic.models import Appointment, NotADuplicate, Patient, PatientMerge, User
from clinic.queries import likely_duplicates
from consultations import merged_records, purposes
from consultations.actions import allergies
from consultations.enums import AllergyStatus
from consultations.models import Alert, Allergy, ClinicalReport, Plan
from tests.consultations.test_gate import refusal
from tests.factories import (
    AlertFactory,
    AllergyFactory,
    AppointmentFactory,
    AppointmentTypeFactory,
    ClinicalReportFactory,
    ComponentFactory,
    ConsultationFactory,
    ContactEntryFactory,
    FormulaFactory,
    PatientFactory,
    UserFactory,
    WaitlistEntryFactory,
    WalkInFactory,
    cleared_plan,
)
from tests.factories.clock import ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
WHY = "identity card seen"


def digest_of(one: Patient, other: Patient, at: datetime) -> str:
    return merging.preview(fresh(one), fresh(other), at=at).digest


def fresh(patient: Patient) -> Patient:
    return Patient.objects.get(pk=patient.pk)


def merged(one: Patient, other: Patient, *, by: User, at: datetime, **said: str) -> PatientMerge:
    said = {"digest": digest_of(one, other, at), "reason": WHY, **said}
    return actions.merge(patient=one, other=other, by=by, at=at, **said)


def apart(merge: PatientMerge, *, by: User, at: datetime) -> PatientMerge:
    merge = PatientMerge.objects.select_related("patient", "survivor").get(pk=merge.pk)
    return actions.take_apart(
        merge=merge, digest=merging.apart(merge).digest, reason="they are twins", by=by, at=at
    )


def soy_plan() -> Plan:
    """A cleared plan with a formula that holds soy."""
    return cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(allergen_groups=["soy"]), 1)]))


def session_visit(plan: Plan) -> Appointment:
    planned = plan.planned_sessions.first()
    return AppointmentFactory(
        patient=plan.patient,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(planned),
        starts_at=ahead(days=1, hours=5),
    )


def test_every_table_with_a_patient_moves_stays_or_is_a_log_of_the_record_itself() -> None:
    """A new table with a patient has to decide: moved, kept where it was signed, or about the record."""
    pointing = {
        field.related_model
        for field in Patient._meta.get_fields(include_hidden=True)
        if field.auto_created and not field.concrete and not hasattr(field.related_model, "pgh_label")
    }
    decided = [*merging.moving_tables(), *merged_records.KEEPING, *merging.LOGS]
    assert len(decided) == len(set(decided))
    assert pointing == set(decided)
    shut = {model for model in pointing if any("on_a_kept" in each.name for each in model._meta.triggers)}
    assert shut == pointing - set(merging.LOGS)


class TestWhatIsMoved:
    def test_visits_waits_calls_and_what_warns_stand_at_the_survivor(
        self, reception: User, clinic_now: datetime
    ) -> None:
        kept, gone = PatientFactory(), PatientFactory()
        rows = [
            AppointmentFactory(patient=gone, starts_at=ahead(days=3)),
            AppointmentFactory(patient=gone, starts_at=ahead(days=-3), status=AppointmentStatus.COMPLETED),
            ContactEntryFactory(patient=gone),
            WalkInFactory(patient=gone),
            WaitlistEntryFactory(patient=gone),
            AllergyFactory(patient=gone),
            AllergyFactory(patient=gone, confirmed=True),
            AlertFactory(patient=gone),
            ClinicalReportFactory(patient=gone),
        ]
        entry = merged(gone, kept, by=reception, at=clinic_now)
        assert {type(row).objects.get(pk=row.pk).patient_id for row in rows} == {kept.pk}
        assert (fresh(gone).merged_into, entry.survivor, entry.reason) == (kept, kept, WHY)
        assert sum(map(len, entry.moved.values())) == len(rows)

    def test_an_allergy_told_at_the_other_record_closes_what_it_must_close(
        self, reception: User, clinic_now: datetime
    ) -> None:
        plan, gone = soy_plan(), PatientFactory()
        visit = session_visit(plan)
        AllergyFactory(patient=gone, group_code="soy")
        assert refusal(plan) is None
        merged(plan.patient, gone, by=reception, at=clinic_now)
        assert refusal(plan) == "allergy"
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.PROVISIONAL

    def test_an_open_report_at_the_other_record_stops_the_survivors_sessions(
        self, reception: User, clinic_now: datetime
    ) -> None:
        plan, report = soy_plan(), ClinicalReportFactory()
        merged(plan.patient, report.patient, by=reception, at=clinic_now)
        assert refusal(plan) == "report_open"

    def test_the_old_number_finds_the_survivor_and_the_old_name_nobody(
        self, reception: User, clinic_now: datetime
    ) -> None:
        kept, gone = PatientFactory(), PatientFactory(family_name="Zukowska")
        merged(kept, gone, by=reception, at=clinic_now)
        assert find_patients(str(gone.number), user=reception) == [kept]
        assert find_patients("Zukowska", user=reception) == []


class TestWhichSurvives:
    def test_the_record_with_clinical_records_even_a_draft(self, clinic_now: datetime) -> None:
        older, newer = PatientFactory(), ConsultationFactory().patient
        assert merging.preview(older, newer, at=clinic_now).survivor == newer

    def test_else_the_one_registered_first(self, clinic_now: datetime) -> None:
        older, newer = PatientFactory(), PatientFactory()
        assert merging.preview(newer, older, at=clinic_now).survivor == older


class TestRefused:
    def refusal(self, one: Patient, other: Patient, by: User, at: datetime, **said: str) -> str:
        before = Patient.objects.filter(merged_into=None).count()
        with pytest.raises(DomainError) as refused:
            merged(one, other, by=by, at=at, **said)
        assert Patient.objects.filter(merged_into=None).count() == before
        return f"{refused.value.code}: {refused.value}"

    def test_while_both_carry_clinical_records(self, reception: User, clinic_now: datetime) -> None:
        one, other = cleared_plan().patient, ConsultationFactory(signed=True).patient
        assert self.refusal(one, other, reception, clinic_now).startswith(
            "merge_refused: Both carry clinical records"
        )

    def test_a_report_that_was_looked_at_is_such_a_record(
        self, reception: User, clinic_now: datetime
    ) -> None:
        one, other = cleared_plan().patient, ClinicalReportFactory(triaged=True).patient
        assert "Both carry" in self.refusal(one, other, reception, clinic_now)

    def test_while_both_have_a_visit_at_the_same_time(self, reception: User, clinic_now: datetime) -> None:
        one, other = (AppointmentFactory(starts_at=ahead(days=1, hours=1)).patient for _ in range(2))
        assert "Both have a visit on Tue 3 Mar 2026, 10:00." in self.refusal(
            one, other, reception, clinic_now
        )

    @pytest.mark.parametrize(
        ("one", "other", "words"),
        [
            ("completed", "booked", "Mark the one that nobody came to as “Did not come” first."),
            ("arrived", "completed", "Mark the one that nobody came to as “Did not come” first."),
            ("completed", "completed", "Both were seen on Sun 1 Mar 2026, 09:00 at the same time"),
            ("in_progress", "completed", "Both were seen on Sun 1 Mar 2026, 09:00 at the same time"),
        ],
    )
    def test_of_visits_that_are_over_only_what_nobody_came_to_can_go(
        self, reception: User, clinic_now: datetime, one: str, other: str, words: str
    ) -> None:
        visits = [AppointmentFactory(starts_at=ago(days=1), status=status) for status in (one, other)]
        patients = [visit.patient for visit in visits]
        refused = self.refusal(*patients, reception, clinic_now)
        assert words in refused
        assert "Move or cancel" not in refused
        if "Did not come" not in words:
            return
        (missed,) = [visit for visit in visits if visit.status != "completed"]
        no_show(appointment=missed, by=reception, at=clinic_now)
        merged(*patients, by=reception, at=clinic_now)

    def test_a_visit_that_has_begun_leaves_the_other_to_be_moved(
        self, reception: User, clinic_now: datetime
    ) -> None:
        begun = AppointmentFactory(starts_at=ago(minutes=10), status="in_progress")
        to_come = AppointmentFactory(starts_at=ahead(minutes=5))
        said = self.refusal(begun.patient, to_come.patient, reception, clinic_now)
        assert "Move or cancel one of them first." in said

    def test_while_both_wait_for_the_same(self, reception: User, clinic_now: datetime) -> None:
        wait = WaitlistEntryFactory(label="Peeling")
        same = WaitlistEntryFactory(type=wait.type, purpose=wait.purpose, label="Peeling")
        assert "the waitlist for “Peeling”" in self.refusal(wait.patient, same.patient, reception, clinic_now)
        one, other = WalkInFactory().patient, WalkInFactory().patient
        assert "Both wait at the counter." in self.refusal(one, other, reception, clinic_now)

    def test_while_somebody_called_them_two_people_and_that_can_be_taken_back(
        self, reception: User, clinic_now: datetime
    ) -> None:
        one, other = PatientFactory(family_name="Moreau"), PatientFactory(family_name="Moreau")
        pair = {"patient": one, "other": other, "by": reception, "at": clinic_now}
        people.not_a_duplicate(**pair)
        assert "two people" in self.refusal(one, other, reception, clinic_now)
        people.may_be_a_duplicate(**pair)
        assert likely_duplicates(one) == [other]
        people.not_a_duplicate(**pair)
        assert (NotADuplicate.objects.count(), likely_duplicates(one)) == (2, [])

    @pytest.mark.parametrize("apart_by", [{"birth_date": date(1990, 1, 1)}, {"sex": Sex.MALE}])
    def test_another_birth_date_or_sex_asks_for_a_second_sentence(
        self, reception: User, clinic_now: datetime, apart_by: dict[str, Any]
    ) -> None:
        one, other = PatientFactory(), PatientFactory(**apart_by)
        assert "although_missing" in self.refusal(one, other, reception, clinic_now)
        assert merged(one, other, by=reception, at=clinic_now, although="a slip").although == "a slip"

    def test_a_chain(self, reception: User, clinic_now: datetime) -> None:
        first, second = PatientFactory(), PatientFactory()
        merged(first, second, by=reception, at=clinic_now)
        holder = ConsultationFactory().patient
        assert f"№ {second.number} was merged into № {first.number}" in self.refusal(
            first, holder, reception, clinic_now
        )
        assert "was merged already" in self.refusal(second, holder, reception, clinic_now)

    def test_what_changed_since_the_preview(self, reception: User, clinic_now: datetime) -> None:
        one, other = PatientFactory(), PatientFactory()
        seen = digest_of(one, other, clinic_now)
        AllergyFactory(patient=other)
        with pytest.raises(Stale):
            merged(one, other, by=reception, at=clinic_now, digest=seen)
        assert PatientMerge.objects.count() == 0

    def test_an_admin_reads_only(self, clinic_now: datetime) -> None:
        with pytest.raises(NotAllowed):
            merged(PatientFactory(), PatientFactory(), by=UserFactory(admin=True), at=clinic_now)


class TestTakenApart:
    def test_what_was_not_touched_goes_back(self, reception: User, clinic_now: datetime) -> None:
        kept, gone = PatientFactory(), PatientFactory()
        visit = AppointmentFactory(patient=gone)
        rows = [visit, AllergyFactory(patient=gone), AlertFactory(patient=gone)]
        rows.append(ContactEntryFactory(patient=gone, about=visit))
        identity = Patient.objects.filter(pk=gone.pk).values("family_name", "phone", "desk_note").get()
        entry = apart(merged(kept, gone, by=reception, at=clinic_now), by=reception, at=clinic_now)
        assert {type(row).objects.get(pk=row.pk).patient_id for row in rows} == {gone.pk}
        assert Patient.objects.filter(pk=gone.pk, merged_into=None, **identity).exists()
        assert (entry.undone_by, entry.undone_because) == (reception, "they are twins")

    def test_what_was_changed_since_stays_and_is_named(self, reception: User, clinic_now: datetime) -> None:
        kept, gone = PatientFactory(), PatientFactory()
        visit = AppointmentFactory(patient=gone, starts_at=ahead(days=1, hours=1))
        call = ContactEntryFactory(patient=gone, about=visit)
        entry = merged(kept, gone, by=reception, at=clinic_now)
        Appointment.objects.filter(pk=visit.pk).update(status=AppointmentStatus.CONFIRMED)
        assert merging.apart(entry).staying == (
            "The visit on Tue 3 Mar 2026, 10:00 was changed or used since.",
            "contact entries that were changed since, or are about a visit that stays: 1",
        )
        apart(entry, by=reception, at=clinic_now)
        assert {type(row).objects.get(pk=row.pk).patient_id for row in (visit, call)} == {kept.pk}

    def test_no_allergy_told_or_confirmed_meanwhile_is_lost_to_either_and_a_practitioner_looks_first(
        self, reception: User, doctor: Any, clinic_now: datetime
    ) -> None:
        plan, gone = soy_plan(), PatientFactory()
        told = AllergyFactory(patient=gone, group_code="soy", words="soy")
        entry = merged(plan.patient, gone, by=reception, at=clinic_now)
        allergies.assess(
            allergy=told,
            status=AllergyStatus.CONFIRMED,
            group_code="soy",
            assessment="history",
            by=doctor.user,
            at=clinic_now,
        )
        allergies.report(patient=plan.patient, words="nickel", by=reception, at=clinic_now)
        apart(entry, by=reception, at=clinic_now)
        for patient in (plan.patient, gone):
            in_force = Allergy.objects.in_force().filter(patient=patient)
            assert set(in_force.values_list("words", flat=True)) == {"soy", "nickel"}
            assert ClinicalReport.objects.untriaged().filter(patient=patient).count() == 1
        Allergy.objects.filter(patient=plan.patient).update(
            status=AllergyStatus.REFUTED, assessed_at=clinic_now, assessed_by=doctor.user
        )
        assert refusal(plan) == "report_open"

    def test_a_change_since_the_preview_is_refused_and_so_is_a_second_time(
        self, reception: User, clinic_now: datetime
    ) -> None:
        entry = merged(PatientFactory(), AlertFactory().patient, by=reception, at=clinic_now)
        seen = merging.apart(entry).digest
        Alert.objects.update(text="another")
        said = {"merge": entry, "reason": "twins", "by": reception, "at": clinic_now}
        with pytest.raises(Stale):
            actions.take_apart(digest=seen, **said)
        apart(entry, by=reception, at=clinic_now)
        with pytest.raises(Stale):
            apart(entry, by=reception, at=clinic_now)


class TestPages:
    def test_from_the_record_to_one_record_and_back(self, reception_client: Client) -> None:
        kept, gone = PatientFactory(family_name="Moreau"), PatientFactory(family_name="Moreau")
        chosen = reception_client.get(reverse("clinic:patient_same_person", args=[gone.pk]))
        url = reverse("clinic:patient_merge", args=[gone.pk, kept.pk])
        assert f'href="{url}"' in chosen.text
        digest = reception_client.get(url).context["form"]["digest"].value()
        done = reception_client.post(url, {"digest": digest, "reason": WHY})
        assert (done.status_code, done["Location"]) == (302, reverse("consultations:patient", args=[kept.pk]))
        page = reception_client.get(reverse("clinic:patient_merged", args=[gone.pk]))
        assert f"This record was merged into № {kept.number}" in page.text
        assert WHY in page.text
        url = reverse("clinic:patient_take_apart", args=[gone.pk])
        digest = reception_client.get(url).context["form"]["digest"].value()
        assert reception_client.post(url, {"digest": digest, "reason": "twins"}).status_code == 302
        assert fresh(gone).merged_into is None

    def test_a_stale_preview_is_409_shows_the_new_one_and_keeps_what_was_typed(
        self, reception_client: Client
    ) -> None:
        one, other = PatientFactory(), PatientFactory()
        url = reverse("clinic:patient_merge", args=[one.pk, other.pk])
        digest = reception_client.get(url).context["form"]["digest"].value()
        AppointmentFactory(patient=other)
        page = reception_client.post(url, {"digest": digest, "reason": WHY})
        assert page.status_code == 409
        assert "Appointments: 1" in page.text
        assert page.context["form"]["reason"].value() == WHY
        again = page.context["form"]["digest"].value()
        assert reception_client.post(url, {"digest": again, "reason": WHY}).status_code == 302

    def test_a_refusal_keeps_what_was_typed_and_merges_nothing(self, reception_client: Client) -> None:
        one, other = (AppointmentFactory(starts_at=ahead(days=1, hours=1)).patient for _ in range(2))
        url = reverse("clinic:patient_merge", args=[one.pk, other.pk])
        digest = reception_client.get(url).context["form"]["digest"].value()
        page = reception_client.post(url, {"digest": digest, "reason": WHY})
        assert page.status_code == 422
        assert "Both have a visit on Tue 3 Mar 2026, 10:00." in page.text
        form = page.context["form"]
        assert (form["reason"].value(), form["digest"].value()) == (WHY, digest)
        assert {fresh(each).merged_into for each in (one, other)} == {None}

    def test_a_record_that_was_not_merged_leads_to_its_own_page(self, reception_client: Client) -> None:
        patient = PatientFactory()
        answer = reception_client.get(reverse("clinic:patient_merged", args=[patient.pk]))
        assert answer["Location"] == reverse("consultations:patient", args=[patient.pk])

    def test_nothing_clinical_is_told_to_the_desk_and_no_visit_is_booked(
        self, reception_client: Client
    ) -> None:
        kept = PatientFactory()
        report = ClinicalReportFactory(words="a very private matter")
        page = reception_client.get(reverse("clinic:patient_merge", args=[kept.pk, report.patient_id]))
        assert "Reports to clinician: 1" in page.text
        assert "a very private matter" not in page.text
        Patient.objects.filter(pk=report.patient_id).update(merged_into=kept)
        book = reverse("clinic:book_for", args=[report.patient_id])
        assert reception_client.get(book).status_code == 404

    @pytest.mark.parametrize("rows", [1, 3])
    def test_the_preview_takes_a_fixed_number_of_queries(
        self, reception_client: Client, django_assert_num_queries: Any, rows: int
    ) -> None:
        one, other = PatientFactory(), PatientFactory()
        for number in range(rows):
            AppointmentFactory(patient=other, starts_at=ahead(days=number + 1))
            AllergyFactory(patient=other)
        url = reverse("clinic:patient_merge", args=[one.pk, other.pk])
        with django_assert_num_queries(22):
            assert reception_client.get(url).status_code == 200
