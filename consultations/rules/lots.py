"""Which lots an injection may take: in date and on the shelf, of the strength that the formula's recipe is mixed from, and
without an excipient that the patient is allergic to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.dates import in_words
from consultations.enums import AllergyStatus, Unit
from consultations.lot_queries import is_named, usable_lots
from consultations.models import Allergy, Component, Formula, Lot, Recipe, RecipeLine, Session, SessionLot
from consultations.rules import recipes
from consultations.rules.doses import plain


@dataclass(frozen=True, slots=True)
class Asked:
    """What one injection asks of its lots: the formula's recipe as it was at that time, if there was one."""

    recipe: Recipe | None = None
    lines: Mapping[str, RecipeLine] = field(default_factory=dict)
    allergies: tuple[Allergy, ...] = ()

    @property
    def words(self) -> str:
        """How the formula is mixed; empty where no recipe is on record."""
        return recipes.in_words(self.recipe) if self.recipe else ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A lot on the shelf that this injection may not take, why, and the next one to take in its place."""

    lot: Lot
    words: str
    instead: Lot | None = None


@dataclass(frozen=True, slots=True)
class DraftChoice:
    """The lots of one component as the draft of a session may hold them, first to expire first.

    `usable` and `past_use` (with what is wrong) can be named, `set_aside` are on the shelf and cannot, `refused` are all
    that cannot, with why, and `named` those that the draft names.
    """

    usable: list[Lot]
    past_use: Mapping[Lot, str]
    set_aside: list[SetAside]
    refused: Mapping[Lot, str]
    named: list[Lot]


def asked_for(formula: Formula, *, at: datetime, allergies: Iterable[Allergy] = ()) -> Asked:
    """What the formula asks of its lots at the moment, in two queries, and the patient by `allergies` that are in force."""
    recipe = Recipe.objects.of(formula, at=at)
    lines = recipe.lines.all() if recipe else ()
    return Asked(recipe, {line.component.code: line for line in lines}, _in_force(allergies))


def _in_force(allergies: Iterable[Allergy]) -> tuple[Allergy, ...]:
    return tuple(each for each in allergies if each.status != AllergyStatus.REFUTED)


def known_at(allergies: Iterable[Allergy], moment: datetime) -> list[Allergy]:
    """Those reported by the moment: what was injected before is signed by what was known."""
    return [each for each in allergies if each.reported_at <= moment]


def counts_by_strength(component: Component) -> bool:
    """Whether a lot of it has a strength: a product counted in ml is 1 ml per ml."""
    return component.unit != Unit.ML


def label_words(lot: Lot) -> str:
    """“250 mg in 5 ml (50 mg/ml)”, “50 mg/ml”; empty where nobody has noted it."""
    if lot.label_amount is None or lot.label_ml is None or lot.strength is None:
        return ""
    unit = lot.component.get_unit_display()
    strength = f"{plain(lot.strength)} {unit}/ml"
    if lot.label_ml == 1:
        return strength
    said = {
        "amount": plain(lot.label_amount),
        "unit": unit,
        "volume": plain(lot.label_ml),
        "strength": strength,
    }
    return _("%(amount)s %(unit)s in %(volume)s ml (%(strength)s)") % said


def refusal(lot: Lot, asked: Asked, *, on: date) -> str:
    """Why the injection on the clinic's day may not take the lot, and what to do; empty where it may."""
    return out_of_use(lot, on=on) or _misfit(lot, asked)


def _misfit(lot: Lot, asked: Asked) -> str:
    return wrong_strength(lot, asked) or closed_by_allergy(lot, asked)


def unfit(lot: Lot, asked: Asked, *, on: date) -> str:
    """Why a session may not even be said to have used it: used up by then, of another strength, closed by an allergy."""
    if lot.used_up_on and lot.used_up_on < on:
        return _("Lot %(lot)s is used up. Choose another.") % {"lot": lot.number}
    return _misfit(lot, asked)


def past_use(lot: Lot, *, on: date, used_at: datetime | None = None) -> str:
    """What is wrong with a lot that nobody may reach for, in a few words: recalled or in quarantine, expired, open too
    long; empty where nothing is. What was injected at `used_at` was in order when the lot was put aside only later."""
    wrong = []
    if lot.quarantined_at and (used_at is None or lot.quarantined_at <= used_at):
        wrong.append(_("recalled by its maker") if lot.recalled_at else _("in quarantine"))
    if lot.expires_on < on:
        wrong.append(_("expired on %(day)s") % {"day": in_words(lot.expires_on)})
    elif lot.opened_until and lot.opened_until < on:
        wrong.append(_("opened, to be used by %(day)s") % {"day": in_words(lot.opened_until)})
    return ", ".join(wrong)


def past_use_words(lot: Lot, wrong: str) -> str:
    """What a page says of one that was chosen all the same, and its signature asks for."""
    words = _(
        "Lot %(lot)s must not be used: %(wrong)s. If it was injected, the signature needs the reason, as a deviation."
    )
    return words % {"lot": lot.number, "wrong": wrong}


def refusals(session: Session) -> list[DomainError]:
    """A refusal at the component's field for every lot of the session that was past use: signed only with a reason. One
    that was put aside since is in order, unless it was in quarantine when the draft named it."""
    day, found = timezone.localdate(session.started_at), []
    for used in session.used_lots.select_related("lot__component").order_by("lot__number"):
        lot = used.lot
        if wrong := past_use(lot, on=day, used_at=_in_order_at(used, session)):
            words, field_name = past_use_words(lot, wrong), f"lot_{lot.component.code}"
            found.append(DomainError(words, "lot_past_use", field=field_name))
    return found


def closed_by_allergy(lot: Lot, asked: Asked) -> str:
    """The patient is allergic to a group that the lot's excipients belong to. It closes the lot, not the formula."""
    for allergy in asked.allergies:
        if allergy.group_code and allergy.group_code in lot.allergen_groups:
            words = _(
                "Lot %(lot)s holds what this patient is allergic to: %(allergy)s (%(status)s). Do not use it."
            )
            said = {"lot": lot.number, "allergy": allergy.words, "status": allergy.get_status_display()}
            return words % said
    return ""


def out_of_use(lot: Lot, *, on: date) -> str:
    """In quarantine, used up before the day, or expired."""
    if lot.is_usable_on(on):
        return ""
    said = {"lot": lot.number, "day": in_words(lot.expires_on)}
    if lot.recalled_at:
        return _("Lot %(lot)s was recalled by its maker. Choose another.") % said
    if lot.quarantined_at:
        return _("Lot %(lot)s is in quarantine. Choose another.") % said
    if lot.used_up_on and lot.used_up_on < on:
        return _("Lot %(lot)s is used up. Choose another.") % said
    if lot.expires_on < on or lot.opened_until is None:
        return _("Lot %(lot)s expired on %(day)s. Choose another.") % said
    said["day"] = in_words(lot.opened_until)
    return _("Lot %(lot)s was opened and could be used until %(day)s. Choose another.") % said


def wrong_strength(lot: Lot, asked: Asked) -> str:
    """The label says another strength than the recipe, or nobody has noted what it says. Doses count with the recipe's:
    250 mg/ml in place of 50 would be five times the dose."""
    line = asked.lines.get(lot.component.code)
    if line is None:
        return ""
    if lot.component.unit == line.component.unit and not counts_by_strength(lot.component):
        return ""
    unit = line.component.get_unit_display()
    said = {"lot": lot.number, "expected": f"{plain(line.strength)} {unit}/ml", "label": label_words(lot)}
    if not said["label"] and counts_by_strength(lot.component):
        words = _(
            "Lot %(lot)s: nobody has noted its strength. Read the label; the recipe needs %(expected)s."
        )
        return words % said
    if lot.component.unit == line.component.unit and lot.is_of_strength(line.strength):
        return ""
    words = _(
        "Lot %(lot)s: the label says %(label)s, the recipe needs %(expected)s. Do not use it: take a lot of"
        " %(expected)s, or ask an admin for a formula that is mixed from this one."
    )
    return words % {**said, "label": said["label"] or _("ml")}


def sorted_out(lots: Iterable[Lot], asked: Asked, *, on: date) -> tuple[list[Lot], list[SetAside]]:
    """Those that the injection may take, and those on the shelf that it may not: for strength or excipients."""
    judged = [(lot, refusal(lot, asked, on=on)) for lot in lots if lot.is_usable_on(on)]
    fit = [lot for lot, words in judged if not words]
    instead = fit[0] if fit else None
    return fit, [SetAside(lot, words, instead) for lot, words in judged if words]


def for_draft(
    lots: Sequence[Lot], asked: Asked, *, session: Session, used: Iterable[SessionLot]
) -> DraftChoice:
    """All lots of one component, on the shelf or not, sorted by what the session's draft may do with them; `used` are those
    that it names, of all components.

    What the draft names stays usable, and so is everything under a deviation, unless it is past use: that is recorded with
    what is wrong. A lot that is unfit as well is not even recorded, but under a deviation.
    """
    day, is_deviation = timezone.localdate(session.started_at), session.deviation_id is not None
    named = {each.lot_id: each for each in used}
    fit, aside = sorted_out(lots, asked, on=day)
    past: dict[Lot, str] = {}
    for lot in lots:
        wrong = past_use(lot, on=day, used_at=_in_order_at(named.get(lot.pk), session))
        if wrong and (is_deviation or not unfit(lot, asked, on=day)):
            past[lot] = wrong
    usable = [lot for lot in lots if lot not in past and (is_deviation or lot.pk in named or lot in fit)]
    return DraftChoice(
        usable=usable,
        past_use=past,
        set_aside=[each for each in aside if each.lot not in usable],
        refused={lot: refusal(lot, asked, on=day) for lot in lots if lot not in past and lot not in usable},
        named=[lot for lot in lots if lot.pk in named],
    )


def _in_order_at(used: SessionLot | None, session: Session) -> datetime | None:
    """The moment by which a lot that the draft names is judged; it was in order then, if it was put aside only later."""
    return session.started_at if used is not None and not used.in_quarantine else None


def shelf(
    formula: Formula, *, at: datetime, allergies: Iterable[Allergy] = ()
) -> tuple[dict[str, list[Lot]], list[SetAside]]:
    """For each component the lots that an injection at the moment may take, first to expire first; and what it may not."""
    asked, day = asked_for(formula, at=at, allergies=allergies), timezone.localdate(at)
    fit: dict[str, list[Lot]] = {}
    aside: list[SetAside] = []
    for code, lots in usable_lots(formula, on=at).items():
        fit[code], more = sorted_out(lots, asked, on=day)
        aside += more
    return fit, aside


def check_usable(lots: Iterable[Lot], asked: Asked, *, on: date) -> None:
    """Every lot may be used on the clinic's day.

    Raises:
        DomainError: lot_unusable, with the first reason, at the component's field.
    """
    _refuse_first((lot, refusal(lot, asked, on=on)) for lot in lots)


def check_fit(lots: Iterable[Lot], asked: Asked, *, on: date) -> None:
    """Every lot may be said to have been used on the clinic's day; one that was past use is asked for by `refusals`.

    Raises:
        DomainError: lot_unusable, with the first reason, at the component's field.
    """
    _refuse_first((lot, unfit(lot, asked, on=on)) for lot in lots)


def check_label_stays(
    lot: Lot, *, label_amount: Decimal | None, label_ml: Decimal | None, allergen_groups: Collection[str]
) -> None:
    """What a signed record names stays as it was: a strength that was noted, and every excipient. More may be noted.

    Raises:
        DomainError: named, at the field that would change.
    """
    another = lot.label_amount is not None and (label_amount, label_ml) != (lot.label_amount, lot.label_ml)
    fewer = not set(lot.allergen_groups) <= set(allergen_groups)
    if (another or fewer) and is_named(lot):
        raise DomainError(named_words(), "lot_named", field="label_amount" if another else "allergen_groups")


def named_words() -> str:
    """Why the label of a lot that was used stays, and what to do where it is wrong."""
    return _(
        "Signed records name this lot: its strength stays as it was noted, and no excipient is taken away; one more can be"
        " added. If something is wrong, put the lot in quarantine and say so in an addendum to those records."
    )


def _refuse_first(judged: Iterable[tuple[Lot, str]]) -> None:
    for lot, words in judged:
        if words:
            raise DomainError(words, "lot_unusable", field=f"lot_{lot.component.code}")
