"""From an empty installation to the first forecast as a person goes it: in a browser, with a till server of their own.

Web and worker are processes of the product, the database and the queue are files, the till speaks iiko's wire.
"""

import datetime as dt
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.utils import translation
from playwright.sync_api import Page, expect

from accounts.formats import amount, exact
from accounts.models import Organisation, User
from departments.timing import organisation_today
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell, Node, sums
from sources.simulator.worlds.static import StaticWorld
from tests.stack.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOGIN, PASSWORD = "forecast", "a password of the till"
PERSON, SECRET = "olga", "correct horse battery"
DAYS = 130
BRANCHES = 3
WEEK = (0.7, 0.8, 0.9, 1.0, 1.4, 1.7, 1.2)
PATIENCE = 60_000  # milliseconds; training on a busy machine


def chain(yesterday: dt.date) -> StaticWorld:
    """Branches with a week's rhythm and noise: the same figures whatever day it is, and a model beats repeating a week."""
    company = Node(str(uuid.UUID(int=1)), None, "Company", "JURPERSON")
    nodes = [Node(str(uuid.UUID(int=10 + n)), company.id, f"Branch {n}", "DEPARTMENT") for n in range(BRANCHES)]
    cells = []
    for back in range(DAYS):
        date = yesterday - dt.timedelta(days=back)
        for node in nodes:
            noise = Random(f"{node.name} {back}").lognormvariate(0, 0.1)
            for hour in (9, 13, 18):
                money = Decimal(round(1_000_000 * WEEK[date.weekday()] * noise) + hour) / 100
                cells.append(Cell(node.id, date, hour, money, money + 5, 12, 15))
    return StaticWorld(cells, [company, *nodes])


@pytest.fixture
def till(db: None) -> Iterator[IikoServer]:
    world = chain(organisation_today(Organisation()) - dt.timedelta(days=1))
    with IikoServer(world, login=LOGIN, password=PASSWORD) as server:
        yield server


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    """The product as installed and nothing more: one person, no connection, no department, no schedule.

    The database is a copy of the tests' own, which is migrated already.
    """
    User.objects.create(
        username=PERSON, password=PBKDF2PasswordHasher().encode(SECRET, "salt"), is_staff=True, is_superuser=True
    )
    with closing(sqlite3.connect(tmp_path / "salesforecast.sqlite3")) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
    stack = Stack(tmp_path)
    stack.start_worker()
    stack.start_web()
    yield stack
    stack.kill("worker", signal.SIGKILL)  # nothing is left to be ended in peace
    stack.close()


def sold(till: IikoServer) -> dict[dt.date, Decimal]:
    days: dict[dt.date, Decimal] = {}
    for (_department, date, _hour), (revenue, *_others) in sums(till.world.cells(dt.date.min, dt.date.max)).items():
        days[date] = days.get(date, Decimal(0)) + revenue
    return days


def step(page: Page, title: str) -> Any:
    return page.locator(".sf-step", has=page.get_by_role("heading", name=title))


def test_from_nothing_to_the_first_forecast(browser, stack: Stack, till: IikoServer) -> None:
    expect.set_options(timeout=15_000)
    page = browser.new_context(base_url=stack.web, locale="en-GB", viewport={"width": 1400, "height": 1000}).new_page()
    page.goto("/")
    page.fill("[name=username]", PERSON)
    page.fill("[name=password]", SECRET)
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
    expect(page.locator(".sf-run").first).to_contain_text(f"It names {BRANCHES} departments.")
    page.get_by_role("button", name="Synchronise departments", exact=True).click()

    # From here on the start page leads, by itself.
    expect(step(page, "Take over the departments")).to_contain_text(f"{BRANCHES} branches")
    days = sold(till)
    first, yesterday = min(days), max(days)
    page.fill("[name=from_date]", str(first))
    page.get_by_role("button", name="Load up to yesterday").click()
    page.get_by_role("button", name="Train and forecast").click(timeout=PATIENCE)
    expect(page.get_by_text("Forecast for tomorrow")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".sf-tile", has_text="Next nightly load")).to_contain_text("02:00")

    expect(page.locator(".sf-tile", has_text="Yesterday")).to_contain_text(amount(days[yesterday]))
    page.goto(f"/admin/sales/salessummary/?date_from={first}&date_to={yesterday}")
    with translation.override("en"):
        whole = exact(sum(days.values(), Decimal(0)))
    expect(page.locator(".sf-total")).to_have_text(whole)  # to the last coin
    page.goto("/admin/forecasting/modelversion/ahead/")
    expect(page.locator("#content")).to_contain_text(f"{yesterday + dt.timedelta(days=2):%d.%m}")
