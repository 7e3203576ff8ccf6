"""Settings of the desk. Works with none on SQLite; every variable is described in docs/admin/settings.md."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from sealdesk.config import env

HOME = Path(env.text("SEALDESK_HOME", ".sealdesk")).absolute()
DATA_FOLDER = Path(env.text("SEALDESK_DATA", str(HOME / "data")))
MASTER_KEY = env.text("SEALDESK_MASTER_KEY")
MASTER_KEY_FILE = Path(env.text("SEALDESK_MASTER_KEY_FILE", str(HOME / "key" / "master.key")))
"""In a folder of its own beside the data folder: never inside it, never in a backup."""


def _own_folder(path: Path) -> None:
    """Makes the folder, for this user alone; one that is there stays as it is (system checks look at it)."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"The folder {path} cannot be made: {error.strerror}") from error


if HOME in DATA_FOLDER.parents:
    _own_folder(HOME)
_own_folder(DATA_FOLDER)

DEBUG = env.boolean("SEALDESK_DEBUG", default=False)
ALLOWED_HOSTS = env.words("SEALDESK_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("SEALDESK_ORIGINS")


def _secret_key() -> str:
    given = env.secret("SEALDESK_SECRET_KEY")
    if given:
        return given
    # Derived from the master key, so that one secret is enough to run a desk.
    from sealdesk.core.masterkey import read_master_key

    master = read_master_key(MASTER_KEY, MASTER_KEY_FILE, data_folder=DATA_FOLDER)
    return base64.b64encode(hashlib.sha256(b"sealdesk sessions\x00" + master).digest()).decode()


def _database(url: str) -> dict[str, object]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_FOLDER / "sealdesk.sqlite3",
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                # Temporary tables and indexes stay in memory, and what is deleted is overwritten.
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; "
                    "PRAGMA temp_store=MEMORY;"
                ),
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("SEALDESK_DATABASE must be a postgresql:// address")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
    }


SECRET_KEY = _secret_key()
DATABASES = {"default": _database(env.secret("SEALDESK_DATABASE"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "people.Agent"

INSTALLED_APPS = [
    "sealdesk.web",  # first: its templates for signing in come before those of allauth
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "sealdesk.core",
    "sealdesk.people",
    "sealdesk.keyring",
    "sealdesk.tickets",
    "sealdesk.mail",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "sealdesk.config.urls"
WSGI_APPLICATION = "sealdesk.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

STORAGES = {
    "default": {
        "BACKEND": "sealdesk.core.storage.DurableFiles",
        "OPTIONS": {
            "location": DATA_FOLDER / "blobs",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = DATA_FOLDER / "static"
_own_folder(STATIC_ROOT)  # WhiteNoise warns where there is none, also before anything was collected
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.boolean("SEALDESK_HTTPS", default=False)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "sealdesk.people.accounts.ClosedAccounts"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
"""Mail leaves by the outbox only; what a library might send by itself goes nowhere."""

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

DATA_UPLOAD_MAX_MEMORY_SIZE = 40 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 40 * 1024 * 1024
"""Uploads stay in memory: nothing is ever written to a temporary folder in clear."""
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

REVOCATION = env.choice("SEALDESK_REVOCATION", ("soft", "hard"))
"""Hard: a certificate of which it is not known whether it was revoked proves nothing and is not used."""
MAIL_SIZE_LIMIT = env.whole_number("SEALDESK_MAIL_SIZE_LIMIT", 50 * 1024 * 1024)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
