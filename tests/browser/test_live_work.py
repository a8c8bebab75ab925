"""Work is watched where it was started: progress without a reload, with one, and to the end."""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from departments.models import Connection
from items.models import Product
from runs.choices import State
from runs.models import Run
from sales.choices import DayState
from sales.models import ObservedDay, SalesSummary
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOAD = "/admin/sales/salessummary/load/"


@pytest.mark.parametrize("width", [1400, 390])
def test_a_load_is_followed_from_the_button_to_its_counts(world: World, opened, width):
    Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    page = opened(LOAD, width=width, language="en")
    page.fill("[name=from_date]", f"{world.days[0]:%d.%m.%Y}")
    page.fill("[name=to_date]", f"{world.days[-1]:%d.%m.%Y}")
    page.locator(".sf-form button[type=submit]").click()
    page.wait_for_url("**?run=*")
    run = Run.objects.get()
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "0")
    params = {"source": "till 1", "date": "01.11.2026", "done": 3, "total": 4, "eta": 5}
    Run.objects.filter(pk=run.pk).update(
        state=State.RUNNING, progress_done=3, progress_total=4, message_code="loading", message_params=params
    )
    expect(bar).to_have_attribute("aria-valuenow", "75")
    expect(page.locator(".sf-run")).to_contain_text("till 1: 01.11.2026, 3 of 4 days, about 5 s left")
    page.reload()
    expect(bar).to_have_attribute("aria-valuenow", "75")
    Run.objects.filter(pk=run.pk).update(state=State.DONE, counts={"summary_records": 21}, finished_at=timezone.now())
    expect(bar).to_have_count(0)
    expect(page.locator(".sf-run")).to_contain_text("21")
    # The list of last loads follows by itself.
    expect(page.locator("#newest tbody tr").first).to_contain_text("daily records 21")


@pytest.mark.parametrize("width", [1400, 390])
def test_a_check_shows_its_findings_as_they_come(world: World, opened, width):
    till = Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    address = f"/admin/departments/connection/{till.pk}/change/"
    page = opened(address, width=width, language="en")
    page.fill("[name=login]", "api")
    page.fill("[name=password]", "secret")
    page.get_by_role("button", name="Save and check").click()
    box = page.locator(".sf-run").first
    expect(box).to_contain_text("Waiting for a worker")
    run = Run.objects.filter(kind="check_connection")
    facts = {"password_proven": True}
    asking = {"message_code": "check_departments", "message_params": {"source": "till 1"}, "progress_total": 6}
    run.update(state=State.RUNNING, progress_done=1, counts=facts, **asking)
    expect(box).to_contain_text("Asking till 1 for its departments")
    expect(box).to_contain_text("Login and password were accepted.")
    facts |= {"departments": 3, "nodes": 4, "fields_missing": ["GuestNum"]}
    run.update(progress_done=3, counts=facts)
    expect(box).to_contain_text("Its sales report lacks GuestNum")
    page.reload()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_disabled()
    assert run.get().cancel_asked
    # It was too late for that: the check came to its end, and what comes next appears by itself.
    run.update(state=State.DONE, counts=facts | {"fields_missing": []}, finished_at=timezone.now())
    expect(box).to_contain_text("Its sales report has every column")
    expect(page.get_by_role("button", name="Synchronise departments", exact=True)).to_be_visible()
    stuck_out = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert stuck_out <= 0


def test_a_run_is_cancelled_where_it_is_watched(world: World, opened):
    run = Run.objects.create(
        organisation=world.organisation,
        kind="train",
        state=State.RUNNING,
        progress_done=1,
        progress_total=6,
        started_by=world.manager,
    )
    page = opened("/admin/forecasting/modelversion/model/", who="manager", language="en")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_disabled()
    run.refresh_from_db()
    assert run.cancel_asked
    error = {"code": "cancelled", "params": {}}
    Run.objects.filter(pk=run.pk).update(state=State.CANCELLED, errors=[error], finished_at=timezone.now())
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.locator(".sf-run")).to_contain_text("Cancelled.")
    expect(page.get_by_role("button", name="Train now")).to_be_enabled()


def test_a_filter_by_department_narrows_rows_and_total(world: World, opened):
    page = opened("/admin/sales/salessummary/", who="manager", language="en")
    page.locator("#changelist a", has_text="Filters").click()
    page.locator("#changelist-filter .select2-selection").first.click()
    page.locator(".select2-search__field").last.fill("Bar")
    page.locator(".select2-results__option", has_text="Bar 22").click()
    page.locator("#changelist-filter [type=submit]").click()
    expect(page.locator("#result_list tbody tr.data-row")).to_have_count(7)
    expect(page.locator(".sf-totals")).to_contain_text("Rows7")


def test_a_date_is_written_into_a_filter_and_stays_there(world: World, opened):
    page = opened("/admin/sales/salessummary/", who="manager", language="ru")
    page.locator("#changelist a[x-on\\:click*=filterOpen]").click()
    page.fill("#changelist-filter [name=date_from]", f"{world.days[-1]:%d.%m.%Y}")
    page.locator("#changelist-filter [type=submit]").click()
    expect(page.locator("#result_list tbody tr.data-row")).to_have_count(2)
    page.locator("#changelist a[x-on\\:click*=filterOpen]").click()
    expect(page.locator("#changelist-filter [name=date_from]")).to_have_value(f"{world.days[-1]:%d.%m.%Y}")


@pytest.mark.parametrize("width", [1400, 390])
def test_a_suspicious_day_is_decided_upon_where_it_is_shown(world: World, opened, width):
    date = world.days[-1]
    till = Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    day = SalesSummary.objects.filter(department=world.bar, date=date)
    day.update(connection=till)
    ObservedDay.objects.create(
        organisation=world.organisation,
        connection=till,
        external_id="22",
        department=world.bar,
        date=date,
        state=DayState.SUSPICIOUS,
        doubt={"code": "collapsed", "revenue": "10.0000", "usual": "120000.0000"},
        revenue=Decimal("120001.5066"),
        observed_at=world.issue.made_at,
    )
    page = opened(f"/admin/sales/salessummary/day/{world.bar.pk}/{date}/", who="manager", width=width, language="en")
    expect(page.locator("#day")).to_contain_text("far less than the usual 120\u202f000.00")
    page.get_by_text("Believe the source").click()
    page.get_by_role("button", name="Yes, the source is right").click()
    page.wait_for_url("**?run=*")
    expect(page.get_by_role("progressbar")).to_be_visible()
    day.update(state=DayState.COMPLETE, total_sales=Decimal(10))
    Run.objects.update(state=State.DONE, finished_at=timezone.now())
    # The day follows by itself.
    expect(page.locator("#day")).to_contain_text("Total sales, KZT10.00")
    expect(page.locator("#day .sf-badge")).to_have_text("complete")
    expect(page.locator("#day")).not_to_contain_text("Believe the source")


def test_a_list_shows_what_its_synchronisation_brought_and_is_left_alone_while_it_is_worked_on(world: World, opened):
    Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    page = opened("/admin/items/product/", language="en")
    expect(page.locator("#changelist-form")).not_to_contain_text("Latte")
    page.get_by_role("button", name="Synchronise").click()
    expect(page.locator(".sf-run")).to_contain_text("Synchronisation of the catalogue")
    latte = Product.objects.create(organisation=world.organisation, code="L-1", name="Latte")
    Run.objects.update(state=State.DONE, counts={"created": 1}, finished_at=timezone.now())
    expect(page.locator("#changelist-form")).to_contain_text("Latte")
    expect(page.get_by_role("button", name="Synchronise")).to_be_enabled()
    page.get_by_role("button", name="Synchronise").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.fill("[name=q]", "lat")
    Product.objects.filter(pk=latte.pk).update(name="Flat white")
    Run.objects.filter(finished_at=None).update(state=State.DONE, finished_at=timezone.now())
    expect(page.get_by_role("progressbar")).to_have_count(0)
    page.wait_for_timeout(500)
    expect(page.locator("#changelist-form")).to_contain_text("Latte")
    expect(page.locator("[name=q]")).to_have_value("lat")
