"""An unclear test holds the sessions of every plan that shares a component, whatever an earlier test has cleared, until a
later test of everything in doubt is read without reaction. Twin: `consultations.rules.retest.in_doubt`.
"""

from importlib import import_module

from django.db import migrations

_RETESTS = import_module("consultations.migrations.0020_retest_rules")

_CLEARING = "    IF (\n        WITH clearing AS ("
_IN_DOUBT = """    IF EXISTS (
        SELECT 1 FROM consultations_testreading r JOIN consultations_patchtest t ON t.id = r.patch_test_id
        WHERE t.patient_id = the_patient AND r.result = 'equivocal' AND t.component_codes::text[] && codes
            AND r.signed_at <= known_by
            AND NOT EXISTS (
                SELECT 1 FROM consultations_enteredinerror e
                WHERE (e.reading_id = r.id OR e.patch_test_id = t.id) AND e.requested_at <= known_by
            )
            AND NOT EXISTS (
                SELECT 1 FROM consultations_testreading a JOIN consultations_patchtest again ON again.id = a.patch_test_id
                WHERE again.patient_id = the_patient AND a.result = 'negative' AND again.given_at > t.given_at
                    AND a.valid_from <= the_time AND a.signed_at <= least(the_time, known_by)
                    AND NOT EXISTS (
                        SELECT 1 FROM consultations_testreading n
                        WHERE n.supersedes_id = a.id AND n.signed_at <= known_by
                    )
                    AND NOT EXISTS (
                        SELECT 1 FROM consultations_enteredinerror e
                        WHERE (e.reading_id = a.id OR e.patch_test_id = again.id) AND e.requested_at <= known_by
                    )
                    AND NOT EXISTS (
                        SELECT 1 FROM unnest(t.component_codes::text[]) doubted
                        WHERE doubted = ANY(codes) AND NOT doubted = ANY(again.component_codes::text[])
                    )
            )
    ) THEN RETURN 'test'; END IF;
"""
GATE_TEST = _RETESTS.GATE_TEST.replace(_CLEARING, _IN_DOUBT + _CLEARING)
assert GATE_TEST.count(_IN_DOUBT) == 1


class Migration(migrations.Migration):

    dependencies = [("consultations", "0029_consent_texts")]

    operations = [
        migrations.RunSQL(_RETESTS._gate_test(GATE_TEST), _RETESTS._gate_test(_RETESTS.GATE_TEST)),
    ]
