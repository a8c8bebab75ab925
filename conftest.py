"""What every test may ask for: public data beside the repository, real services, a real browser.

A service that is missing fails the test and says how to get it; only the public data may be absent, and the
summary then counts the tests that needed them.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest_plugins = ["tests.world", "tests.work", "tests.cleaning"]

# What a law says is no matter of how busy the machine is.
settings.register_profile("whatever the clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whatever the clock")

ROOT = Path(__file__).resolve().parent
SHARED_DATA = ROOT.parent / "shared" / "data"
NO_DATA = "needs ../shared/data, which is not here"
REMEDY = (
    "{name} is not set. `make test` finds or starts {what};"
    " for some tests alone: .venv/bin/python scripts/services.py -- .venv/bin/python -m pytest ..."
)
FEW_NEWCOMERS = {"ROWS": 1_500, "DRAWN": 3_000, "TREES": 25}
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _service(name: str, what: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        pytest.fail(REMEDY.format(name=name, what=what), pytrace=False)
    return value


@pytest.fixture(scope="session", autouse=True)
def polite_clients() -> None:
    """A test whose client breaks the rules of a simulated iiko server fails when that server stops."""
    from sources.simulator import IikoServer

    IikoServer.strict = True


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """On SQLite a file that was migrated once for all workers is taken over; without one Django makes its own."""
    from django.conf import settings

    template = os.environ.get("TEST_SQLITE_TEMPLATE", "")
    database = settings.DATABASES["default"]
    if not template or "sqlite3" not in database["ENGINE"]:
        return False
    shutil.copyfile(template, database["TEST"]["NAME"])
    return True


@pytest.fixture(scope="session", autouse=True)
def few_newcomers() -> dict[str, int]:
    """A small fit would spend nine tenths of its time on the newcomers' models: here they learn from few rows.

    Returns what the product takes. Processes of the product take it in tests, too.
    """
    from forecasting.engine import newcomer

    whole = {name: getattr(newcomer, name) for name in FEW_NEWCOMERS}
    vars(newcomer).update(FEW_NEWCOMERS)
    return whole


@pytest.fixture(scope="module")
def whole_newcomers(few_newcomers: dict[str, int]) -> Iterator[None]:
    """In this module newcomers are learned as the product learns them: it asks how they are forecast."""
    from forecasting.engine import newcomer

    vars(newcomer).update(few_newcomers)
    yield
    vars(newcomer).update(FEW_NEWCOMERS)


@pytest.fixture(autouse=True)
def house_language() -> Iterator[None]:
    """A test begins in the language of the settings, whatever the one before it has read."""
    from django.conf import settings
    from django.utils import translation

    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """What others asked a minute ago, or who their key was, is nothing to this test: ids come again."""
    from django.core.cache import cache

    cache.clear()
    if versions := sys.modules.get("forecasting.versions"):
        versions._load_fit.cache_clear()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With `--dist loadfile` the tests of tests/stack, each a chain of minutes with processes of its own, are shared out one
    by one: the other files' tests have a house or a browser in common."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByHouse(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.startswith("tests/stack/") else super()._split_scope(nodeid)

    return ByHouse(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests and whole processes first: one that starts last leaves the other worker without work.

    What needs PostgreSQL is not looked at on SQLite.
    """
    from django.conf import settings

    if "sqlite3" in settings.DATABASES["default"]["ENGINE"]:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("postgres")])
        items[:] = [item for item in items if not item.get_closest_marker("postgres")]
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("long", "stack", "row")])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public sales data sets."""
    if not SHARED_DATA.is_dir():
        pytest.skip(NO_DATA)
    return SHARED_DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if count := sum(NO_DATA in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(f"{count} tests need ../shared/data, which is not here", yellow=True)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL database whose user may create databases: postgresql://user[:password]@host:port/name."""
    return _service("TEST_POSTGRES_URL", "PostgreSQL")


@pytest.fixture
def redis_url() -> Iterator[str]:
    """An empty database of the test Redis, emptied again afterwards."""
    import redis

    server = _service("TEST_REDIS_URL", "Redis").rstrip("/")
    for number in range(1, 16):
        url = f"{server}/{number}"
        client = redis.Redis.from_url(url)
        # Claimed before it is counted: another worker may be looking for one at this moment.
        mine = client.set("salesforecast-test", os.getpid(), nx=True)
        if mine and client.dbsize() > 1:
            client.delete("salesforecast-test")
        elif mine:
            yield url
            client.flushdb()
            client.close()
            return
    pytest.fail(f"Databases 1-15 of {server} all hold data, and nothing of others is deleted: redis-cli -n 9 flushdb")


@pytest.fixture
def rabbitmq_url() -> Iterator[str]:
    """The test RabbitMQ with the product's queues empty, before and after."""
    from kombu import Connection

    url = _service("TEST_RABBITMQ_URL", "RabbitMQ")

    def remove_queues() -> None:
        for queue in ("default", "train"):
            with Connection(url) as connection:
                connection.default_channel.queue_delete(queue)

    remove_queues()
    yield url
    remove_queues()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that starts headless."""
    return _service("CHROMIUM", "Chromium")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    # Playwright's synchronous API keeps an event loop running in the test's thread, which Django's ORM would refuse.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A page of a fresh browser profile that fails the test on an uncaught script error."""
    context = browser.new_context(locale="ru-RU", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"Scripts of the page failed: {errors}"
