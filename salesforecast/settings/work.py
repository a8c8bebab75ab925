"""Background work and sources."""

from salesforecast.settings.base import REDIS_URL, TIME_ZONE, VAR_DIR, env

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL") or env.text("RABBITMQ_URL") or REDIS_URL or "filesystem://localhost//"
if CELERY_BROKER_URL.startswith("filesystem://"):
    _folder = VAR_DIR / "broker"
    for _name in ("messages", "processed", "control"):
        (_folder / _name).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_folder / "messages"),
        "data_folder_out": str(_folder / "messages"),
        "processed_folder": str(_folder / "processed"),
        "control_folder": str(_folder / "control"),
        "store_processed": False,
        "polling_interval": 0.5,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    # Longer than the longest task, else Redis hands a running task to a second worker.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 6 * 3600}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = env.number("TASK_TIME_LIMIT", 5 * 3600, least=60)
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
DJANGO_CELERY_BEAT_TZ_AWARE = True

# How long a worker may be silent before its run is given to another one, and how often that is looked at.
RUN_LEASE_SECONDS = env.number("RUN_LEASE_SECONDS", 90, least=2)
RUN_SWEEP_SECONDS = env.number("RUN_SWEEP_SECONDS", 30, least=1)
# How long the API waits for work it started before it answers 202.
RUN_ANSWER_SECONDS = env.number("RUN_ANSWER_SECONDS", 5)

SETTLING_DAYS = env.number("SETTLING_DAYS", 14, least=0, most=62)
SOURCE_PATIENCE = env.number("SOURCE_PATIENCE", 300)
SOURCE_ALLOWED_HOSTS = env.words("SOURCE_ALLOWED_HOSTS")
SOURCE_CONNECT_TIMEOUT = env.number("SOURCE_CONNECT_TIMEOUT", 10, least=1)
SOURCE_READ_TIMEOUT = env.number("SOURCE_READ_TIMEOUT", 180, least=1)
# The demonstration's two simulated servers listen here and on the next port.
DEMO_PORT = env.number("DEMO_PORT", 8021, least=1, most=65534)
IIKO_API_LOGIN = env.text("IIKO_API_LOGIN")
IIKO_API_PASSWORD = env.text("IIKO_API_PASSWORD")

FORECAST_THREADS = env.number("FORECAST_THREADS", 1, least=1, most=64)
FORECAST_HORIZON = env.number("FORECAST_HORIZON", 35, least=1, most=35)
