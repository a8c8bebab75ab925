"""From an empty installation to the first forecast as a person goes it: in a browser, with a till server of their own.

Web and worker are processes of the product, the database and the queue are files, the till speaks iiko's wire.
"""

import datetime as dt
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.formats import amount
from sources.simulator import IikoServer
from sources.simulator.worlds.base import sums
from sources.simulator.worlds.demo import demo_world
from tests.stack.stack import Stack

pytestmark = pytest.mark.browser
LOGIN, PASSWORD = "forecast", "a password of the till"
SOMEBODY = {"DJANGO_SUPERUSER_USERNAME": "olga", "DJANGO_SUPERUSER_PASSWORD": "correct horse battery"}
DAYS = 200
PATIENCE = 60_000  # milliseconds; training on a busy machine


@pytest.fixture
def till() -> Iterator[IikoServer]:
    with IikoServer(demo_world(1, days=DAYS, departments=6), login=LOGIN, password=PASSWORD) as server:
        yield server


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The product as installed and nothing more: no connection, no department, no schedule."""
    stack = Stack(tmp_path)
    stack.manage("migrate", "--verbosity", "0")
    stack.manage("createsuperuser", "--no-input", "--email", "", **SOMEBODY)
    stack.start_worker()
    stack.start_web()
    yield stack
    stack.kill("worker", signal.SIGKILL)  # nothing is left to be ended in peace
    stack.close()


def sold(till: IikoServer) -> dict[dt.date, Decimal]:
    world = till.world
    days: dict[dt.date, Decimal] = {}
    for (_department, date, _hour), (revenue, *_others) in sums(world.cells(world.first, world.today())).items():
        days[date] = days.get(date, Decimal(0)) + revenue
    return days


def step(page: Page, title: str) -> Any:
    return page.locator(".sf-step", has=page.get_by_role("heading", name=title))


def test_from_nothing_to_the_first_forecast(browser, stack: Stack, till: IikoServer) -> None:
    expect.set_options(timeout=15_000)
    branches = sum(node.type == "DEPARTMENT" for node in till.world.departments())
    page = browser.new_context(base_url=stack.web, locale="en-GB", viewport={"width": 1400, "height": 1000}).new_page()
    page.goto("/")
    page.fill("[name=username]", SOMEBODY["DJANGO_SUPERUSER_USERNAME"])
    page.fill("[name=password]", SOMEBODY["DJANGO_SUPERUSER_PASSWORD"])
    page.click("button[type=submit]")

    page.get_by_role("link", name="Add a connection").click()
    expect(page.locator("[name=api_key]")).to_be_hidden()  # that is 1C's
    page.fill("[name=name]", "my till")
    page.fill("[name=url]", till.url)
    page.fill("[name=login]", LOGIN)
    page.fill("[name=password]", "wrong")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".sf-run")).to_contain_text("my till: the server refused login and password. Enter them again")

    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Save and check").click()
    expect(page.locator(".sf-run").first).to_contain_text(f"It names {branches} departments.")
    page.get_by_role("button", name="Synchronise departments", exact=True).click()

    # From here on the start page leads, by itself.
    expect(step(page, "Take over the departments")).to_contain_text(f"{branches} branches")
    first = till.world.first
    page.fill("[name=from_date]", str(first))
    page.get_by_role("button", name="Load up to yesterday").click()
    page.get_by_role("button", name="Train and forecast").click(timeout=PATIENCE)
    expect(page.get_by_text("Forecast for tomorrow")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".sf-tile", has_text="Next nightly load")).to_contain_text("02:00")

    days = sold(till)
    yesterday = till.world.today() - dt.timedelta(days=1)
    expect(page.locator(".sf-tile", has_text="Yesterday")).to_contain_text(amount(days[yesterday]))
    page.goto(f"/admin/sales/salessummary/?date_from={first}&date_to={yesterday}")
    expect(page.locator("#content")).to_contain_text(amount(sum(days.values())))
    page.goto("/admin/forecasting/modelversion/ahead/")
    expect(page.locator("#content")).to_contain_text(f"{yesterday + dt.timedelta(days=2):%d.%m}")
