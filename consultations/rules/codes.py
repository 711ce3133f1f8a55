"""What the codes of clearance mean beside their sentences, in one table."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Code:
    """One thing that can be missing.

    `words` are for the incident list, which admins read too: the rule, not the finding. What `may_still_come` before a
    visit lets the visit be booked, provisionally. What `closes` ends the way as it was agreed: nothing can be booked
    round it.
    """

    words: Promise
    may_still_come: bool = False
    closes: bool = False


CODES = {
    "consultation": Code(
        _("no signed consultation that found the patient suitable"),
        closes=True,
    ),
    "consultation_expired": Code(
        _("the consultation was older than the clinic allows"),
        may_still_come=True,
    ),
    "contraindicated": Code(
        _("an answer since the consultation ruled treatment out"),
        closes=True,
    ),
    "deferred": Code(_("before the date that was agreed"), closes=True),
    "plan_proposed": Code(_("the plan was not agreed yet")),
    "plan_on_hold": Code(_("the plan was on hold")),
    "plan_stopped": Code(_("the plan was stopped")),
    "plan_completed": Code(_("the plan was completed")),
    "report_open": Code(_("a report from the desk had not been looked at"), may_still_come=True),
    "answer_open": Code(_("answers from the check-in had not been looked at"), may_still_come=True),
    "answers_missing": Code(_("the check-in questions had not been answered"), may_still_come=True),
    "allergy": Code(_("the allergies were not cleared"), closes=True),
    "allergy_unassessed": Code(_("the allergies were not assessed"), may_still_come=True),
    "consent": Code(_("no consent in force"), may_still_come=True),
    "test": Code(_("the test injection was not read, or not valid"), may_still_come=True),
    # A reading that exists runs out before a later visit (rules.visits).
    "test_again": Code(_("the test injection was no longer valid"), may_still_come=True),
    "test_wait": Code(_("before the wait that a change since the test asks for was over")),
    "test_positive": Code(_("the test injection did not clear"), closes=True),
    "too_soon": Code(_("too soon after the last session")),
    "review_due": Code(_("a required review had not been held"), may_still_come=True),
    "cap_undecided": Code(_("a dose limit had not been decided"), may_still_come=True),
    "course_full": Code(_("more sessions than the limit allows"), closes=True),
    "earlier_session": Code(_("an earlier session was still to be given")),
    # Of what was injected, said at the signature (rules.over_caps, rules.lots, rules.tested_lots).
    "over_cap": Code(_("more of a component than its cap allows")),
    "lot_past_use": Code(_("a lot that was expired or put aside")),
    "lot_not_tested": Code(_("a lot that asks for a new test first")),
    "too_many_points": Code(_("more points than a cap allows")),
    "too_much_per_point": Code(_("more at one point than a cap allows")),
    "too_much_per_cm2": Code(_("more on one cm² than a cap allows")),
    # Of a test injection that was recorded as a deviation (actions.patch_tests).
    "lot_unusable": Code(_("a lot that must not be used")),
    "lot_missing": Code(_("no lot named for a component")),
}
MAY_STILL_COME = frozenset(code for code, each in CODES.items() if each.may_still_come)
CLOSES = frozenset(code for code, each in CODES.items() if each.closes)


def in_words(code: str) -> str:
    """What was missing, in words that hold no finding; an unknown code is named as it is."""
    return str(CODES[code].words) if code in CODES else code


ON_HOLD = "plan_on_hold"  # the one refusal that a clinician's decision alone takes back
