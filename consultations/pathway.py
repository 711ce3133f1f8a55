"""The plug: what the pathway tells the desk through `clinic.readiness`. Bulk, and as much as each role may know."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.models import Appointment, CaseFile, Device, Patient, PatientMerge, Practitioner, User
from clinic.readiness import (
    Badge,
    Consequences,
    CourseOffer,
    Link,
    Notice,
    Offer,
    Pathway,
    Unfinished,
    Verdict,
    Visit,
    Warning,
)
from clinic.rules.access import may_book
from consultations import course_offers, merged_records, offers, purposes, record_pages, stock_cautions
from consultations.actions import merging
from consultations.enums import AllergyStatus
from consultations.models import (
    Alert,
    AllergenGroup,
    Allergy,
    CheckIn,
    ClinicalReport,
    Consent,
    ConsentWithdrawal,
    Consultation,
    ConsultationConfirmation,
    DoseCap,
    EnteredInError,
    Lot,
    PatchTest,
    PathwayPolicy,
    Photo,
    Plan,
    PlannedSession,
    PlanStatusChange,
    PlanStop,
    Review,
    ReviewRule,
    Session,
    TestReading,
)
from consultations.purposes import Kind, Purpose
from consultations.queries import PlanFacts, facts_of, followed
from consultations.rules import check_ins, visits
from consultations.rules.erasures import may_decide
from consultations.worklists import notices, unfinished

# Without what judges through one of these only: the answers of a consultation count from the signature on, which agrees a
# plan; a later answer stops plans, an adverse event holds them, the formula of a session is fixed with its plan.
_JOURNALS = (
    *(
        each.pgh_event_model
        for each in (
            Alert,
            AllergenGroup,
            Allergy,
            CheckIn,
            ClinicalReport,
            Consent,
            Consultation,
            DoseCap,
            EnteredInError,
            Lot,
            PatchTest,
            PathwayPolicy,
            Plan,
            PlannedSession,
            PlanStop,
            Review,
            ReviewRule,
            Session,
            TestReading,
        )
    ),
    ConsentWithdrawal,
    ConsultationConfirmation,
    PlanStatusChange,
)


class ClinicalPathway(Pathway):
    """Connected in AppConfig.ready()."""

    def judge(self, visits_: Sequence[Visit], *, at: datetime, starting: bool = False) -> list[Verdict]:
        """See clinic.readiness."""
        facts, meant = _facts_for([visit.purpose for visit in visits_])
        together = visits.Together({visit.purpose: visit.starts_at for visit in visits_ if visit.purpose})
        return [
            visits.verdict(visit, purpose, facts.get(purpose), together=together, starting=starting)
            for visit, purpose in zip(visits_, meant, strict=True)
        ]

    def booked(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """A session's visit takes the place of its planned session."""
        for appointment in appointments:
            purpose = purposes.parse(appointment.purpose)
            if purpose.kind == Kind.SESSION:
                PlannedSession.objects.filter(pk=purpose.key).update(appointment=appointment)

    def released(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """And lets go of it."""
        PlannedSession.objects.filter(appointment__in=appointments).update(appointment=None)

    def offers(self, patient: Patient, *, at: datetime) -> list[Offer]:
        """See consultations.offers; with what the shelf says of the days to come."""
        facts = list(facts_of(list(followed(patient))).values())
        types = offers.clinical_types()
        found = offers.for_facts(facts, at=at, types=types)
        return stock_cautions.of_offers(found, facts, types, at=at)

    def courses(self, patient: Patient, *, at: datetime) -> list[CourseOffer]:
        """See consultations.course_offers; with what the shelf says of the days to come."""
        facts = list(facts_of(list(Plan.objects.open().filter(patient=patient))).values())
        return stock_cautions.of_courses(course_offers.for_facts(facts, at=at), facts, at=at)

    def consequences(self, appointments: Sequence[Appointment], *, at: datetime) -> Consequences:
        """See consultations.rules.consequences; with what the shelf says of the days to come."""
        facts, _meant = _facts_for([each.purpose for each in appointments])
        plans = {each.plan.pk: each for each in facts.values()}
        return stock_cautions.Cautioned.read(plans.values(), appointments, at=at)

    def partner(self, appointment: Appointment, *, at: datetime) -> Appointment | None:
        """The reading of a test that is not given yet."""
        purpose = purposes.parse(appointment.purpose)
        if purpose.kind != Kind.TEST:
            return None
        facts, _meant = _facts_for([appointment.purpose])
        return visits.reading_of_test(facts[purpose], appointment, at=at) if purpose in facts else None

    def badges(self, appointments: Sequence[Appointment], *, user: User, at: datetime) -> dict[UUID, Badge]:
        """Label and readiness of each visit; what was found is for practitioners only."""
        facts, meant = _facts_for([each.purpose for each in appointments])
        nothing_wished = visits.Together()
        badges = {}
        for appointment, purpose in zip(appointments, meant, strict=True):
            plan_facts = facts.get(purpose)
            verdict = Verdict()
            if appointment.is_upcoming or (appointment.arrived_at and not appointment.started_at):
                moment = max(appointment.starts_at, at)
                visit = Visit(appointment.patient, appointment.purpose, moment, appointment)
                verdict = visits.verdict(visit, purpose, plan_facts, together=nothing_wished, starting=False)
            badges[appointment.pk] = Badge(offers.label(purpose, plan_facts), _for(user, verdict))
        return badges

    def journals(self) -> Sequence[type[Model]]:
        """The histories of what `rules.clearance` judges by, and of what the counts beside the diary count."""
        return _JOURNALS

    def files(self) -> Iterator[tuple[str, str]]:
        """The photographs, those out of sight as well."""
        return Photo.objects.order_by().values_list("file_name", "sha256").iterator()

    def moving(self) -> tuple[type[Model], ...]:
        """Allergies, alerts and reports."""
        return merged_records.MOVING

    def keeping(self, patients: Collection[UUID]) -> set[UUID]:
        """See consultations.merged_records."""
        return merged_records.keeping(patients)

    def relied_on(self, visits: Collection[UUID]) -> set[UUID]:
        """See consultations.merged_records."""
        return merged_records.relied_on(visits)

    def merged(self, merge: PatientMerge, *, by: User, at: datetime) -> None:
        """See consultations.actions.merging."""
        merging.merged(merge=merge, by=by, at=at)

    def taken_apart(self, merge: PatientMerge, *, by: User, at: datetime) -> None:
        """See consultations.actions.merging."""
        merging.taken_apart(merge=merge, by=by, at=at)

    def warnings(self, patients: Sequence[Patient], *, user: User) -> dict[UUID, list[Warning]]:
        """Allergies and alerts, for those who may see them (not admins)."""
        found: dict[UUID, list[Warning]] = {}
        for allergy in Allergy.objects.visible_to(user).in_force().filter(patient__in=patients):
            reported = allergy.status == AllergyStatus.REPORTED
            words = _("%(what)s allergy (reported)") if reported else _("%(what)s allergy")
            found.setdefault(allergy.patient_id, []).append(Warning(words % {"what": allergy.words}))
        if user.has_role(Role.RECEPTION, Role.PRACTITIONER):
            for alert in Alert.objects.filter(patient__in=patients, lifted_at=None):
                found.setdefault(alert.patient_id, []).append(Warning(alert.text, serious=False))
        return found

    def links(
        self,
        *,
        user: User,
        patient: Patient | None = None,
        appointment: Appointment | None = None,
        device: Device | None = None,
    ) -> list[Link]:
        """Ways into the clinical pages that fit the visit, for practitioners; of a device its trace."""
        if device is not None and user.has_role(Role.PRACTITIONER, Role.ADMIN):
            return [Link(_("Trace"), reverse("consultations:trace", args=["device", device.pk]), "route")]
        whose = appointment.patient if appointment else patient
        if whose is None:
            return []
        links = [Link(_("Patient page"), self.patient_url(whose), "user")]
        if appointment and may_book(user) and check_ins.is_asked(appointment) and not appointment.started_at:
            url = reverse("consultations:check_in", args=[appointment.pk])
            links = [Link(_("Check-in questions"), url, "clipboard-check"), *links]
        if appointment and user.has_role(Role.PRACTITIONER):
            links = [*offers.clinical_links(appointment), *links]
        return links

    def case_links(self, case_file: CaseFile, *, user: User, at: datetime) -> list[Link]:
        """The record as it stood, for the owner while the case is open and has time."""
        if not CaseFile.objects.readable_by(user, at).filter(pk=case_file.pk).exists():
            return []
        url = reverse("consultations:case_record", args=[case_file.pk])
        return [Link(_("Read the record"), url, "file-text")]

    def review_links(self, *, user: User) -> list[Link]:
        """The erasures, for admins."""
        erasures = Link(_("Erasures"), reverse("consultations:erasures"), "trash")
        return [erasures] if may_decide(user) else []

    def notices(self, *, user: User, at: datetime) -> list[Notice]:
        """What waits for a practitioner; the desk sees the counts that concern it."""
        return notices.notices(user=user, at=at)

    def unfinished(self, practitioner: Practitioner, *, user: User) -> list[Unfinished]:
        """Unsigned records of theirs, and tests they gave that nobody has read yet."""
        return unfinished.left_behind(practitioner, user=user)

    def page_in_words(self, page: str) -> str:
        """By the table of the pages that are written down."""
        return record_pages.in_words(page)

    def patient_url(self, patient: Patient) -> str:
        """The patient page."""
        return reverse("consultations:patient", args=[patient.pk])


_OF_A_PLAN = (Kind.TEST, Kind.READING, Kind.LATE_READING, Kind.REVIEW)


def _facts_for(texts: Sequence[str]) -> tuple[dict[Purpose, PlanFacts], list[Purpose]]:
    """The facts behind each purpose, in a fixed number of queries for all of them."""
    meant = [purposes.parse(text) for text in texts]
    plan_keys = {each.key for each in meant if each.kind in _OF_A_PLAN and each.key}
    planned_keys = {each.key for each in meant if each.kind == Kind.SESSION and each.key}
    plan_of = (
        dict(PlannedSession.objects.filter(pk__in=planned_keys).values_list("pk", "plan_id"))
        if planned_keys
        else {}
    )
    wanted = plan_keys | set(plan_of.values())
    if not wanted:
        return {}, meant
    facts = facts_of(list(Plan.objects.filter(pk__in=wanted)))
    by_purpose = {}
    for each in meant:
        key = plan_of.get(each.key) if each.kind == Kind.SESSION else each.key
        if key in facts:
            by_purpose[each] = facts[key]
    return by_purpose, meant


def _for(user: User, verdict: Verdict) -> Verdict:
    """Findings are for practitioners; everybody else reads what to do and whom to ask."""
    if user.has_role(Role.PRACTITIONER):
        return verdict
    return replace(
        verdict,
        conditions=tuple(replace(each, detail="") for each in verdict.conditions),
    )
