"""What becomes of the pathway's tables: no free text survives, and what was found and given stays without a name."""

from django.utils.translation import gettext_lazy as _

from clinic.enums import ErasureStage
from consultations import models as pathway
from consultations.erasure.fates import CODES, DAYS, KEY, NO_DIGEST, NO_LIST, NUMBERED, Fate

_SEAL = {"content_hash": NO_DIGEST}
_GIVEN = _("what was injected, of which lot, where and with which result: recalls and reports rest on it")
_FOUND = _("what was judged and decided, and by whom: the clinic answers for it")
_REACTED = _("adverse events, which the makers and the authorities count")
_AGREED = _("that somebody agreed, to what and when; not in whose name")
_WARNED = _("which allergens tests and reactions spoke of")
_SCORED = _("what treatments achieved, counted over all patients")
_ASKED = _("that it was asked and answered before an injection")

PATHWAY = (
    # Photographs show a person. Their rows go with their files.
    Fate(
        pathway.PhotoRemoval,
        goes=ErasureStage.RECORD,
        texts=("reason",),
        stays=dict.fromkeys(
            ("id", "photo", "removed_at", "removed_by", "confirmed_by", "confirmed_at", "alone"), KEY
        ),
    ),
    Fate(
        pathway.Photo,
        goes=ErasureStage.RECORD,
        texts=("note", "file_name", "sha256"),
        stays=dict.fromkeys(
            (
                *("id", "patient", "consent", "view", "moment", "taken_at", "plan", "session", "review"),
                *("adverse_event", "byte_count", "width", "height", "recorded_at", "recorded_by"),
            ),
            KEY,
        ),
        acts=("taken_at",),
    ),
    Fate(
        pathway.SessionTyping,
        goes=ErasureStage.DESK,
        stage=ErasureStage.DESK,
        overwritten={"typed": "'{}'::jsonb"},
        stays=dict.fromkeys(("session", "window", "typed_at", "typed_by"), KEY),
    ),
    Fate(
        pathway.Consultation,
        because=_FOUND,
        texts=("history", "goals", "outcome_reason"),
        overwritten=_SEAL,
        stays={"deferred_until": DAYS},
        acts=("created_at", "signed_at"),
    ),
    Fate(pathway.DiscussedRisk, because=_FOUND),
    Fate(
        pathway.ContraindicationAnswer,
        because=_FOUND,
        texts=("override_reason", "note"),
        stays={"event_on": DAYS, "defer_until": DAYS},
    ),
    Fate(
        pathway.EvidenceDiscussed,
        because=_FOUND,
        texts=("indication_words", "formula_name", "formula_words"),
    ),
    Fate(pathway.ConsultationConfirmation, because=_FOUND, texts=("note",), acts=("confirmed_at",)),
    Fate(pathway.Goal, because=_SCORED, overwritten={"landmark": NUMBERED}),
    Fate(
        pathway.CheckIn,
        because=_ASKED,
        texts=("review_note",),
        overwritten={"said": NO_LIST},
        acts=("answered_at", "reviewed_at"),
    ),
    Fate(
        pathway.HealthAnswer,
        because=_ASKED,
        texts=("override_reason", "note"),
        stays={"event_on": DAYS},
        acts=("recorded_at",),
    ),
    Fate(pathway.PlanStop, because=_FOUND, texts=("lift_reason",), stays={"defer_until": DAYS}),
    Fate(
        pathway.Consent,
        because=_AGREED,
        texts=(
            *("words", "signer_name", "signer_relation", "identity_seen", "interpreter_name"),
            *("assent_name", "assent_missing"),
        ),
        # The drawings are signatures. A constraint asks for a name beside one: it is overwritten in the same statement.
        overwritten=_SEAL | {"strokes": NO_LIST, "assent_strokes": NO_LIST},
        acts=("signed_at",),
    ),
    Fate(pathway.ConsentWithdrawal, because=_AGREED, texts=("reason",), acts=("withdrawn_at",)),
    Fate(
        pathway.PhotographyConsent,
        because=_AGREED,
        texts=("words", "signer_name", "signer_relation"),
        overwritten=_SEAL,
        acts=("signed_at",),
    ),
    Fate(pathway.PhotographyConsentWithdrawal, because=_AGREED, texts=("reason",)),
    Fate(pathway.Plan, because=_GIVEN, stays={"starts_on": DAYS}, acts=("created_at",)),
    Fate(pathway.PlanStatusChange, because=_FOUND, texts=("reason",), acts=("changed_at",)),
    Fate(pathway.PlannedSession, because=_GIVEN),
    Fate(
        pathway.Deviation,
        because=_GIVEN,
        texts=("reason", "findings"),
        stays={"codes": CODES},
        acts=("happened_at", "recorded_at"),
    ),
    Fate(
        pathway.PatchTest,
        because=_GIVEN,
        texts=("site", "note"),
        overwritten=_SEAL,
        stays={"component_codes": CODES, "antihistamine_last_on": DAYS, "steroid_last_on": DAYS},
        acts=("given_at", "signed_at"),
    ),
    Fate(pathway.PatchTestLot, because=_GIVEN),
    Fate(
        pathway.TestReading,
        because=_GIVEN,
        texts=("note", "stricter_reason"),
        overwritten=_SEAL,
        acts=("read_at", "signed_at"),
    ),
    Fate(
        pathway.CauseSearch,
        because=_WARNED,
        texts=("reason",),
        overwritten=_SEAL,
        acts=("signed_at",),
    ),
    Fate(
        pathway.CauseFinding,
        because=_WARNED,
        texts=("words",),
        overwritten=_SEAL,
        stays={"cause_codes": CODES, "opened_codes": CODES},
        acts=("signed_at",),
    ),
    Fate(
        pathway.Session,
        because=_GIVEN,
        texts=("outcome_reason", "needle", "gun_mode", "program", "intensity", "unusual_reason", "note"),
        overwritten=_SEAL,
        acts=("started_at", "ended_at", "signed_at"),
    ),
    Fate(
        pathway.SessionZone,
        because=_GIVEN,
        stays={"places": _("points on a drawing of a body, which is nobody's")},
    ),
    Fate(pathway.SessionLot, because=_GIVEN),
    Fate(pathway.SessionDose, because=_GIVEN, texts=("cap_arithmetic",), stays={"unit": CODES}),
    Fate(pathway.SessionReaction, because=_REACTED, texts=("note",)),
    Fate(pathway.SessionScore, because=_SCORED),
    Fate(
        pathway.AftercareSheet,
        because=_("that advice was handed out"),
        texts=("emergency_number",),
        overwritten=dict.fromkeys(("advice", "call_if", "emergencies"), NO_LIST),
    ),
    Fate(
        pathway.Review,
        because=_SCORED,
        texts=("words",),
        overwritten=_SEAL,
        acts=("created_at", "signed_at"),
    ),
    Fate(
        pathway.ReviewScore, because=_SCORED, texts=("not_taken_reason",), overwritten={"landmark": NUMBERED}
    ),
    Fate(
        pathway.AdverseEvent,
        because=_REACTED,
        texts=("words", "action"),
        overwritten=_SEAL,
        stays={"component_codes": CODES},
        acts=("onset_at", "ended_at", "signed_at"),
    ),
    Fate(pathway.AdverseEventLot, because=_REACTED),
    Fate(
        pathway.ClinicalReport,
        because=_REACTED,
        texts=("words", "call_back", "note"),
        acts=("reported_at", "triaged_at"),
    ),
    Fate(
        pathway.FollowUp,
        because=_REACTED,
        texts=("words",),
        stays={"due_on": DAYS},
        acts=("done_at",),
    ),
    Fate(
        pathway.LeafletHandout,
        because=_AGREED,
        texts=("handed_to",),
        acts=("handed_at",),
    ),
    Fate(
        pathway.Allergy,
        because=_WARNED,
        texts=("words", "reaction", "assessment"),
        stays={"group_code": CODES, "component_codes": CODES},
        acts=("assessed_at",),
    ),
    Fate(pathway.Alert, because=_WARNED, texts=("text",)),
    Fate(pathway.Addendum, because=_FOUND, texts=("text",), acts=("written_at",)),
    Fate(pathway.EnteredInError, because=_FOUND, texts=("reason",)),
    Fate(pathway.RecallCall, because=_("that a recall was passed on")),
)
