"""The pathway's fixed vocabulary. Numbers and texts that a clinic may change are reference data, not here."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class TechniqueFamily(models.TextChoices):
    """The three ways of giving a session."""

    NEEDLE = "needle", _("needle")
    GUN = "gun", _("gun")
    NEEDLELESS = "needleless", _("needleless")


class ComponentKind(models.TextChoices):
    """What sort of thing a component is."""

    DRUG = "drug", _("drug")
    ANAESTHETIC = "anaesthetic", _("anaesthetic")
    VITAMIN = "vitamin", _("vitamin")
    HOMEOPATHIC = "homeopathic", _("homeopathic preparation")
    EXTRACT = "extract", _("natural extract")
    HYALURONIC = "hyaluronic", _("hyaluronic acid")
    LIPOLYTIC = "lipolytic", _("lipolytic")
    ENZYME = "enzyme", _("enzyme")
    DILUENT = "diluent", _("diluent")


class Unit(models.TextChoices):
    """The unit a component's dose is counted in."""

    MG = "mg", _("mg")
    ML = "mL", _("ml")
    U = "U", _("units")


class CapMeasure(models.TextChoices):
    """What a cap limits."""

    PER_SESSION = "per_session", _("per session")
    PER_KG = "per_kg", _("per kg body weight and session")
    ML_PER_POINT = "ml_per_point", _("ml per point")
    POINTS_PER_SESSION = "points_per_session", _("points per session")
    SESSIONS_PER_PLAN = "sessions_per_plan", _("sessions per plan")
    SESSIONS_PER_PATIENT = "sessions_per_patient", _("sessions per patient, over all plans")
    MIN_INTERVAL_DAYS = "min_interval_days", _("days between sessions")
    MIN_INTERVAL_MONTHS = "min_interval_months", _("calendar months between sessions")
    PER_CM2 = "per_cm2", _("per cm² of a zone")
    PER_INTERVAL = "per_interval", _("in any days, as many as the interval says")


class CapDecision(models.TextChoices):
    """Whether the clinic has decided about a cap."""

    UNSET = "unset", _("to be decided by the clinic")
    NONE = "none", _("decided: no cap")
    VALUE = "value", _("limit")


class IndicationGroup(models.TextChoices):
    """Groups of indications, as contraindications and outcome rules use them."""

    PAIN = "pain", _("pain and movement")
    FACE = "face", _("face and skin")
    FAT = "fat", _("fat and body shape")
    HAIR = "hair", _("hair")
    LYMPH = "lymph", _("lymphoedema")
    OTHER = "other", _("other")


class IntervalUnit(models.TextChoices):
    """Units of a plan's phases; months are calendar months."""

    DAYS = "days", _("days")
    WEEKS = "weeks", _("weeks")
    MONTHS = "months", _("months")


class Decision(models.TextChoices):
    """What a present contraindication means."""

    BLOCK = "block", _("blocks")
    OVERRIDE = "override", _("needs a named decision")
    DEFER = "defer", _("defers")
    ASK = "ask", _("needs care")


class RuleScope(models.TextChoices):
    """When a contraindication rule applies."""

    GENERAL = "general", _("always")
    GROUP = "group", _("for an indication group")
    INDICATION = "indication", _("for an indication")
    COMPONENT = "component", _("for a component")
    TECHNIQUE = "technique", _("for a technique family")


class Answer(models.TextChoices):
    """To a contraindication question."""

    NO = "no", _("no")
    YES = "yes", _("yes")
    UNKNOWN = "unknown", _("not known")


class AnswerSource(models.TextChoices):
    """How an answer since the consultation was said."""

    PHONE = "phone", _("on the phone")
    VISIT = "visit", _("at a visit")
    WRITTEN = "written", _("in writing")
    CHECK_IN = "check_in", _("at check-in, by the patient")


class Outcome(models.TextChoices):
    """How a consultation ends."""

    ELIGIBLE = "eligible", _("eligible")
    CONDITIONS = "eligible_with_conditions", _("eligible with conditions")
    DEFERRED = "deferred", _("deferred")
    NOT_ELIGIBLE = "not_eligible", _("not eligible")
    REFERRED = "referred", _("referred")


SUITABLE = (Outcome.ELIGIBLE, Outcome.CONDITIONS)


class PlanStatus(models.TextChoices):
    """The states of a plan; stopped and completed are final."""

    PROPOSED = "proposed", _("proposed")
    ACTIVE = "active", _("active")
    ON_HOLD = "on_hold", _("on hold")
    STOPPED = "stopped", _("stopped")
    COMPLETED = "completed", _("completed")


OPEN_PLANS = (PlanStatus.PROPOSED, PlanStatus.ACTIVE, PlanStatus.ON_HOLD)
PLAN_BORN_AS = frozenset({PlanStatus.PROPOSED})
PLAN_MOVES: dict[PlanStatus, frozenset[PlanStatus]] = {
    PlanStatus.PROPOSED: frozenset({PlanStatus.ACTIVE, PlanStatus.STOPPED}),
    PlanStatus.ACTIVE: frozenset({PlanStatus.ON_HOLD, PlanStatus.STOPPED, PlanStatus.COMPLETED}),
    PlanStatus.ON_HOLD: frozenset({PlanStatus.ACTIVE, PlanStatus.STOPPED}),
    PlanStatus.STOPPED: frozenset(),
    PlanStatus.COMPLETED: frozenset(),
}


class TestRequirement(models.TextChoices):
    """The clinic's policy switch for a test injection."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    REQUIRED = "required", _("required")
    NOT_REQUIRED = "not_required", _("not required")
    NOT_AGAIN = "not_again", _("not again for components tested and valid")


class TestMethod(models.TextChoices):
    """How the formula is tested."""

    __test__ = False

    INTRADERMAL = "intradermal", _("intradermal injection")
    EPICUTANEOUS = "epicutaneous", _("epicutaneous patch")
    PRICK = "prick", _("prick")


class TestArm(models.TextChoices):
    """On which side a test is; a repeat goes to the other."""

    __test__ = False

    LEFT = "left", _("left arm")
    RIGHT = "right", _("right arm")
    ELSEWHERE = "elsewhere", _("elsewhere")


class WhealAgainst(models.TextChoices):
    """What the wheal after observation is compared with."""

    START = "start", _("the wheal at once")
    SALINE = "saline", _("the wheal of the saline control")


class DoubtfulMeans(models.TextChoices):
    """What a doubtful or irritant delayed reading means."""

    REPEAT = "repeat", _("is repeated once")
    POSITIVE = "positive", _("counts as positive")


class ReadingKind(models.TextChoices):
    """When a test was looked at."""

    IMMEDIATE = "immediate", _("immediate")
    DELAYED = "delayed", _("delayed")
    LATE = "late", _("late, optional")
    REPORTED = "reported", _("reaction reported later")


class Grade(models.TextChoices):
    """Delayed reading, by the grades of the International Contact Dermatitis Research Group (ICDRG)."""

    NEGATIVE = "neg", _("− no reaction")
    DOUBTFUL = "doubtful", _("?+ faint redness only")
    WEAK = "pos1", _("+ redness, infiltration, possibly papules")
    STRONG = "pos2", _("++ redness, infiltration, papules, vesicles")
    EXTREME = "pos3", _("+++ intense, merging vesicles or blisters")
    IRRITANT = "irritant", _("IR irritant")
    NOT_DONE = "not_done", _("NT not tested")


class TestResult(models.TextChoices):
    """Computed, never typed."""

    __test__ = False

    AWAITING = "awaiting", _("delayed reading awaited")
    POSITIVE = "positive", _("positive")
    INVALID = "invalid", _("invalid: test again")
    EQUIVOCAL = "equivocal", _("equivocal: repeat")
    NEGATIVE = "negative", _("no reaction seen")
    UNCHANGED = "unchanged", _("nothing new")  # of a late reading: neither takes away nor adds


class RetestTrigger(models.TextChoices):
    """What may have changed since a test was read without reaction."""

    FORMULA_CHANGED = "formula_changed", _("a component that was not tested")
    EXPIRED = "expired", _("the test's months are over")
    LAPSE = "lapse", _("a long time since the last injection")
    HEALTH_CHANGE = "health_change", _("an answer about health")
    ALLERGIC_EVENT = "allergic_event", _("an allergic reaction")
    NEW_LOT = "new_lot", _("a lot that was not in the test")
    NEW_MAKER = "new_maker", _("another maker than in the test")


class RetestEffect(models.TextChoices):
    """What such a change means."""

    OFF = "off", _("nothing")
    WARN = "warn", _("a warning on the session page")
    DEFER = "defer", _("a wait of some days")
    REQUIRE = "require", _("a new test first")


class AllergyStatus(models.TextChoices):
    """How sure we are of an allergy."""

    REPORTED = "reported", _("reported")
    CONFIRMED = "confirmed", _("confirmed")
    REFUTED = "refuted", _("refuted")


class Signer(models.TextChoices):
    """Who signs a consent."""

    PATIENT = "patient", _("the patient")
    REPRESENTATIVE = "representative", _("a representative")


class HandoutWay(models.TextChoices):
    """How a patient was given a leaflet."""

    PAPER = "paper", _("on paper")
    SCREEN = "screen", _("read together on the screen")


class SignAgain(models.TextChoices):
    """Whether a new version of a consent text asks those to sign again who signed an earlier one."""

    NO = "no", _("No: what is signed stays in force")
    NEXT_COURSE = (
        "next_course",
        _("At the next course: courses that have begun are finished under the old text"),
    )
    NOW = "now", _("Now: before the next injection")


class SessionOutcome(models.TextChoices):
    """What became of a session."""

    DRAFT = "", _("being recorded")
    COMPLETE = "complete", _("complete")
    PARTIAL = "partial", _("partly given")
    NOT_GIVEN = "not_given", _("not given")


GIVEN = (SessionOutcome.COMPLETE, SessionOutcome.PARTIAL)


class ScoreMoment(models.TextChoices):
    """When a score was taken."""

    BEFORE = "before", _("before")
    AFTER = "after", _("after")


class PhotoMoment(models.TextChoices):
    """When a photograph was taken, seen from the treatment."""

    BEFORE = "before", _("before")
    AFTER = "after", _("after")
    FOLLOW_UP = "follow_up", _("follow-up")


class Better(models.TextChoices):
    """Which way a scale improves."""

    LOWER = "lower", _("lower is better")
    HIGHER = "higher", _("higher is better")


class ReviewAnchor(models.TextChoices):
    """What the day of a review counts from."""

    START = "start", _("the first session")
    SESSION = "session", _("a session by its number")
    LAST = "last", _("the last session")


class ReviewDecision(models.TextChoices):
    """How the plan goes on after a review."""

    GO_ON = "go_on", _("go on as planned")
    HOLD = "hold", _("hold the plan")
    STOP = "stop", _("stop the plan")
    FINISH = "finish", _("finished: it is enough")


class TriageOutcome(models.TextChoices):
    """What a practitioner made of a report from the desk."""

    NO_ACTION = "no_action", _("no action needed")
    ADVICE = "advice", _("advice given")
    HOLD = "hold", _("plans put on hold")
    STOP = "stop", _("plans stopped")


class BodyView(models.TextChoices):
    """The drawing on which a zone lies."""

    FACE = "face", _("face")
    BODY_FRONT = "body_front", _("front of the body")
    BODY_BACK = "body_back", _("back of the body")
    SCALP = "scalp", _("scalp")


class PlanEffect(models.TextChoices):
    """What an adverse event does to plans, the strictest last (policy of the clinic)."""

    NONE = "none", _("plans go on")
    REVIEW = "review", _("a practitioner reviews it; plans go on")
    HOLD = "hold", _("plans are put on hold")
    STOP = "stop", _("plans are stopped for good")


class Causality(models.TextChoices):
    """How likely the injection caused it, in the words of the WHO."""

    CERTAIN = "certain", _("certain")
    PROBABLE = "probable", _("probable")
    POSSIBLE = "possible", _("possible")
    UNLIKELY = "unlikely", _("unlikely")
    CONDITIONAL = "conditional", _("more is needed to tell")
    UNASSESSABLE = "unassessable", _("cannot be told")


class Seriousness(models.TextChoices):
    """FHIR R4 `AdverseEvent.seriousness`."""

    NOT_SERIOUS = "not_serious", _("not serious")
    SERIOUS = "serious", _("serious")
    DEATH = "death", _("death")
    LIFE_THREATENING = "life_threatening", _("life-threatening")
    HOSPITAL = "hospital", _("in hospital, or longer there")
    DISABILITY = "disability", _("lasting disability")
    BIRTH_DEFECT = "birth_defect", _("birth defect")
    PREVENTED = "prevented", _("treated to prevent lasting harm")


class EventOutcome(models.TextChoices):
    """FHIR R4 `AdverseEvent.outcome`."""

    ONGOING = "ongoing", _("ongoing")
    RECOVERING = "recovering", _("getting better")
    RESOLVED = "resolved", _("over")
    SEQUELAE = "sequelae", _("over, with something left")
    FATAL = "fatal", _("fatal")
    UNKNOWN = "unknown", _("not known")


class FollowUpAnswer(models.TextChoices):
    """What came of a check after a session."""

    NOTHING = "nothing", _("nothing noticed")
    SOMETHING = "something", _("something noticed")
    NOT_REACHED = "not_reached", _("not reached")
