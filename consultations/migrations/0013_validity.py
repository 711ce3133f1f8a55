"""A consultation and a consent hold for the months that the policy of the pathway names; a minor's until of age.

`gate_suitable()` and `gate_consent()` are replaced; consultations can be confirmed. Judged by the clinic's days and by the
policy in force at `known_by`, before its first version by that one. `age()` counts the 18th birthday of somebody born on
29 February as 1 March, as `Patient.age_on` does.
"""

from importlib import import_module

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

IN_PARTS = import_module("consultations.migrations.0004_gate_in_parts")

VALID_MONTHS = """
    coalesce(
        (
            SELECT {name} FROM consultations_pathwaypolicy
            WHERE code = 'default' AND published_at <= known_by ORDER BY published_at DESC, version DESC LIMIT 1
        ),
        (
            SELECT {name} FROM consultations_pathwaypolicy
            WHERE code = 'default' AND published_at IS NOT NULL ORDER BY published_at, version LIMIT 1
        ),
        0
    )
"""

SUITABLE = """
DECLARE
    the_consultation uuid := (SELECT consultation_id FROM consultations_plan WHERE id = the_plan);
    the_months integer := """ + VALID_MONTHS.format(name="consultation_valid_months") + """;
    the_last timestamptz;
BEGIN
    SELECT c.signed_at INTO the_last FROM consultations_consultation c
    WHERE c.id = the_consultation AND c.patient_id = the_patient AND c.signed_at <= the_time
        AND c.outcome IN ('eligible', 'eligible_with_conditions')
        AND NOT EXISTS (
            SELECT 1 FROM consultations_enteredinerror e WHERE e.consultation_id = c.id AND e.requested_at <= known_by
        );
    IF the_last IS NULL THEN RETURN 'consultation'; END IF;
    SELECT greatest(the_last, max(c.confirmed_at)) INTO the_last FROM consultations_consultationconfirmation c
    WHERE c.consultation_id = the_consultation AND c.confirmed_at <= least(the_time, known_by);
    IF clinic_day(the_time) >= clinic_day(the_last) + make_interval(months => the_months) THEN
        RETURN 'consultation_expired';
    END IF;
    IF EXISTS (
        SELECT 1 FROM consultations_contraindicationanswer a
        WHERE a.consultation_id = the_consultation AND a.answer <> 'no' AND a.defer_until > clinic_day(the_time)
    ) THEN RETURN 'deferred'; END IF;
    RETURN NULL;
END
"""

CONSENT = """
DECLARE
    the_months integer := """ + VALID_MONTHS.format(name="consent_valid_months") + """;
    born timestamp := (SELECT birth_date FROM clinic_patient WHERE id = the_patient);
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM consultations_consent c JOIN consultations_plan p ON p.id = c.plan_id
        WHERE c.plan_id = the_plan AND c.patient_id = the_patient AND c.formula_id = p.formula_id
            AND c.signed_at <= the_time
            AND clinic_day(the_time) < clinic_day(c.signed_at) + make_interval(months => the_months)
            AND NOT (
                c.signer = 'representative'
                AND extract(year FROM age(clinic_day(c.signed_at)::timestamp, born)) < 18
                AND extract(year FROM age(clinic_day(the_time)::timestamp, born)) >= 18
            )
            AND NOT EXISTS (
                SELECT 1 FROM consultations_consentwithdrawal w WHERE w.consent_id = c.id AND w.withdrawn_at <= known_by
            )
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e WHERE e.consent_id = c.id AND e.requested_at <= known_by
            )
    ) THEN RETURN 'consent'; END IF;
    RETURN NULL;
END
"""


def _replaced(name: str, body: str) -> migrations.RunSQL:
    """One part of the gate anew; backwards as it was."""
    statement = (
        f"CREATE OR REPLACE FUNCTION {name}({IN_PARTS._ASKED}) RETURNS text LANGUAGE plpgsql STABLE AS $${{}}$$"
    )
    return migrations.RunSQL(statement.format(body), statement.format(IN_PARTS.PARTS[name]))


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0012_zone_shape'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsultationConfirmation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.CharField(blank=True, max_length=1000, verbose_name='note')),
                ('confirmed_at', models.DateTimeField(verbose_name='confirmed at')),
                ('confirmed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='confirmed by')),
                ('consultation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='confirmations', to='consultations.consultation', verbose_name='consultation')),
            ],
            options={
                'verbose_name': 'confirmation of a consultation',
                'verbose_name_plural': 'confirmations of consultations',
                'ordering': ['confirmed_at', 'pk'],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consultationconfirmation',
            trigger=pgtrigger.compiler.Trigger(name='consultation_confirmation_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'consultation_confirmation_append_only', MESSAGE = 'This entry is permanent; add a new one instead.';", hash='6c18f1e05b27c55068cf2d99e5eedcddbcb9e01f', operation='UPDATE OR DELETE', pgid='pgtrigger_consultation_confirmation_append_only_d8f29', table='consultations_consultationconfirmation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consultationconfirmation',
            trigger=pgtrigger.compiler.Trigger(name='consultation_confirmation_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'consultation_confirmation_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='87cf92351a4d1338a42dc3cee552a7cd7cbb1d90', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_consultation_confirmation_no_truncate_c41d3', table='consultations_consultationconfirmation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consultationconfirmation',
            trigger=pgtrigger.compiler.Trigger(name='consultation_confirmation_signed', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM consultations_consultation c\n                        WHERE c.id = NEW.consultation_id AND c.signed_at <= NEW.confirmed_at\n                            AND c.outcome IN ('eligible', 'eligible_with_conditions')\n                    ) THEN\n                        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'consultation_confirmation_signed', MESSAGE = 'Only a signed consultation that found the patient suitable can be confirmed.';\n                    END IF;\n                    RETURN NEW;\n                ", hash='8d89786b8b383242f6e65dcb8ba6c252ac34cb4d', operation='INSERT', pgid='pgtrigger_consultation_confirmation_signed_2ba0c', table='consultations_consultationconfirmation', when='BEFORE')),
        ),
        _replaced("gate_suitable", SUITABLE),
        _replaced("gate_consent", CONSENT),
    ]
