"""What the demo takes from the reference data."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from math import sin

from consultations.actions.consultations import Reply
from consultations.actions.plans import Proposal
from consultations.enums import Answer
from consultations.models import (
    BodyZone,
    ContraindicationQuestion,
    Formula,
    PlanTemplate,
    ReactionType,
    Technique,
)

# A signature as the board writes it: a wave with a line under it, in its own units and milliseconds.
SIGNATURE = [
    [[90 + 12 * step, 105 + round(55 * sin(step * 0.85) * (1 - step / 40)), 40 * step] for step in range(32)],
    [[100, 165, 1600], [250, 172, 1720], [440, 160, 1850]],
]


@cache
def questions() -> list[ContraindicationQuestion]:
    """Those in force."""
    return list(ContraindicationQuestion.objects.current().prefetch_related("rules"))


@cache
def risks() -> list[ReactionType]:
    """Those named at every consultation."""
    return list(ReactionType.objects.current().filter(is_discussed=True))


def proposal_of(template: PlanTemplate, technique: str, starts_on: date | None) -> Proposal:
    """The template's usual technique and formula, or another technique."""
    return Proposal(
        Technique.objects.current().get(code=technique or template.technique_code),
        Formula.objects.current().get(code=template.formula_code),
        template,
        starts_on,
    )


def reply_to(question: ContraindicationQuestion, yes: Mapping[str, str], since: Mapping[str, date]) -> Reply:
    """No, unless the story says yes, of an event on that day where there was one."""
    if question.code in yes:
        return Reply(
            question, Answer.YES, override_reason=yes[question.code], event_on=since.get(question.code)
        )
    return Reply(question, Answer.NO)


# Where the demo injects, by a word of the indication's code.
_ZONES = {
    "knee": "knee_right",
    "tend": "shoulder_right",
    "rotator": "shoulder_right",
    "back": "lower_back",
    "sprain": "ankle_left",
    "hair": "scalp_crown",
    "fat": "abdomen",
    "cellulite": "thigh_back_right",
    "neuralgia": "upper_back",
}


@cache
def zone_for(indication: str) -> BodyZone:
    """Where it is usually injected for the indication."""
    code = next((zone for word, zone in _ZONES.items() if word in indication), "cheek_right")
    return BodyZone.objects.current().get(code=code)
