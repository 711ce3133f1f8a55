"""The draft of a session holds a lot that was expired or put aside; its signature needs a deviation that names it."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0050_rows_on_kept_records'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='session',
            name='session_cleared',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionlot',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionlot',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionlot',
            name='delete_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='sessionlot',
            name='session_lot_usable',
        ),
        migrations.AddField(
            model_name='sessionlot',
            name='in_quarantine',
            field=models.BooleanField(default=False, editable=False, verbose_name='in quarantine when it was named'),
        ),
        migrations.AddField(
            model_name='sessionlotevent',
            name='in_quarantine',
            field=models.BooleanField(default=False, editable=False, verbose_name='in quarantine when it was named'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='session',
            trigger=pgtrigger.compiler.Trigger(name='session_cleared', sql=pgtrigger.compiler.UpsertTriggerSql(declare="DECLARE refusal text; known_by timestamptz := 'infinity';", func="\n        PERFORM 1 FROM clinic_patient WHERE id = NEW.patient_id FOR NO KEY UPDATE;\n        IF NOT EXISTS (\n            SELECT 1 FROM consultations_plannedsession p JOIN consultations_plan plan ON plan.id = p.plan_id\n            WHERE p.id = NEW.planned_id AND plan.id = NEW.plan_id AND plan.patient_id = NEW.patient_id\n        ) OR (NEW.appointment_id IS NOT NULL AND NOT EXISTS (\n            SELECT 1 FROM clinic_appointment WHERE id = NEW.appointment_id AND patient_id = NEW.patient_id\n        )) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_cleared', MESSAGE = 'Plan, visit and session belong to different patients.';\n        END IF;\n        IF NEW.outcome = 'not_given' THEN\n            IF EXISTS (SELECT 1 FROM consultations_sessionzone WHERE session_id = NEW.id) THEN\n                RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_cleared', MESSAGE = 'A session that was not given has no injected zones.';\n            END IF;\n            RETURN NEW;\n        END IF;\n        IF EXISTS (\n            SELECT 1 FROM consultations_session other\n            WHERE other.planned_id = NEW.planned_id AND other.id <> NEW.id AND other.outcome <> 'not_given'\n                AND NOT EXISTS (\n                    SELECT 1 FROM consultations_enteredinerror e\n                    WHERE e.session_id = other.id AND e.confirmed_at IS NOT NULL\n                )\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_cleared', MESSAGE = 'This session of the plan is on record already.';\n        END IF;\n        \n    IF NEW.deviation_id IS NOT NULL AND NOT EXISTS (\n        SELECT 1 FROM consultations_deviation\n        WHERE id = NEW.deviation_id AND plan_id = NEW.plan_id AND patient_id = NEW.patient_id\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_cleared', MESSAGE = 'The deviation was recorded for another plan.';\n    END IF;\n\n        \n    IF NEW.deviation_id IS NULL AND EXISTS (\n        SELECT 1 FROM consultations_sessionlot used JOIN consultations_lot l ON l.id = used.lot_id\n        WHERE used.session_id = NEW.id AND (\n            l.used_up_on < clinic_day(NEW.started_at) OR lot_of_other_strength(l.id, (SELECT coalesce(planned.formula_id, whole.formula_id) FROM consultations_plannedsession planned JOIN consultations_plan whole ON whole.id = planned.plan_id WHERE planned.id = NEW.planned_id), NEW.started_at)\n            OR lot_meets_allergy(l.id, NEW.patient_id, NEW.started_at)\n        )\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_cleared', MESSAGE = 'A lot was used up, of another strength than the recipe or closed by an allergy at that time.';\n    END IF;\n\n        \n    IF TG_OP = 'UPDATE' THEN\n        IF (OLD.plan_id, OLD.patient_id, OLD.deviation_id, OLD.started_at, OLD.planned_id) IS NOT DISTINCT FROM (NEW.plan_id, NEW.patient_id, NEW.deviation_id, NEW.started_at, NEW.planned_id) AND OLD.outcome <> 'not_given' THEN\n            known_by := NEW.started_at;\n        END IF;\n    END IF;\n\n        refusal := pathway_refusal(\n            NEW.plan_id, NEW.patient_id, NEW.started_at, 'session', NEW.planned_id, known_by\n        );\n        IF refusal IS NOT NULL AND NEW.deviation_id IS NULL THEN\n            \n    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_cleared', DETAIL = refusal,\n        MESSAGE = 'The pathway does not allow this: ' || refusal;\n\n        END IF;\n        IF NEW.signed_at IS NOT NULL AND (\n            NOT EXISTS (SELECT 1 FROM consultations_sessionzone WHERE session_id = NEW.id)\n            OR NOT EXISTS (\n                SELECT 1 FROM consultations_techniquerule rule\n                JOIN consultations_technique technique ON technique.code = rule.technique_code\n                WHERE technique.id = NEW.technique_id AND rule.injects_nothing\n                    AND rule.published_at IS NOT NULL AND rule.retired_at IS NULL\n            ) AND EXISTS (\n                SELECT 1 FROM consultations_formulapart part\n                JOIN consultations_component c ON c.id = part.component_id\n                WHERE part.formula_id = (SELECT coalesce(planned.formula_id, whole.formula_id) FROM consultations_plannedsession planned JOIN consultations_plan whole ON whole.id = planned.plan_id WHERE planned.id = NEW.planned_id) AND (\n                    NOT EXISTS (\n                        SELECT 1 FROM consultations_sessionlot used\n                        JOIN consultations_lot l ON l.id = used.lot_id\n                        JOIN consultations_component lc ON lc.id = l.component_id\n                        WHERE used.session_id = NEW.id AND lc.code = c.code\n                    )\n                    OR NOT EXISTS (\n                        SELECT 1 FROM consultations_sessiondose d JOIN consultations_component dc ON dc.id = d.component_id\n                        WHERE d.session_id = NEW.id AND dc.code = c.code\n                    )\n                )\n            )\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_cleared', MESSAGE = 'A signed session names its zones and the lot and dose of every component.';\n        END IF;\n        RETURN NEW;\n    ", hash='6be1d713ec8205b463493e7f2286b5edb702f480', operation='INSERT OR UPDATE OF "plan_id", "planned_id", "patient_id", "started_at", "outcome", "signed_at", "deviation_id"', pgid='pgtrigger_session_cleared_5c83f', table='consultations_session', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='session',
            trigger=pgtrigger.compiler.Trigger(name='session_lot_past_use', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n        IF NEW.signed_at IS NOT NULL AND NEW.outcome <> 'not_given' AND EXISTS (\n            SELECT 1 FROM consultations_sessionlot used JOIN consultations_lot l ON l.id = used.lot_id\n            WHERE used.session_id = NEW.id AND (\n                least(l.expires_on, l.opened_until) < clinic_day(NEW.started_at)\n                OR l.quarantined_at <= NEW.started_at\n                OR used.in_quarantine AND l.quarantined_at IS NOT NULL\n            )\n        ) AND NOT EXISTS (\n            SELECT 1 FROM consultations_deviation WHERE id = NEW.deviation_id AND 'lot_past_use' = ANY(codes)\n        ) THEN\n            RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_lot_past_use', MESSAGE = 'A lot that was expired or put aside is signed only with a deviation that names it.';\n        END IF;\n        RETURN NEW;\n    ", hash='7710c83d63b1bcc3e52624fa57efe138f92e3553', operation='UPDATE OF "signed_at"', pgid='pgtrigger_session_lot_past_use_3edf6', table='consultations_session', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionlot',
            trigger=pgtrigger.compiler.Trigger(name='session_lot_usable', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n    IF NOT EXISTS (\n        SELECT 1 FROM consultations_session r\n        JOIN consultations_formulapart part ON part.formula_id = (SELECT coalesce(planned.formula_id, whole.formula_id) FROM consultations_plannedsession planned JOIN consultations_plan whole ON whole.id = planned.plan_id WHERE planned.id = r.planned_id)\n        JOIN consultations_component c ON c.id = part.component_id\n        JOIN consultations_lot l ON l.id = NEW.lot_id\n        JOIN consultations_component lc ON lc.id = l.component_id AND lc.code = c.code\n        WHERE r.id = NEW.session_id AND (\n            r.deviation_id IS NOT NULL\n            OR (NOT lot_of_other_strength(l.id, (SELECT coalesce(planned.formula_id, whole.formula_id) FROM consultations_plannedsession planned JOIN consultations_plan whole ON whole.id = planned.plan_id WHERE planned.id = r.planned_id), r.started_at)\n                AND NOT lot_meets_allergy(l.id, r.patient_id, 'infinity')\n                \n                AND (l.used_up_on IS NULL OR l.used_up_on >= clinic_day(r.started_at)))\n        )\n    ) THEN\n        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'session_lot_usable', MESSAGE = 'This lot is used up, of another strength than the recipe, closed by an allergy of the patient or not part of the formula.';\n    END IF;\n    NEW.in_quarantine := EXISTS (\n        SELECT 1 FROM consultations_lot WHERE id = NEW.lot_id AND quarantined_at IS NOT NULL\n    );\n    IF TG_OP = 'UPDATE' THEN\n        NEW.in_quarantine := NEW.in_quarantine OR OLD.in_quarantine;\n    END IF;\n    RETURN NEW;\n", hash='48628952a61f9acea9785ab421651c9cdccc9a7e', operation='INSERT OR UPDATE', pgid='pgtrigger_session_lot_usable_18c07', table='consultations_sessionlot', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionlot',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_sessionlotevent" ("id", "in_quarantine", "lot_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id") VALUES (NEW."id", NEW."in_quarantine", NEW."lot_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."session_id"); RETURN NULL;', hash='ffdc203524d1ae11c2ce722d4cc719da29856a57', operation='INSERT', pgid='pgtrigger_insert_insert_dd35b', table='consultations_sessionlot', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionlot',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_sessionlotevent" ("id", "in_quarantine", "lot_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id") VALUES (NEW."id", NEW."in_quarantine", NEW."lot_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."session_id"); RETURN NULL;', hash='645ba9c1b2a856b63c7a91c0e8b11b0a297b22ad', operation='UPDATE', pgid='pgtrigger_update_update_c980b', table='consultations_sessionlot', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sessionlot',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_sessionlotevent" ("id", "in_quarantine", "lot_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id") VALUES (OLD."id", OLD."in_quarantine", OLD."lot_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."session_id"); RETURN NULL;', hash='3a6379adea4bc7aaa99593e16d746b74c292c5b3', operation='DELETE', pgid='pgtrigger_delete_delete_a78d0', table='consultations_sessionlot', when='AFTER')),
        ),
    ]
