"""Of recovery codes only hashes are kept: what they were computed from goes, and those that were not used go on working."""

import hmac

from django.contrib.auth.hashers import make_password
from django.db import migrations

from clinic import encryption


def unused_codes(data, seed):
    """As allauth 65 made them from the seed."""
    codes, made = [], hmac.new(key=seed.encode("ascii"), msg=None, digestmod="sha1")
    for number in range(10):
        made.update(f"{number:3},".encode())
        code = int.from_bytes(made.digest()[:5], byteorder="big") % 10**10
        if not data.get("used_mask", 0) & (1 << number):
            codes.append(f"{code:010}")
    return codes


def hash_what_is_left(apps, schema_editor):
    """Where no key of SECRETS_KEYS opens the seed, no code is left, and the person makes new ones: app and passkey still open."""
    rows = apps.get_model("mfa", "Authenticator").objects.using(schema_editor.connection.alias)
    for row in rows.filter(type="recovery_codes", data__has_key="seed").select_for_update():
        try:
            codes = unused_codes(row.data, encryption.decrypted(row.data["seed"]))
        except encryption.Unreadable:
            codes = []
        hashes = [{"first": code[0], "hash": encryption.encrypted(make_password(code))} for code in codes]
        row.data = {"migrated_codes": [], "hashes": hashes}
        row.save(update_fields=["data"])


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0028_read_committed'),
        ('mfa', '0003_authenticator_type_uniq'),
    ]

    operations = [
        # Not back again: from a hash nobody makes a seed.
        migrations.RunPython(hash_what_is_left, migrations.RunPython.noop, elidable=True),
    ]
