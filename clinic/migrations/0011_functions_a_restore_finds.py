"""A restore of pg_dump sets an empty search path, where `fold` is not found: no dump of these tables could be restored.

Named with its schema it is found everywhere. What the functions return stays the same, so the stored columns do too.
"""

from django.db import migrations

FUNCTIONS = """
CREATE OR REPLACE FUNCTION patient_search_text(
    number integer, family text, given text, family_latin text, given_latin text,
    phone text, email text, birth date
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT concat_ws(' ', number::text, {fold}(family), {fold}(given), {fold}(family_latin), {fold}(given_latin),
        {fold}(phone), regexp_replace(phone, '[^0-9]', '', 'g'), {fold}(email),
        to_char(birth, 'YYYY-MM-DD'), to_char(birth, 'DD.MM.YYYY'), to_char(birth, 'DD/MM/YYYY'))
$$;
CREATE OR REPLACE FUNCTION patient_folded_name(family text, given text, family_latin text, given_latin text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT concat_ws(chr(9), {fold}(family), {fold}(given), {fold}(family_latin), {fold}(given_latin))
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0010_device_care'),
    ]

    operations = [
        migrations.RunSQL(FUNCTIONS.format(fold="public.fold"), FUNCTIONS.format(fold="fold")),
    ]
