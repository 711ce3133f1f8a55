"""The clinical pathway's tables."""

from consultations.models.adverse_event import (
    ClinicalReport,
    Deviation,
    SessionReaction,
)
from consultations.models.aftercare import AftercareScope, AftercareSheet, RedFlag
from consultations.models.allergy import Alert, Allergy
from consultations.models.alternative import Alternative
from consultations.models.body_map import ZoneShape
from consultations.models.cause_search import CauseFinding, CauseSearch
from consultations.models.check_in import CheckIn, CheckInQuestion, KnownCheckIn
from consultations.models.consent import Consent, ConsentText, ConsentWithdrawal
from consultations.models.consultation import (
    Consultation,
    ConsultationConfirmation,
    ContraindicationAnswer,
    DiscussedRisk,
)
from consultations.models.event import AdverseEvent, AdverseEventLot
from consultations.models.evidence import EvidenceDiscussed
from consultations.models.follow_up import FollowUp, FollowUpRule
from consultations.models.formula import (
    AllergenGroup,
    Component,
    Formula,
    FormulaPart,
    Lot,
)
from consultations.models.health import HealthAnswer, PlanStop, StandingStop
from consultations.models.in_use_life import InUseLife
from consultations.models.leaflet import Leaflet
from consultations.models.leaflet_handout import LeafletHandout
from consultations.models.method_rule import MethodRule
from consultations.models.outcome import (
    Goal,
    Review,
    ReviewRule,
    ReviewScore,
    ScaleThreshold,
    SessionScore,
)
from consultations.models.patch_test import PatchTest, PatchTestLot, TestReading
from consultations.models.patch_test_policy import PatchTestPolicy
from consultations.models.pathway_policy import PathwayPolicy
from consultations.models.photo import (
    Photo,
    PhotographyConsent,
    PhotographyConsentWithdrawal,
    PhotographyText,
    PhotoRemoval,
    StandardView,
)
from consultations.models.plan import Plan, PlannedSession, PlanStatusChange
from consultations.models.reaction_rule import ReactionRule
from consultations.models.recall import Recall, RecallCall
from consultations.models.recipe import Recipe, RecipeLine
from consultations.models.records import Addendum, EnteredInError
from consultations.models.reference import (
    AftercareRule,
    BodyZone,
    ContraindicationQuestion,
    ContraindicationRule,
    DoseCap,
    Indication,
    PlanPhase,
    PlanTemplate,
    ReactionType,
    Scale,
    Technique,
)
from consultations.models.retest_rule import RetestRule
from consultations.models.session import Session, SessionDose, SessionLot, SessionZone
from consultations.models.session_formula import SessionFormula
from consultations.models.session_typing import SessionTyping
from consultations.models.technique_rule import TechniqueRule

__all__ = [
    "Addendum",
    "AdverseEvent",
    "AdverseEventLot",
    "AftercareRule",
    "AftercareScope",
    "AftercareSheet",
    "Alert",
    "AllergenGroup",
    "Allergy",
    "Alternative",
    "BodyZone",
    "CauseFinding",
    "CauseSearch",
    "CheckIn",
    "CheckInQuestion",
    "ClinicalReport",
    "Component",
    "Consent",
    "ConsentText",
    "ConsentWithdrawal",
    "Consultation",
    "ConsultationConfirmation",
    "ContraindicationAnswer",
    "ContraindicationQuestion",
    "ContraindicationRule",
    "Deviation",
    "DiscussedRisk",
    "DoseCap",
    "EnteredInError",
    "EvidenceDiscussed",
    "FollowUp",
    "FollowUpRule",
    "Formula",
    "FormulaPart",
    "Goal",
    "HealthAnswer",
    "InUseLife",
    "Indication",
    "KnownCheckIn",
    "Leaflet",
    "LeafletHandout",
    "Lot",
    "MethodRule",
    "PatchTest",
    "PatchTestLot",
    "PatchTestPolicy",
    "PathwayPolicy",
    "Photo",
    "PhotoRemoval",
    "PhotographyConsent",
    "PhotographyConsentWithdrawal",
    "PhotographyText",
    "Plan",
    "PlanPhase",
    "PlanStatusChange",
    "PlanStop",
    "PlanTemplate",
    "PlannedSession",
    "ReactionRule",
    "ReactionType",
    "Recall",
    "RecallCall",
    "Recipe",
    "RecipeLine",
    "RedFlag",
    "RetestRule",
    "Review",
    "ReviewRule",
    "ReviewScore",
    "Scale",
    "ScaleThreshold",
    "Session",
    "SessionDose",
    "SessionFormula",
    "SessionLot",
    "SessionReaction",
    "SessionScore",
    "SessionTyping",
    "SessionZone",
    "StandardView",
    "StandingStop",
    "Technique",
    "TechniqueRule",
    "TestReading",
    "ZoneShape",
]
