"""The product's settings, and so its middleware and database connection, with Django's own sessions and other addresses."""

from clinic.settings import *  # noqa: F403
from clinic.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.floor"]
ROOT_URLCONF = "benchmarks.floor.urls"
# Django's sessions say neither where they are used nor when the screen was, which the lock goes by.
_ASK_OUR_SESSIONS = {"clinic.sessions.UseMiddleware", "clinic.middleware.ScreenLockMiddleware"}
MIDDLEWARE = [each for each in MIDDLEWARE if each not in _ASK_OUR_SESSIONS]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
