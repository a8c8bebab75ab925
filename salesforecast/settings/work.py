"""Background work and sources."""

import re

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from salesforecast.settings.base import REDIS_URL, TIME_ZONE, VAR_DIR, env

LONGEST_TASK = int(env.number("TASK_TIME_LIMIT", 5 * 3600, least=60))
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
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": LONGEST_TASK + 3600,
        "socket_connect_timeout": 4,
        "socket_timeout": 30,
        "socket_keepalive": True,
    }
elif CELERY_BROKER_URL.startswith("amqp"):
    # RabbitMQ closes the channel of a consumer that does not acknowledge for half an hour. Without an exchange of its
    # own each queue would get the messages of all.
    CELERY_TASK_QUEUES = [
        Queue(name, Exchange(name), name, queue_arguments={"x-consumer-timeout": (LONGEST_TASK + 3600) * 1000})
        for name in ("default", "train")
    ]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a broker may be away for as long as it likes
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # the run goes on: the ledger knows who has it
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# The handler is told first, so that its run ends with a sentence; then the process is killed.
CELERY_TASK_TIME_LIMIT = LONGEST_TASK
CELERY_TASK_SOFT_TIME_LIMIT = max(LONGEST_TASK - 300, LONGEST_TASK * 9 // 10)
# A worker that is told to stop ends what it can within this time; the rest goes to another one.
WORKER_STOP_SECONDS = env.number("WORKER_STOP_SECONDS", 20)
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = WORKER_STOP_SECONDS
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
DJANGO_CELERY_BEAT_TZ_AWARE = True

# How long a worker may be silent before its run is given to another one, and how often that is looked at.
RUN_LEASE_SECONDS = env.number("RUN_LEASE_SECONDS", 60, least=2)
RUN_SWEEP_SECONDS = env.number("RUN_SWEEP_SECONDS", 20, least=1)
# What failed for a passing reason at night is asked for again so often, until the next night.
RETRY_SECONDS = env.number("RETRY_SECONDS", 600, least=5)
# For tests of whole nights: a file with seconds by which the product's clock is moved.
CLOCK_FILE = env.text("CLOCK_FILE")
# How long the API waits for work it started before it answers 202.
RUN_ANSWER_SECONDS = env.number("RUN_ANSWER_SECONDS", 5)

# Late corrections are read again every night for so many days, and in one night of the week for more.
SETTLING_DAYS = env.number("SETTLING_DAYS", 14, least=0, most=62)
LONG_SETTLING_DAYS = env.number("LONG_SETTLING_DAYS", 35, least=0, most=92)
LONG_SETTLING_WEEKDAY = 7
SOURCE_PATIENCE = env.number("SOURCE_PATIENCE", 300)
SOURCE_ALLOWED_HOSTS = env.words("SOURCE_ALLOWED_HOSTS")
SOURCE_CONNECT_TIMEOUT = env.number("SOURCE_CONNECT_TIMEOUT", 10, least=1)
SOURCE_READ_TIMEOUT = env.number("SOURCE_READ_TIMEOUT", 180, least=1)
# A larger answer is refused; a load holds about three times as much in memory.
SOURCE_ANSWER_MB = env.number("SOURCE_ANSWER_MB", 48, least=1, most=1024)
# The demonstration's simulated servers listen here and on the next two ports: two iiko servers, one 1C service.
DEMO_PORT = env.number("DEMO_PORT", 8021, least=1, most=65533)
# Both set: a 1C connection is made of them.
API_BASE_URL, API_KEY = env.text("API_BASE_URL"), env.text("API_KEY")
if API_BASE_URL and not re.match(r"https?://[^/@\s]+(/\S*)?$", API_BASE_URL):
    raise ImproperlyConfigured("API_BASE_URL must look like http://host:5555/v1, without login or password in it.")
IIKO_API_LOGIN = env.text("IIKO_API_LOGIN")
IIKO_API_PASSWORD = env.text("IIKO_API_PASSWORD")

# Models trained at a time, each by one thread.
FORECAST_THREADS = env.number("FORECAST_THREADS", 2, least=1, most=64)
FORECAST_HORIZON = env.number("FORECAST_HORIZON", 35, least=1, most=92)

# Word of troubles goes out by what is configured here; the start page shows them always.
ALARM_EMAILS = env.words("ALARM_EMAILS")
ALARM_TELEGRAM_TOKEN, ALARM_TELEGRAM_CHAT = env.text("ALARM_TELEGRAM_TOKEN"), env.text("ALARM_TELEGRAM_CHAT")
ALARM_TELEGRAM_API = env.text("ALARM_TELEGRAM_API", "https://api.telegram.org")
ALARM_WEBHOOK_URL, ALARM_WEBHOOK_SECRET = env.text("ALARM_WEBHOOK_URL"), env.text("ALARM_WEBHOOK_SECRET")
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 25, least=1, most=65535)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_USER"), env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS, EMAIL_USE_SSL = env.flag("EMAIL_USE_TLS"), env.flag("EMAIL_USE_SSL")
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "salesforecast@localhost")
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    raise ImproperlyConfigured("EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other: TLS is port 587, SSL port 465.")
if bool(ALARM_TELEGRAM_TOKEN) != bool(ALARM_TELEGRAM_CHAT):
    raise ImproperlyConfigured("ALARM_TELEGRAM_TOKEN and ALARM_TELEGRAM_CHAT belong together; one of them is not set.")
for _name, _url in (("ALARM_WEBHOOK_URL", ALARM_WEBHOOK_URL), ("ALARM_TELEGRAM_API", ALARM_TELEGRAM_API)):
    if _url and not _url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"{_name} must be an http or https address.")
if ALARM_WEBHOOK_SECRET and not ALARM_WEBHOOK_URL:
    raise ImproperlyConfigured("ALARM_WEBHOOK_SECRET is set, but no address to send to: set ALARM_WEBHOOK_URL.")
if any("@" not in address for address in ALARM_EMAILS):
    raise ImproperlyConfigured("ALARM_EMAILS must be e-mail addresses separated by commas.")
if ALARM_EMAILS and not EMAIL_HOST:
    raise ImproperlyConfigured("ALARM_EMAILS is set, but no server to send mail through: set EMAIL_HOST.")
ALARM_CHANNELS = [
    name
    for name, wanted in (("email", EMAIL_HOST), ("telegram", ALARM_TELEGRAM_TOKEN), ("webhook", ALARM_WEBHOOK_URL))
    if wanted
]
# Yesterday must be there at this local hour; so many failed loads in a row, and so little room on the disk, are an alarm.
ALARM_HOUR = env.number("ALARM_HOUR", 3, most=23)
ALARM_FAILURES_IN_A_ROW = env.number("ALARM_FAILURES_IN_A_ROW", 3, least=1)
ALARM_FREE_PERCENT = env.number("ALARM_FREE_PERCENT", 5, most=90)
