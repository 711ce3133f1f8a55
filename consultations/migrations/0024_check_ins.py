"""Check-ins, and the questions asked at them; `gate_stops()` waits for answers that nobody has looked at.

One that was asked and not answered by then, or answered with anything but no, counts until it is reviewed.
"""

from importlib import import_module

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.conf import settings
from django.db import migrations, models

IN_PARTS = import_module("consultations.migrations.0004_gate_in_parts")

_END = """    RETURN NULL;
END
"""
WITH_CHECK_INS = IN_PARTS.PARTS["gate_stops"].removesuffix(_END) + """    IF EXISTS (
        SELECT 1 FROM consultations_checkin c
        WHERE c.patient_id = the_patient AND c.asked_at <= known_by
            AND (c.reviewed_at IS NULL OR c.reviewed_at > known_by)
            AND (c.answered_at IS NULL OR c.answered_at > known_by OR c.needs_review)
    ) THEN RETURN 'answer_open'; END IF;
""" + _END


def _anew(body: str) -> str:
    """The statement that replaces gate_stops()."""
    return (
        f"CREATE OR REPLACE FUNCTION gate_stops({IN_PARTS._ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${body}$$"
    )


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0008_treatment_contacts'),
        ('consultations', '0023_photographs'),
        ('pghistory', '0007_auto_20250421_0444'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CheckIn',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('asked_at', models.DateTimeField(verbose_name='asked at')),
                ('said', models.JSONField(blank=True, default=list, verbose_name='what was said')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered at')),
                ('needs_review', models.BooleanField(blank=True, null=True, verbose_name="needs a practitioner's eyes")),
                ('reviewed_at', models.DateTimeField(blank=True, null=True, verbose_name='reviewed at')),
                ('review_note', models.CharField(blank=True, max_length=1000, null=True, verbose_name='what came of it')),
            ],
            options={
                'verbose_name': 'check-in',
                'verbose_name_plural': 'check-ins',
                'ordering': ['-asked_at'],
            },
        ),
        migrations.CreateModel(
            name='CheckInEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('asked_at', models.DateTimeField(verbose_name='asked at')),
                ('said', models.JSONField(blank=True, default=list, verbose_name='what was said')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered at')),
                ('needs_review', models.BooleanField(blank=True, null=True, verbose_name="needs a practitioner's eyes")),
                ('reviewed_at', models.DateTimeField(blank=True, null=True, verbose_name='reviewed at')),
                ('review_note', models.CharField(blank=True, max_length=1000, null=True, verbose_name='what came of it')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CheckInQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=80, verbose_name='code')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('source', models.CharField(blank=True, max_length=300, verbose_name='source')),
                ('to_confirm', models.BooleanField(default=False, verbose_name='clinic to confirm')),
                ('published_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='published')),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='retired')),
                ('question_code', models.SlugField(max_length=80, verbose_name='question')),
                ('words', models.CharField(max_length=300, verbose_name="in the patient's words")),
                ('event_words', models.CharField(blank=True, help_text='As “When was the last tablet?”; empty where no day is asked.', max_length=200, verbose_name='what to ask about its day')),
                ('quiet_after_days', models.PositiveSmallIntegerField(blank=True, help_text='A yes whose day is so many days before the visit, or longer, waits for nobody; what it stops it stops all the same. Empty: every yes is looked at.', null=True, verbose_name='needs no eyes after days')),
                ('before_sessions', models.BooleanField(default=True, verbose_name='asked before sessions')),
                ('before_tests', models.BooleanField(default=True, verbose_name='asked before test injections')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
            ],
            options={
                'verbose_name': 'check-in question',
                'verbose_name_plural': 'check-in questions',
                'ordering': ['position', 'code', '-version'],
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CheckInQuestionEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('code', models.SlugField(db_index=False, max_length=80, verbose_name='code')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('source', models.CharField(blank=True, max_length=300, verbose_name='source')),
                ('to_confirm', models.BooleanField(default=False, verbose_name='clinic to confirm')),
                ('published_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='published')),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='retired')),
                ('question_code', models.SlugField(db_index=False, max_length=80, verbose_name='question')),
                ('words', models.CharField(max_length=300, verbose_name="in the patient's words")),
                ('event_words', models.CharField(blank=True, help_text='As “When was the last tablet?”; empty where no day is asked.', max_length=200, verbose_name='what to ask about its day')),
                ('quiet_after_days', models.PositiveSmallIntegerField(blank=True, help_text='A yes whose day is so many days before the visit, or longer, waits for nobody; what it stops it stops all the same. Empty: every yes is looked at.', null=True, verbose_name='needs no eyes after days')),
                ('before_sessions', models.BooleanField(default=True, verbose_name='asked before sessions')),
                ('before_tests', models.BooleanField(default=True, verbose_name='asked before test injections')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AlterField(
            model_name='healthanswer',
            name='source',
            field=models.CharField(choices=[('phone', 'on the phone'), ('visit', 'at a visit'), ('written', 'in writing'), ('check_in', 'at check-in, by the patient')], max_length=20, verbose_name='how it was said'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='healthanswer',
            trigger=pgtrigger.compiler.Trigger(name='health_answer_same_patient', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NEW.check_in_id IS NOT NULL AND NOT EXISTS (\n                        SELECT 1 FROM consultations_checkin WHERE id = NEW.check_in_id AND patient_id = NEW.patient_id\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'health_answer_same_patient', MESSAGE = 'The check-in belongs to a different patient.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='ed84f9d60914054930bd0e582dce33a7ac6248b7', operation='INSERT', pgid='pgtrigger_health_answer_same_patient_02afa', table='consultations_healthanswer', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='checkin',
            name='appointment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='check_in', to='clinic.appointment', verbose_name='visit'),
        ),
        migrations.AddField(
            model_name='checkin',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by'),
        ),
        migrations.AddField(
            model_name='checkin',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='check_ins', to='clinic.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='checkin',
            name='reviewed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewed by'),
        ),
        migrations.AddField(
            model_name='healthanswer',
            name='check_in',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='consultations.checkin', verbose_name='check-in'),
        ),
        migrations.AddConstraint(
            model_name='healthanswer',
            constraint=models.CheckConstraint(condition=models.Q(('check_in', None), ('source', 'check_in'), _connector='OR'), name='health_answer_check_in', violation_error_message='Only what was said at a check-in belongs to one.'),
        ),
        migrations.AddField(
            model_name='checkinevent',
            name='appointment',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinic.appointment', verbose_name='visit'),
        ),
        migrations.AddField(
            model_name='checkinevent',
            name='asked_by',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by'),
        ),
        migrations.AddField(
            model_name='checkinevent',
            name='patient',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinic.patient', verbose_name='patient'),
        ),
        migrations.AddField(
            model_name='checkinevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='checkinevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='consultations.checkin'),
        ),
        migrations.AddField(
            model_name='checkinevent',
            name='reviewed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewed by'),
        ),
        migrations.AddConstraint(
            model_name='checkinquestion',
            constraint=models.UniqueConstraint(fields=('code', 'version'), name='checkinquestion_version_once', violation_error_message='This version exists already.'),
        ),
        migrations.AddConstraint(
            model_name='checkinquestion',
            constraint=models.UniqueConstraint(condition=models.Q(('published_at__isnull', False), ('retired_at', None)), fields=('code',), name='checkinquestion_one_in_force', violation_error_message='Another version of this entry is in force.'),
        ),
        migrations.AddConstraint(
            model_name='checkinquestion',
            constraint=models.CheckConstraint(condition=models.Q(('before_sessions', True), ('before_tests', True), _connector='OR'), name='check_in_question_asked', violation_error_message='Say before which visits it is asked; one that is never asked is retired.'),
        ),
        migrations.AddConstraint(
            model_name='checkinquestion',
            constraint=models.CheckConstraint(condition=models.Q(('quiet_after_days', None), models.Q(('event_words', ''), _negated=True), _connector='OR'), name='check_in_question_quiet', violation_error_message='Days can only be counted where a day is asked.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkinquestion',
            trigger=pgtrigger.compiler.Trigger(name='check_in_question_published', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF OLD.published_at IS NOT NULL AND (\n                    TG_OP = 'DELETE' OR to_jsonb(NEW) - 'retired_at' <> to_jsonb(OLD) - 'retired_at'\n                ) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'check_in_question_published', MESSAGE = 'This version is published and cannot be changed; make a new version.';\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                RETURN NEW;\n            ", hash='f1da8db7e1e8c75ecf8dcaac4dda3bf65e2ee1dd', operation='UPDATE OR DELETE', pgid='pgtrigger_check_in_question_published_9a356', table='consultations_checkinquestion', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkinquestion',
            trigger=pgtrigger.compiler.Trigger(name='check_in_question_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'check_in_question_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='ddf3ce92c6e7c75b53a2d6f5ed8ed3543779d0fd', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_check_in_question_no_truncate_60e66', table='consultations_checkinquestion', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkinquestion',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_checkinquestionevent" ("before_sessions", "before_tests", "code", "event_words", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "published_at", "question_code", "quiet_after_days", "retired_at", "source", "to_confirm", "version", "words") VALUES (NEW."before_sessions", NEW."before_tests", NEW."code", NEW."event_words", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position", NEW."published_at", NEW."question_code", NEW."quiet_after_days", NEW."retired_at", NEW."source", NEW."to_confirm", NEW."version", NEW."words"); RETURN NULL;', hash='7e45dd21870ff8138b827319eeb8dc3d073b98e2', operation='INSERT', pgid='pgtrigger_insert_insert_b120d', table='consultations_checkinquestion', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkinquestion',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_checkinquestionevent" ("before_sessions", "before_tests", "code", "event_words", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "published_at", "question_code", "quiet_after_days", "retired_at", "source", "to_confirm", "version", "words") VALUES (NEW."before_sessions", NEW."before_tests", NEW."code", NEW."event_words", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."published_at", NEW."question_code", NEW."quiet_after_days", NEW."retired_at", NEW."source", NEW."to_confirm", NEW."version", NEW."words"); RETURN NULL;', hash='1c971034359665e920bd221cb7a75fd5c7e51897', operation='UPDATE', pgid='pgtrigger_update_update_8bf17', table='consultations_checkinquestion', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkinquestion',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_checkinquestionevent" ("before_sessions", "before_tests", "code", "event_words", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "published_at", "question_code", "quiet_after_days", "retired_at", "source", "to_confirm", "version", "words") VALUES (OLD."before_sessions", OLD."before_tests", OLD."code", OLD."event_words", OLD."id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."position", OLD."published_at", OLD."question_code", OLD."quiet_after_days", OLD."retired_at", OLD."source", OLD."to_confirm", OLD."version", OLD."words"); RETURN NULL;', hash='0c14a2fa87f998fe797b3aa386c4102eadd2fb3b', operation='DELETE', pgid='pgtrigger_delete_delete_7ad5b', table='consultations_checkinquestion', when='AFTER')),
        ),
        migrations.AddField(
            model_name='checkinquestionevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='checkinquestionevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='consultations.checkinquestion'),
        ),
        migrations.AddConstraint(
            model_name='checkin',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answered_at__isnull', True), ('needs_review__isnull', True)), models.Q(('answered_at__isnull', False), ('needs_review__isnull', False)), _connector='OR'), name='check_in_answered_together', violation_error_message='What was answered says whether somebody has to look at it.'),
        ),
        migrations.AddConstraint(
            model_name='checkin',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('review_note__isnull', True), ('reviewed_at__isnull', True), ('reviewed_by__isnull', True)), models.Q(('review_note__isnull', False), ('reviewed_at__isnull', False), ('reviewed_by__isnull', False)), _connector='OR'), name='check_in_reviewed_together', violation_error_message='A review says who, when and what came of it.'),
        ),
        migrations.AddConstraint(
            model_name='checkin',
            constraint=models.CheckConstraint(condition=models.Q(('review_note', None), models.Q(('review_note', ''), _negated=True), _connector='OR'), name='check_in_review_worded', violation_error_message='Say what came of it.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkin',
            trigger=pgtrigger.compiler.Trigger(name='check_in_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF TG_OP = 'DELETE' OR OLD.reviewed_at IS NOT NULL\n                    OR to_jsonb(NEW) - '{said,answered_at,needs_review,reviewed_at,reviewed_by_id,review_note}'::text[]\n                        <> to_jsonb(OLD) - '{said,answered_at,needs_review,reviewed_at,reviewed_by_id,review_note}'::text[]\n                    OR (OLD.answered_at IS NOT NULL AND\n                        (NEW.said, NEW.answered_at, NEW.needs_review)\n                        IS DISTINCT FROM (OLD.said, OLD.answered_at, OLD.needs_review)) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'check_in_signed', MESSAGE = 'This record is signed and cannot be changed; add an addendum instead.';\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                RETURN NEW;\n            ", hash='f8f46a0eea5c5bf725f1fa322f05d1afe538f1a9', operation='UPDATE OR DELETE', pgid='pgtrigger_check_in_signed_10618', table='consultations_checkin', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkin',
            trigger=pgtrigger.compiler.Trigger(name='check_in_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'check_in_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='219b5fa0f8e19b6aa39e932613ac1021b934e4df', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_check_in_no_truncate_a1067', table='consultations_checkin', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkin',
            trigger=pgtrigger.compiler.Trigger(name='check_in_same_patient', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM clinic_appointment WHERE id = NEW.appointment_id AND patient_id = NEW.patient_id\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'check_in_same_patient', MESSAGE = 'The visit belongs to a different patient.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='14932c99ae67703745cd84a3f17f0428f88f70c5', operation='INSERT', pgid='pgtrigger_check_in_same_patient_f4ace', table='consultations_checkin', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkin',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_checkinevent" ("answered_at", "appointment_id", "asked_at", "asked_by_id", "id", "needs_review", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_note", "reviewed_at", "reviewed_by_id", "said") VALUES (NEW."answered_at", NEW."appointment_id", NEW."asked_at", NEW."asked_by_id", NEW."id", NEW."needs_review", NEW."patient_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."review_note", NEW."reviewed_at", NEW."reviewed_by_id", NEW."said"); RETURN NULL;', hash='cd693eaec8a65d97c92686abafd8f77d87dcb993', operation='INSERT', pgid='pgtrigger_insert_insert_3a6cd', table='consultations_checkin', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkin',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_checkinevent" ("answered_at", "appointment_id", "asked_at", "asked_by_id", "id", "needs_review", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_note", "reviewed_at", "reviewed_by_id", "said") VALUES (NEW."answered_at", NEW."appointment_id", NEW."asked_at", NEW."asked_by_id", NEW."id", NEW."needs_review", NEW."patient_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."review_note", NEW."reviewed_at", NEW."reviewed_by_id", NEW."said"); RETURN NULL;', hash='f35f8fbc7bb52174f535150c2c23ebbc015a4577', operation='UPDATE', pgid='pgtrigger_update_update_75c63', table='consultations_checkin', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkin',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_checkinevent" ("answered_at", "appointment_id", "asked_at", "asked_by_id", "id", "needs_review", "patient_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "review_note", "reviewed_at", "reviewed_by_id", "said") VALUES (OLD."answered_at", OLD."appointment_id", OLD."asked_at", OLD."asked_by_id", OLD."id", OLD."needs_review", OLD."patient_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."review_note", OLD."reviewed_at", OLD."reviewed_by_id", OLD."said"); RETURN NULL;', hash='54ac5db58142d67faee4bc65eb93cfd6f4f18f70', operation='DELETE', pgid='pgtrigger_delete_delete_92b3e', table='consultations_checkin', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkinevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='fa2ffeeab38f954317f2067b080c2d34880a1547', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6b061', table='consultations_checkinevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='checkinquestionevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ddac199041cf240b0d9905c250257ab6b4b24b8e', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_119a0', table='consultations_checkinquestionevent', when='BEFORE')),
        ),
        migrations.RunSQL(_anew(WITH_CHECK_INS), _anew(IN_PARTS.PARTS["gate_stops"])),
    ]
