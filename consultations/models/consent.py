"""Consent: a versioned text that names the formula, signed by the patient or a representative."""

import uuid

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, frozen_once, guard, on_a_kept_record, refuse, sees_what_is_committed
from clinic.models import Patient, User
from consultations.enums import SignAgain, Signer, TechniqueFamily
from consultations.models.consultation import ClinicalQuerySet
from consultations.models.formula import Formula
from consultations.models.plan import Plan
from consultations.models.reference import Versioned, published_is_final

# The drawing board in its own units, and how much of a drawing is taken: far more than any signature needs.
# The page's script (js/signature.js) draws on a board of the same size.
BOARD_WIDTH, BOARD_HEIGHT = 600, 200
MOST_STROKES, MOST_POINTS = 200, 6000
LONGEST_MILLISECONDS = 3_600_000

# Each path is looked for in turn and must find nothing; one that cannot be followed is NULL, and refuses as well.
_NO_DRAWING = " OR ".join(
    f"jsonb_path_exists(drawn, 'strict {path}', '{{}}', true) IS NOT FALSE"
    for path in (
        '$ ? (@.type() != "array")',
        '$[*] ? (@.type() != "array" || @.size() == 0)',
        '$[*][*] ? (@.type() != "array" || @.size() != 3)',
        '$[*][*][*] ? (@.type() != "number" || @ < 0)',
        f"$[*][*][0] ? (@ > {BOARD_WIDTH})",
        f"$[*][*][1] ? (@ > {BOARD_HEIGHT})",
        f"$[*][*][2] ? (@ > {LONGEST_MILLISECONDS})",
    )
)


@pghistory.track(append_only=True)
class ConsentText(Versioned):
    """What is agreed to, for one procedure or for all; of those that fit a plan the most specific is signed.

    `body` may name {formula}, {components}, {technique}, {sessions}, {indication}, and what the reference data says of
    {off_label}, {risks}, {alternatives}, {aftercare} and {evidence}. `sign_again` is decided when the version is published.
    """

    family = models.CharField(_("only for kind"), max_length=20, choices=TechniqueFamily, blank=True)
    technique_code = models.SlugField(_("only for technique"), max_length=80, blank=True)
    formula_code = models.SlugField(_("only for formula"), max_length=80, blank=True)
    body = models.TextField(_("text"))
    sign_again = models.CharField(
        _("who signed before signs again"),
        max_length=20,
        choices=SignAgain,
        default=SignAgain.NO,
        editable=False,
    )

    class Meta(Versioned.Meta):
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "consent_text_sign_again_known",
                Q(sign_again__in=SignAgain.values),
                _("Choose whether who signed before signs again: an unknown word would ask nobody."),
            ),
        ]
        triggers = published_is_final("consent_text")


@pghistory.track(append_only=True)
class Consent(models.Model):
    """One signature under one text for one plan. Signed when it is made; `words` is the text as it was shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="consents", verbose_name=_("patient"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="consents", verbose_name=_("plan"))
    formula = models.ForeignKey(Formula, models.PROTECT, related_name="+", verbose_name=_("formula"))
    text = models.ForeignKey(ConsentText, models.PROTECT, related_name="+", verbose_name=_("text"))
    words = models.TextField(_("as shown"))
    signer = models.CharField(_("signed by"), max_length=20, choices=Signer)
    signer_name = models.CharField(_("name of the signer"), max_length=200)
    signer_relation = models.CharField(_("relation to the patient"), max_length=100, blank=True)
    identity_seen = models.CharField(_("identity seen"), max_length=200, blank=True)
    interpreter_name = models.CharField(_("interpreter"), max_length=200, blank=True)
    # Lists of [x, y, milliseconds since the first touch]; empty for a signature that was typed alone.
    strokes = models.JSONField(_("signature as drawn"), default=list, blank=True)
    assent_name = models.CharField(_("assent of the young person"), max_length=200, blank=True)
    assent_missing = models.CharField(_("why there is no assent"), max_length=200, blank=True)
    assent_strokes = models.JSONField(_("assent as drawn"), default=list, blank=True)
    signed_at = models.DateTimeField(_("signed at"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("witnessed by"))
    content_hash = models.CharField(max_length=64)

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-signed_at"]
        constraints = [
            check(
                "consent_signer_named",
                ~Q(signer_name=""),
                _("Type the name of the person who signs."),
            ),
            check(
                "consent_representative_relation",
                Q(signer=Signer.PATIENT) | ~Q(signer_relation=""),
                _("Say how the representative is related to the patient."),
            ),
            check(
                "consent_assent_beside",
                Q(assent_name="") | Q(signer=Signer.REPRESENTATIVE),
                _("The young person's assent stands beside a representative's signature."),
            ),
            check(
                "consent_assent_or_reason",
                Q(assent_name="") | Q(assent_missing=""),
                _("Either the young person agrees too, or say why not; not both."),
            ),
            check(
                "consent_assent_drawn_named",
                Q(assent_strokes=[]) | ~Q(assent_name=""),
                _("Type the young person's name beside their drawing, or clear the drawing."),
            ),
        ]
        triggers = [
            *frozen_once("consent"),
            # When it is signed: consents from before the question was asked stay as they are.
            guard(
                "consent_identity_seen",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NEW.signer = 'representative' AND NEW.identity_seen = '' THEN
                        {refuse("consent_identity_seen", "Say how the representative's identity was seen.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "consent_strokes_drawn",
                operation=pgtrigger.Insert,
                declare=[("drawn", "JSONB")],
                func=f"""
                    FOREACH drawn IN ARRAY ARRAY[NEW.strokes, NEW.assent_strokes] LOOP
                        IF {_NO_DRAWING} THEN
                            {refuse("consent_strokes_drawn", "A drawn signature is a list of strokes on the board.")}
                        END IF;
                        IF jsonb_array_length(drawn) > {MOST_STROKES} OR {MOST_POINTS}
                            < jsonb_array_length(jsonb_path_query_array(drawn, '$[*][*]', '{{}}', true)) THEN
                            {refuse("consent_strokes_drawn", "A drawn signature is not as long as that.")}
                        END IF;
                    END LOOP;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("consent"),
            sees_what_is_committed("consent"),
        ]

    def __str__(self) -> str:
        return f"{self.text} v{self.text.version}"


class ConsentWithdrawal(models.Model):
    """The patient has changed their mind: a new row with immediate effect; the signature stays on record."""

    consent = models.OneToOneField(Consent, models.PROTECT, related_name="withdrawal")
    reason = models.CharField(_("reason"), max_length=1000, blank=True)
    withdrawn_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("withdrawal of consent")
        verbose_name_plural = _("withdrawals of consent")
        triggers = append_only("consent_withdrawal")

    def __str__(self) -> str:
        return f"{self.consent}: {self.withdrawn_at:%Y-%m-%d}"
