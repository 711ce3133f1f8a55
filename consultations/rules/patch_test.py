"""The result of a test injection: computed, never typed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import number_format, time_format
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.dates import add_months, in_words
from consultations.enums import DoubtfulMeans, Grade, ReadingKind, TestArm, TestResult, WhealAgainst
from consultations.models import MethodRule, PatchTest, PatchTestPolicy, PathwayPolicy, TestReading
from consultations.queries import PlanFacts
from consultations.rules.reading_errors import still_closes, still_opens

_POSITIVE = {Grade.WEAK, Grade.STRONG, Grade.EXTREME}
_UNCLEAR = {Grade.DOUBTFUL, Grade.IRRITANT}
_STRICTER = {
    TestResult.AWAITING: {TestResult.INVALID, TestResult.POSITIVE},
    TestResult.NEGATIVE: {TestResult.EQUIVOCAL, TestResult.INVALID, TestResult.POSITIVE},
    TestResult.EQUIVOCAL: {TestResult.INVALID, TestResult.POSITIVE},
    TestResult.INVALID: {TestResult.POSITIVE},
    TestResult.UNCHANGED: {TestResult.EQUIVOCAL, TestResult.INVALID, TestResult.POSITIVE},
    TestResult.POSITIVE: set[TestResult](),
}


@dataclass(frozen=True)
class Window:
    """When a test has to be read."""

    opens_at: datetime
    due_at: datetime
    closes_at: datetime

    def contains(self, moment: datetime) -> bool:
        """Half-open, like every interval here."""
        return self.opens_at <= moment < self.closes_at

    @property
    def last_moment(self) -> datetime:
        """In the last minute of it, to name its last day."""
        return self.closes_at - timedelta(minutes=1)


def reading_window(given_at: datetime, policy: PatchTestPolicy) -> Window:
    """By the policy's hours after the injection (defaults 48, 72, 96)."""
    return Window(
        given_at + timedelta(hours=policy.reading_from_hours),
        given_at + timedelta(hours=policy.reading_due_hours),
        given_at + timedelta(hours=policy.reading_until_hours),
    )


def result_of(
    reading: TestReading,
    *,
    test: PatchTest,
    policy: PathwayPolicy,
    criteria: MethodRule,
    earlier: Iterable[TestReading] = (),
    unclear_before: bool = False,
) -> TestResult:
    """In this order: positive, invalid, equivocal, negative. A positive sign always wins. A late reading is never invalid
    by itself and clears nothing: without a sign it leaves what was read before as it is.

    `criteria` are those of the test's method; `earlier` are the readings of the same test in force; `unclear_before` says
    that an earlier test of the same components was equivocal, because a second one counts as positive.
    """
    earlier = list(earlier)
    if _is_positive(reading, test, criteria) or any(each.result == TestResult.POSITIVE for each in earlier):
        return TestResult.POSITIVE
    if why_invalid(reading, test=test, policy=policy, earlier=earlier):
        return TestResult.INVALID
    if reading.kind == ReadingKind.IMMEDIATE:
        return TestResult.AWAITING
    if reading.grade in _UNCLEAR:
        closes = unclear_before or criteria.doubtful_means == DoubtfulMeans.POSITIVE
        return TestResult.POSITIVE if closes else TestResult.EQUIVOCAL
    return TestResult.UNCHANGED if reading.kind == ReadingKind.LATE else TestResult.NEGATIVE


def _is_positive(reading: TestReading, test: PatchTest, criteria: MethodRule) -> bool:
    if reading.systemic_sign or reading.kind == ReadingKind.REPORTED or reading.grade in _POSITIVE:
        return True
    if not criteria.has_immediate or reading.wheal_end_mm is None or reading.saline_positive:
        return False
    if criteria.wheal_against == WhealAgainst.SALINE:
        before = reading.saline_wheal_mm or Decimal(0)
    elif reading.wheal_start_mm is None:
        return False
    else:
        before = reading.wheal_start_mm
    has_flare = reading.flare or not criteria.needs_flare
    return has_flare and reading.wheal_end_mm - before >= test.policy.wheal_growth_mm


def made_stricter(computed: TestResult, wanted: str, reason: str, *, unclear_before: bool) -> TestResult:
    """What a clinician makes of a computed result: only ever something stricter, with a reason. A second unclear test
    counts as positive here, too.

    Raises:
        DomainError: not stricter than what was computed, or no reason; for the field that is wrong.
    """
    if wanted not in _STRICTER[computed]:
        sentence = _("Computed is “%(result)s”: a result can only be made stricter.")
        raise DomainError(sentence % {"result": computed.label}, "not_stricter", field="stricter")
    if not reason.strip():
        raise DomainError(
            _("Say why you judge it stricter."), "stricter_reason_missing", field="stricter_reason"
        )
    if wanted == TestResult.EQUIVOCAL and unclear_before:
        return TestResult.POSITIVE
    return TestResult(wanted)


def why_invalid(
    reading: TestReading, *, test: PatchTest, policy: PathwayPolicy, earlier: Iterable[TestReading] = ()
) -> list[str]:
    """What keeps a reading from counting, each as a sentence; empty when it counts.

    A histamine wheal smaller than the policy's millimetres means that the skin cannot answer.
    """
    if reading.kind == ReadingKind.LATE:
        return []  # nothing waits for it, so nothing is lost where it could not be made
    reasons = []
    if not reading.site_readable:
        reasons.append(_("The test site could not be read."))
    if reading.saline_positive:
        reasons.append(_("The saline control reacted too, so the skin answers to anything."))
    if reading.grade == Grade.NOT_DONE:
        reasons.append(_("It was not read."))
    if test.histamine_control and reading.kind == ReadingKind.IMMEDIATE:
        wheal = reading.histamine_wheal_mm
        works_from = policy.histamine_works_millimetres
        if wheal is None or wheal < works_from:
            words = _("The histamine control raised no wheal of %(size)s mm, so the skin does not answer.")
            reasons.append(words % {"size": number_format(works_from.normalize())})
    if reading.kind != ReadingKind.IMMEDIATE:
        reasons += _not_in_order(reading, test, list(earlier))
    return reasons


def _not_in_order(reading: TestReading, test: PatchTest, earlier: list[TestReading]) -> list[str]:
    """What came before a delayed reading, and when it was made."""
    reasons = []
    if any(each.result == TestResult.INVALID for each in earlier):
        reasons.append(_("The immediate reading was invalid already."))
    if not any(each.kind == ReadingKind.IMMEDIATE for each in earlier):
        reasons.append(_("There is no immediate reading."))
    if not reading_window(test.given_at, test.policy).contains(reading.read_at):
        reasons.append(_("It was read outside its window."))
    if test.deviation_id:
        reasons.append(_("The test was given outside the rules, so it clears nothing."))
    return reasons


def last_unclear(facts: PlanFacts, *, before: PatchTest | None = None) -> PatchTest | None:
    """The patient's last unclear test with one of the plan's components; `before` leaves that test out.

    A test read without reaction since then has answered it: the count of unclear tests begins anew. One that is called an
    error counts until a second person has confirmed that: nobody repeats it sooner on their own word, or has the next one
    be the first (ADR 42). Of a component tested alone, only its own tests in the search count.
    """
    if before is not None and before.search_id:
        return _last_unclear_alone(facts, before)
    unclear = [
        reading.patch_test
        for reading in facts.readings
        if reading.result == TestResult.EQUIVOCAL
        and still_closes(reading)
        and facts.component_codes & set(reading.patch_test.component_codes)
        and (before is None or reading.patch_test_id != before.pk)
        and not _answered(reading.patch_test, facts)
    ]
    return max(unclear, key=lambda test: test.given_at, default=None)


def _last_unclear_alone(facts: PlanFacts, test: PatchTest) -> PatchTest | None:
    mine = [
        each
        for each in facts.readings
        if each.patch_test.search_id == test.search_id
        and each.patch_test.component_codes == test.component_codes
        and each.patch_test_id != test.pk
    ]
    clear = [
        each.patch_test.given_at for each in mine if each.result == TestResult.NEGATIVE and still_opens(each)
    ]
    unclear = [each.patch_test for each in mine if each.result == TestResult.EQUIVOCAL and still_closes(each)]
    last = max(unclear, key=lambda each: each.given_at, default=None)
    return None if last and any(moment > last.given_at for moment in clear) else last


def _answered(unclear: PatchTest, facts: PlanFacts) -> bool:
    """Whether a later test of everything in doubt was read without reaction."""
    in_doubt = facts.component_codes & set(unclear.component_codes)
    return any(
        in_doubt <= set(reading.patch_test.component_codes) and reading.patch_test.given_at > unclear.given_at
        for reading in facts.negative_readings
    )


def repeat_from(facts: PlanFacts) -> datetime | None:
    """From when an unclear test may be repeated, by the plan's policy; None when nothing was unclear."""
    last = last_unclear(facts)
    return last.given_at + timedelta(days=facts.plan.test_policy.repeat_after_days) if last else None


def repeat_after(test: PatchTest) -> datetime:
    """From when this test may be repeated, by its own policy."""
    return test.given_at + timedelta(days=test.policy.repeat_after_days)


def validity(reading: TestReading, test: PatchTest) -> tuple[datetime, datetime]:
    """From when and until when a reading without reaction clears: not before the policy's hours after the test,
    and for its months from the reading."""
    first = max(
        reading.read_at,
        test.given_at + timedelta(hours=test.policy.min_hours_before_session),
    )
    return first, add_months(reading.read_at, test.policy.validity_months)


def check_reading(reading: TestReading, test: PatchTest, *, criteria: MethodRule, at: datetime) -> None:
    """A reading lies after the injection and not in the future, and says what it has to.

    Raises:
        DomainError: for the field that is wrong.
    """
    if reading.read_at < test.given_at:
        raise DomainError(_("The reading lies before the injection."), "before_test", field="read_at")
    if reading.read_at > at + timedelta(minutes=5):
        raise DomainError(_("The reading lies in the future."), "future", field="read_at")
    if reading.kind in (ReadingKind.DELAYED, ReadingKind.LATE) and not reading.grade:
        raise DomainError(_("Choose the grade you see."), "grade_missing", field="grade")
    if reading.kind == ReadingKind.IMMEDIATE and criteria.has_immediate:
        against_saline = criteria.wheal_against == WhealAgainst.SALINE
        first = ["saline_wheal_mm"] * test.saline_control if against_saline else ["wheal_start_mm"]
        for name in (*first, "wheal_end_mm"):
            if reading.site_readable and getattr(reading, name) is None:
                raise DomainError(
                    _("Enter the wheal in millimetres: this one, and what it is compared with."),
                    name,
                    field=name,
                )


def check_test(test: PatchTest, *, at: datetime, unclear: PatchTest | None = None) -> None:
    """Volume inside the policy's range; observed long enough, and to the end before it is signed; a repeat
    waits its days after the unclear test and goes to the other arm.

    Raises:
        DomainError: for the field that is wrong.
    """
    policy = test.policy
    if not policy.volume_min_ml <= test.volume_ml <= policy.volume_max_ml:
        raise DomainError(
            _("The volume is %(low)s to %(high)s ml.")
            % {
                "low": policy.volume_min_ml.normalize(),
                "high": policy.volume_max_ml.normalize(),
            },
            "volume",
            field="volume_ml",
        )
    if test.given_at > at + timedelta(minutes=5):
        raise DomainError(_("The injection lies in the future."), "future", field="given_at")
    if test.observed_until < test.given_at + timedelta(minutes=policy.observe_minutes):
        raise DomainError(
            _("Observe for at least %(minutes)s minutes.") % {"minutes": policy.observe_minutes},
            "observed_too_short",
            field="observed_until",
        )
    if test.observed_until > at + timedelta(minutes=5):
        raise DomainError(
            _("Observation is not over: look at the test site at %(time)s, then sign.")
            % {"time": time_format(timezone.localtime(test.observed_until), "H:i")},
            "observation_open",
            field="observed_until",
        )
    for name in ("antihistamine_last_on", "steroid_last_on"):
        if (taken := getattr(test, name)) and taken > timezone.localdate(test.given_at):
            raise DomainError(_("The day lies after the injection."), "taken_later", field=name)
    if unclear:
        _check_repeat(test, unclear)


def check_given_once(test: PatchTest) -> None:
    """Nobody injects twice at one place in one minute: the form was sent twice. A test that was called an error is given
    anew.

    Asked under the patient's lock, so that what was signed a moment ago is seen.

    Raises:
        DomainError: given_already.
    """
    minute = test.given_at.replace(second=0, microsecond=0)
    same = PatchTest.objects.signed().filter(
        plan=test.plan,
        given_at__gte=minute,
        given_at__lt=minute + timedelta(minutes=1),
        arm=test.arm,
        site__iexact=test.site,
    )
    if same.exists():
        raise DomainError(
            _("This injection is on record already, with this time and place."),
            "given_already",
            field="given_at",
        )


def _check_repeat(test: PatchTest, unclear: PatchTest) -> None:
    earliest = unclear.given_at + timedelta(days=test.policy.repeat_after_days)
    if test.given_at < earliest:
        raise DomainError(
            _("The last test was unclear: repeat it from %(day)s on, on the other arm.")
            % {"day": in_words(earliest)},
            "repeat_too_soon",
            field="given_at",
        )
    if test.arm == unclear.arm and test.arm in (TestArm.LEFT, TestArm.RIGHT):
        raise DomainError(
            _("The unclear test was on this arm: repeat it on the other one."), "same_arm", field="arm"
        )


def washed_out_from(test: PatchTest) -> date | None:
    """From which day a test would have been free of what the patient took, by the policy's days; None where it was."""
    waits = (
        (test.antihistamine_last_on, test.policy.antihistamine_washout_days),
        (test.steroid_last_on, test.policy.steroid_washout_days),
    )
    days = [taken + timedelta(days=wait) for taken, wait in waits if taken]
    first = max(days, default=None)
    return first if first and timezone.localdate(test.given_at) < first else None
