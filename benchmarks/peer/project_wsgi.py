"""For gunicorn."""

import logging

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
# It tells its log every step, whatever the settings say; a quiet server is the faster one.
logging.disable(logging.WARNING)
