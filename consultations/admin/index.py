"""How the pathway's tables are grouped on the admin's pages: by what somebody looks for, in the order of a course."""

from django.utils.translation import gettext_lazy as _

from consultations import models as pathway

GROUPS = (
    (
        _("Products, recipes and lots"),
        (
            pathway.Component,
            pathway.Formula,
            pathway.Recipe,
            pathway.Lot,
            pathway.InUseLife,
            pathway.AllergenGroup,
            pathway.DoseCap,
        ),
    ),
    (
        _("Whom we treat, and with what"),
        (
            pathway.Indication,
            pathway.ContraindicationQuestion,
            pathway.Alternative,
            pathway.PlanTemplate,
            pathway.SessionFormula,
            pathway.PathwayPolicy,
        ),
    ),
    (_("Test injections"), (pathway.PatchTestPolicy, pathway.MethodRule, pathway.RetestRule)),
    (
        _("Sessions"),
        (
            pathway.Technique,
            pathway.TechniqueRule,
            pathway.BodyZone,
            pathway.ZoneShape,
            pathway.CheckInQuestion,
        ),
    ),
    (
        _("Reactions and follow-up"),
        (pathway.ReactionType, pathway.ReactionRule, pathway.RedFlag, pathway.FollowUpRule),
    ),
    (_("Results"), (pathway.Scale, pathway.ScaleThreshold, pathway.ReviewRule, pathway.StandardView)),
    (
        _("What patients read and sign"),
        (
            pathway.ConsentText,
            pathway.PhotographyText,
            pathway.Leaflet,
            pathway.AftercareRule,
            pathway.AftercareScope,
        ),
    ),
)
