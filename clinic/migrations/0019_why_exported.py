"""For whom and why a whole record was made into a file; empty for every other reading."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinic', '0018_emergency_openings'),
    ]

    operations = [
        migrations.AddField(
            model_name='recordopened',
            name='reason',
            field=models.CharField(blank=True, max_length=200, verbose_name='for whom and why'),
        ),
    ]
