"""The product's settings as the tests see them: an environment of their own, files that vanish, nothing slow.

DATABASE_URL is the one variable taken over from outside: the same tests run on SQLite and on PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

for _name in (
    "ALLOWED_HOSTS API_BASE_URL API_KEY BEHIND_PROXY CELERY_BROKER_URL DB_HOST DB_NAME DB_PASSWORD DB_PORT DB_USER"
    " DEBUG FIELD_ENCRYPTION_KEY HTTPS_ONLY IIKO_API_LOGIN IIKO_API_PASSWORD LANGUAGE_CODE RABBITMQ_URL REDIS_URL"
    " SECRET_KEY SOURCE_ALLOWED_HOSTS SOURCE_PATIENCE TIME_ZONE"
).split():
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)

# The first process makes the folder, xdist's workers inherit its name and take a corner of it each.
if "SALESFORECAST_TEST_DIR" not in os.environ:
    os.environ["SALESFORECAST_TEST_DIR"] = tempfile.mkdtemp(prefix="salesforecast-test-")
    atexit.register(shutil.rmtree, os.environ["SALESFORECAST_TEST_DIR"], ignore_errors=True)
_folder = Path(os.environ["SALESFORECAST_TEST_DIR"])
os.environ["VAR_DIR"] = str(_folder / os.environ.get("PYTEST_XDIST_WORKER", "main"))
os.environ["SECRET_KEY"] = "tests-only-" + "s" * 32
os.environ["FIELD_ENCRYPTION_KEY"] = "tests-only-" + "f" * 32

from salesforecast.settings import *  # noqa: E402
from salesforecast.settings import DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

# A file rather than memory: threads and live servers then meet SQLite's real locks.
DATABASES["default"]["TEST"] = {
    "NAME": str(_folder / "test.sqlite3")
    if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    else f"test_{_folder.name.replace('-', '_')}"
}
if "postgresql" in DATABASES["default"]["ENGINE"]:
    # No test pulls the plug of this server: those that do bring one of their own.
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"
    DATABASES["default"]["TEST"]["TEMPLATE"] = os.environ.get("TEST_POSTGRES_TEMPLATE")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(exist_ok=True)
