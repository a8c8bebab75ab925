"""What a page shows, the interface answers and the database holds: the same, for everybody of what they may see."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.utils import timezone, translation
from playwright.sync_api import Page, expect

from accounts.formats import amount, count, exact, percent
from departments.models import Connection, Department
from forecasting.models import Forecast
from sales.models import AutoSyncLog, SalesByHour, SalesSummary
from tests.reading import reader
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FORECASTS = "/admin/forecasting/modelversion"
SALES = "/admin/sales"


class Reader:
    """Somebody at a page: what the screen says, and what the interface and the database tell the same person."""

    def __init__(self, world: World, page: Page, who: str, language: str) -> None:
        self.world, self.page, self.person = world, page, world.people[who]
        self.api_client = reader(world, who, language)
        self.mine = Department.objects.visible_to(self.person).selling()

    def api(self, path: str, **query: object) -> object:
        answer = self.api_client.get(f"/api/{path}?{urlencode(query)}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def says(self, selector: str, *figures: str) -> None:
        text = _one_space(self.page.locator(selector).first.inner_text())
        for figure in figures:
            assert _one_space(figure) in text, (self.page.url, figure, text)


def _one_space(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _sum(values: object) -> Decimal:
    return sum((Decimal(str(value)) for value in values), Decimal(0))  # type: ignore[attr-defined]


def daily(one: Reader) -> None:
    days = SalesSummary.objects.filter(department__in=one.mine)
    total = _sum(days.exclude(total_sales=None).values_list("total_sales", flat=True))
    one.says(".sf-totals", exact(total), count(days.count()))
    stats = one.api("sales/stats")
    assert Decimal(str(stats["total_sales_amount"])) == round(total, 2) and stats["summary_records"] == days.count()
    expect(one.page.locator("#result_list tbody tr.data-row")).to_have_count(days.count())
    shown = _one_space(one.page.locator("#result_list").inner_text())
    for row in one.api("sales/summary", limit=100):
        assert row["total_sales"] is None or _one_space(amount(Decimal(str(row["total_sales"])))) in shown


def hourly(one: Reader) -> None:
    hours = SalesByHour.objects.filter(department__in=one.mine)
    total = _sum(hours.values_list("sales_amount", flat=True))
    one.says(".sf-totals", exact(total), count(hours.count()))
    told = one.api("sales/hourly", limit=1000)
    assert len(told) == hours.count() and abs(_sum(row["sales_amount"] for row in told) - total) < len(told) * Decimal(
        "0.005"
    )


def ahead(one: Reader) -> None:
    first, last = one.world.today, one.world.today + dt.timedelta(days=6)
    total = _sum(
        Forecast.objects.filter(department__in=one.mine, date__range=(first, last)).values_list(
            "predicted_sales", flat=True
        )
    )
    one.says("#total", amount(total))
    told = one.api("forecast/batch", from_date=first, to_date=last)
    assert _sum(row["predicted_sales"] for row in told) == round(total, 2)
    one.says("#branches tfoot", amount(total))


def comparison(one: Reader) -> None:
    told = one.api("forecast/comparison", from_date=one.world.days[0], to_date=one.world.days[-1])
    pairs = [row for row in told if row["actual_sales"] is not None and row["predicted_sales"] is not None]
    promised, sold = _sum(row["predicted_sales"] for row in pairs), _sum(row["actual_sales"] for row in pairs)
    exactly = SalesSummary.objects.filter(department__in=one.mine, total_sales__isnull=False)
    assert abs(sold - _sum(exactly.values_list("total_sales", flat=True))) < len(pairs) * Decimal("0.005")
    one.says("#comparison tfoot", amount(promised), amount(sold))
    missed = _sum(abs(Decimal(str(row["error"]))) for row in pairs)
    one.says("#wape", percent(missed / sold))


def branches(one: Reader) -> None:
    known = [row["name"] for row in one.api("departments/")]
    assert set(known) == set(Department.objects.visible_to(one.person).values_list("name", flat=True))
    one.says("#result_list", *known)


def automatic(one: Reader) -> None:
    told = one.api("sales/auto-sync/status")["statistics"]
    assert told["total_logs"] == AutoSyncLog.objects.filter(organisation=one.world.organisation).count()
    one.says("#content", percent(Decimal(str(told["success_rate_30d"])) / 100), count(told["success_count_30d"]))


def model(one: Reader) -> None:
    told = one.api("forecast/model/info")
    assert told["training_metrics"]["wape"] == one.world.version.metrics["wape"]
    one.says("#serving", percent(told["training_metrics"]["wape"]), told["version"])


def load(one: Reader) -> None:
    offered = one.page.locator("[name=department] option:not([value=''])").all_inner_texts()
    told = [row["name"] for row in one.api("departments/") if row["type"] == "DEPARTMENT"]
    assert sorted(offered) == sorted(told) == sorted(one.mine.values_list("name", flat=True))


def start(one: Reader) -> None:
    today = Forecast.objects.filter(department__in=one.mine, date=one.world.today)
    one.says(".sf-tiles", amount(_sum(today.values_list("predicted_sales", flat=True))))
    told = one.api("forecast/batch", from_date=one.world.today, to_date=one.world.today)
    assert len(told) == len(one.mine)


PAGES: dict[str, Callable[[Reader], None]] = {
    "/": start,
    "/admin/departments/department/": branches,
    f"{SALES}/salessummary/": daily,
    f"{SALES}/salesbyhour/": hourly,
    f"{SALES}/salessummary/load/": load,
    f"{SALES}/salessummary/automatic/": automatic,
    f"{FORECASTS}/ahead/": ahead,
    f"{FORECASTS}/comparison/": comparison,
    f"{FORECASTS}/model/": model,
}


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("who", ["administrator", "manager"])
def test_screen_interface_and_database_agree(world: World, opened, who, language):
    Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    for status in ("success", "success", "error"):
        AutoSyncLog.objects.create(
            organisation=world.organisation, sync_date=world.days[-1], sync_type="daily", status=status,
            executed_at=timezone.now(),
        )  # fmt: skip
    page = opened("/", who=who, language=language)
    one = Reader(world, page, who, language)
    for path, check in PAGES.items():
        page.goto(path)
        for width in (390, 1400):
            page.set_viewport_size({"width": width, "height": 900})
            sticks_out = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sticks_out <= 0, (path, width)
            with translation.override(language):
                check(one)


@pytest.mark.parametrize("width", [1400, 390])
def test_who_has_no_rights_meets_the_door_and_no_figure(world: World, opened, width):
    page = opened("/", who="nobody", width=width)
    for path in PAGES:
        page.goto(path)
        expect(page.locator("[name=username]")).to_be_visible()
        assert "/admin/login/" in page.url
        assert not re.search(r"\d[\s\u202f]\d{3}", page.locator("body").inner_text())
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
