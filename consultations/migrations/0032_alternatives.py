"""Alternatives as reference data; the shipped consent texts name them, and what was free words in the general one.

A published text cannot be changed: each text that is still in force as it was shipped gets a next version.
"""

from hashlib import sha256
from typing import Any

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models
from django.utils import timezone

_NAMED = "We have talked about these:\n{alternatives}"
_RISKS = (
    "The practitioner has talked with me about allergic reactions, bruises, swelling, infection (including slow "
    "infections by mycobacteria that can show weeks or months later), tender lumps, damage to the tissue around the "
    "injections, and feeling or being sick."
)
# Of each text as it was shipped: its seal, and what its next version says instead.
SHIPPED = {
    "general": "1393c67443c743230084e430de4ec2c91e62a968cdaa45e6bcaee3bcc4b31ed0",
    "needle": "23d9838b88e9d39f20fb31c5cd634ae17914ca31b9852742f921aded66be5610",
    "gun": "2425c6a6641eba84a9ba92ddfcb8b933c1429ca327d3a31e4df6463b5821100b",
    "needleless": "f1bb7fbb4343fccaf46a96d1c1717da4e75dc8911a21c47a11df90134cc6a997",
    "pc-dc": "060f403f4040b5e40224049c7b21c991de9749ff15fe460dc8a88005d7e61552",
    "dutasteride": "a29fafccc476524e2312d3c2171a24e23da9ce3318ffa02e768c43eb4f1948a8",
}
INSTEAD = {
    "general": (
        (
            "Most mixtures used in mesotherapy, and many of their single ingredients, are not licensed for this use. The "
            "practitioner has told me whether that is so for mine, and what is known and not known about it.",
            "{off_label}\nThe practitioner has told me what is known and not known about it.",
        ),
        (
            "Studies are few and small, and some found no benefit. The practitioner has told me what they found for my "
            "case. A change, if it comes,",
            "This is what trials found:\n{evidence}\nA change, if it comes,",
        ),
        (
            _RISKS,
            "The practitioner has talked with me about these:\n{risks}\nAn infection can be slow and show only after weeks "
            "or months.",
        ),
        ("We have talked about other treatments and about doing nothing.", _NAMED),
        ("What I have told\n", "After a session\nI leave these alone, each for its time:\n{aftercare}\n\nWhat I have told\n"),
    ),
    "needle": (
        (
            "We have talked about doing nothing, about treatment without injections, and about medicines taken or put on "
            "the skin.",
            _NAMED,
        ),
    ),
    "gun": (
        (
            "We have talked about doing nothing, about the same mixture given by hand, and about medicines taken or put on "
            "the skin.",
            f"{_NAMED}\nThe same mixture can also be given by hand.",
        ),
    ),
    "needleless": (
        (
            "We have talked about doing nothing, about injections, and about products put on the skin.",
            f"{_NAMED}\nThe same mixture can also be injected.",
        ),
    ),
    "pc-dc": (
        (
            "We have talked about doing nothing, about losing weight, about cold or other devices, and about liposuction.",
            _NAMED,
        ),
    ),
    "dutasteride": (
        (
            "We have talked about doing nothing, about minoxidil on the scalp, about tablets, and about hair "
            "transplantation.",
            _NAMED,
        ),
    ),
}


def renewed(code: str, body: str) -> str:
    """What the next version of a shipped text says."""
    for before, after in INSTEAD[code]:
        body = body.replace(before, after)
    return body


def renew(apps: Any, schema_editor: Any) -> None:
    """The next version of each text that is in force as it was shipped; nobody who signed the one before signs again.

    A clinic that has its own version keeps it. Nothing to do before the reference data is loaded.
    """
    texts = apps.get_model("consultations", "ConsentText")
    at = timezone.now()
    for code, seal in SHIPPED.items():
        versions = list(texts.objects.filter(code=code))
        if len(versions) != 1 or sha256(versions[0].body.encode()).hexdigest() != seal:
            continue
        (old,) = versions
        if old.published_at is None or old.retired_at is not None:
            continue
        texts.objects.filter(pk=old.pk).update(retired_at=at)
        texts.objects.create(
            code=code,
            version=old.version + 1,
            name=old.name,
            source=old.source,
            to_confirm=old.to_confirm,
            family=old.family,
            technique_code=old.technique_code,
            formula_code=old.formula_code,
            body=renewed(code, old.body),
            published_at=at,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('consultations', '0031_caps_of_own_formula'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlternativeEvent',
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
                ('group', models.CharField(blank=True, choices=[('pain', 'pain and movement'), ('face', 'face and skin'), ('fat', 'fat and body shape'), ('hair', 'hair'), ('lymph', 'lymphoedema'), ('other', 'other')], max_length=20, verbose_name='only for group')),
                ('indication_code', models.SlugField(blank=True, db_index=False, max_length=80, verbose_name='only for indication')),
                ('formula_code', models.SlugField(blank=True, db_index=False, max_length=80, verbose_name='only for formula')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Alternative',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=80, verbose_name='code')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('source', models.CharField(blank=True, max_length=300, verbose_name='source')),
                ('to_confirm', models.BooleanField(default=False, verbose_name='clinic to confirm')),
                ('published_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='published')),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='retired')),
                ('group', models.CharField(blank=True, choices=[('pain', 'pain and movement'), ('face', 'face and skin'), ('fat', 'fat and body shape'), ('hair', 'hair'), ('lymph', 'lymphoedema'), ('other', 'other')], max_length=20, verbose_name='only for group')),
                ('indication_code', models.SlugField(blank=True, max_length=80, verbose_name='only for indication')),
                ('formula_code', models.SlugField(blank=True, max_length=80, verbose_name='only for formula')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
            ],
            options={
                'verbose_name': 'alternative',
                'verbose_name_plural': 'alternatives',
                'ordering': ['position', 'code', '-version'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('code', 'version'), name='alternative_version_once', violation_error_message='This version exists already.'), models.UniqueConstraint(condition=models.Q(('published_at__isnull', False), ('retired_at', None)), fields=('code',), name='alternative_one_in_force', violation_error_message='Another version of this entry is in force.'), models.CheckConstraint(condition=models.Q(('group', ''), ('group__in', ['pain', 'face', 'fat', 'hair', 'lymph', 'other']), _connector='OR'), name='alternative_group_known', violation_error_message='Choose one of the groups: for an unknown one it would never be named.')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alternative',
            trigger=pgtrigger.compiler.Trigger(name='alternative_published', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                IF OLD.published_at IS NOT NULL AND (\n                    TG_OP = 'DELETE' OR to_jsonb(NEW) - 'retired_at' <> to_jsonb(OLD) - 'retired_at'\n                ) THEN\n                    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'alternative_published', MESSAGE = 'This version is published and cannot be changed; make a new version.';\n                END IF;\n                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;\n                RETURN NEW;\n            ", hash='c7a1bc501b23535a7e725b43a03a3da376aa698a', operation='UPDATE OR DELETE', pgid='pgtrigger_alternative_published_45f55', table='consultations_alternative', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alternative',
            trigger=pgtrigger.compiler.Trigger(name='alternative_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'alternative_no_truncate', MESSAGE = 'This table keeps clinical facts and cannot be emptied.';", hash='dddb22a678d39c993c4fd5b9f64c7be6da7aaa0b', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_alternative_no_truncate_d3af5', table='consultations_alternative', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alternative',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_alternativeevent" ("code", "formula_code", "group", "id", "indication_code", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "published_at", "retired_at", "source", "to_confirm", "version") VALUES (NEW."code", NEW."formula_code", NEW."group", NEW."id", NEW."indication_code", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position", NEW."published_at", NEW."retired_at", NEW."source", NEW."to_confirm", NEW."version"); RETURN NULL;', hash='f799fa8ad9571068f3a05ff4fabb7a7bd1a2b50b', operation='INSERT', pgid='pgtrigger_insert_insert_e0093', table='consultations_alternative', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alternative',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "consultations_alternativeevent" ("code", "formula_code", "group", "id", "indication_code", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "published_at", "retired_at", "source", "to_confirm", "version") VALUES (NEW."code", NEW."formula_code", NEW."group", NEW."id", NEW."indication_code", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."published_at", NEW."retired_at", NEW."source", NEW."to_confirm", NEW."version"); RETURN NULL;', hash='ccd1bc7a1f15d4e84d1d6c5ea08929c0ffae25eb', operation='UPDATE', pgid='pgtrigger_update_update_13225', table='consultations_alternative', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alternative',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "consultations_alternativeevent" ("code", "formula_code", "group", "id", "indication_code", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "published_at", "retired_at", "source", "to_confirm", "version") VALUES (OLD."code", OLD."formula_code", OLD."group", OLD."id", OLD."indication_code", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."position", OLD."published_at", OLD."retired_at", OLD."source", OLD."to_confirm", OLD."version"); RETURN NULL;', hash='8becdddd276639315a6f4ea2abdb9d32751cdd92', operation='DELETE', pgid='pgtrigger_delete_delete_9f488', table='consultations_alternative', when='AFTER')),
        ),
        migrations.AddField(
            model_name='alternativeevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='alternativeevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='consultations.alternative'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alternativeevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='bb7393d209e0f6ba7753d89c837ba8eb7e42b790', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_028d0', table='consultations_alternativeevent', when='BEFORE')),
        ),
        migrations.RunPython(renew, migrations.RunPython.noop),
    ]
