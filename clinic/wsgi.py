"""The web server's way in."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
application = get_wsgi_application()

from clinic import loaded  # noqa: E402  the settings must be read first
from clinic.right_database import refuse_at_start  # noqa: E402

refuse_at_start()

loaded.load_pages()
loaded.keep()
