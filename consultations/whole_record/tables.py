"""Every table that belongs to a patient: where it stands in the record, or why it stands in none."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.db.models import Field, Model, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic import models as desk
from consultations import models as pathway


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of row. `order` is the column it is sorted by and, where that is a moment, named after.

    `inside` is the key whose row shows these rows, in a table of their own; without it they stand for themselves, as a
    list where `is_list`.
    """

    model: type[Model]
    order: str = "pk"
    inside: str = ""
    is_list: bool = False

    @property
    def code(self) -> str:
        """The table's name in the file: PatchTest is patch_test. It stays when the model moves."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.model.__name__).lower()

    def columns(self) -> Iterator[Field]:
        """What of a row stands in the file, in the order of the model."""
        for field in (*self.model._meta.concrete_fields, *listed(self.model)):
            if not left_out(self.model, field):
                yield field


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the record."""

    code: str
    title: str | Promise
    tables: tuple[Table, ...]


SECTIONS = (
    Section("identity", _("Identity and contacts"), (Table(desk.Patient),)),
    Section(
        "warnings",
        _("Allergies and alerts"),
        (Table(pathway.Allergy, order="reported_at"), Table(pathway.Alert, order="raised_at")),
    ),
    Section(
        "visits",
        _("Visits"),
        (
            Table(desk.Appointment, order="starts_at"),
            Table(desk.WalkIn, order="came_at"),
            Table(desk.WaitlistEntry, order="asked_at"),
            Table(desk.WaitlistOffer, order="offered_at", inside="entry"),
            Table(desk.ContactEntry, order="asked_at"),
            Table(desk.ContactTry, order="tried_at", inside="entry"),
        ),
    ),
    Section(
        "consultations",
        _("Consultations"),
        (
            Table(pathway.Consultation, order="created_at"),
            Table(pathway.DiscussedRisk, inside="consultation"),
            Table(pathway.ContraindicationAnswer, inside="consultation"),
            Table(pathway.EvidenceDiscussed, inside="consultation"),
            Table(
                pathway.ConsultationConfirmation,
                order="confirmed_at",
                inside="consultation",
            ),
            Table(pathway.Goal, inside="consultation"),
        ),
    ),
    Section(
        "answers",
        _("What was asked and answered since"),
        (
            Table(pathway.CheckIn, order="asked_at"),
            Table(pathway.HealthAnswer, order="recorded_at"),
            Table(pathway.PlanStop, inside="answer"),
        ),
    ),
    Section(
        "consents",
        _("Consents"),
        (
            Table(pathway.Consent, order="signed_at"),
            Table(pathway.ConsentWithdrawal, order="withdrawn_at", inside="consent"),
            Table(pathway.PhotographyConsent, order="signed_at"),
            Table(
                pathway.PhotographyConsentWithdrawal,
                order="withdrawn_at",
                inside="consent",
            ),
        ),
    ),
    Section(
        "plans",
        _("Plans"),
        (
            Table(pathway.Plan, order="created_at"),
            Table(pathway.PlanStatusChange, order="changed_at", inside="plan"),
            Table(pathway.PlannedSession, order="ordinal", inside="plan"),
            Table(pathway.Deviation, order="happened_at"),
        ),
    ),
    Section(
        "tests",
        _("Test injections and readings"),
        (
            Table(pathway.PatchTest, order="given_at"),
            Table(pathway.PatchTestLot, inside="patch_test"),
            Table(pathway.TestReading, order="read_at"),
            Table(pathway.CauseSearch, order="signed_at"),
            Table(pathway.CauseFinding, order="signed_at"),
        ),
    ),
    Section(
        "sessions",
        _("Sessions"),
        (
            Table(pathway.Session, order="started_at"),
            Table(pathway.SessionZone, inside="session"),
            Table(pathway.SessionLot, inside="session"),
            Table(pathway.SessionDose, inside="session"),
            Table(pathway.SessionReaction, inside="session"),
            Table(pathway.SessionScore, inside="session"),
            Table(pathway.AftercareSheet, order="handed_at"),
        ),
    ),
    Section(
        "outcomes",
        _("Outcomes"),
        (
            Table(pathway.Review, order="created_at"),
            Table(pathway.ReviewScore, inside="review"),
        ),
    ),
    Section(
        "reactions",
        _("Reactions and reports"),
        (
            Table(pathway.AdverseEvent, order="onset_at"),
            Table(pathway.AdverseEventLot, inside="event"),
            Table(pathway.ClinicalReport, order="reported_at"),
            Table(pathway.FollowUp, order="done_at"),
        ),
    ),
    Section(
        "handouts",
        _("Leaflets handed out"),
        (Table(pathway.LeafletHandout, order="handed_at"),),
    ),
    Section("photographs", _("Photographs"), (Table(pathway.Photo, order="taken_at"),)),
    Section(
        "corrections",
        _("Added and corrected after the signature"),
        (
            Table(pathway.Addendum, order="written_at"),
            Table(pathway.EnteredInError, order="requested_at"),
            Table(pathway.PhotoRemoval, order="removed_at"),
        ),
    ),
    Section("read_by", _("Who opened this record"), (Table(desk.RecordOpened, order="at", is_list=True),)),
)

TABLES = tuple(table for section in SECTIONS for table in section.tables)

# Tables that lead to a patient and are no part of the file, with the reason as it stands in the file.
LEFT_OUT: dict[type[Model], str | Promise] = {
    desk.CaseFile: _("complaints and recalls, which whoever keeps the case answers for"),
    desk.CaseFilePeriod: _("complaints and recalls, which whoever keeps the case answers for"),
    desk.EmergencyOpening: _("why somebody opened it in an emergency; that it was opened is here"),
    desk.Erasure: _("that its erasure was decided, of which the clinic keeps a certificate"),
    desk.ErasureDone: _("that its erasure was decided, of which the clinic keeps a certificate"),
    desk.NotADuplicate: _("that somebody compared this record with another person's"),
    desk.PatientMerge: _("that another record of this person was merged into it; what it held is here"),
    pathway.SessionTyping: _("what is being typed and was not saved yet"),
    pathway.RecallCall: _("to which recall a call belongs; the call and the lot are here"),
}
HISTORY = _("earlier wordings of what is here; changes of visits are here")
_COLUMNS_LEFT_OUT = {
    **dict.fromkeys(
        ("id", "version", "request_id", "request_item", "window"), _("internal numbers and keys")
    ),
    "purpose": _("internal numbers and keys"),
    "search_text": _("what the search for names is made of"),
    "folded_name": _("what the search for names is made of"),
    "file_name": _("where a photograph is kept; its file is here"),
}
_PATIENT_ITSELF = _("the key of the patient, who is the one of this file")


def left_out(model: type[Model], field: Field) -> str | Promise:
    """Why a column is no part of the file; empty for one that is."""
    if field.related_model is desk.Patient:
        return _PATIENT_ITSELF
    if field.primary_key and not field.is_relation:
        return _COLUMNS_LEFT_OUT["id"]
    return _COLUMNS_LEFT_OUT.get(field.name, "")


def listed(model: type[Model]) -> list[Field]:
    """Choices of several that no table of ours holds: they are told as a list in their row."""
    return [field for field in model._meta.many_to_many if field.remote_field.through._meta.auto_created]


@cache
def of_patients() -> frozenset[type[Model]]:
    """Every table from which keys lead to a patient, but for the histories that are kept beside tables."""
    tables = [each for each in apps.get_models() if not hasattr(each, "pgh_tracked_model")]
    found: set[type[Model]] = {desk.Patient}
    while more := {each for each in tables if each not in found and _keys(each, found)}:
        found |= more
    return frozenset(found)


def whose(model: type[Model], patients: Iterable[desk.Patient]) -> Q:
    """Rows of this table that belong to one of the patients, by their own keys to patients if they have any.

    A row that may hang on one of nine others is looked for in each by itself, without joining them all.
    """
    keys = [patient.pk for patient in patients]
    if model is desk.Patient:
        return Q(pk__in=keys)
    found = Q()
    direct = _keys(model, {desk.Patient})
    for key in direct or _keys(model, of_patients() - {model}):
        leads_to = key.related_model
        its = keys if direct else leads_to._base_manager.filter(whose(leads_to, patients)).values("pk")
        found |= Q(**{f"{key.name}__in": its})
    return found


def _keys(model: type[Model], to: Iterable[type[Model]]) -> list[Field]:
    return [field for field in model._meta.concrete_fields if field.is_relation and field.related_model in to]
