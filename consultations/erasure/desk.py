"""What becomes of the desk's tables. What the desk noted for itself goes at the patient's wish, all else with the record."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic import models as desk
from clinic.enums import ContactReason, ErasureStage
from clinic.models.people import PSEUDONYM
from consultations.erasure.fates import CODES, KEY, Fate

_EMPTY = "''"
_SAID_AT_ONCE = frozenset(
    {"desk_note", "suits_weekdays", "suits_since", "suits_until", "usual_practitioner", "prefers"}
)
# Calls about times, not about the treatment.
_OF_THE_DESK = (ContactReason.CANCELLED, ContactReason.MOVED, ContactReason.WAITLIST_OFFER)
_TOLD = _("that somebody was called about a test, a reaction or a recall")
_ACCOUNT = _("who looked into it, when, and how it was decided: the clinic has to be able to show that")

# Rows that go before those they point to.
DESK = (
    Fate(
        desk.WalkIn,
        goes=ErasureStage.DESK,
        stage=ErasureStage.DESK,
        texts=("wants",),
        stays=dict.fromkeys(
            ("id", "patient", "came_at", "noted_by", "appointment", "left_at", "left_noted_by"), KEY
        ),
    ),
    Fate(
        desk.WaitlistOffer,
        goes=ErasureStage.DESK,
        stage=ErasureStage.DESK,
        stays=dict.fromkeys(
            (
                *("id", "entry", "contact", "practitioner", "room", "device", "starts_at", "offered_at"),
                *("offered_by", "answer", "answered_at", "answered_by"),
            ),
            KEY,
        ),
    ),
    Fate(
        desk.WaitlistEntry,
        goes=ErasureStage.DESK,
        stage=ErasureStage.DESK,
        texts=("label", "note"),
        overwritten={
            "weekdays": "'{}'",
            "since": "'00:00'::time",
            "until": "NULL",
        },
        stays=dict.fromkeys(
            (
                *("id", "patient", "type", "purpose", "visit", "minutes", "earliest_on", "latest_on"),
                *(
                    "asked_at",
                    "asked_by",
                    "closed_at",
                    "closed_by",
                    "outcome",
                    "appointment",
                    "practitioners",
                ),
            ),
            KEY,
        ),
    ),
    Fate(
        desk.ContactTry,
        only=Q(entry__reason__in=_OF_THE_DESK),
        goes=ErasureStage.DESK,
        stage=ErasureStage.DESK,
        texts=("note",),
        stays=dict.fromkeys(("id", "entry", "channel", "outcome", "tried_at", "tried_by"), KEY),
    ),
    Fate(
        desk.ContactTry,
        only=~Q(entry__reason__in=_OF_THE_DESK),
        because=_TOLD,
        texts=("note",),
    ),
    Fate(
        desk.ContactEntry,
        only=Q(reason__in=_OF_THE_DESK),
        goes=ErasureStage.DESK,
        stage=ErasureStage.DESK,
        texts=("text", "close_reason"),
        stays=dict.fromkeys(
            (
                *("id", "patient", "reason", "about", "was_at", "was_with", "asked_at", "asked_by"),
                *("closed_at", "closed_by", "told"),
            ),
            KEY,
        ),
    ),
    Fate(
        desk.ContactEntry,
        only=~Q(reason__in=_OF_THE_DESK),
        because=_TOLD,
        texts=("text", "close_reason"),
    ),
    Fate(
        desk.Appointment,
        because=_("when rooms and people were in use, and what records were written at"),
        stage=ErasureStage.DESK,
        texts=("note", "cancel_reason"),
        stays={"purpose": CODES, "request_id": KEY},
        acts=("started_at",),
    ),
    Fate(
        desk.Patient,
        because=_("what visits, lots and results point to, under another number and with no name"),
        overwritten={
            **{name: _EMPTY for name, value in PSEUDONYM.items() if value == ""},
            "family_name": f"'{PSEUDONYM['family_name']}'",
            "birth_date": f"'{PSEUDONYM['birth_date']}'::date",
            "sex": f"'{PSEUDONYM['sex'].value}'",
            "prefers": f"'{PSEUDONYM['prefers'].value}'",
            "suits_weekdays": "'{}'",
            "suits_since": "NULL",
            "suits_until": "NULL",
            "usual_practitioner": "NULL",
            "number": "nextval('clinic_patient_number')",
            "erased_at": "%(at)s",
        },
        in_history={
            "number": "(SELECT p.number FROM clinic_patient AS p WHERE p.id = pgh_obj_id)",
            "erased_at": "{column}",
        },
        at_first=_SAID_AT_ONCE,
    ),
    Fate(
        desk.NotADuplicate,
        because=_("that two records were told apart: it holds no word"),
    ),
    Fate(
        desk.PatientMerge,
        because=_("which record was made one with which"),
        texts=("reason", "although", "undone_because"),
        stays={"moved": KEY},
    ),
    Fate(desk.CaseFile, because=_ACCOUNT, texts=("title", "reference", "outcome")),
    Fate(desk.CaseFilePeriod, because=_ACCOUNT, texts=("reason",)),
    Fate(
        desk.EmergencyOpening,
        because=_ACCOUNT,
        texts=("review_note",),
        overwritten={"reason": "'erased with the record'"},  # a constraint asks for ten letters
    ),
    Fate(
        desk.RecordOpened,
        because=_("who of the clinic's people opened which record, and when"),
        texts=("reason",),
        stays={"page": CODES},
    ),
    Fate(
        desk.Erasure,
        because=_("that it was erased, why, and who decided it; no name of a patient may stand there"),
        stays=dict.fromkeys(
            ("reason", "withdrawn_because"),
            _("written without a name, which is looked at when it is decided"),
        ),
    ),
    Fate(
        desk.ErasureDone,
        because=_("what was erased and when; it counts rows"),
        stays={"counts": _("numbers of rows"), "files": _("random names of files that are gone")},
    ),
)
