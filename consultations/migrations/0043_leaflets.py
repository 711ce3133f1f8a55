"""Leaflets by procedure and on record when handed out; what was said of the evidence, kept word for word."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0009_follow_up_contacts'),
        ('consultations', '0042_days_of_events'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EvidenceDiscussed',
            fields=[
                ('consultation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='evidence_discussed', serialize=False, to='consultations.consultation')),
                ('indication_version', models.PositiveSmallIntegerField(verbose_name='version of the indication')),
                ('indication_words', models.TextField(blank=True, verbose_name='what trials found for the indication')),
                ('formula_name', models.CharField(blank=True, max_length=200, verbose_name='formula')),
                ('formula_version', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='version of the formula')),
                ('formula_words', models.TextField(blank=True, verbose_name='what trials found for the formula')),
            ],
            options={
                'verbose_name': 'evidence discussed',
                'verbose_name_plural': 'evidence discussed',
            },
        ),
        migrations.CreateModel(
            name='LeafletHandout',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('way', models.CharField(choices=[('paper', 'on paper'), ('screen', 'read together on the screen')], max_length=20, verbose_name='how')),
                ('handed_to', models.CharField(max_length=200, verbose_name='handed to')),
                ('handed_at', models.DateTimeField(verbose_name='handed out at')),
            ],
            options={
                'verbose_name': 'leaflet handed out',
                'verbose_name_plural': 'leaflets handed out',
                'ordering': ['-handed_at'],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='leaflet',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='leaflet',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='leaflet',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='leaflet',
            name='family',
            field=models.CharField(blank=True, choices=[('needle', 'needle'), ('gun', 'gun'), ('needleless', 'needleless')], max_length=20, verbose_name='only for kind'),
        ),
        migrations.AddField(
            model_name='leaflet',
            name='formula_code',
            field=models.SlugField(blank=True, max_length=80, verbose_name='only for formula'),
        ),
        migrations.AddField(
            model_name='leaflet',
            name='technique_code',
            field=models.SlugField(blank=True, max_length=80, verbose_name='only for technique'),
        ),
        migrations.AddField(
            model_name='leafletevent',
            name='family',
            field=models.CharField(blank=True, choices=[('needle', 'needle'), ('gun', 'gun'), ('needleless', 'needleless')], max_length=20, verbose_name='only for kind'),
        ),
        migrations.AddField(
            model_name='leafletevent',
            name='formula_code',
            field=models.SlugField(blank=True, db_index=False, max_length=80, verbose_name='only for formula'),
        ),
        migrations.AddField(
            model_name='leafletevent',
            name='technique_code',
            field=models.SlugField(blank=True, db_index=False, max_length=80, verbose_name='only for technique'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='leaflet',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_leafletevent" ("body", "code", "family", "formula_code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "retired_at", "source", "technique_code", "to_confirm", "version") VALUES (NEW."body", NEW."code", NEW."family", NEW."formula_code", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."published_at", NEW."retired_at", NEW."source", NEW."technique_code", NEW."to_confirm", NEW."version"); RETURN NULL;', hash='6e46ec66273791ffd866db073f8ba684c9036e33', operation='INSERT', pgid='pgtrigger_insert_insert_3664b', table='consultations_leaflet', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='leaflet',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_leafletevent" ("body", "code", "family", "formula_code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "retired_at", "source", "technique_code", "to_confirm", "version") VALUES (NEW."body", NEW."code", NEW."family", NEW."formula_code", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."published_at", NEW."retired_at", NEW."source", NEW."technique_code", NEW."to_confirm", NEW."version"); RETURN NULL;', hash='d44290b0fdbec77aebea4a1702ae3332db554ef3', operation='UPDATE', pgid='pgtrigger_update_update_3dc36', table='consultations_leaflet', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='leaflet',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_leafletevent" ("body", "code", "family", "formula_code", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "published_at", "retired_at", "source", "technique_code", "to_confirm", "version") VALUES (OLD."body", OLD."code", OLD."family", OLD."formula_code", OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."published_at", OLD."retired_at", OLD."source", OLD."technique_code", OLD."to_confirm", OLD."version"); RETURN NULL;', hash='ace4a25572bc6b15819be8ab6b2c37de033eac85', operation='DELETE', pgid='pgtrigger_delete_delete_ecc49', table='consultations_leaflet', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidencediscussed',
            trigger=pgtrigger.compiler.Trigger(name='evidence_discussed_parent_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP <> 'INSERT' THEN\n                    IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = OLD.consultation_id AND signed_at IS NOT NULL) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_discussed_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                    END IF;\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                IF EXISTS (SELECT 1 FROM consultations_consultation WHERE id = NEW.consultation_id AND signed_at IS NOT NULL) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_discussed_parent_signed', MESSAGE = 'This belongs to a signed record and cannot be changed.';\n                END IF;\n                RETURN NEW;\n            ", hash='371d24412793e91cca5ce64e662b7446832a0623', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_evidence_discussed_parent_signed_add95', table='consultations_evidencediscussed', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidencediscussed',
            trigger=pgtrigger.compiler.Trigger(name='evidence_discussed_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'evidence_discussed_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='9ef1b243a6cc767440a95de907f71c81df97802d', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_evidence_discussed_no_truncate_a65c5', table='consultations_evidencediscussed', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='leaflethandout',
            name='consultation',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leaflets', to='consultations.consultation', verbose_name='consultation'),
        ),
        migrations.AddField(
            model_name='leaflethandout',
            name='handed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='handed out by'),
        ),
        migrations.AddField(
            model_name='leaflethandout',
            name='leaflet',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consultations.leaflet', verbose_name='leaflet'),
        ),
        migrations.AddField(
            model_name='leaflethandout',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='leaflets', to='clinic.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='leaflethandout',
            name='plan',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leaflets', to='consultations.plan', verbose_name='plan'),
        ),
        migrations.AddConstraint(
            model_name='leaflethandout',
            constraint=models.CheckConstraint(condition=models.Q(('handed_to', ''), _negated=True), name='leaflet_handout_to_somebody', violation_error_message='Say whom the leaflet was handed to.'),
        ),
        migrations.AddConstraint(
            model_name='leaflethandout',
            constraint=models.CheckConstraint(condition=models.Q(('way__in', ['paper', 'screen'])), name='leaflet_handout_way_known', violation_error_message='Say how it was handed out: on paper, or read together on the screen.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='leaflethandout',
            trigger=pgtrigger.compiler.Trigger(name='leaflet_handout_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'leaflet_handout_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='715aa96365f4c46fe39f3f71ad81b54293da89d0', operation='UPDATE OR DELETE', pgid='pgtrigger_leaflet_handout_append_only_fed4d', table='consultations_leaflethandout', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='leaflethandout',
            trigger=pgtrigger.compiler.Trigger(name='leaflet_handout_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'leaflet_handout_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='7c25df71daadbfe8d5c478cf5d53b7bf665a8f01', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_leaflet_handout_no_truncate_48830', table='consultations_leaflethandout', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='leaflethandout',
            trigger=pgtrigger.compiler.Trigger(name='leaflet_handout_fits', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF EXISTS (\n                        SELECT 1 FROM consultations_plan WHERE id = NEW.plan_id AND patient_id <> NEW.patient_id\n                    ) OR EXISTS (\n                        SELECT 1 FROM consultations_consultation\n                        WHERE id = NEW.consultation_id AND patient_id <> NEW.patient_id\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'leaflet_handout_fits', MESSAGE = 'The leaflet was handed to a different patient.';\n                    END IF;\n                    IF NOT EXISTS (\n                        SELECT 1 FROM consultations_leaflet\n                        WHERE id = NEW.leaflet_id AND published_at IS NOT NULL\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'leaflet_handout_fits', MESSAGE = 'Only a published leaflet is handed out.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='ab07d13c6f0cfc5cf3b8ae889e683bd5e12d9942', operation='INSERT', pgid='pgtrigger_leaflet_handout_fits_c3ed7', table='consultations_leaflethandout', when='BEFORE')),
        ),
    ]
