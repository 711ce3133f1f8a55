"""A consent that the patient signed alone counts only if they were of age then, by the birth date on record now.

And a session does not become one that injects nothing while its zones hold a volume (`session_technique_of_zones`).
Parts of a record and its signature wait for each other (`clinic.db.frozen_with_parent`).
"""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

BEFORE = import_module("consultations.migrations.0029_consent_texts")
_REPRESENTED = """
            AND NOT (
                c.signer = 'representative'"""
_ALONE = """
            AND NOT (
                known_by = 'infinity' AND c.signer = 'patient'
                AND extract(year FROM age(clinic_day(c.signed_at)::timestamp, born)) < 18
            )"""
CONSENT = BEFORE.CONSENT.replace(_REPRESENTED, _ALONE + _REPRESENTED)
assert CONSENT != BEFORE.CONSENT


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0052_nothing_on_erased_records'),
    ]

    operations = [
        migrations.RunSQL(BEFORE._STATEMENT.format(CONSENT), BEFORE._STATEMENT.format(BEFORE.CONSENT)),
        pgtrigger.migrations.AddTrigger(
            model_name='session',
            trigger=pgtrigger.compiler.Trigger(name='session_technique_of_zones', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        IF EXISTS (SELECT 1 FROM consultations_sessionzone WHERE session_id = NEW.id AND volume_ml > 0)\n            AND EXISTS (\n                SELECT 1 FROM consultations_techniquerule rule\n                JOIN consultations_technique technique ON technique.code = rule.technique_code\n                WHERE technique.id = NEW.technique_id AND rule.injects_nothing\n                    AND rule.published_at IS NOT NULL AND rule.retired_at IS NULL\n            ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_technique_of_zones', MESSAGE = 'A technique that injects nothing has no volume in its zones.';\n        END IF;\n        RETURN NEW;\n    ", hash='8f34b641776d9889b67f8d78298e30d0d3a6e5f7', operation='UPDATE OF "technique_id", "signed_at"', pgid='pgtrigger_session_technique_of_zones_5e1b8', table='consultations_session', when='BEFORE')),
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='adverseeventlot',
            name='adverse_event_lot_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='contraindicationanswer',
            name='contraindication_answer_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='contraindicationrule',
            name='contraindication_rule_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='discussedrisk',
            name='discussed_risk_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='evidencediscussed',
            name='evidence_discussed_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='formulapart',
            name='formula_part_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='goal',
            name='goal_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='patchtestlot',
            name='patch_test_lot_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='planphase',
            name='plan_phase_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='recipeline',
            name='recipe_line_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='reviewscore',
            name='review_score_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessiondose',
            name='session_dose_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionlot',
            name='session_lot_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionreaction',
            name='session_reaction_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionscore',
            name='session_score_parent_signed',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionzone',
            name='session_zone_parent_signed',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='adverseeventlot',
            trigger=pgtrigger.compiler.Trigger(name='adverse_event_lot_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_adverseevent WHERE id = OLD.event_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_adverseevent WHERE id = OLD.event_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'adverse_event_lot_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_adverseevent WHERE id = NEW.event_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_adverseevent WHERE id = NEW.event_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'adverse_event_lot_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='0b463ed929ca3de34522142eedb8a1a6f6435997', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_adverse_event_lot_parent_signed_21c2b', table='consultations_adverseeventlot', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contraindicationanswer',
            trigger=pgtrigger.compiler.Trigger(name='contraindication_answer_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_consultation WHERE id = OLD.consultation_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = OLD.consultation_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'contraindication_answer_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_consultation WHERE id = NEW.consultation_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = NEW.consultation_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'contraindication_answer_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='98a4c2fba2864daa8316df85d808e6e8def42f0a', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_contraindication_answer_parent_signed_f9d1a', table='consultations_contraindicationanswer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contraindicationrule',
            trigger=pgtrigger.compiler.Trigger(name='contraindication_rule_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_contraindicationquestion WHERE id = OLD.question_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_contraindicationquestion WHERE id = OLD.question_id AND published_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'contraindication_rule_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_contraindicationquestion WHERE id = NEW.question_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_contraindicationquestion WHERE id = NEW.question_id AND published_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'contraindication_rule_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='353465d5f90faa891261786117fdd9f4a2673b67', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_contraindication_rule_parent_signed_7a0cf', table='consultations_contraindicationrule', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='discussedrisk',
            trigger=pgtrigger.compiler.Trigger(name='discussed_risk_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_consultation WHERE id = OLD.consultation_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = OLD.consultation_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'discussed_risk_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_consultation WHERE id = NEW.consultation_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = NEW.consultation_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'discussed_risk_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='32fb66bb833244d4c7f37c3893051171efd3f844', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_discussed_risk_parent_signed_ce43f', table='consultations_discussedrisk', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidencediscussed',
            trigger=pgtrigger.compiler.Trigger(name='evidence_discussed_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_consultation WHERE id = OLD.consultation_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = OLD.consultation_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_discussed_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_consultation WHERE id = NEW.consultation_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = NEW.consultation_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_discussed_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='345f1e89938b69b0a3740df3e6f70854570df3c8', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_evidence_discussed_parent_signed_add95', table='consultations_evidencediscussed', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='formulapart',
            trigger=pgtrigger.compiler.Trigger(name='formula_part_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_formula WHERE id = OLD.formula_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_formula WHERE id = OLD.formula_id AND published_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'formula_part_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_formula WHERE id = NEW.formula_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_formula WHERE id = NEW.formula_id AND published_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'formula_part_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='2d5840065d813229c87d92bfd7394906df593cd4', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_formula_part_parent_signed_48c82', table='consultations_formulapart', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='goal',
            trigger=pgtrigger.compiler.Trigger(name='goal_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_consultation WHERE id = OLD.consultation_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = OLD.consultation_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'goal_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_consultation WHERE id = NEW.consultation_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = NEW.consultation_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'goal_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='64de189af6fc4f0a863569be5c7fd7375b126c1e', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_goal_parent_signed_f481b', table='consultations_goal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='patchtestlot',
            trigger=pgtrigger.compiler.Trigger(name='patch_test_lot_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_patchtest WHERE id = OLD.patch_test_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_patchtest WHERE id = OLD.patch_test_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_lot_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_patchtest WHERE id = NEW.patch_test_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_patchtest WHERE id = NEW.patch_test_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'patch_test_lot_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='b8a571a2a995457449ebf317ccaf589a2c745ac0', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_patch_test_lot_parent_signed_e9f14', table='consultations_patchtestlot', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planphase',
            trigger=pgtrigger.compiler.Trigger(name='plan_phase_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_plantemplate WHERE id = OLD.template_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_plantemplate WHERE id = OLD.template_id AND published_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_phase_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_plantemplate WHERE id = NEW.template_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_plantemplate WHERE id = NEW.template_id AND published_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_phase_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='90611bdca3acd394c2847996517f8f75814eebf4', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_plan_phase_parent_signed_98c42', table='consultations_planphase', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recipeline',
            trigger=pgtrigger.compiler.Trigger(name='recipe_line_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_recipe WHERE id = OLD.recipe_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_recipe WHERE id = OLD.recipe_id AND published_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recipe_line_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_recipe WHERE id = NEW.recipe_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_recipe WHERE id = NEW.recipe_id AND published_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'recipe_line_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='8efa70c1bc362c4c7bfad9484f01c1c3257a90b4', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_recipe_line_parent_signed_049bf', table='consultations_recipeline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='reviewscore',
            trigger=pgtrigger.compiler.Trigger(name='review_score_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_review WHERE id = OLD.review_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_review WHERE id = OLD.review_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'review_score_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_review WHERE id = NEW.review_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_review WHERE id = NEW.review_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'review_score_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='beef831f810f70c1caf2eef5c77de308c092e997', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_review_score_parent_signed_bf2f2', table='consultations_reviewscore', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessiondose',
            trigger=pgtrigger.compiler.Trigger(name='session_dose_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_session WHERE id = OLD.session_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_session WHERE id = OLD.session_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_dose_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_session WHERE id = NEW.session_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_session WHERE id = NEW.session_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_dose_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='56e8f3886a77cabb206e52aac383f4eff1624fc5', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_session_dose_parent_signed_08b18', table='consultations_sessiondose', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionlot',
            trigger=pgtrigger.compiler.Trigger(name='session_lot_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_session WHERE id = OLD.session_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_session WHERE id = OLD.session_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_lot_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_session WHERE id = NEW.session_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_session WHERE id = NEW.session_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_lot_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='09a0f52c48dd2a3338f861e5f225d75bd37be81f', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_session_lot_parent_signed_7e3f0', table='consultations_sessionlot', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionreaction',
            trigger=pgtrigger.compiler.Trigger(name='session_reaction_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_session WHERE id = OLD.session_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_session WHERE id = OLD.session_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_reaction_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_session WHERE id = NEW.session_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_session WHERE id = NEW.session_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_reaction_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='54e0da644213958faa043ebd755fdb0fb610db8e', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_session_reaction_parent_signed_42a12', table='consultations_sessionreaction', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionscore',
            trigger=pgtrigger.compiler.Trigger(name='session_score_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_session WHERE id = OLD.session_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_session WHERE id = OLD.session_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_score_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_session WHERE id = NEW.session_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_session WHERE id = NEW.session_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_score_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='8778d4623f923a9828f03f71daf5643fa2a447dd', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_session_score_parent_signed_2ff2d', table='consultations_sessionscore', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionzone',
            trigger=pgtrigger.compiler.Trigger(name='session_zone_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    PERFORM 1 FROM consultations_session WHERE id = OLD.session_id FOR SHARE;\n                    IF EXISTS (SELECT 1 FROM consultations_session WHERE id = OLD.session_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_zone_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                PERFORM 1 FROM consultations_session WHERE id = NEW.session_id FOR SHARE;\n                IF EXISTS (SELECT 1 FROM consultations_session WHERE id = NEW.session_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_zone_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='0517f0bbbc2ffc975cd7dae269c77522ae783bde', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_session_zone_parent_signed_73b84', table='consultations_sessionzone', when='BEFORE')),
        ),
    ]
