"""One real object for every kind of address.

Each builder makes the things of one subject and says by which name of an address they are asked for: in `ids` for all
routes, in `by_route` where one route means something else, and in `posts` what a form must say to be heard at all. A new
address gets a builder of its own, or a line in the one of its subject.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from clinic.models import Patient, Practitioner
from consultations import purposes
from tests.factories import (
    LATE_DAYS,
    AbsenceFactory,
    AccountChangeFactory,
    AdverseEventFactory,
    AlertFactory,
    AllergyFactory,
    AppointmentFactory,
    AppointmentTypeFactory,
    CalendarFeedFactory,
    CaseFileFactory,
    CauseSearchFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ConsultationConfirmationFactory,
    ConsultationFactory,
    ContactEntryFactory,
    DeviceCareFactory,
    EmergencyOpeningFactory,
    EnteredInErrorFactory,
    ErasureFactory,
    InvitationFactory,
    LeafletFactory,
    PatchTestFactory,
    PatientFactory,
    PatientMergeFactory,
    PhotoFactory,
    PhotoRemovalFactory,
    PlanFactory,
    PlanStopFactory,
    ReviewFactory,
    SessionFactory,
    SignInFactory,
    TestReadingFactory,
    WaitlistOfferFactory,
    WalkInFactory,
    cleared_plan,
    component_tested,
    consented_plan,
    stopped_by_test,
)
from tests.factories.clock import ago, ahead


@dataclass
class Things:
    """What there is, by the names that addresses use, and whose it is."""

    doctor_id: int
    ids: dict[str, Any] = field(default_factory=dict)
    by_route: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def built_for(cls, doctor: Practitioner) -> Self:
        """All of them, made by every builder; the practitioner is who asks."""
        things = cls(doctor.pk)
        for build in BUILDERS:
            build(things, doctor)
        return things


Builder = Callable[[Things, Practitioner], None]
BUILDERS: list[Builder] = []


def builds(build: Builder) -> Builder:
    """Files a builder; each is called once, with the practitioner who asks."""
    BUILDERS.append(build)
    return build


@builds
def _a_patient_in_the_middle_of_the_pathway(things: Things, doctor: Practitioner) -> None:
    plan = cleared_plan()
    test = plan.patch_tests.get()
    first, second = plan.planned_sessions.all()[:2]
    signed = SessionFactory(plan=plan, planned=first, signed=True, started_at=ago(days=7))
    visit = AppointmentFactory(
        patient=plan.patient, practitioner=doctor, type=AppointmentTypeFactory(purpose="")
    )
    things.ids |= {
        "patient_id": plan.patient_id,
        "appointment_id": visit.pk,
        "plan_id": plan.pk,
        "consent_id": plan.consents.get().pk,
        "test_id": test.pk,
        "lot_id": test.lots.first().pk,
        "planned_id": second.pk,
        "record_id": signed.pk,
        "kind": "session",
        "step": "confirm",
        "change": "hold",
    }
    things.ids["leaflet"] = LeafletFactory().pk
    things.ids["confirmation"] = ConsultationConfirmationFactory().pk
    things.by_route["consultations:consultation_confirm"] = {"consultation_id": plan.consultation_id}
    things.posts["clinic:appointment_step"] = {"version": visit.version}


@builds
def _something_to_trace(things: Things, doctor: Practitioner) -> None:
    lot = PatchTestFactory().lots.first()
    lot.quarantined_at, lot.quarantined_by, lot.quarantine_reason = ago(hours=1), doctor.user, "recalled"
    lot.save()
    for route in ("trace", "trace_sheet", "trace_call"):
        things.by_route[f"consultations:{route}"] = {"kind": "lot", "thing_id": lot.pk}


@builds
def _a_device_with_a_log(things: Things, doctor: Practitioner) -> None:
    care = DeviceCareFactory()
    things.ids |= {"device_id": care.device_id, "care_id": care.pk}


@builds
def _drafts(things: Things, doctor: Practitioner) -> None:
    things.ids |= {
        "session_id": SessionFactory(plan=cleared_plan(), practitioner=doctor).pk,
        "consultation_id": ConsultationFactory(practitioner=doctor).pk,
        "review_id": ReviewFactory(plan=PlanFactory(), practitioner=doctor).pk,
    }
    colleagues = ConsultationFactory()
    things.by_route["consultations:take_over"] = {"kind": "consultation", "record_id": colleagues.pk}


@builds
def _outcomes(things: Things, doctor: Practitioner) -> None:
    things.ids["code"] = "FACE-AMIN"
    things.posts["consultations:reviews_of"] = {"rule": "-1"}  # empty is a review at the patient's wish


@builds
def _a_photograph(things: Things, doctor: Practitioner) -> None:
    photo = PhotoFactory(with_file=True)
    PhotoRemovalFactory(photo=photo)
    things.ids |= {"photo_id": photo.pk, "photographed_id": photo.patient_id}
    things.by_route["consultations:photo_consent_withdraw"] = {"consent_id": photo.consent_id}


@builds
def _what_warns(things: Things, doctor: Practitioner) -> None:
    things.ids |= {
        "allergy_id": AllergyFactory().pk,
        "alert_id": AlertFactory().pk,
        "report_id": ClinicalReportFactory().pk,
        "event_id": AdverseEventFactory().pk,
        "error_id": EnteredInErrorFactory(reading=TestReadingFactory()).pk,
    }


@builds
def _a_check_after_a_session(things: Things, doctor: Practitioner) -> None:
    session = SessionFactory(plan=cleared_plan(), signed=True, started_at=ago(days=2))
    things.by_route["consultations:follow_up"] = {"session_id": session.pk, "code": "day_1"}
    things.by_route["consultations:follow_up_call"] = {"session_id": session.pk}


@builds
def _an_answer_that_stops_a_plan(things: Things, doctor: Practitioner) -> None:
    stop = PlanStopFactory()
    things.ids |= {"answer_id": stop.answer_id, "stop_id": stop.pk}


@builds
def _a_check_in_with_a_yes(things: Things, doctor: Practitioner) -> None:
    things.ids["check_in_id"] = CheckInFactory(open=True).pk
    plan = cleared_plan()
    visit = AppointmentFactory(
        patient=plan.patient,
        practitioner=doctor,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(plan.planned_sessions.get(ordinal=1)),
        starts_at=ahead(hours=4),
    )
    for route in ("check_in", "check_in_answer"):
        things.by_route[f"consultations:{route}"] = {"appointment_id": visit.pk}


@builds
def _a_search_for_the_cause(things: Things, doctor: Practitioner) -> None:
    search = CauseSearchFactory()
    component_tested(search, search.patch_test.component_codes[0])
    things.ids |= {"search_id": search.pk}
    things.by_route["consultations:cause"] = {"test_id": stopped_by_test().patch_tests.get().pk}


@builds
def _tests_to_read(things: Things, doctor: Practitioner) -> None:
    unread = PatchTestFactory(plan=consented_plan(), given_at=ago(hours=50))
    overdue = PatchTestFactory(plan=consented_plan(), given_at=ago(days=20))
    asked = {f"test_policy__{name}": days for name, days in LATE_DAYS.items()}
    late = cleared_plan(**asked).patch_tests.get()
    things.by_route |= {
        "consultations:patch_test_read": {"test_id": unread.pk},
        "consultations:reading_of_plan": {"plan_id": unread.plan_id},
        "consultations:patch_test_read_late": {"test_id": late.pk},
        "consultations:late_reading_of_plan": {"plan_id": late.plan_id},
        "consultations:late_call": {"test_id": overdue.pk},
    }


@builds
def _people_who_wait(things: Things, doctor: Practitioner) -> None:
    call, offer, someone = ContactEntryFactory(), WaitlistOfferFactory(), PatientFactory()
    things.ids |= {"walk_in_id": WalkInFactory().pk, "offer_id": offer.pk}
    things.by_route |= {
        "clinic:contact_try": {"entry_id": call.pk},
        "clinic:contact_close": {"entry_id": call.pk},
        "clinic:waitlist_withdraw": {"entry_id": offer.entry_id},
        "clinic:waitlist_offer": {"entry_id": offer.entry_id},
    }
    things.posts |= {
        "clinic:patient_not_a_duplicate": {"other": someone.pk},
        "clinic:walk_in_note": {"patient": someone.pk},
    }


@builds
def _two_records_of_one_person(things: Things, doctor: Practitioner) -> None:
    merge = PatientMergeFactory()
    things.ids["other_id"] = PatientFactory().pk
    for route in ("patient_merged", "patient_take_apart"):
        things.by_route[f"clinic:{route}"] = {"patient_id": merge.patient_id}
    things.posts["clinic:patient_may_be_duplicate"] = {"other": things.ids["other_id"]}


@builds
def _closed_time(things: Things, doctor: Practitioner) -> None:
    things.ids["entry_id"] = AbsenceFactory(practitioner=doctor).pk
    for route in ("opening_add", "opening_entry", "opening_remove", "new_places"):
        things.by_route[f"clinic:{route}"] = {"kind": "absence"}


@builds
def _a_feed(things: Things, doctor: Practitioner) -> None:
    feed = CalendarFeedFactory(practitioner=doctor, secret="of-the-feed")
    things.ids |= {"feed_id": feed.pk, "secret": "of-the-feed"}


@builds
def _a_case_and_an_emergency(things: Things, doctor: Practitioner) -> None:
    """Of other people's: nobody who asks may read what they open."""
    whose = {"patient": Patient.objects.get(pk=things.ids["patient_id"])}
    case_file, opening = CaseFileFactory(**whose), EmergencyOpeningFactory(**whose)
    things.ids |= {"case_file_id": case_file.pk, "opening_id": opening.pk}


@builds
def _an_erasure(things: Things, doctor: Practitioner) -> None:
    things.ids["erasure_id"] = ErasureFactory().pk


@builds
def _an_invitation(things: Things, doctor: Practitioner) -> None:
    invitation = InvitationFactory(secret="of-the-invitation")
    things.ids["user_id"] = AccountChangeFactory(user=invitation.user).user_id
    things.ids["sign_in_id"] = SignInFactory().public_id
    things.by_route["clinic:come_in"] = {"secret": "of-the-invitation"}


@builds
def _lists_of_the_review(things: Things, doctor: Practitioner) -> None:
    for route in ("review_list", "review_list_sheet"):
        things.by_route[f"clinic:{route}"] = {"name": "visits"}
