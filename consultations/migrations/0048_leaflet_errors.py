"""A leaflet that was handed out can be called an error, like the records that are signed; one record an error still."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0047_sessions_by_day'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='enteredinerror',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='enteredinerror',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='enteredinerror',
            name='delete_delete',
        ),
        migrations.RemoveConstraint(
            model_name='enteredinerror',
            name='entered_in_error_one_record',
        ),
        migrations.AddField(
            model_name='enteredinerror',
            name='leaflet_handout',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entered_in_error', to='consultations.leaflethandout'),
        ),
        migrations.AddField(
            model_name='enteredinerrorevent',
            name='leaflet_handout',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='consultations.leaflethandout'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='enteredinerror',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_enteredinerrorevent" ("adverse_event_id", "confirmation_id", "confirmed_at", "confirmed_by_id", "consent_id", "consultation_id", "id", "leaflet_handout_id", "patch_test_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reading_id", "reason", "requested_at", "requested_by_id", "review_id", "session_id") VALUES (NEW."adverse_event_id", NEW."confirmation_id", NEW."confirmed_at", NEW."confirmed_by_id", NEW."consent_id", NEW."consultation_id", NEW."id", NEW."leaflet_handout_id", NEW."patch_test_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reading_id", NEW."reason", NEW."requested_at", NEW."requested_by_id", NEW."review_id", NEW."session_id"); RETURN NULL;', hash='aa529a49c5b1f697773d76ff461e0a2d44d2c3b4', operation='INSERT', pgid='pgtrigger_insert_insert_9bd88', table='consultations_enteredinerror', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='enteredinerror',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_enteredinerrorevent" ("adverse_event_id", "confirmation_id", "confirmed_at", "confirmed_by_id", "consent_id", "consultation_id", "id", "leaflet_handout_id", "patch_test_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reading_id", "reason", "requested_at", "requested_by_id", "review_id", "session_id") VALUES (NEW."adverse_event_id", NEW."confirmation_id", NEW."confirmed_at", NEW."confirmed_by_id", NEW."consent_id", NEW."consultation_id", NEW."id", NEW."leaflet_handout_id", NEW."patch_test_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reading_id", NEW."reason", NEW."requested_at", NEW."requested_by_id", NEW."review_id", NEW."session_id"); RETURN NULL;', hash='b23e58950287166e2d7b1e5d19746541c32bb1e2', operation='UPDATE', pgid='pgtrigger_update_update_c2b07', table='consultations_enteredinerror', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='enteredinerror',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_enteredinerrorevent" ("adverse_event_id", "confirmation_id", "confirmed_at", "confirmed_by_id", "consent_id", "consultation_id", "id", "leaflet_handout_id", "patch_test_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reading_id", "reason", "requested_at", "requested_by_id", "review_id", "session_id") VALUES (OLD."adverse_event_id", OLD."confirmation_id", OLD."confirmed_at", OLD."confirmed_by_id", OLD."consent_id", OLD."consultation_id", OLD."id", OLD."leaflet_handout_id", OLD."patch_test_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."reading_id", OLD."reason", OLD."requested_at", OLD."requested_by_id", OLD."review_id", OLD."session_id"); RETURN NULL;', hash='7437d2a563c08a73230e6dd5e9eb89476fbb44e2', operation='DELETE', pgid='pgtrigger_delete_delete_8baa7', table='consultations_enteredinerror', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='enteredinerror',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', False), ('leaflet_handout__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', False), ('consultation__isnull', True), ('leaflet_handout__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('leaflet_handout__isnull', True), ('patch_test__isnull', False), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('leaflet_handout__isnull', True), ('patch_test__isnull', True), ('reading__isnull', False), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('leaflet_handout__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', False)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('leaflet_handout__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', False), ('session__isnull', True)), models.Q(('adverse_event__isnull', False), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('leaflet_handout__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', False), ('consent__isnull', True), ('consultation__isnull', True), ('leaflet_handout__isnull', True), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), models.Q(('adverse_event__isnull', True), ('confirmation__isnull', True), ('consent__isnull', True), ('consultation__isnull', True), ('leaflet_handout__isnull', False), ('patch_test__isnull', True), ('reading__isnull', True), ('review__isnull', True), ('session__isnull', True)), _connector='OR'), name='entered_in_error_one_record', violation_error_message='This names one record.'),
        ),
    ]
