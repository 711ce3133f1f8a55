"""Several visits in one go: the proposal, what it can be changed to, and the booking of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import readiness
from clinic.actions import booking
from clinic.chooser import Slot, part_of, practitioners_for, resolve
from clinic.course_page import CoursePage, chosen_from
from clinic.courses import Choice
from clinic.errors import DomainError, SlotTaken
from clinic.forms.courses import BookCourseForm, CourseForm
from clinic.models import Appointment, Patient
from clinic.readiness import CourseOffer
from clinic.rules import access
from clinic.views.announced import booked_words, still_missing
from clinic.views.privacy import visit_called

_SILENT = ("course", "stretch", "late")  # wishes that are links, not fields a person sees
_WISHES = ("course", "start", "practitioner", "weekday", "part", "keep", "stretch", "late")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the courses this patient may book, the form with the wishes, and the page they make."""

    patient: Patient
    offers: Sequence[CourseOffer]
    form: CourseForm
    page: CoursePage | None


@require_http_methods(["GET", "POST"])
def course(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A proposal for all visits of a course; POST books what the page shows, all of it or nothing."""
    access.check_may_book(request.user)
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    at = timezone.now()
    if request.method == "GET":
        asked = _asked(request, patient, at)
        return _render(request, asked, status=422 if asked.form.errors else 200)
    form = BookCourseForm(request.POST)
    places = form.cleaned_data["place"] if form.is_valid() else {}
    asked = _asked(request, patient, at, shown={key: _choice(slot) for key, slot in places.items()})
    if not form.is_valid():
        return _render(request, asked, booking_form=form, status=422)
    try:
        booked = _book(request, asked, form, at)
    except DomainError as refusal:
        return _render(request, asked, booking_form=form, refusal=refusal, status=refusal.status)
    _tell(request, booked)
    return redirect(readiness.pathway().patient_url(patient))


def _asked(
    request: HttpRequest, patient: Patient, at: datetime, *, shown: Mapping[str, Choice] | None = None
) -> Asked:
    """`shown` are the starts of a page that was sent to be booked: they stay what they are wherever they can."""
    given = request.POST if request.method == "POST" else request.GET
    offers = readiness.pathway().courses(patient, at=at)
    ready = [offer for offer in offers if not offer.conditions]
    offer = next((each for each in ready if each.key == given.get("course")), None)
    if offer is None and request.method == "GET":
        offer = next(iter(ready), None)
    people = practitioners_for(offer.steps[-1].type) if offer else []
    is_fresh = request.method == "GET" and not given.get("asked")
    data = _begin_with(patient) if is_fresh else given.copy()
    data["course"] = offer.key if offer else ""
    form = CourseForm(data, practitioners=people, usual=patient.usual_practitioner_id)
    state = form.state
    chosen, pinned = chosen_from(state)
    if offer is None:
        return Asked(patient, offers, form, None)
    return Asked(patient, offers, form, CoursePage(patient, offer, at, state, shown or chosen, pinned))


def _book(request: HttpRequest, asked: Asked, form: BookCourseForm, at: datetime) -> list[Appointment]:
    """All visits of the page in one transaction; what this very page has booked before is returned again.

    Raises:
        DomainError: the course is not what it was, a place is unknown, or as `book_many`.
    """
    places, request_id = form.cleaned_data["place"], form.cleaned_data["request_id"]
    steps = [step for step in asked.page.offer.steps if not step.fixed] if asked.page else []
    if not steps or {step.purpose for step in steps} != set(places):
        if earlier := booking.booked_before(request_id=request_id, by=request.user, at=at):
            return earlier
        words = _("Somebody changed this course meanwhile. Look at the new proposal and book again.")
        if asked.page is None:
            words = _("Somebody has booked or closed this course meanwhile. Nothing was booked now.")
        raise DomainError(words, "course_changed")
    wishes = [
        booking.Wish(
            patient=asked.patient,
            type=step.type,
            practitioner=place.practitioner,
            room=place.room,
            device=place.device,
            starts_at=place.starts_at,
            purpose=step.purpose,
            note=form.cleaned_data["note"],
            pair_of=number - 1 if step.pairs else None,
        )
        for number, (step, place) in enumerate(
            zip(steps, resolve(places[step.purpose] for step in steps), strict=True)
        )
    ]
    return booking.book_many(wishes=wishes, by=request.user, at=at, request_id=request_id)


def _render(
    request: HttpRequest,
    asked: Asked,
    *,
    booking_form: BookCourseForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    page, patient = asked.page, asked.patient
    warnings = readiness.pathway().warnings([patient], user=request.user)
    context = {
        "patient": patient,
        "warnings": warnings.get(patient.pk, []),
        "form": asked.form,
        "booking_form": booking_form or BookCourseForm(initial={"request_id": uuid4()}),
        "refusal": refusal,
        "is_race": isinstance(refusal, SlotTaken),
        "conditions": getattr(refusal, "conditions", ()),
        "page": page,
        "chips": _chips(asked),
        "wishes": _kept(asked.form) if page else [],
        "silent": [each for each in _kept(asked.form) if each[0] in _SILENT],
        "ways_out": _ways_out(asked) if page and not page.rows else [],
        "book_url": reverse("clinic:book_for", args=[patient.pk]),
    }
    return render(request, "clinic/course.html", context, status=status)


def _chips(asked: Asked) -> list[dict[str, Any]]:
    """The courses to choose from; one that waits for something says for what."""
    current = asked.page.offer.key if asked.page else None
    return [
        {
            "label": offer.label,
            "url": _address(asked, {"course": offer.key}),
            "current": offer.key == current,
            "conditions": offer.conditions,
        }
        for offer in asked.offers
    ]


def _ways_out(asked: Asked) -> list[dict[str, Any]]:
    assert asked.page is not None
    return [{"way": way, "url": _address(asked, way.changes)} for way in asked.page.ways_out]


def _address(asked: Asked, changes: Mapping[str, Any]) -> str:
    """This page with these wishes changed; what was chosen for single visits stays, except with another course."""
    state = {**{name: asked.form.cleaned_data.get(name) for name in _WISHES}, **changes}
    query: list[tuple[str, str]] = []
    for name, value in state.items():
        for each in value if isinstance(value, list) else [value] if value else []:
            query.append((name, str(getattr(each, "pk", each))))
    query.append(("asked", "yes"))
    return f"{reverse('clinic:course_for', args=[asked.patient.pk])}?{urlencode(query)}"


def _kept(form: CourseForm) -> list[tuple[str, str]]:
    """The wishes as hidden fields of the form that books, so that a refusal loses none of them."""
    return [
        (name, str(getattr(each, "pk", each)))
        for name in _WISHES
        for value in [form.cleaned_data.get(name)]
        for each in (value if isinstance(value, list) else [value] if value else [])
    ]


def _begin_with(patient: Patient) -> QueryDict:
    """What is on record of when it suits the patient, where the part of the day can say it."""
    given = QueryDict(mutable=True)
    if patient.suits_weekdays:
        given.setlist("weekday", [str(day) for day in patient.suits_weekdays])
    part = part_of(patient.suits_since, patient.suits_until)
    if part:
        given["part"] = part.value
    return given


def _choice(slot: Slot) -> Choice:
    return Choice(slot.practitioner, slot.starts_at)


def _tell(request: HttpRequest, booked: Sequence[Appointment]) -> None:
    if len(booked) == 1:
        messages.success(request, booked_words(request, booked[0]))
        return
    words = _("Booked %(count)s visits. The first: %(first)s.")
    if missing := still_missing(request, booked):
        words = _("Booked %(count)s visits, provisionally. The first: %(first)s.")
    words %= {"count": len(booked), "first": visit_called(request, booked[0])}
    messages.success(request, " ".join([words, *missing]))
