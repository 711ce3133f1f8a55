"""The clinic's fixed vocabulary: roles, states and kinds. Plain choices, no logic beyond their own tables."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person may do here; a user may hold several."""

    RECEPTION = "reception", _("Reception")
    PRACTITIONER = "practitioner", _("Practitioner")
    ADMIN = "admin", _("Admin")


class AccountChangeKind(models.TextChoices):
    """What one admin did with the account of another person."""

    SWITCHED_OFF = "switched_off", _("switched off")
    SWITCHED_ON = "switched_on", _("switched on again")
    NEW_PASSWORD = "new_password", _("asked for a new password")


class SignInEventKind(models.TextChoices):
    """What happened at the door: at signing in and out, at the locked screen, with what opens an account."""

    PASSWORD_WRONG = "password_wrong", _("wrong password")
    FACTOR_WRONG = "factor_wrong", _("wrong second factor")
    PIN_WRONG = "pin_wrong", _("wrong PIN")
    THROTTLED = "throttled", _("too many tries")
    PASSWORD_RIGHT = "password_right", _("password right")
    SIGNED_IN = "signed_in", _("signed in")
    UNLOCKED = "unlocked", _("locked screen opened")
    SHOWN_AGAIN = "shown_again", _("shown once more")
    SIGNED_OUT = "signed_out", _("signed out")
    RAN_OUT = "ran_out", _("ended by the clock")
    ENDED = "ended", _("ended")
    RESET_ASKED = "reset_asked", _("new password asked for")
    RESET_DONE = "reset_done", _("new password chosen by the link")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    FACTOR_ADDED = "factor_added", _("second factor added")
    FACTOR_REMOVED = "factor_removed", _("second factor removed")
    INVITED_IN = "invited_in", _("came in by invitation")
    RECORDS_STOPPED = "records_stopped", _("opened too many records")
    PAGES_STOPPED = "pages_stopped", _("asked for too many pages")
    ENTRIES_STOPPED = "entries_stopped", _("made too many entries")


class Pace(models.TextChoices):
    """What somebody who is signed in does so often in an hour and a day at most."""

    PAGES = "pages", _("pages")
    ENTRIES = "entries", _("entries")
    BY_ITSELF = "by_itself", _("what open pages ask for by themselves")


class SignInMeans(models.TextChoices):
    """With what somebody showed, or did not show, who they are."""

    PASSWORD = "password", _("password")
    APP = "totp", _("code of an app")
    RECOVERY = "recovery_codes", _("recovery code")
    PASSKEY = "webauthn", _("passkey")
    PIN = "pin", _("PIN")


class Reading(models.TextChoices):
    """What somebody did with a patient's record that leaves it as it is."""

    OPENED = "opened", _("opened")
    PRINTED = "printed", _("printed")
    EXPORTED = "exported", _("exported")


class ErasureKind(models.TextChoices):
    """Why a record is erased."""

    ASKED = "asked", _("the patient asked for it")
    OVER = "over", _("the time of keeping is over")


class ErasureStage(models.IntegerChoices):
    """What is erased together: at the patient's wish, and when the record need not be kept any more."""

    DESK = 1, _("what the desk noted")
    RECORD = 2, _("identity, free texts and photographs")


class Sex(models.TextChoices):
    """As the patient states it; clinical rules ask, they do not guess from this."""

    FEMALE = "female", _("female")
    MALE = "male", _("male")
    OTHER = "other", _("other")
    UNKNOWN = "unknown", _("not stated")


class ContactChannel(models.TextChoices):
    """How a patient prefers to be reached."""

    PHONE = "phone", _("phone")
    EMAIL = "email", _("e-mail")
    TEXT = "text", _("text message")
    LETTER = "letter", _("letter")


class AppointmentStatus(models.TextChoices):
    """The states of an appointment; `TRANSITIONS` is the only table of moves between them."""

    HELD = "held", _("held")
    PROVISIONAL = "provisional", _("provisional")
    BOOKED = "booked", _("booked")
    CONFIRMED = "confirmed", _("confirmed")
    ARRIVED = "arrived", _("arrived")
    IN_PROGRESS = "in_progress", _("in progress")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")
    NO_SHOW = "no_show", _("did not come")


class CancelledBy(models.TextChoices):
    """Who called an appointment off."""

    PATIENT = "patient", _("the patient")
    CLINIC = "clinic", _("the clinic")
    CLINICAL = "clinical", _("a clinical decision")


class ContactReason(models.TextChoices):
    """Why a patient has to be called; the most pressing first. The words hold no finding: reception reads them."""

    POSITIVE_TEST = "test", _("about the test visits")
    TREATMENT = "treatment", _("about the treatment")
    RECALL = "recall", _("recall")
    OVERDUE_READING = "overdue_reading", _("overdue reading")
    FOLLOW_UP = "follow_up", _("check after a session")
    CANCELLED = "cancelled", _("visit cancelled")
    MOVED = "moved", _("visit moved")
    WAITLIST_OFFER = "waitlist_offer", _("offer from the waitlist")


class ContactOutcome(models.TextChoices):
    """How a try to reach somebody ended."""

    REACHED = "reached", _("reached")
    LEFT_MESSAGE = "left_message", _("left a message")
    NO_ANSWER = "no_answer", _("no answer")
    WRONG_NUMBER = "wrong_number", _("wrong number")


class WaitlistOutcome(models.TextChoices):
    """How a wait for a time ended."""

    BOOKED = "booked", _("booked")
    WITHDRAWN = "withdrawn", _("withdrawn")


class OfferAnswer(models.TextChoices):
    """What became of an offered time."""

    ACCEPTED = "accepted", _("accepted")
    DECLINED = "declined", _("declined")
    GONE = "gone", _("gone")


class CaseKind(models.TextChoices):
    """For what a patient's record is opened to somebody who treats nobody."""

    COMPLAINT = "complaint", _("complaint")
    RECALL = "recall", _("recall of a lot")
    AUTHORITY = "authority", _("request of an authority")
    INSURANCE = "insurance", _("claim to the insurance")


class RoomKind(models.TextChoices):
    """What a room is fitted for."""

    CONSULTATION = "consultation", _("consultation room")
    TREATMENT = "treatment", _("treatment room")


class DeviceKind(models.TextChoices):
    """Devices that one visit at a time can use."""

    GUN = "gun", _("injection gun")
    NEEDLELESS = "needleless", _("needleless machine")


class CareKind(models.TextChoices):
    """What the care log of a device says was done or found."""

    SERVICE = "service", _("service")
    CLEANING = "cleaning", _("cleaning")
    REPAIR = "repair", _("repair")
    OUT_OF_USE = "out_of_use", _("out of use")
    BACK_IN_USE = "back_in_use", _("back in use")


class AbsenceKind(models.TextChoices):
    """Why a practitioner takes no patients."""

    LEAVE = "leave", _("leave")
    SICK = "sick", _("sick")
    TRAINING = "training", _("training")
    BLOCK = "block", _("blocked time")


class Readiness(models.TextChoices):
    """What the pathway says of an appointment."""

    CLEAR = "clear", _("ready")
    PROVISIONAL = "provisional", _("provisional")
    REFUSED = "refused", _("not cleared")


_S = AppointmentStatus
BORN_AS = frozenset({_S.HELD, _S.PROVISIONAL, _S.BOOKED})
UPCOMING = frozenset({_S.PROVISIONAL, _S.BOOKED, _S.CONFIRMED})
HOLDS_TIME = frozenset({_S.HELD, *UPCOMING, _S.ARRIVED, _S.IN_PROGRESS, _S.COMPLETED})
TRANSITIONS: dict[AppointmentStatus, frozenset[AppointmentStatus]] = {
    # Kept for a patient who calls back: taken, or let go.
    _S.HELD: frozenset({_S.PROVISIONAL, _S.BOOKED, _S.CANCELLED}),
    _S.PROVISIONAL: frozenset({_S.BOOKED, _S.ARRIVED, _S.CANCELLED, _S.NO_SHOW}),
    _S.BOOKED: frozenset({_S.PROVISIONAL, _S.CONFIRMED, _S.ARRIVED, _S.CANCELLED, _S.NO_SHOW}),
    # A confirmed visit that is moved has to be confirmed again.
    _S.CONFIRMED: frozenset({_S.PROVISIONAL, _S.BOOKED, _S.ARRIVED, _S.CANCELLED, _S.NO_SHOW}),
    # A mistaken check-in goes back to booked; a patient may leave before being seen.
    _S.ARRIVED: frozenset({_S.BOOKED, _S.IN_PROGRESS, _S.CANCELLED, _S.NO_SHOW}),
    _S.IN_PROGRESS: frozenset({_S.ARRIVED, _S.COMPLETED}),
    _S.COMPLETED: frozenset({_S.IN_PROGRESS}),
    # Undo of a cancellation, as long as the time is still free (the constraints decide).
    _S.CANCELLED: frozenset({_S.PROVISIONAL, _S.BOOKED}),
    _S.NO_SHOW: frozenset({_S.BOOKED, _S.ARRIVED}),
}
