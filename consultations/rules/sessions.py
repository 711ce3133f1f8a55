"""What a session's record must say before it is signed, technique by technique."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic.errors import DomainError
from clinic.rules import device_care
from consultations.enums import GIVEN, SessionOutcome, TechniqueFamily
from consultations.models import Session, TechniqueRule
from consultations.queries import PlanFacts, in_error
from consultations.rules import lots as lots_rules
from consultations.technique_enums import TechniqueDetail


def check_complete(session: Session, facts: PlanFacts, rule: TechniqueRule, *, at: datetime) -> None:
    """Outcome and reason, the technique's own parameters, lots for every component, aftercare explained.

    Raises:
        DomainError: for the field that is missing or wrong.
    """
    if not session.outcome:
        raise DomainError(_("Say whether the session was given."), "outcome_missing", field="outcome")
    if session.outcome != SessionOutcome.COMPLETE and not session.outcome_reason.strip():
        raise DomainError(
            _("Say why the session was not given in full."),
            "reason_missing",
            field="outcome_reason",
        )
    if session.started_at > at + timedelta(minutes=5):
        raise DomainError(_("The session lies in the future."), "future", field="started_at")
    if session.ended_at and session.ended_at < session.started_at:
        raise DomainError(_("The session ended before it began."), "ended_before", field="ended_at")
    if session.outcome in GIVEN:
        _check_technique(session, rule)
        _check_device(session, at)
        if not rule.injects_nothing:
            _check_lots(session, facts)
        if not session.aftercare_given:
            raise DomainError(
                _("Explain the aftercare and hand it out before you sign."),
                "aftercare",
                field="aftercare_given",
            )


def check_not_given_once(session: Session, facts: PlanFacts) -> None:
    """A form that is sent twice is one record: the same person, the same day, the same reason. What was called an error is
    recorded anew.

    Raises:
        DomainError: not_given_already.
    """
    day = timezone.localdate(session.started_at)
    for other in facts.sessions:
        is_same = (
            other.planned_id == session.planned_id
            and other.outcome == SessionOutcome.NOT_GIVEN
            and other.is_signed
            and other.practitioner == session.practitioner
            and other.outcome_reason == session.outcome_reason
            and timezone.localdate(other.started_at) == day
            and not in_error(other)
        )
        if is_same:
            raise DomainError(
                _("This is on record already today, with this reason. Say what is different, if it is new."),
                "not_given_already",
                field="reason",
            )


def check_nothing_injected(session: Session, *, zones: int) -> None:
    """A session that was not given has no injected zones.

    Raises:
        DomainError: field `zones`.
    """
    if session.outcome == SessionOutcome.NOT_GIVEN and zones:
        raise DomainError(
            _("A session that was not given has no injected zones: empty the rows, or call it partly given."),
            "not_given_with_zones",
            field="zones",
        )


# Spacing may stay empty: then the points are not held against the area.
_MUST_BE_SAID = {
    TechniqueDetail.LINE_LENGTH: _lazy("Enter the length of a line in millimetres."),
    TechniqueDetail.MINUTES: _lazy("Enter the minutes."),
}


def _check_technique(session: Session, rule: TechniqueRule) -> None:
    family = session.technique.family
    if family == TechniqueFamily.NEEDLE and not session.needle.strip():
        raise DomainError(_("Enter the needle."), "needle_missing", field="needle")
    if family in (TechniqueFamily.NEEDLE, TechniqueFamily.GUN):
        low, high = session.technique.depth_min_mm, session.technique.depth_max_mm
        if session.depth_mm is None:
            raise DomainError(_("Enter the depth in millimetres."), "depth_missing", field="depth_mm")
        if not low <= session.depth_mm <= high:
            raise DomainError(
                _("The depth for this technique is %(low)s to %(high)s mm.")
                % {"low": low.normalize(), "high": high.normalize()},
                "depth_implausible",
                field="depth_mm",
            )
    if family in (TechniqueFamily.GUN, TechniqueFamily.NEEDLELESS) and session.device_id is None:
        raise DomainError(_("Choose the device you used."), "device_missing", field="device")
    if family == TechniqueFamily.GUN and not session.gun_mode.strip():
        raise DomainError(_("Enter the gun's mode."), "gun_mode_missing", field="gun_mode")
    if family == TechniqueFamily.NEEDLELESS:
        for name, sentence in (
            ("program", _("Enter the programme.")),
            ("intensity", _("Enter the intensity.")),
            ("minutes_applied", _("Enter the minutes.")),
        ):
            if not getattr(session, name):
                raise DomainError(sentence, f"{name}_missing", field=name)
    for name, words in _MUST_BE_SAID.items():
        if name in rule.asks and getattr(session, name) is None:
            raise DomainError(str(words), f"{name}_missing", field=name)


def _check_device(session: Session, at: datetime) -> None:
    """What is out of use is not injected with (a policy of this clinic). Taken out or brought back during the session, it
    was in use when somebody reached for it."""
    if session.device is None or session.deviation_id is not None:
        return
    why = device_care.why_out_of_use(session.device, session.started_at, at)
    if why is not None:
        raise DomainError(
            _("%(device)s is out of use: %(why)s. Choose the device you used.")
            % {"device": session.device, "why": why},
            "device_out_of_use",
            field="device",
        )


def _check_lots(session: Session, facts: PlanFacts) -> None:
    day = timezone.localdate(session.started_at)
    known = lots_rules.known_at(facts.allergies, session.started_at)
    asked = lots_rules.asked_for(session.formula, at=session.started_at, allergies=known)
    lots = [used.lot for used in session.used_lots.select_related("lot__component")]
    for part in facts.parts:
        mine = [lot for lot in lots if lot.component.code == part.component.code]
        name = f"lot_{part.component.code}"
        if not mine:
            raise DomainError(
                _("Choose the lot of %(component)s.") % {"component": part.component},
                "lot_missing",
                field=name,
            )
        if session.deviation_id is None:
            lots_rules.check_fit(mine, asked, on=day)
