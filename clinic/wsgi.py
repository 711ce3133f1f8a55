"""The web server's way in."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
application = get_wsgi_application()

from clinic.right_database import refuse_at_start  # noqa: E402  the settings must be read first

refuse_at_start()

# What is loaded by now lives as long as the process: the collector need not look at it again with every few requests.
gc.collect()
gc.freeze()
