"""Settings: the composition root. Everything that differs between machines comes from the environment.

MESOCLINIC_MODE is `demo` (./run demo), `test` (pytest) or `production` (the default, and the strict one).
"""

import os
import secrets
from pathlib import Path

import dj_database_url
import pghistory
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from clinic import credentials, embedded, on_the_way

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("MESOCLINIC_DATA", BASE_DIR / ".data"))
MODE = os.environ.get("MESOCLINIC_MODE", "production")
if MODE not in {"demo", "test", "production"}:
    raise ImproperlyConfigured(f"MESOCLINIC_MODE is demo, test or production, not {MODE!r}.")
PRODUCTION = MODE == "production"
DEBUG = False
# The invented people of the demo clinic sign in with this; the sign-in page says so. No other mode knows it.
DEMO_PASSWORD = "mesoclinic-demo" if MODE == "demo" else ""


def _secret(name: str) -> str:
    """From the environment, a file, or systemd (clinic.credentials)."""
    try:
        return credentials.secret(name)
    except credentials.CredentialError as error:
        raise ImproperlyConfigured(str(error)) from error


def _secrets(name: str) -> list[str]:
    """Several, with commas between."""
    return [key for key in _secret(name).split(",") if key]


def _secret_key() -> str:
    """The key that was given; demo and tests may keep one of their own in the data folder."""
    if key := _secret("SECRET_KEY"):
        return key
    if PRODUCTION:
        raise ImproperlyConfigured("Set SECRET_KEY (or MESOCLINIC_MODE=demo to try Mesoclinic out).")
    key_file = DATA_DIR / "secret_key"
    if not key_file.exists():
        key_file.parent.mkdir(parents=True, exist_ok=True)
        key_file.touch(mode=0o600)
        key_file.write_text(secrets.token_urlsafe(50))
    return key_file.read_text().strip()


SECRET_KEY = _secret_key()
# A key that is being replaced: what it signed and encrypted is read until it is taken away here.
SECRET_KEY_FALLBACKS = _secrets("SECRET_KEY_FALLBACKS")
# What encrypts the secrets of second factors, the newest first (clinic.encryption).
SECRETS_KEYS = _secrets("SECRETS_KEYS") or [SECRET_KEY, *SECRET_KEY_FALLBACKS]
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]
if not PRODUCTION:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]", "testserver", os.environ.get("HOST", "127.0.0.1")]

INSTALLED_APPS = [
    "clinic.apps.ClinicConfig",
    "consultations.apps.ConsultationsConfig",
    "clinic.apps.ClinicAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "import_export",
    "pgtrigger",
    "pghistory",
]

MIDDLEWARE = [
    # What gives every answer its headers stands first, the way to https among them.
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "clinic.middleware.PrivacyMiddleware",
    "clinic.middleware.RefusedMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "clinic.middleware.VerbMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "clinic.middleware.BadTextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clinic.sessions.UseMiddleware",
    "clinic.uploads.UploadMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "clinic.middleware.SecondFactorMiddleware",
    "clinic.middleware.ScreenLockMiddleware",
    "clinic.middleware.HandOverMiddleware",
    "clinic.middleware.PaceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "clinic.middleware.AnnouncementMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "clinic.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "clinic.urls"
WSGI_APPLICATION = "clinic.wsgi.application"
AUTH_USER_MODEL = "clinic.User"
# What was removed leaves a trace, too: an absence, a draft's children.
PGHISTORY_DEFAULT_TRACKERS = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.context_processors.clinic",
            ],
        },
    },
]
FORM_RENDERER = "clinic.form_renderer.FormRenderer"

# `./run` says so for what the owner of the tables does before the server starts.
_address = _secret("OWNER_DATABASE_URL" if os.environ.get("MESOCLINIC_AS_OWNER") == "yes" else "DATABASE_URL")
if _address:
    DATABASES = {"default": dj_database_url.parse(_address)}
else:
    DATABASES = {"default": embedded.database_settings(os.environ.get("DATABASE_NAME", "mesoclinic"))}
if PRODUCTION and on_the_way.is_open_database(DATABASES["default"]):
    raise ImproperlyConfigured(
        "The database is on another machine, and its address does not say sslmode=verify-full: records would travel in clear, or to"
        " whoever answers. See “A database on another machine” in docs/operations.md."
    )
DATABASES["default"].update(
    CONN_MAX_AGE=60,
    # After a database restart a kept connection is dead: ask before using it.
    CONN_HEALTH_CHECKS=True,
    ATOMIC_REQUESTS=False,
    TEST={"NAME": os.environ.get("TEST_DATABASE_NAME", "test_mesoclinic")},
)
# A lock that is not had within five seconds becomes a sentence, not a hanging page.
DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
    "-c lock_timeout=4s -c statement_timeout=30s"
    # Triggers refuse records at any other level (clinic.db.sees_what_is_committed), and a server may have another default.
    r" -c default_transaction_isolation=read\ committed"
    # Whatever is planned once (clinic.prepared, the bodies of triggers) fits all values.
    " -c plan_cache_mode=force_generic_plan"
    # "Moraeu" finds Moreau: two letters swapped leave 3 of 7 trigrams alike.
    " -c pg_trgm.word_similarity_threshold=0.4"
)

if MODE == "test":
    # What a test has committed is thrown away after it: nobody waits until it is on the disk.
    DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        # Counters of tries and codes that were used stand in it. With Django's 300 a flood of names would push them out.
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}
SESSION_ENGINE = "clinic.sessions"

# One: a second would look at the password again for some names and not for others, and its time would tell.
AUTHENTICATION_BACKENDS = ["clinic.accounts.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "clinic.passwords.LeakedPasswordValidator"},
    {"NAME": "clinic.passwords.ClinicWordsValidator", "OPTIONS": {"min_length": 12}},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "clinic:start"
ACCOUNT_ADAPTER = "clinic.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_FORMS = {
    "login": "clinic.forms.passwords.LoginForm",
    "change_password": "clinic.forms.passwords.ChangePasswordForm",
    "reset_password": "clinic.forms.passwords.ResetPasswordForm",
    "reset_password_from_key": "clinic.forms.passwords.ResetPasswordKeyForm",
    "reauthenticate": "clinic.forms.passwords.ReauthenticateForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "clinic.passwords.PasswordLinks"  # noqa: S105  its name
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
# Passwords are counted in clinic.throttling. These are allauth's: codes of the second factor per person (login_failed), and how
# much one address may ask; generously, because a clinic is behind one.
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "100/5m/ip,5/5m/key",
    "reset_password": "60/m/ip,5/m/key",
    "reset_password_from_key": "60/m/ip",
}
MFA_RATE_LIMITS = {"webauthn_login": "300/m/ip"}
# How many proxies of the clinic's own stand in front, each adding to X-Forwarded-For; what a browser writes there is not believed.
TRUSTED_PROXIES = int(os.environ.get("TRUSTED_PROXIES", "0"))
# Everybody needs a second factor (clinic.middleware); a passkey that asks for a finger or a PIN is both factors in one.
MFA_ADAPTER = "clinic.accounts.SecondFactorAdapter"
# Recovery codes are ours (clinic.actions.recovery_codes): allauth would keep what they can be read from again.
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]
MFA_FORMS = {
    "activate_totp": "clinic.forms.second_factor.ActivateTotpForm",
    "add_webauthn": "clinic.forms.second_factor.AddPasskeyForm",
    "authenticate": "clinic.forms.second_factor.AuthenticateByCodeForm",
    "reauthenticate": "clinic.forms.second_factor.ReauthenticateByCodeForm",
    "authenticate_webauthn": "clinic.forms.second_factor.AuthenticatePasskeyForm",
    "login_webauthn": "clinic.forms.second_factor.LoginPasskeyForm",
    "reauthenticate_webauthn": "clinic.forms.second_factor.ReauthenticatePasskeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
# Addresses are the admins' business: they are right without a letter that proves it.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# The link of an invitation works for so long.
INVITATION_DAYS = 7
# A screen in a patient's hands that nobody touches for so long shows nothing of them any more.
HAND_OVER_IDLE_MINUTES = 10
# A desk is left for a patient at the door, and anybody may stand at it: after so long without a touch the screen locks.
LOCK_IDLE_MINUTES = 15
# A working day with its breaks: after so long everybody signs in anew, with both factors, whatever they did.
SIGN_IN_HOURS = 12

# Of how many patients one account may open records in an hour, and in a day: many more than somebody can read, far fewer than
# there are (ADR 39). Emergencies are counted apart, by the same numbers.
RECORDS_AN_HOUR = int(os.environ.get("RECORDS_AN_HOUR", "120"))
RECORDS_A_DAY = int(os.environ.get("RECORDS_A_DAY", "400"))
# How many pages one account may ask for, and how many entries it may make: several times what a busy desk does (ADR 44). What
# open pages ask for by themselves is counted apart.
PAGES_AN_HOUR = int(os.environ.get("PAGES_AN_HOUR", "1500"))
PAGES_A_DAY = int(os.environ.get("PAGES_A_DAY", "8000"))
ENTRIES_AN_HOUR = int(os.environ.get("ENTRIES_AN_HOUR", "240"))
ENTRIES_A_DAY = int(os.environ.get("ENTRIES_A_DAY", "1200"))
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English"))]
LOCALE_PATHS = [BASE_DIR / "clinic" / "locale"]
USE_I18N = True
USE_TZ = True
# One time zone per clinic, chosen at set-up; the database keeps it and refuses a change (clinic settings).
TIME_ZONE = os.environ.get("MESOCLINIC_TIME_ZONE", "Europe/Paris")

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
FRONT_END_DIR = DATA_DIR / "front_end"
STATICFILES_DIRS = [("front_end", FRONT_END_DIR)] if FRONT_END_DIR.exists() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if MODE != "test"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Tabler's own style sheet draws its check marks as data: images
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# A fault is told with its places in the program, never with what was worked on (clinic.logs): no page, mail or log has more.
# A calendar feed's address is its key: never in a log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "hide_addresses": {"()": "clinic.logs.HideAddresses"},
        "hide_data": {"()": "clinic.logs.HideData"},
    },
    "formatters": {"lines": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "faults": {
            "class": "logging.StreamHandler",
            "level": "ERROR",
            "filters": ["hide_addresses", "hide_data"],
            "formatter": "lines",
        },
        "refusals": {"class": "logging.StreamHandler", "formatter": "lines"},
    },
    "root": {"handlers": ["faults"]},
    "loggers": {
        "django": {"handlers": []},  # Django's own would mail faults with all that was sent
        "django.request": {"filters": ["hide_addresses", "hide_data"]},
        "clinic.refused": {"handlers": ["refusals"]},
    },
}
# Where the clinic sends the journal; said, not looked at (clinic.deployment).
JOURNAL_KEPT_AT = os.environ.get("JOURNAL_KEPT_AT", "")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # scripts take the token from the page
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
if PRODUCTION:
    # By these names a browser takes them from this very host only, encrypted, for all its pages.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# Names and search words never leave in a mail or a log; texts longer than this are refused with a sentence.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# Files are refused while they arrive, but at the addresses that ask for one (clinic.uploads).
FILE_UPLOAD_HANDLERS = ["clinic.uploads.NoFiles"]
LARGEST_UPLOAD_BYTES = 20 * 1024 * 1024
# Photographs: the most that is decoded (phones make up to 50 million pixels), the longer side that is kept, and where.
# Not below static files or anything else that a web server serves.
PHOTO_PIXELS = 50_000_000
PHOTO_SIDE = 3000
PHOTO_DIR = DATA_DIR / "photos"
# What a guess of a backup's key costs: 2^17 × 1 KiB of memory and some 0.3 s, as OWASP asks of scrypt.
BACKUP_SCRYPT_COST = 17
# A cell that starts like a formula would run in the reader's spreadsheet.
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
# Without a mail server nothing is sent: links are shown on the screen of the admin who makes them.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS", "yes") == "yes"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "mesoclinic@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
MAIL_IS_SET_UP = bool(EMAIL_HOST)
