"""Answers given after the consultation, and the stops that follow from them; `gate_suitable()` asks for both.

A stop that stands counts from the answer's own moment on; one that is lifted counts until then, by what was known.
"""

from importlib import import_module

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models

IN_PARTS = import_module("consultations.migrations.0004_gate_in_parts")
VALIDITY = import_module("consultations.migrations.0013_validity")

_END = """    RETURN NULL;
END
"""
_STANDS = """
        SELECT 1 FROM consultations_planstop s JOIN consultations_healthanswer a ON a.id = s.answer_id
        WHERE s.plan_id = the_plan AND a.recorded_at <= known_by AND (s.lifted_at IS NULL OR s.lifted_at > known_by)
"""
WITH_STOPS = VALIDITY.SUITABLE.removesuffix(_END) + f"""    IF EXISTS ({_STANDS}            AND s.defer_until > clinic_day(the_time)
    ) THEN RETURN 'deferred'; END IF;
    IF EXISTS ({_STANDS}            AND s.decision <> 'defer'
    ) THEN RETURN 'contraindicated'; END IF;
""" + _END


def _anew(body: str) -> str:
    """The statement that replaces gate_suitable()."""
    return (
        f"CREATE OR REPLACE FUNCTION gate_suitable({IN_PARTS._ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${body}$$"
    )


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0007_earlier_than_booked'),
        ('consultations', '0015_aftercare'),
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HealthAnswer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('answer', models.CharField(choices=[('no', 'no'), ('yes', 'yes'), ('unknown', 'not known')], max_length=10, verbose_name='answer')),
                ('event_on', models.DateField(blank=True, null=True, verbose_name='when it was, or ends')),
                ('source', models.CharField(choices=[('phone', 'on the phone'), ('visit', 'at a visit'), ('written', 'in writing')], max_length=20, verbose_name='how it was said')),
                ('override_reason', models.CharField(blank=True, max_length=1000, verbose_name='why it may go on')),
                ('note', models.CharField(blank=True, max_length=1000, verbose_name='note')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='health_answers', to='clinic.patient', verbose_name='patient')),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consultations.contraindicationquestion', verbose_name='question')),
                ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
            ],
            options={
                'verbose_name': 'answer since the consultation',
                'verbose_name_plural': 'answers since the consultation',
                'ordering': ['-recorded_at'],
            },
        ),
        migrations.CreateModel(
            name='PlanStop',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('decision', models.CharField(choices=[('block', 'blocks'), ('override', 'needs a named decision'), ('defer', 'defers'), ('ask', 'needs care')], max_length=10, verbose_name='decision')),
                ('defer_until', models.DateField(blank=True, null=True, verbose_name='not before')),
                ('lifted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lift_reason', models.CharField(blank=True, max_length=1000, null=True, verbose_name='why it goes on')),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stops', to='consultations.healthanswer', verbose_name='answer')),
                ('lifted_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stops', to='consultations.plan', verbose_name='plan')),
            ],
            options={
                'verbose_name': 'stop',
                'verbose_name_plural': 'stops',
                'ordering': ['answer__recorded_at'],
            },
        ),
        migrations.CreateModel(
            name='PlanStopEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('decision', models.CharField(choices=[('block', 'blocks'), ('override', 'needs a named decision'), ('defer', 'defers'), ('ask', 'needs care')], max_length=10, verbose_name='decision')),
                ('defer_until', models.DateField(blank=True, null=True, verbose_name='not before')),
                ('lifted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lift_reason', models.CharField(blank=True, max_length=1000, null=True, verbose_name='why it goes on')),
                ('answer', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.healthanswer', verbose_name='answer')),
                ('lifted_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='consultations.planstop')),
                ('plan', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.plan', verbose_name='plan')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddConstraint(
            model_name='healthanswer',
            constraint=models.CheckConstraint(condition=models.Q(('event_on', None), models.Q(('answer', 'no'), _negated=True), _connector='OR'), name='health_answer_event', violation_error_message='What was answered with no has no day.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='healthanswer',
            trigger=pgtrigger.compiler.Trigger(name='health_answer_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'health_answer_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='c2b18721e1e6f650ce1b01c7473ffa65b9887678', operation='UPDATE OR DELETE', pgid='pgtrigger_health_answer_append_only_46030', table='consultations_healthanswer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='healthanswer',
            trigger=pgtrigger.compiler.Trigger(name='health_answer_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'health_answer_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='2fe985bb49480062df62c6e60655d2ff13df75da', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_health_answer_no_truncate_03e2c', table='consultations_healthanswer', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='planstop',
            constraint=models.UniqueConstraint(fields=('answer', 'plan'), name='plan_stop_once', violation_error_message='This answer stops the plan already.'),
        ),
        migrations.AddConstraint(
            model_name='planstop',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decision', 'defer'), ('defer_until__isnull', False)), models.Q(('decision__in', ['block', 'override']), ('defer_until', None)), _connector='OR'), name='plan_stop_decided', violation_error_message='A wait has its day; what rules treatment out has none.'),
        ),
        migrations.AddConstraint(
            model_name='planstop',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lift_reason__isnull', True), ('lifted_at__isnull', True), ('lifted_by__isnull', True)), models.Q(('lift_reason__isnull', False), ('lifted_at__isnull', False), ('lifted_by__isnull', False)), _connector='OR'), name='plan_stop_lifted_together', violation_error_message='Lifting says who, when and why.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planstop',
            trigger=pgtrigger.compiler.Trigger(name='plan_stop_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL\n                    OR to_jsonb(NEW) - '{lifted_at,lifted_by_id,lift_reason}'::text[]\n                        <> to_jsonb(OLD) - '{lifted_at,lifted_by_id,lift_reason}'::text[] THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_stop_signed', MESSAGE = 'This record is signed and cannot be changed; add an addendum instead.';\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                RETURN NEW;\n            ", hash='7b53c629dde486e1f055279e85b62f893bcdb8e2', operation='UPDATE OR DELETE', pgid='pgtrigger_plan_stop_signed_41ada', table='consultations_planstop', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planstop',
            trigger=pgtrigger.compiler.Trigger(name='plan_stop_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_stop_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='80db7af1f3c53f111d6e31979f167e8b6f9fa926', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_plan_stop_no_truncate_848b6', table='consultations_planstop', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planstop',
            trigger=pgtrigger.compiler.Trigger(name='plan_stop_same_patient', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM consultations_healthanswer a\n                        JOIN consultations_plan p ON p.patient_id = a.patient_id\n                        WHERE a.id = NEW.answer_id AND p.id = NEW.plan_id\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'plan_stop_same_patient', MESSAGE = 'The answer and the plan belong to different patients.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='fb9f202c30b11b93b3828180039bc9796bccd2aa', operation='INSERT', pgid='pgtrigger_plan_stop_same_patient_1513a', table='consultations_planstop', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planstop',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_planstopevent" ("answer_id", "decision", "defer_until", "id", "lift_reason", "lifted_at", "lifted_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id") VALUES (NEW."answer_id", NEW."decision", NEW."defer_until", NEW."id", NEW."lift_reason", NEW."lifted_at", NEW."lifted_by_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."plan_id"); RETURN NULL;', hash='6c911b0cf36580b22fb40f33ab1acc3585461893', operation='INSERT', pgid='pgtrigger_insert_insert_ccdff', table='consultations_planstop', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planstop',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_planstopevent" ("answer_id", "decision", "defer_until", "id", "lift_reason", "lifted_at", "lifted_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id") VALUES (NEW."answer_id", NEW."decision", NEW."defer_until", NEW."id", NEW."lift_reason", NEW."lifted_at", NEW."lifted_by_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."plan_id"); RETURN NULL;', hash='e2b4631cb375041630ca1f43874f0e7cb112161e', operation='UPDATE', pgid='pgtrigger_update_update_2f0af', table='consultations_planstop', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planstop',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_planstopevent" ("answer_id", "decision", "defer_until", "id", "lift_reason", "lifted_at", "lifted_by_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_id") VALUES (OLD."answer_id", OLD."decision", OLD."defer_until", OLD."id", OLD."lift_reason", OLD."lifted_at", OLD."lifted_by_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."plan_id"); RETURN NULL;', hash='245032485388f81d6db51e80ebdfa461d2500511', operation='DELETE', pgid='pgtrigger_delete_delete_d918a', table='consultations_planstop', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='planstopevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e53c6f60e09eb5ad6e1684dba04480f7f090441d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_51eea', table='consultations_planstopevent', when='BEFORE')),
        ),
        migrations.RunSQL(_anew(WITH_STOPS), _anew(VALIDITY.SUITABLE)),
    ]
