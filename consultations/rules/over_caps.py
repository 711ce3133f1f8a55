"""What was injected beyond a cap. Nothing is begun beyond one; what has happened all the same is signed as a deviation.

Drafts of others count in what is shown before the injection, and not here: a draft may never be given.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic.errors import DomainError
from consultations.enums import CapMeasure
from consultations.queries import PlanFacts
from consultations.rules.day_doses import COUNTED_TO, Origin
from consultations.rules.doses import ComponentDose, ZoneDose, plain, point_limits, words_of_others

_TOO_MUCH = {
    CapMeasure.POINTS_PER_SESSION: (
        "too_many_points",
        _lazy("%(value)s points are more than the %(limit)s that %(component)s allows in a session."),
    ),
    CapMeasure.ML_PER_POINT: (
        "too_much_per_point",
        _lazy("%(value)s ml per point are more than the %(limit)s ml that %(component)s allows."),
    ),
    CapMeasure.PER_CM2: (
        "too_much_per_cm2",
        _lazy("%(value)s %(unit)s per cm² are more than the %(limit)s %(unit)s that %(component)s allows."),
    ),
}


class NeedsReason(DomainError):
    """What was injected is outside the rules: signed only with a reason. `refusals` holds one for each cap and lot."""

    def __init__(self, refusals: Sequence[DomainError]) -> None:
        words = " ".join(str(each.message) for each in refusals)
        super().__init__(words, refusals[0].code, field=refusals[0].field)
        self.refusals = tuple(refusals)


def exceeded(
    facts: PlanFacts, zones: Sequence[ZoneDose], judged: Iterable[ComponentDose]
) -> list[DomainError]:
    """A refusal for every cap that what is on record is above, the tightest of each kind with its arithmetic.

    With it count signed sessions and test injections of the same clinic day.
    """
    return [*_of_points(facts, zones), *_of_doses(judged)]


def check_reasoned(found: Sequence[DomainError], *, reason: str) -> None:
    """A signature outside the rules has its reason, and one within them has none.

    Raises:
        NeedsReason: without a reason.
        DomainError: not_over, a reason where there is nothing to give one for.
    """
    if found and not reason.strip():
        raise NeedsReason(found)
    if reason.strip() and not found:
        raise DomainError(_("Nothing is outside the rules any more. Sign without a reason."), "not_over")


def beside_drafts(judged: Iterable[ComponentDose]) -> list[str]:
    """What would be above a cap if drafts of the same day were given as well; a warning, for one draft may never be."""
    words = _("%(component)s: with drafts of today %(total)s %(unit)s, more than the cap (%(arithmetic)s).")
    return [
        " ".join([words % (_said(dose) | {"total": plain(dose.total)}), *words_of_others(dose)])
        for dose in judged
        if dose.is_over and not dose.is_over_on_record
    ]


def _of_points(facts: PlanFacts, zones: Sequence[ZoneDose]) -> Iterator[DomainError]:
    for limit in point_limits(facts, zones):
        if limit.is_over:
            code, words = _TOO_MUCH[limit.measure]
            said = {
                "value": plain(limit.value.quantize(COUNTED_TO, ROUND_CEILING)),
                "limit": plain(limit.cap),
                "component": limit.component,
                "unit": limit.component.get_unit_display(),
            }
            sentence = str(words) % said
            if limit.zone_view:
                sentence += " " + _("This limit is for zones of the view “%(view)s”.") % {
                    "view": limit.zone_view
                }
            yield DomainError(sentence, code, field="zones")


def _of_doses(judged: Iterable[ComponentDose]) -> Iterator[DomainError]:
    words = _("%(component)s: %(total)s %(unit)s are more than the cap (%(arithmetic)s).")
    for dose in judged:
        if dose.is_over_on_record:
            others = words_of_others(dose, without=(Origin.DRAFT,))
            yield DomainError(" ".join([words % _said(dose), *others]), "over_cap", field="zones")


def _said(dose: ComponentDose) -> dict[str, object]:
    total: Decimal = dose.on_record
    return {
        "component": dose.component,
        "total": plain(total),
        "unit": dose.component.get_unit_display(),
        "arithmetic": dose.arithmetic,
    }
