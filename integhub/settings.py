"""Settings, all from the environment; secure unless the embedded start says otherwise.

``INTEGHUB_EMBEDDED=1`` is set only by script/server and script/test, which bind to loopback.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from integhub import __version__, patience
from integhub.logs import logging_config
from integhub.runtime import chromium
from integhub.ticking import Every

django_stubs_ext.monkeypatch()  # forms.ModelForm[Team] and the like

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = __version__
EMBEDDED = os.environ.get("INTEGHUB_EMBEDDED") == "1"
DEBUG = os.environ.get("INTEGHUB_DEBUG", "0") == "1"


def required(name: str) -> str:
    """Value of the environment variable *name*; refuses to start without it."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. script/server sets it; see docs/configuration.md.")
    return value


def listed(name: str, default: str = "") -> list[str]:
    """Comma-separated environment variable as a list without blanks."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def database(url: str) -> dict[str, object]:
    """Django's description of a ``postgresql://user:password@host:port/name`` address."""
    parts = urlsplit(url)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or unquote(query.pop("host", "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": patience.postgres(STATEMENT_TIMEOUT) | ({"sslmode": query["sslmode"]} if "sslmode" in query else {}),
    }


SECRET_KEY = required("INTEGHUB_SECRET_KEY")
FIELD_KEYS = listed("INTEGHUB_FIELD_KEYS")  # Fernet keys, newest first
if not FIELD_KEYS:
    raise ImproperlyConfigured("INTEGHUB_FIELD_KEYS is not set: secrets could not be encrypted.")
if not EMBEDDED and (len(SECRET_KEY) < 40 or len(set(SECRET_KEY)) < 8):
    raise ImproperlyConfigured("INTEGHUB_SECRET_KEY must have at least 40 characters, and they must not be the same.")
if DEBUG and not EMBEDDED:
    raise ImproperlyConfigured("INTEGHUB_DEBUG=1 shows settings and variables to everybody: only in an embedded start.")

BASE_URL = os.environ.get("INTEGHUB_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
_host = urlsplit(BASE_URL).hostname or "127.0.0.1"
ALLOWED_HOSTS = listed("INTEGHUB_ALLOWED_HOSTS") or [_host] + (["127.0.0.1", "localhost", "[::1]"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
ROOT_URLCONF = "integhub.urls"
ASGI_APPLICATION = "integhub.asgi.application"
WEB_THREADS = int(os.environ.get("INTEGHUB_WEB_THREADS", "8"))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "integhub.static_files.StaticFiles",
    "django.contrib.postgres",
    "django.forms",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "rest_framework",
    "apps.core",
    "apps.accounts",
    "apps.systems",
    "apps.environments",
    "apps.catalog",
    "apps.runs",
    "apps.execution",
    "apps.defects",
    "apps.insights",
    "apps.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.DomainErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                "django.template.loaders.filesystem.Loader",
                "django.template.loaders.app_directories.Loader",
            ]
            if DEBUG
            else [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.context.product",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "apps.core.templatetags.ui",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

STATEMENT_TIMEOUT = int(
    os.environ.get("INTEGHUB_STATEMENT_TIMEOUT", "0")
)  # seconds; the web process has its own default
DATABASES = {"default": database(required("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = required("REDIS_URL")
REDIS_PATIENCE: dict[str, Any] = patience.REDIS
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": REDIS_PATIENCE,
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "insights:home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = 0.25  # hours
AXES_USERNAME_FORM_FIELD = "username"  # what authenticate() is called with; the default would count nobody's attempts
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"
AXES_ENABLE_ADMIN = False
AXES_IPWARE_META_PRECEDENCE_ORDER = ["REMOTE_ADDR"]
PASSWORD_RESET_TIMEOUT = 60 * 60 * 4

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "integhub.formats"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = os.environ.get("INTEGHUB_TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("INTEGHUB_STATIC_ROOT", BASE_DIR / "staticfiles"))
NODE = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("tabler", NODE / "@tabler/core/dist/css"),
    ("tabler-js", NODE / "@tabler/core/dist/js"),
    ("htmx", NODE / "htmx.org/dist"),
    ("chartjs", NODE / "chart.js/dist"),
    ("cytoscape", NODE / "cytoscape/dist"),
]
ICONS_DIR = NODE / "@tabler/icons/icons"
WHITENOISE_USE_FINDERS = EMBEDDED
WHITENOISE_AUTOREFRESH = EMBEDDED
STORAGES = {
    "default": {"BACKEND": "apps.core.files.WholeFiles"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "integhub.static_files.HashedFiles"
    },
}
MEDIA_ROOT = Path(os.environ.get("INTEGHUB_MEDIA_ROOT", BASE_DIR / ".data" / "media"))
FILE_UPLOAD_HANDLERS = [
    "apps.core.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000

_secure = not EMBEDDED
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _secure
SECURE_REDIRECT_EXEMPT = [r"^health/$", r"^hooks/"]  # components of a private network call back without TLS
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _secure
if os.environ.get("INTEGHUB_TRUST_PROXY") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_NAME = "integhub_session"
CSRF_COOKIE_NAME = "integhub_csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

EMAIL_BACKEND = os.environ.get(
    "INTEGHUB_EMAIL_BACKEND",
    "django.core.mail.backends.filebased.EmailBackend" if EMBEDDED else "django.core.mail.backends.smtp.EmailBackend",
)
EMAIL_FILE_PATH = os.environ.get("INTEGHUB_MAIL_DIR", str(BASE_DIR / ".data" / "mail"))
EMAIL_HOST = os.environ.get("INTEGHUB_SMTP_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("INTEGHUB_SMTP_PORT", "25"))
EMAIL_TIMEOUT = 10  # seconds; a page waits for the mail server
EMAIL_HOST_USER = os.environ.get("INTEGHUB_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("INTEGHUB_SMTP_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("INTEGHUB_SMTP_TLS", "1") == "1" and not EMBEDDED
DEFAULT_FROM_EMAIL = os.environ.get("INTEGHUB_MAIL_FROM", "IntegHub <integhub@localhost>")

# The built-in mailbox: where components reach it (host:port; empty when none runs), and the domain of its addresses.
MAILBOX = os.environ.get("INTEGHUB_MAILBOX", "")
MAILBOX_DOMAIN = os.environ.get("INTEGHUB_MAILBOX_DOMAIN", "mailbox.integhub.test")

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Above the longest hard limit of a chunk (celery #5935); lost work comes back by our own sweeper, sooner.
# One list for each queue: kombu would ask Redis for four, one for each priority that we do not use.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7_200, "priority_steps": [0]} | patience.BROKER
# Above the longest that a chunk may take: ten minutes in which it begins, an hour of a case, its teardown.
CELERY_TASK_TIME_LIMIT = 4_500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "integhub.ticking.Scheduler"
# No "expires": it is a time of day by beat's clock, and a worker whose clock is ahead would throw every tick away.
# Ticks that piled up are dropped by who takes them (apps.core.ticks).
CELERY_BEAT_SCHEDULE = {
    "judge retests whose news was lost": {"task": "defects.settle_ended", "schedule": Every(60.0)},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "apps.accounts.permissions.WithinScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.rest_parsers.BoundedJson"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.rest.IdCursorPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["apps.core.rest.DeclaredFilters"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.rest.problem",
    "DEFAULT_VERSIONING_CLASS": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "IntegHub",
    "DESCRIPTION": "Plan, run and learn from integration tests.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # A set of words that is under several names, state and verdict, has one name in the schema.
    "ENUM_NAME_OVERRIDES": {
        "StateEnum": "apps.core.states.State",
        "TokenScopeEnum": "apps.accounts.models.Scope",
        "VerdictEnum": "apps.execution.api.people.VERDICT_CHOICES",
    },
}

# What the engine may do on workers of this process (docs/configuration.md).
EXECUTION_ALLOW = listed("INTEGHUB_ALLOW")
EXECUTION_DENY_ADDRESSES = listed("INTEGHUB_DENY_ADDRESSES")
EXECUTION_ALLOW_ADDRESSES = listed("INTEGHUB_ALLOW_ADDRESSES")
EXECUTION_ONLY_ALLOWED = os.environ.get("INTEGHUB_ONLY_ALLOWED") == "1"
EXECUTION_CHROMIUM = chromium.find() or ""
EXECUTION_STUCK_AFTER = float(os.environ.get("INTEGHUB_STUCK_AFTER", "60"))  # seconds
EXECUTION_MEMORY = int(os.environ.get("INTEGHUB_WORKER_MEMORY", "4096")) * 1024 * 1024

SILENCED_SYSTEM_CHECKS = ["axes.W001"]
LOGGING_CONFIG = None
logging_config(os.environ.get("INTEGHUB_LOG_LEVEL", "INFO"), human=EMBEDDED)
