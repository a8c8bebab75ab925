"""Every page on a desk and on a phone, in both languages: nothing sticks out, nothing fails."""

from decimal import Decimal

import orjson
import pytest
from django_celery_beat.models import PeriodicTask
from playwright.sync_api import expect

from departments.books import store_objects
from departments.calendar import seed_holidays
from departments.edit import change_department
from departments.models import Connection
from items.lines import Line
from items.models import Price, Product, Store
from items.sources import item_source
from items.store import store_lines
from operations.schedules import setup_schedules
from runs.alarms import raise_alarm
from runs.choices import State
from runs.models import Alarm, Run
from runs.timetable import NIGHT
from sales.choices import Where
from sales.models import Difference
from sources.onec import parse
from sources.simulator.worlds.demo_onec import demo_objects
from tests.world import PASSWORD, World, restate

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = [
    "/",
    "/admin/sales/salessummary/",
    "/admin/sales/salesbyhour/",
    "/admin/sales/salessummary/day/{cafe}/{day}/",
    "/admin/sales/salessummary/day/{bar}/{bad_day}/",
    "/admin/sales/restatement/",
    "/admin/sales/salessummary/load/?run={run}",
    "/admin/sales/salessummary/automatic/",
    "/admin/sales/salessummary/waiting/",
    "/admin/sales/salessummary/reconcile/?run={compared}",
    "/admin/forecasting/modelversion/ahead/",
    "/admin/forecasting/modelversion/day/",
    "/admin/forecasting/modelversion/bake/?department={cafe}",
    "/admin/forecasting/modelversion/bake/terms/",
    "/admin/forecasting/modelversion/comparison/",
    "/admin/forecasting/modelversion/comparison/?department={cafe}",
    "/admin/forecasting/modelversion/accuracy/",
    "/admin/forecasting/modelversion/own/",
    "/admin/forecasting/modelversion/model/",
    "/admin/departments/department/",
    "/admin/departments/department/{cafe}/change/",
    "/admin/departments/department/tree/",
    "/admin/departments/change/",
    "/admin/departments/connection/{till}/change/",
    "/admin/departments/connection/matching/",
    "/admin/departments/holiday/",
    "/admin/departments/holiday/import/",
    "/admin/items/product/",
    "/admin/items/product/{product}/change/",
    "/admin/items/store/{store}/change/",
    "/admin/items/catalogue/",
    "/admin/items/saleline/",
    "/admin/items/saleline/history/",
    "/admin/items/saleline/entry/?department={cafe}",
    "/admin/runs/run/",
    "/admin/runs/run/{run}/change/",
    "/admin/runs/alarm/",
    "/admin/runs/alarm/{alarm}/change/",
    "/admin/accounts/user/",
    "/admin/accounts/user/add/",
    "/admin/accounts/membership/{membership}/change/",
    "/admin/django_celery_beat/periodictask/{night}/change/",
    "/admin/accounts/apikey/add/",
]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_pages_fit_a_desk_and_a_phone(world: World, opened, language):
    till = Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    books = Connection.objects.create(
        organisation=world.organisation, kind="onec", name="books", url="http://books.example/v1"
    )
    store_objects(books, parse.objects(orjson.dumps(demo_objects(14))))
    long = "A sentence that a source sent, long enough to need several lines on a phone: " + "x" * 120
    run = Run.objects.create(
        organisation=world.organisation,
        kind="sync_sales",
        state=State.FAILED,
        errors=[{"code": "refused", "params": {"source": "till 1", "status": 500, "text": long}}],
        finished_at=world.issue.made_at,
    )
    for hour in (8, 13, 20):
        restate(world.cafe, world.days[0], by=Decimal("-1234.5678"), hour=hour, run=run)
    why = {"code": "refused", "params": run.errors[0]["params"]}
    params = {"source": "till 1", "dates": "01.02.2026", "run": run.pk, "why": why}
    raise_alarm(world.organisation, "no_yesterday", "yesterday:1", params=params, severity="critical")
    raise_alarm(world.organisation, "beat_silent", "beat")
    setup_schedules()
    seed_holidays(world.organisation, [world.today.year], by=world.administrator)
    change_department(world.cafe, {"code_tco": "a code that is far longer than others are"}, by=world.administrator)
    compared = Run.objects.create(organisation=world.organisation, kind="reconcile", state=State.PARTIAL)
    Difference.objects.create(
        organisation=world.organisation,
        run=compared,
        connection=till,
        external_id=str(world.cafe.pk),
        date=world.days[0],
        where=Where.SOURCE,
        what="revenue",
        ours=Decimal("1234567.8901"),
        theirs=Decimal("1234567.8902"),
    )
    of_till = {"organisation": world.organisation, "connection": till, "additional_info": {"a field of its": "x" * 90}}
    store = Store.objects.create(external_id="s", name=long[:200], department=world.cafe, **of_till)
    product = Product.objects.create(
        organisation=world.organisation,
        name=long[:200],
        code="A-1",
        said_by=till,
        additional_info=store.additional_info,
    )
    Price.objects.create(organisation=world.organisation, product=product, amount=Decimal("1234567.8901"))
    line = Line("1", world.cafe.pk, product.pk, world.days[0], quantity=Decimal("1234567.891"), transaction_id="R" * 60)
    store_lines(item_source(world.organisation, "till of items"), [line])
    names = {"compared": compared.pk, "cafe": world.cafe.pk, "bar": world.bar.pk, "till": till.pk, "run": run.pk}
    names |= {"product": product.pk, "store": store.pk}
    names |= {"membership": world.manager.memberships.get().pk, "night": PeriodicTask.objects.get(task=NIGHT).pk}
    names["alarm"] = Alarm.objects.get(key="beat").pk
    page = opened("/", language=language)
    for path in PAGES:
        page.goto(path.format(**names, day=world.days[0], bad_day=world.days[-1]))
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("#content")).to_be_visible()
        for width in (390, 1400):
            page.set_viewport_size({"width": width, "height": 900})
            sticks_out = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sticks_out <= 0, (path, width, sticks_out)


def test_signing_in_leads_to_the_start_page_and_the_phone_has_the_menu(world: World, live_server, page):
    Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url)
    page.fill("[name=username]", "manager")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/")
    expect(page.locator(".sf-compact")).to_contain_text("Cafe on Abay")
    link = page.locator('#nav-sidebar-apps a[href$="/comparison/"]')
    expect(link).not_to_be_in_viewport()
    page.locator("#header-inner .material-symbols-outlined:visible").first.click()
    link.click()
    expect(page.locator("#comparison")).to_be_visible()


def test_the_language_is_changed_from_the_menu(world: World, opened):
    page = opened("/", language="ru")
    page.get_by_text("administrator").last.click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
