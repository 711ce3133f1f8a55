"""The pathway's tables in Django's admin, by subject. What needs nothing of its own is registered here."""

from django.contrib import admin

from consultations import models as pathway
from consultations.admin import products, texts, treatment  # noqa: F401  each registers its own
from consultations.admin.index import GROUPS
from consultations.admin.versions import ReferenceAdmin

admin.site.register(
    [
        pathway.AllergenGroup,
        pathway.Alternative,
        pathway.Technique,
        pathway.TechniqueRule,
        pathway.Indication,
        pathway.InUseLife,
        pathway.CheckInQuestion,
        pathway.PathwayPolicy,
        pathway.RetestRule,
        pathway.MethodRule,
        pathway.SessionFormula,
        pathway.AftercareRule,
        pathway.AftercareScope,
        pathway.RedFlag,
        pathway.ReactionType,
        pathway.ReactionRule,
        pathway.FollowUpRule,
        pathway.Scale,
        pathway.ScaleThreshold,
        pathway.ReviewRule,
        pathway.BodyZone,
        pathway.ZoneShape,
        pathway.StandardView,
        pathway.PhotographyText,
    ],
    ReferenceAdmin,
)
admin.site.groups += GROUPS
