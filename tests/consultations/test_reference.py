"""The reference data that ships with the product: complete, exact, versioned, and never changed once published."""

import re
from datetime import timedelta
from decimal import Decimal as D
from importlib import import_module
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clinic.enums import Role
from clinic.errors import DomainError, NotAllowed
from clinic.models import AppointmentType, ClinicSettings, User
from consultations import models as pathway
from consultations.actions import reference
from consultations.enums import CapDecision, Decision, RuleScope, Unit
from consultations.management.commands.load_reference import KINDS
from consultations.models.reference import Versioned
from consultations.rules import consent_texts, recipes
from tests.factories import PlanFactory, TechniqueFactory, UserFactory
from tests.guards import refusal_of, without

pytestmark = pytest.mark.django_db

COMPONENTS = (
    "pc dc lidocaine procaine ha multivit hyaluronidase calcitonin piroxicam ketoprofen diclofenac asa_lys methylpred"
    " edta_na2 pentoxifylline buflomedil aminophylline caffeine carnitine silicium homeopathic artichoke tranexamic"
    " minoxidil dutasteride biotin pn_hpt nacl"
)
CODES = {
    pathway.Component: COMPONENTS,
    pathway.AllergenGroup: "soy egg fish bee_wasp_venom bovine_ovine local_anaesthetic_ester paba"
    " local_anaesthetic_amide nsaid_salicylate xanthine asteraceae chelator_edta benzyl_alcohol sulfite paraben latex"
    " chlorhexidine iodine propylene_glycol polysorbate",
    pathway.Formula: "F-FACE-AMIN F-FAT-PCDC F-FAT-DCA F-PAIN-LBP F-PAIN-SPINE F-JOINT-ACUTE F-JOINT-CHRONIC"
    " F-TENDON-EDTA F-CELL F-HAIR-DUT F-LYMPH F-NEURALGIA F-LIDOCAINE-2",
    pathway.ContraindicationQuestion: "pregnancy breastfeeding no_contraception age_min age_max allergy_component"
    " anaphylaxis_history infection_site infection_systemic active_dermatosis keloid retinoid laser_recent coagulation"
    " anticoagulant aspirin_nsaid thromboembolic stroke cardiac hypertension cancer_active diabetes_insulin"
    " diabetes_other autoimmune immunosuppressed liver_kidney epilepsy thyroid obesity_bmi pih_risk psych_bdd"
    " implant_pacemaker needle_phobia covid_vaccine_recent",
    pathway.Technique: "epidermal nappage papule point_by_point amin_face linear deep pc_dc mesoperfusion dry gun"
    " needleless",
    pathway.PlanTemplate: "PAIN-ACUTE-LBP PAIN-SPINE PAIN-GEN KNEE-OA TENDON-CALC MUSCLE-SPORT FACE-AMIN FACE-HA"
    " PIGMENT FAT-PCDC FAT-DCA CELLULITE HAIR-DUT HAIR-10 LYMPH TENDINITIS CALC-BICEPS VASCULAR WEIGHT TINNITUS"
    " NEURALGIA",
    pathway.Scale: "pain_nrs pain_vas rmdq womac oks ndi gais wsrs fine_lines fitzpatrick_wrinkle masi mmasi"
    " cellulite_nm cellulite_css circumference_cm weight_kg bmi fat_mm limb_volume_ml excess_volume_pct"
    " hair_count_cm2 sinclair global_7pt satisfaction_5",
    pathway.ReactionType: "allergy_local anaphylaxis bruising swelling infection_bact infection_ntm nodule"
    " tissue_damage nausea vomiting pain haemorrhage induration granuloma pigmentation atrophy scar sterile_abscess"
    " nerve_damage paraesthesia urticaria thrombosis syncope last",
}
DISCUSSED = ["allergy_local", "bruising", "swelling", "infection_ntm", "nodule", "tissue_damage", "nausea"]


def in_force(model: type[Versioned], code: str) -> Versioned:
    return model.objects.current().get(code=code)


def dose(formula: str, component: str, ml: D) -> D:
    part = pathway.FormulaPart.objects.get(
        formula=in_force(pathway.Formula, formula), component__code=component
    )
    return part.strength * ml


def cap(code: str) -> D:
    return in_force(pathway.DoseCap, code).limit


def offsets(template: str) -> list[int]:
    """Days of the sessions of a template whose phases count in days or weeks; the first is day 0."""
    phases = in_force(pathway.PlanTemplate, template).phases.all()
    steps = [
        phase.interval * {"days": 1, "weeks": 7}[phase.unit] for phase in phases for _ in range(phase.count)
    ]
    return [sum(steps[1:n]) for n in range(1, len(steps) + 1)]


def rules(question: str) -> set[tuple[str, str, str]]:
    found = in_force(pathway.ContraindicationQuestion, question).rules
    return set(found.values_list("scope", "scope_code", "decision"))


@pytest.fixture
def keeper() -> User:
    return UserFactory(roles=[Role.ADMIN])


class TestWhatShips:
    @pytest.mark.parametrize("model", CODES, ids=lambda model: model.__name__)
    def test_every_code_of_the_clinical_reference_is_in_force(self, model: type[Versioned]) -> None:
        assert (
            set(CODES[model].split()) - set(model.objects.current().values_list("code", flat=True)) == set()
        )

    @pytest.mark.parametrize("model", [model for _, model in KINDS], ids=lambda model: model.__name__)
    def test_no_entry_names_a_code_that_does_not_exist(self, model: type[Versioned]) -> None:
        assert [
            (e.code, reference.unknown_codes(e)) for e in model.objects.all() if reference.unknown_codes(e)
        ] == []

    def test_general_knowledge_asks_the_clinic_to_confirm(self) -> None:
        sources = {
            (model.__name__, entry.code): entry.to_confirm
            for _, model in KINDS
            for entry in model.objects.filter(source__icontains="general knowledge")
        }
        assert {key for key, to_confirm in sources.items() if not to_confirm} == set()

    def test_every_offered_indication_has_an_offered_template_with_a_technique(self) -> None:
        offered = set(
            pathway.PlanTemplate.objects.current().filter(is_active=True).values_list("indication_code")
        )
        asked = set(pathway.Indication.objects.current().filter(is_active=True).values_list("code"))
        assert asked - offered == set()

    def test_every_indication_says_what_trials_found_for_and_against(self) -> None:
        silent = [
            i.code for i in pathway.Indication.objects.all() if not re.search(r"For: .*Against: ", i.evidence)
        ]
        assert silent == []

    def test_withdrawn_and_historical_things_are_not_offered(self) -> None:
        assert in_force(pathway.Component, "buflomedil").is_active is False
        assert in_force(pathway.Indication, "tinnitus").is_active is False
        assert in_force(pathway.PlanTemplate, "TINNITUS").is_active is False

    def test_the_seven_risks_of_every_consultation(self) -> None:
        discussed = pathway.ReactionType.objects.current().filter(is_discussed=True)
        assert list(discussed.values_list("code", flat=True)) == DISCUSSED

    def test_contraindications_keep_their_scopes_and_exceptions(self) -> None:
        assert rules("cancer_active") == {("general", "", "block"), ("indication", "lymphoedema", "override")}
        assert rules("thromboembolic") == {("general", "", "override"), ("component", "tranexamic", "block")}
        assert rules("no_contraception") == {("general", "", "ask"), ("component", "dutasteride", "block")}
        assert rules("implant_pacemaker") == {("general", "", "ask"), ("technique", "needleless", "block")}
        assert rules("obesity_bmi") == {("group", "fat", "ask")}
        assert rules("pregnancy") == {("general", "", "block")}

    def test_a_deferring_question_says_for_how_long_where_a_source_does(self) -> None:
        deferring = pathway.ContraindicationQuestion.objects.filter(rules__decision=Decision.DEFER)
        assert dict(deferring.values_list("code", "defer_days")) == {
            "infection_site": 7,
            "infection_systemic": 14,
            "active_dermatosis": None,
            "retinoid": 184,
            "laser_recent": 184,
            "hypertension": None,
            "covid_vaccine_recent": 14,
        }

    def test_every_question_has_a_rule(self) -> None:
        assert pathway.ContraindicationQuestion.objects.filter(rules=None).count() == 0

    def test_consent_text_fills_in(self) -> None:
        body = in_force(pathway.ConsentText, "general").body
        words = (
            "formula components technique sessions indication off_label evidence risks alternatives aftercare"
        )
        names = {word: f"<{word}>" for word in words.split()}
        filled = body.format(**names)
        assert [word in filled for word in names.values()] == [True] * 10

    @pytest.mark.parametrize(
        ("technique", "formula", "code"),
        [
            ("papule", "F-FACE-HA", "needle"),
            ("gun", "F-FACE-HA", "gun"),
            ("needleless", "F-FACE-HA", "needleless"),
            ("pc_dc", "F-FAT-PCDC", "pc-dc"),
            ("pc_dc", "F-FAT-DCA", "pc-dc"),
            ("papule", "F-HAIR-DUT", "dutasteride"),
            ("gun", "F-HAIR-DUT", "dutasteride"),
        ],
    )
    def test_every_procedure_has_a_consent_text_of_its_own(
        self, technique: str, formula: str, code: str
    ) -> None:
        plan = PlanFactory(
            technique=in_force(pathway.Technique, technique), formula=in_force(pathway.Formula, formula)
        )
        text = consent_texts.text_for(plan)
        assert text is not None
        assert text.code == code
        words = consent_texts.wording(plan, text)
        for part in ("Off-label use", "Risks", "Alternatives", "After a session", plan.formula.evidence):
            assert part in words
        assert "{" not in words

    def test_appointment_types_of_the_pathway(self) -> None:
        types = AppointmentType.objects.values_list(
            "code", "purpose", "patient_minutes", "device_kind", "skill"
        )
        assert list(types) == [
            ("consultation", "consultation", 40, "", ""),
            ("test", "test", 40, "", ""),
            ("reading", "reading", 15, "", ""),
            ("session_needle", "session", 45, "", "needle"),
            ("session_gun", "session", 45, "gun", "gun"),
            ("session_needleless", "session", 45, "needleless", "needleless"),
            ("review", "review", 20, "", ""),
        ]

    def test_test_injection_policy(self) -> None:
        policy = in_force(pathway.PatchTestPolicy, "default")
        assert (policy.requirement, policy.volume_ml, policy.reading_due_hours, policy.validity_months) == (
            "required",
            D("0.050"),
            72,
            6,
        )
        assert (policy.reading_from_hours, policy.reading_until_hours, policy.min_hours_before_session) == (
            48,
            96,
            48,
        )
        assert in_force(pathway.PatchTestPolicy, "acute-lbp").requirement == "not_required"


class TestNumbers:
    """The acceptance scenarios and the caps, exactly."""

    def test_a1_face_session_is_2_025_ml_multivitamin_and_0_225_ml_hyaluronic_acid(self) -> None:
        template = in_force(pathway.PlanTemplate, "FACE-AMIN")
        volume = template.usual_points * template.usual_ml_per_point
        assert volume == D("2.25")
        assert dose("F-FACE-AMIN", "multivit", volume) == D("2.025")
        assert dose("F-FACE-AMIN", "ha", volume) == D("0.225")
        assert {in_force(pathway.Component, code).unit for code in ("multivit", "ha")} == {Unit.ML}

    def test_a1_course_is_four_monthly_sessions_reviewed_at_the_third(self) -> None:
        template = in_force(pathway.PlanTemplate, "FACE-AMIN")
        assert list(template.phases.values_list("count", "interval", "unit")) == [(4, 1, "months")]
        assert template.review_after_session == 3
        assert 4 * template.usual_points == 900

    def test_a2_back_pain_doses_come_out_within_rounding_and_under_their_caps(self) -> None:
        assert offsets("PAIN-ACUTE-LBP") == [0, 3, 6, 9, 12]
        course = ["F-PAIN-LBP", "F-PAIN-LBP", "F-PAIN-LBP-20", "F-PAIN-LBP-20", "F-PAIN-LBP-20"]
        totals = {
            component: sum(dose(formula, component, D(3)) for formula in course).quantize(D("0.01"))
            for component in ("lidocaine", "ketoprofen", "methylpred")
        }
        assert totals == {"lidocaine": D(100), "ketoprofen": D(800), "methylpred": D(140)}
        assert dose("F-PAIN-LBP", "ketoprofen", D(3)) <= cap("ketoprofen-per_session") == D(160)
        assert dose("F-PAIN-LBP", "methylpred", D(3)) <= cap("methylpred-per_session") == D(40)

    def test_a3_hair_course_has_irregular_weeks(self) -> None:
        assert offsets("HAIR-DUT") == [0, 7, 14, 21, 35, 49, 77]

    def test_a5_fifty_points_of_deoxycholic_acid_reach_every_cap_of_the_label(self) -> None:
        points, per_point = cap("dc-points_per_session-f-fat-dca"), cap("dc-ml_per_point-f-fat-dca")
        assert (points, per_point) == (D(50), D("0.2"))
        assert dose("F-FAT-DCA", "dc", points * per_point) == cap("dc-per_session-f-fat-dca") == D(100)
        assert cap("dc-sessions_per_plan-f-fat-dca") == 6
        assert cap("dc-min_interval_days-f-fat-dca") == 28
        assert in_force(pathway.PlanTemplate, "FAT-DCA").min_gap_days == 28

    def test_a6_lidocaine_has_a_cap_per_kilogram_and_an_absolute_one(self) -> None:
        caps = cap("lidocaine-per_kg"), cap("lidocaine-per_session")
        assert [min(D(weight) * caps[0], caps[1]) for weight in ("50", "66.7", "80")] == [
            D(225),
            D(300),
            D(300),
        ]

    def test_a6_two_per_cent_of_lidocaine_alone_reaches_its_caps_at_11_25_and_15_ml(self) -> None:
        assert dose("F-LIDOCAINE-2", "lidocaine", D("11.25")) == 50 * cap("lidocaine-per_kg") == D(225)
        assert dose("F-LIDOCAINE-2", "lidocaine", D(15)) == cap("lidocaine-per_session") == D(300)
        formula = in_force(pathway.Formula, "F-LIDOCAINE-2")
        assert recipes.words_of(formula, at=timezone.now()) == "1 ml Lidocaine 20 mg/ml, as it is"

    def test_a_component_without_a_sourced_cap_waits_for_the_clinic(self) -> None:
        capped = ["pc", "dc", "lidocaine", "procaine", "calcitonin", "piroxicam", "ketoprofen", "methylpred"]
        general = pathway.DoseCap.objects.current().filter(formula_code="", decision=CapDecision.UNSET)
        assert set(general.values_list("component_code", flat=True)) == set(COMPONENTS.split()) - set(capped)
        assert set(general.values_list("to_confirm", flat=True)) == {True}

    def test_label_limits_of_deoxycholic_acid_do_not_reach_the_mix(self) -> None:
        mix = pathway.DoseCap.objects.current().filter(component_code="dc").exclude(formula_code="F-FAT-DCA")
        assert set(mix.values_list("formula_code", "measure", "decision")) == {
            ("F-FAT-PCDC", "per_session", "unset"),
            ("F-FAT-PCDC", "min_interval_days", "value"),
        }


class TestLoading:
    def test_a_second_load_changes_nothing(self) -> None:
        def state() -> list[list[tuple]]:
            children = [pathway.FormulaPart, pathway.PlanPhase, pathway.ContraindicationRule]
            return [
                list(model.objects.order_by("pk").values_list())
                for model in [*dict(KINDS).values(), *children]
            ]

        before = state()
        call_command("load_reference", verbosity=0)
        assert state() == before

    def test_an_entry_of_the_clinics_own_is_left_alone(self, keeper: User) -> None:
        draft = reference.new_version(
            entry=in_force(pathway.Leaflet, "aftercare"), by=keeper, at=timezone.now()
        )
        draft.body = "Ours."
        draft.save()
        reference.publish(entry=draft, by=keeper, at=timezone.now())
        call_command("load_reference", verbosity=0)
        assert in_force(pathway.Leaflet, "aftercare").body == "Ours."

    def test_what_is_missing_comes_back_with_its_progress_shown(self) -> None:
        AppointmentType.objects.filter(code="review").delete()
        out = StringIO()
        call_command("load_reference", stdout=out)
        assert AppointmentType.objects.filter(code="review").count() == 1
        assert out.getvalue().splitlines()[-1] == "appointment types: 1 loaded"

    def test_another_time_zone_than_the_stored_one_is_refused(self, settings) -> None:
        stored = ClinicSettings.objects.get().time_zone
        settings.TIME_ZONE = "America/Lima"
        with pytest.raises(CommandError, match=f"MESOCLINIC_TIME_ZONE={stored}"):
            call_command("load_reference", verbosity=0)


class TestPublishedIsFinal:
    @pytest.mark.parametrize("model", [model for _, model in KINDS], ids=lambda model: model.__name__)
    def test_no_published_row_can_be_changed_or_deleted(self, model: type[Versioned]) -> None:
        entry = model.objects.current().first()
        for write in (
            lambda: model.objects.filter(pk=entry.pk).update(name="Other"),
            lambda: model.objects.filter(pk=entry.pk).delete(),
            lambda: sql(f"UPDATE {model._meta.db_table} SET published_at = NULL WHERE id = {entry.pk}"),
            lambda: sql(f"DELETE FROM {model._meta.db_table} WHERE id = {entry.pk}"),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                write()

    @pytest.mark.parametrize("model", [pathway.FormulaPart, pathway.PlanPhase, pathway.ContraindicationRule])
    def test_no_child_of_a_published_row_can_be_changed_or_deleted(self, model) -> None:
        child = model.objects.first()
        for write in (
            lambda: sql(f"UPDATE {model._meta.db_table} SET id = id WHERE id = {child.pk}"),
            lambda: sql(f"DELETE FROM {model._meta.db_table} WHERE id = {child.pk}"),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                write()

    def test_a_published_formula_takes_no_further_part(self) -> None:
        formula, saline = in_force(pathway.Formula, "F-FAT-DCA"), in_force(pathway.Component, "nacl")
        with pytest.raises(IntegrityError):
            formula.parts.create(component=saline, strength=D("0.5"))


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


class TestVersions:
    def test_new_version_copies_the_entry_and_its_children(self, keeper: User) -> None:
        old = in_force(pathway.Formula, "F-FAT-PCDC")
        new = reference.new_version(entry=old, by=keeper, at=timezone.now())
        assert (new.version, new.published_at, new.name, new.evidence) == (2, None, old.name, old.evidence)
        strengths = ("component__code", "strength")
        assert set(new.parts.values_list(*strengths)) == set(old.parts.values_list(*strengths))

    @pytest.mark.parametrize(
        ("model", "code", "name", "columns"),
        [
            (pathway.PlanTemplate, "HAIR-10", "phases", ("ordinal", "count", "interval", "unit")),
            (pathway.ContraindicationQuestion, "cancer_active", "rules", ("scope", "scope_code", "decision")),
        ],
    )
    def test_new_version_copies_phases_and_rules(self, keeper: User, model, code, name, columns) -> None:
        old = in_force(model, code)
        new = reference.new_version(entry=old, by=keeper, at=timezone.now())
        assert set(getattr(new, name).values_list(*columns)) == set(getattr(old, name).values_list(*columns))

    def test_publish_replaces_the_version_in_force(self, keeper: User) -> None:
        at = timezone.now()
        old = in_force(pathway.DoseCap, "ha-per_session")
        new = reference.new_version(entry=old, by=keeper, at=at)
        new.decision, new.limit = CapDecision.VALUE, D(5)
        new.save()
        reference.publish(entry=new, by=keeper, at=at + timedelta(minutes=1))
        old.refresh_from_db()
        assert (old.retired_at, new.published_at) == (at + timedelta(minutes=1), at + timedelta(minutes=1))
        assert in_force(pathway.DoseCap, "ha-per_session") == new

    def test_publish_names_the_user_in_the_history(self, keeper: User) -> None:
        new = reference.new_version(
            entry=in_force(pathway.Leaflet, "aftercare"), by=keeper, at=timezone.now()
        )
        reference.publish(entry=new, by=keeper, at=timezone.now())
        event = pathway.Leaflet.pgh_event_model.objects.filter(pgh_obj=new).last()
        assert event.pgh_context.metadata["user"] == str(keeper.pk)

    def test_one_draft_at_a_time(self, keeper: User) -> None:
        entry = in_force(pathway.Leaflet, "aftercare")
        reference.new_version(entry=entry, by=keeper, at=timezone.now())
        with pytest.raises(DomainError) as refusal:
            reference.new_version(entry=entry, by=keeper, at=timezone.now())
        assert refusal.value.code == "reference_draft_exists"

    def test_a_published_version_is_not_published_again(self, keeper: User) -> None:
        with pytest.raises(DomainError) as refusal:
            reference.publish(entry=in_force(pathway.Leaflet, "aftercare"), by=keeper, at=timezone.now())
        assert refusal.value.code == "reference_published"

    def test_a_formula_without_parts_is_not_published(self, keeper: User) -> None:
        draft = pathway.Formula.objects.create(code="F-EMPTY", name="Empty")
        with pytest.raises(DomainError) as refusal:
            reference.publish(entry=draft, by=keeper, at=timezone.now())
        assert refusal.value.code == "reference_incomplete"
        assert str(refusal.value) == "“Empty” has no formula parts yet. Add them before publishing."

    def test_a_cap_on_a_misspelt_component_is_not_published(self, keeper: User) -> None:
        draft = pathway.DoseCap.objects.create(
            code="lidocain-per_session",
            name="Typo",
            component_code="lidocain",
            measure="per_session",
            limit=1,
        )
        with pytest.raises(DomainError) as refusal:
            reference.publish(entry=draft, by=keeper, at=timezone.now())
        assert (refusal.value.code, "lidocain" in str(refusal.value)) == ("reference_unknown_code", True)

    def test_a_rule_for_an_unknown_technique_is_not_published(self, keeper: User) -> None:
        draft = reference.new_version(
            entry=in_force(pathway.ContraindicationQuestion, "thyroid"), by=keeper, at=timezone.now()
        )
        draft.rules.create(scope=RuleScope.TECHNIQUE, scope_code="laser", decision=Decision.BLOCK)
        with pytest.raises(DomainError) as refusal:
            reference.publish(entry=draft, by=keeper, at=timezone.now())
        assert refusal.value.code == "reference_unknown_code"

    def test_a_new_version_of_a_component_leaves_its_formulas_behind_until_they_follow(
        self, keeper: User
    ) -> None:
        formula = in_force(pathway.Formula, "F-FAT-DCA")
        draft = reference.new_version(entry=formula, by=keeper, at=timezone.now())
        dc = reference.new_version(entry=in_force(pathway.Component, "dc"), by=keeper, at=timezone.now())
        reference.publish(entry=dc, by=keeper, at=timezone.now())
        assert set(reference.formulas_behind(dc).values_list("code", flat=True)) == {
            "F-FAT-DCA",
            "F-FAT-PCDC",
        }
        with pytest.raises(DomainError) as refusal:
            reference.publish(entry=draft, by=keeper, at=timezone.now())
        assert refusal.value.code == "reference_old_component"
        draft.delete()
        follower = reference.new_version(entry=formula, by=keeper, at=timezone.now())
        reference.publish(entry=follower, by=keeper, at=timezone.now())
        assert follower.parts.get().component == dc

    @pytest.mark.parametrize("role", [Role.RECEPTION, Role.PRACTITIONER])
    def test_only_admins_change_reference_data(self, role: Role) -> None:
        user, entry = UserFactory(roles=[role]), in_force(pathway.Leaflet, "aftercare")
        for action in (reference.new_version, reference.publish):
            with pytest.raises(NotAllowed):
                action(entry=entry, by=user, at=timezone.now())
        assert pathway.Leaflet.objects.filter(code="aftercare").count() == 1


def test_millilitres_that_were_typed_the_wrong_way_round_change_places_and_nothing_else_does() -> None:
    """The migration before its constraint, over what a clinic may have published."""
    migration = import_module("consultations.migrations.0057_ml_per_point_order")
    with without("technique_ml_per_point_order"):
        turned = TechniqueFactory(ml_per_point_min=D("0.4"), ml_per_point_max=D("0.2"))
        right = TechniqueFactory(ml_per_point_min=D("0.1"), ml_per_point_max=D("0.2"))
        half = TechniqueFactory(ml_per_point_min=D("0.1"))
        others = pathway.Technique.objects.exclude(pk=turned.pk).order_by("pk")
        before = list(others.values())
        sql(migration.IN_ORDER)
        assert list(others.values()) == before
        assert {right.pk, half.pk} <= {row["id"] for row in before}
        row = pathway.Technique.objects.get(pk=turned.pk)
        assert (row.ml_per_point_min, row.ml_per_point_max) == (D("0.2"), D("0.4"))
        assert (row.version, row.published_at) == (turned.version, turned.published_at)
        change = pathway.Technique.pgh_event_model.objects.filter(pgh_obj=turned.pk).latest("pgh_id")
        assert (change.pgh_label, change.ml_per_point_min) == ("update", D("0.2"))
        turned.name = "another"
        assert refusal_of(turned.save) == "technique_published"
