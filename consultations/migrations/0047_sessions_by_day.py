"""Sessions are found by the day they were begun: the checks that are due look at the last months."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("clinic", "0012_history_seals"),
        ("consultations", "0046_test_dilution"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                "started_at",
                name="session_signed_started",
                condition=models.Q(("signed_at__isnull", False)),
            ),
        ),
    ]
