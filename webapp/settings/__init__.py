"""Settings of the control plane. What differs between machines comes from the environment."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from inference_workers.contracts.environment import SettingError
from webapp.settings import env as _env

ENV = _env.environment()
BASE_DIR = _env.ROOT

try:
    MODE = _env.read_mode(ENV)
    DATA_DIR: Path = ENV.path("VIDETTE_DATA_DIR", BASE_DIR / "var")
    _generated = {} if MODE == "production" else _env.embedded_secrets(DATA_DIR)
    SECRET_KEY = _env.read_secret(ENV, "SECRET_KEY", _generated)
    FIELD_KEY = _env.read_secret(ENV, "VIDETTE_FIELD_KEY", _generated)
    LEASE_KEY = _env.read_secret(ENV, "VIDETTE_LEASE_KEY", _generated)
    REDIS_URL = ENV.url(
        "REDIS_URL",
        ("redis", "rediss", "unix"),
        None if MODE == "production" else f"unix://{DATA_DIR}/run/redis.sock",
    )
    CELERY_BROKER_URL = ENV.text(
        "CELERY_BROKER_URL",
        REDIS_URL.replace("unix://", "redis+socket://") if REDIS_URL.startswith("unix") else REDIS_URL,
    )
    OBJECT_STORE_URL = ENV.url("OBJECT_STORE_URL", ("file", "s3"), (DATA_DIR / "objects").as_uri())
    DATABASES = {
        "default": _env.database(
            ENV.text("DATABASE_URL", None if MODE == "production" else "sqlite://"), DATA_DIR
        )
    }
    PORT = ENV.integer("PORT", 8000, minimum=1, maximum=65535)
    DEBUG = ENV.flag("DEBUG", False)
    ALLOWED_HOSTS = list(
        ENV.words("ALLOWED_HOSTS", () if MODE == "production" else ("localhost", "127.0.0.1", "[::1]"))
    )
    TRUSTED_ORIGINS = list(
        ENV.words(
            "TRUSTED_ORIGINS",
            () if MODE == "production" else (f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}"),
        )
    )
    HTTPS_ONLY = ENV.flag("HTTPS_ONLY", MODE == "production")
    SENTRY_DSN = ENV.text("SENTRY_DSN", "")
    LOG_LEVEL = ENV.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
    LEASE_TTL_S = ENV.integer("VIDETTE_LEASE_TTL_S", 20, minimum=5, maximum=600)
    METRICS_TOKEN = ENV.text("METRICS_TOKEN", "")
except SettingError as error:
    raise ImproperlyConfigured(str(error)) from error

INSTALLED_APPS = [
    "apps.console",
    "apps.live",
    "apps.dispatch",
    "apps.monitoring",
    "apps.detections",
    "apps.registry",
    "apps.cameras",
    "apps.accounts",
    "apps.audit",
    "apps.core",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "guardian",
    "knox",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"
WSGI_APPLICATION = "webapp.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "apps.accounts.adapter.ClosedAccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
USERSESSIONS_TRACK_ACTIVITY = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL}], "prefix": "vidette:channels"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "vidette:cache",
    }
}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_TRUSTED_ORIGINS = TRUSTED_ORIGINS
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {"TITLE": "Vidette API", "VERSION": "1"}
REST_KNOX = {"AUTH_HEADER_PREFIX": "Token", "TOKEN_LIMIT_PER_USER": None}

KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 - the name of a model
