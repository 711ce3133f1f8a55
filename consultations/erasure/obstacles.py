"""What has to be settled before a record is erased, in sentences that say who does what. Asked again when it is done."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Count, Q, QuerySet, Value
from django.utils.translation import gettext as _

from clinic.enums import AppointmentStatus
from clinic.models import (
    Appointment,
    CaseFile,
    ContactEntry,
    EmergencyOpening,
    Patient,
    WaitlistEntry,
    WalkIn,
)
from consultations.erasure.tables import record_of
from consultations.models import (
    AdverseEvent,
    CheckIn,
    ClinicalReport,
    Consultation,
    EnteredInError,
    PatchTest,
    PhotoRemoval,
    Plan,
    Review,
    Session,
)
from consultations.queries import awaiting_reading
from consultations.whole_record.tables import whose

_HERE = (AppointmentStatus.ARRIVED, AppointmentStatus.IN_PROGRESS)


def obstacles(patient: Patient, *, at: datetime) -> list[str]:
    """In sentences, what stands in the way now; nothing where the record can be erased. Two queries."""
    if patient.merged_into_id:
        return [
            _("This record was merged into another. Erase that one: this one is erased along with it."),
        ]
    if patient.erased_at:
        return [_("This record was erased already.")]
    asked = list(_asked(record_of(patient), at))
    parts = [
        rows.order_by()
        .annotate(place=Value(place))
        .values("place")
        .annotate(rows=Count("*"))
        .values_list("place", "rows")
        for place, (_words, rows) in enumerate(asked)
    ]
    found = dict(parts[0].union(*parts[1:], all=True))
    return [words for place, (words, _rows) in enumerate(asked) if found.get(place)]


def _asked(patients: Sequence[Patient], at: datetime) -> Iterator[tuple[str, QuerySet]]:
    theirs = Q(patient__in=[each.pk for each in patients])
    yield from _at_the_desk(theirs, at)
    yield from _in_the_pathway(theirs)
    whose_errors = whose(EnteredInError, patients) | Q(
        confirmation__consultation__in=_of(theirs, Consultation)
    )
    yield (
        _("Somebody asks that a record is called an error. A second person confirms it first."),
        EnteredInError.objects.waiting().filter(whose_errors),
    )
    yield (
        _("Somebody asks that a photograph is called an error. A second person confirms it first."),
        PhotoRemoval.objects.waiting().filter(photo__patient__in=[each.pk for each in patients]),
    )


def _at_the_desk(theirs: Q, at: datetime) -> Iterator[tuple[str, QuerySet]]:
    yield (
        _("A case file is open, and somebody has to answer for this record. An admin closes it first."),
        CaseFile.objects.open().filter(theirs),
    )
    yield (
        _("An emergency opening was not reviewed yet. An admin reviews it first."),
        EmergencyOpening.objects.to_review().filter(theirs),
    )
    visits = Appointment.objects.holding_time().in_force(at).filter(Q(ends_at__gt=at) | Q(status__in=_HERE))
    yield (
        _("A visit is to come or under way. Cancel it, or wait until it is over."),
        visits.filter(theirs),
    )
    yield (
        _("The patient waits at the counter. Give them a visit, or take them off that list."),
        WalkIn.objects.waiting().filter(theirs),
    )
    yield (
        _("The patient is on the waitlist. Take them off it first."),
        WaitlistEntry.objects.filter(theirs, closed_at=None),
    )
    yield (
        _("The patient has still to be called. Close that call first: it may be about a recall or a result."),
        ContactEntry.objects.open().filter(theirs),
    )


def _in_the_pathway(theirs: Q) -> Iterator[tuple[str, QuerySet]]:
    yield (
        _("A plan is proposed, running or on hold. A practitioner ends it first."),
        Plan.objects.open().filter(theirs),
    )
    for model in (Consultation, PatchTest, Session, Review):
        yield (
            _(
                "There is an unsigned draft: %(what)s. Its author signs or discards it, or a colleague takes it over."
            )
            % {"what": model._meta.verbose_name},
            model.objects.drafts().filter(theirs),
        )
    yield (
        _("A test injection was not read yet. A practitioner reads it first."),
        awaiting_reading().filter(theirs).select_related(None),
    )
    yield (
        _("An adverse event is not over. A practitioner writes down how it ended first."),
        AdverseEvent.objects.open().filter(theirs),
    )
    yield (
        _("A report waits for a practitioner, who looks at it first."),
        ClinicalReport.objects.filter(theirs, triaged_at=None),
    )
    yield (
        _("Answers to the check-in wait for a practitioner, who looks at them first."),
        CheckIn.objects.to_review().filter(theirs),
    )


def _of(theirs: Q, model: type[Consultation]) -> QuerySet:
    return model.objects.filter(theirs).values("pk")
