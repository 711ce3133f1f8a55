"""Real rows for tests. Every factory makes a valid row with all that it needs; say only what the test is about."""

from tests.factories.alerts import (
    AlertFactory,
    AllergyFactory,
    ClinicalReportFactory,
    DeviationFactory,
)
from tests.factories.booking import (
    AppointmentFactory,
    AppointmentTypeFactory,
    ContactEntryFactory,
    ContactTryFactory,
    WaitlistEntryFactory,
    WaitlistOfferFactory,
    WalkInFactory,
)
from tests.factories.consents import ConsentFactory, ConsentWithdrawalFactory
from tests.factories.consultations import (
    AddendumFactory,
    ConsultationFactory,
    ContraindicationAnswerFactory,
    EnteredInErrorFactory,
)
from tests.factories.feeds import CalendarFeedFactory
from tests.factories.formulas import (
    AllergenGroupFactory,
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    lots_of,
)
from tests.factories.opening import (
    AbsenceFactory,
    ClosedDayFactory,
    ExtraOpeningFactory,
    OutOfServiceFactory,
    WorkingHoursFactory,
)
from tests.factories.patch_tests import (
    PatchTestFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.places import DeviceFactory, LocationFactory, RoomFactory
from tests.factories.plans import PlanFactory, PlannedSessionFactory
from tests.factories.reference import (
    AftercareRuleFactory,
    BodyZoneFactory,
    ConsentTextFactory,
    ContraindicationQuestionFactory,
    DoseCapFactory,
    IndicationFactory,
    LeafletFactory,
    PatchTestPolicyFactory,
    PathwayPolicyFactory,
    PlanTemplateFactory,
    ReactionTypeFactory,
    ReviewRuleFactory,
    ScaleFactory,
    ScaleThresholdFactory,
    SessionFormulaFactory,
    TechniqueFactory,
    VersionedFactory,
)
from tests.factories.reviews import (
    GoalFactory,
    ReviewFactory,
    ReviewScoreFactory,
    waiting_for_review,
)
from tests.factories.sessions import (
    SessionDoseFactory,
    SessionFactory,
    SessionScoreFactory,
    SessionZoneFactory,
)
from tests.factories.users import PASSWORD, UserFactory

__all__ = [
    "PASSWORD",
    "AbsenceFactory",
    "AddendumFactory",
    "AftercareRuleFactory",
    "AlertFactory",
    "AllergenGroupFactory",
    "AllergyFactory",
    "AppointmentFactory",
    "AppointmentTypeFactory",
    "BodyZoneFactory",
    "CalendarFeedFactory",
    "ClinicalReportFactory",
    "ClosedDayFactory",
    "ComponentFactory",
    "ConsentFactory",
    "ConsentTextFactory",
    "ConsentWithdrawalFactory",
    "ConsultationFactory",
    "ContactEntryFactory",
    "ContactTryFactory",
    "ContraindicationAnswerFactory",
    "ContraindicationQuestionFactory",
    "DeviationFactory",
    "DeviceFactory",
    "DoseCapFactory",
    "EnteredInErrorFactory",
    "ExtraOpeningFactory",
    "FormulaFactory",
    "GoalFactory",
    "IndicationFactory",
    "LeafletFactory",
    "LocationFactory",
    "LotFactory",
    "OutOfServiceFactory",
    "PatchTestFactory",
    "PatchTestPolicyFactory",
    "PathwayPolicyFactory",
    "PatientFactory",
    "PlanFactory",
    "PlanTemplateFactory",
    "PlannedSessionFactory",
    "PractitionerFactory",
    "ReactionTypeFactory",
    "ReviewFactory",
    "ReviewRuleFactory",
    "ReviewScoreFactory",
    "RoomFactory",
    "ScaleFactory",
    "ScaleThresholdFactory",
    "SessionDoseFactory",
    "SessionFactory",
    "SessionFormulaFactory",
    "SessionScoreFactory",
    "SessionZoneFactory",
    "TechniqueFactory",
    "TestReadingFactory",
    "UserFactory",
    "VersionedFactory",
    "WaitlistEntryFactory",
    "WaitlistOfferFactory",
    "WalkInFactory",
    "WorkingHoursFactory",
    "cleared_plan",
    "consented_plan",
    "lots_of",
    "waiting_for_review",
]
