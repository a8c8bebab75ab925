"""The HTTP API: one principal, one error shape, throttled, documented offline."""

from salesforecast.settings.base import env

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.Denied"],
    "DEFAULT_RENDERER_CLASSES": ["accounts.api.rendering.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.Schema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.Limits"],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.text("THROTTLE_ANONYMOUS", "60/min"),
        "user": env.text("THROTTLE_USER", "600/min"),
        "work": env.text("THROTTLE_WORK", "30/min"),
    },
    # Whose address counts against the limit: a caller may write anything into X-Forwarded-For.
    "NUM_PROXIES": 1 if env.flag("BEHIND_PROXY") else 0,
    "COERCE_DECIMAL_TO_STRING": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# The largest body of item sales that is read.
API_BODY_MB = env.number("API_BODY_MB", 20, least=1, most=1024)

SPECTACULAR_SETTINGS = {
    "TITLE": "salesforecast",
    "DESCRIPTION": "Sales and sales forecasts of a chain of cafes, bakeries and restaurants.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_PERMISSIONS": ["accounts.permissions.Open"],
    "SERVE_AUTHENTICATION": [],
    "ENUM_NAME_OVERRIDES": {
        "DayState": "sales.choices.DayState",
        "RunState": "runs.choices.State",
        "Segment": "departments.choices.Segment",
        "Rule": "forecasting.choices.Rule",
        "LogStatus": "sales.models.AutoSyncLog.Status",
        "WorkStatus": ["success", "partial"],
        "ModelStatus": ["ready", "not_trained"],
        "ReadyStatus": ["ready", "not ready"],
        "HealthStatus": ["ok"],
        "DeletedStatus": ["deleted"],
        "ErrorType": ["validation_error", "client_error", "server_error"],
    },
}

DRF_STANDARDIZED_ERRORS = {
    "ENABLE_IN_DEBUG_FOR_UNHANDLED_EXCEPTIONS": True,
    "EXCEPTION_HANDLER_CLASS": "runs.api.errors.ErrorHandler",
}
