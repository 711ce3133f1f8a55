"""What the session page shows beside its form: clearance in words, running totals against caps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.enums import CapMeasure, TestRequirement
from consultations.models import PlannedSession, Session
from consultations.queries import PlanFacts
from consultations.rules import clearance, consent, doses, over_caps, retest
from consultations.rules.visits import begin_missing

_SHOWN_TO = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Banner:
    """Cleared, and by what; or everything that is missing."""

    words: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @property
    def is_clear(self) -> bool:
        """Nothing is missing."""
        return not self.conditions


@dataclass(frozen=True, slots=True)
class Bar:
    """One running total: of a component, of points, of ml per point. Without a cap there is no bar to fill."""

    label: str
    value: Decimal
    unit: str
    cap: Decimal | None = None
    arithmetic: str = ""
    others: tuple[str, ...] = ()


def banner(facts: PlanFacts, planned: PlannedSession, *, on: datetime, recording: bool = False) -> Banner:
    """The session gate's answer at the moment. A record being written is judged as its signature will be: by what was
    known when it was begun, and not by itself."""
    known_by = on if recording else None
    judged = clearance.judge(facts, gate=clearance.Gate.SESSION, on=on, planned=planned, known_by=known_by)
    missing = judged.conditions if recording else [*judged.conditions, *begin_missing(facts, planned, on=on)]
    if missing:
        return Banner((), tuple(missing))
    return Banner(tuple(_cleared_by(facts, judged, on)), ())


def closed_since(facts: PlanFacts, session: Session, then: Banner, *, at: datetime) -> tuple[Condition, ...]:
    """What would refuse the session if it were begun now and did not when it was. Its signature does not ask for it; whoever
    opens the draft again, an hour or a day later, must not read that it is cleared."""
    on = max(session.started_at, at)
    now = clearance.judge(facts, gate=clearance.Gate.SESSION, on=on, planned=session.planned)
    known = {each.code for each in then.conditions}
    return tuple(each for each in now.conditions if each.code not in known)


def _cleared_by(facts: PlanFacts, judged: clearance.Clearance, on: datetime) -> Iterable[str]:
    signed = facts.plan.consultation.signed_at
    if signed:
        yield _("consultation %(day)s") % {"day": in_words(signed)}
    if confirmed := [each for each in facts.confirmed if each <= on]:
        yield _("confirmed %(day)s") % {"day": in_words(max(confirmed))}
    if found := consent.in_force(facts, on=on):
        yield _("consent v%(version)s of %(day)s") % {
            "version": found.text.version,
            "day": in_words(found.signed_at),
        }
    if retest.requirement(facts) == TestRequirement.NOT_REQUIRED:
        yield _("no test required (%(policy)s)") % {"policy": facts.plan.test_policy}
    elif judged.reading and judged.reading.valid_until:
        said = {"day": in_words(judged.reading.read_at), "last": in_words(judged.reading.valid_until)}
        if on < judged.reading.valid_until:
            yield _("test read %(day)s (no reaction seen, valid to %(last)s)") % said
        else:
            yield (
                _("test read %(day)s (no reaction seen, counts beyond %(last)s by the clinic's rule)") % said
            )
    else:
        yield _("components tested before and valid")


def bars(
    facts: PlanFacts, zones: Sequence[doses.ZoneDose], *, weight_kg: Decimal | None, session: Session
) -> list[Bar]:
    """Volume, points and every component's dose today, each against its tightest cap."""
    volume = doses.volume_of(zones)
    day = timezone.localdate(session.started_at)
    judged = doses.component_doses(facts, volume_ml=volume, weight_kg=weight_kg, on=day, session=session)
    found = [Bar(_("Volume"), volume, _("ml"))]
    points = Decimal(sum(zone.points for zone in zones))
    limits = {limit.measure: limit for limit in _tightest(doses.point_limits(facts, zones))}
    if points:
        cap = limits.get(CapMeasure.POINTS_PER_SESSION)
        found.append(
            Bar(_("Points"), points, ngettext("point", "points", int(points)), cap.cap if cap else None)
        )
    if each := limits.get(CapMeasure.ML_PER_POINT):
        found.append(Bar(_("Most at one point"), each.value, _("ml"), each.cap))
    if dense := limits.get(CapMeasure.PER_CM2):
        unit = _("%(unit)s per cm²") % {"unit": dense.component.get_unit_display()}
        found.append(Bar(_("Most on one cm²"), dense.value.quantize(_SHOWN_TO), unit, dense.cap))
    return found + [
        Bar(
            str(dose.component),
            dose.total,
            dose.component.get_unit_display(),
            dose.cap,
            _arithmetic(dose, volume),
            (*_waiting_for_weight(facts, dose, weight_kg), *doses.words_of_others(dose)),
        )
        for dose in judged
    ]


def beside_drafts(
    facts: PlanFacts, zones: Sequence[doses.ZoneDose], *, weight_kg: Decimal | None, session: Session
) -> list[str]:
    """What would be above a cap if what others have drafted for the day were given as well."""
    volume, day = doses.volume_of(zones), timezone.localdate(session.started_at)
    judged = doses.component_doses(facts, volume_ml=volume, weight_kg=weight_kg, on=day, session=session)
    return over_caps.beside_drafts(judged)


def exceeded(
    facts: PlanFacts, zones: Sequence[doses.ZoneDose], *, weight_kg: Decimal | None, session: Session
) -> list[str]:
    """What a signature of these figures would be refused for: each cap that is exceeded, in words."""
    volume, day = doses.volume_of(zones), timezone.localdate(session.started_at)
    judged = doses.component_doses(facts, volume_ml=volume, weight_kg=weight_kg, on=day, session=session)
    return [str(each.message) for each in over_caps.exceeded(facts, zones, judged)]


def cautions(facts: PlanFacts, session: Session) -> list[str]:
    """What to think of before injecting; warnings, no refusals."""
    reading = clearance.clearing_reading(facts, session.started_at)
    since_test = retest.warnings(facts, reading, session.started_at) if reading else []
    return since_test + doses.cautions(facts, on=timezone.localdate(session.started_at), session=session)


def _tightest(limits: Iterable[doses.PointLimit]) -> list[doses.PointLimit]:
    """The least used first, so that of each measure the one nearest to its cap is kept."""
    return sorted(limits, key=lambda limit: limit.value / limit.cap)


def _waiting_for_weight(
    facts: PlanFacts, dose: doses.ComponentDose, weight_kg: Decimal | None
) -> Iterable[str]:
    """Caps per kg cannot be counted yet: the cap that is shown may not be the tightest."""
    if weight_kg is not None:
        return
    code, unit = dose.component.code, dose.component.get_unit_display()
    for cap in doses.caps_for(facts.caps, code, facts.formula_codes, CapMeasure.PER_KG):
        if cap.limit is not None:
            words = _("A cap of %(limit)s %(unit)s per kg counts too: enter the weight.")
            yield words % {"limit": doses.plain(cap.limit), "unit": unit}


def _arithmetic(dose: doses.ComponentDose, volume: Decimal) -> str:
    unit = dose.component.get_unit_display()
    said = {
        "volume": doses.plain(volume),
        "strength": doses.plain(dose.strength),
        "unit": unit,
        "amount": doses.plain(dose.amount),
    }
    words = _("%(volume)s ml × %(strength)s %(unit)s per ml = %(amount)s %(unit)s") % said
    return f"{words} · {_('cap')}: {dose.arithmetic}" if dose.arithmetic else words
