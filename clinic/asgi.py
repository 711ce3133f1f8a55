"""The asynchronous web server's way in."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
application = get_asgi_application()

from clinic.right_database import refuse_at_start  # noqa: E402  the settings must be read first

refuse_at_start()
