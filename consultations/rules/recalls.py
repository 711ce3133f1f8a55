"""Who may have the patients of a trace called, and when; and how far the calls have come."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.errors import DomainError
from clinic.models import ContactEntry, Practitioner, User
from consultations.models import Lot, RecallCall
from consultations.rules import authorship
from consultations.tracing import Trace


@dataclass(frozen=True, slots=True)
class CallState:
    """How far the call of one patient has come: a tone, an icon and words, never colour alone."""

    tone: str
    icon: str
    words: str
    entry: ContactEntry | None = None


def check_may_begin(trace: Trace, user: User) -> Practitioner:
    """Practitioners begin a recall: of a lot once it is put aside, of anything else over days with an end.

    A policy of this clinic: without its days everybody a practitioner ever treated would be called.

    Raises:
        NotAllowed: anybody else.
        DomainError: not_quarantined, period_missing.
    """
    practitioner = authorship.check_may_record(user)
    if isinstance(trace.thing, Lot):
        if not trace.thing.quarantined_at:
            raise DomainError(_("Put the lot aside before its patients are called."), "not_quarantined")
    elif not (trace.first_on and trace.last_on):
        raise DomainError(
            _("Choose the first and the last day: the patients of these days are called."), "period_missing"
        )
    return practitioner


def may_begin(trace: Trace, user: User) -> bool:
    """See check_may_begin."""
    try:
        check_may_begin(trace, user)
    except DomainError:
        return False
    return True


def state_of(call: RecallCall | None) -> CallState:
    """How far it has come; `call` with its entry and tries."""
    if call is None:
        return CallState("quiet", "circle-dashed", _("not asked to be called"))
    entry = call.entry
    if entry.closed_at:
        if entry.told:
            return CallState("ok", "circle-check", _("reached"), entry)
        return CallState("warn", "x", _("not called"), entry)
    tries = list(entry.tries.all())
    if not tries:
        return CallState("warn", "phone", _("to be called"), entry)
    words = ngettext("%(count)s try, last: %(outcome)s", "%(count)s tries, last: %(outcome)s", len(tries))
    said = {"count": len(tries), "outcome": tries[-1].get_outcome_display()}
    return CallState("warn", "phone", words % said, entry)
