"""The web server's way in."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
application = get_wsgi_application()

from clinic.right_database import refuse_at_start  # noqa: E402  the settings must be read first

refuse_at_start()

# All addresses and their pages: else whoever asks first waits for them.
get_resolver().url_patterns  # noqa: B018  looked at to be loaded

# What is loaded by now lives as long as the process: the collector need not look at it again with every few requests.
gc.collect()
gc.freeze()
