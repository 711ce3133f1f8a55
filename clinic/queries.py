"""Questions of the desk that span tables or need PostgreSQL's text search. Read only."""

import re
from datetime import date, datetime

from django.contrib.postgres.search import TrigramSimilarity, TrigramWordSimilarity
from django.db.models import Case, F, FloatField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat, Greatest

from clinic.db import Fold
from clinic.models import (
    Absence,
    Appointment,
    ClosedDay,
    NotADuplicate,
    OutOfService,
    Patient,
    User,
)

_ALIKE = 0.45  # trigram similarity of folded names from which two records are worth a look; found by trying


def find_patients(text: str, *, user: User) -> QuerySet[Patient]:
    """Patients that match every word by any part of number, names, phone, e-mail or birth date; typos forgiven.

    Birth dates are found as 1984-03-12, 12.03.1984, 12/03/1984 or any part of these.
    """
    found = Patient.objects.visible_to(user).current()
    words = text.split()[:8]
    if not words:
        return found.none()
    score: list[object] = []
    for word in words:
        digits = re.sub(r"\D", "", word).lstrip("0")  # 06 12 … finds +33 6 12 …
        folded = Fold(Value(word))
        part = Q(search_text__contains=folded)
        if (
            len(digits) >= 4
            and not re.search(r"[^\d+().\-/ ]", word)
            and not re.search(r"[./-]", word)
        ):
            part |= Q(search_text__contains=digits)
        if len(word) >= 4 and not digits:
            part |= Q(search_text__trigram_word_similar=folded)
        found = found.filter(part)
        score.append(
            Case(
                When(search_text__contains=folded, then=Value(1.0)),
                default=Value(0.0),
                output_field=FloatField(),
            )
        )
    best = TrigramWordSimilarity(Fold(Value(text)), F("search_text"))
    exact = score[0] if len(score) == 1 else Greatest(*score)
    return found.annotate(exactness=exact, nearness=best).order_by(
        "-exactness", "-nearness", Fold("family_name"), Fold("given_names"), "number"
    )


def likely_duplicates(patient: Patient, *, limit: int = 5) -> list[Patient]:
    """Other records that may be the same person, without the pairs somebody has called two people.

    Alike are: the same birth date and a similar name in either script; or the same phone or e-mail and the same name.
    """
    name = Fold(Value(f"{patient.family_name} {patient.given_names}".strip()))
    latin = Fold(
        Value(f"{patient.family_name_latin} {patient.given_names_latin}".strip())
    )
    others = (
        Patient.objects.current()
        .exclude(pk=patient.pk)
        .annotate(
            alike=Greatest(
                TrigramSimilarity(Fold(_joined("family_name", "given_names")), name),
                TrigramSimilarity(
                    Fold(_joined("family_name_latin", "given_names_latin")), latin
                ),
                TrigramSimilarity(
                    Fold(_joined("family_name_latin", "given_names_latin")), name
                ),
                TrigramSimilarity(Fold(_joined("family_name", "given_names")), latin),
            )
        )
    )
    same_contact = Q(pk=None)
    if patient.phone:
        same_contact |= Q(phone=patient.phone)
    if patient.email:
        same_contact |= Q(email__iexact=patient.email)
    alike = others.filter(
        Q(birth_date=patient.birth_date) | same_contact, alike__gte=_ALIKE
    )
    if patient.number:
        settled = NotADuplicate.objects.filter(Q(first=patient) | Q(second=patient))
        pairs = settled.values_list("first_id", "second_id")
        alike = alike.exclude(
            pk__in={key for pair in pairs for key in pair} - {patient.pk}
        )
    return list(alike.order_by("-alike", "number")[:limit])


def affected_by(
    entry: Absence | OutOfService | ClosedDay, *, at: datetime
) -> QuerySet[Appointment]:
    """Upcoming visits that stand in time which this entry closes, in the order of the day."""
    visits = Appointment.objects.upcoming(at).with_people()
    if isinstance(entry, ClosedDay):
        return visits.on_day(entry.day).order_by("starts_at")
    if isinstance(entry, Absence):
        mine = visits.filter(practitioner=entry.practitioner)
        inside = {
            "practitioner_from__lt": entry.ends_at,
            "practitioner_until__gt": entry.starts_at,
        }
    else:
        mine = (
            visits.filter(room=entry.room)
            if entry.room_id
            else visits.filter(device=entry.device)
        )
        inside = {"room_from__lt": entry.ends_at, "room_until__gt": entry.starts_at}
    return mine.filter(**inside).order_by("starts_at")


def similar_on_record(patient: Patient) -> list[Patient]:
    """For the header: other patients with this birth date and a similar name, settled or not."""
    return [
        each
        for each in likely_duplicates(Patient(**_identity(patient)))
        if each.pk != patient.pk
    ]


def _identity(patient: Patient) -> dict[str, str | date]:
    names = (
        "family_name",
        "given_names",
        "family_name_latin",
        "given_names_latin",
        "birth_date",
    )
    return {name: getattr(patient, name) for name in names}


def _joined(*fields: str) -> Concat:
    first, second = fields
    return Concat(F(first), Value(" "), F(second), output_field=TextField())
