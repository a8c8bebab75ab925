"""The chart of fact against forecast follows what is chosen, how the table is sorted, and a reload."""

import pytest
from playwright.sync_api import Page, expect

from sales.models import SalesSummary
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/admin/forecasting/modelversion/comparison/"
DRAWN = "document.getElementById('chart').chart"


def labels(page: Page) -> list[str]:
    page.wait_for_function(f"{DRAWN} !== undefined")
    return page.evaluate(f"{DRAWN}.data.labels")


def lines(page: Page) -> dict[str, list[float | None]]:
    return page.evaluate(f"Object.fromEntries({DRAWN}.data.datasets.map((line) => [line.label, line.data]))")


def dates(page: Page) -> list[str]:
    return [text.split()[0] for text in page.locator("#comparison tbody tr td:first-child").all_inner_texts()]


def test_two_lines_and_a_band_with_the_figures_of_the_database(world: World, opened):
    page = opened(f"{PAGE}?department={world.cafe.pk}", language="en")
    assert labels(page) == [f"{day:%d.%m.%Y}" for day in world.days]
    sold = SalesSummary.objects.filter(department=world.cafe).order_by("date").values_list("total_sales", flat=True)
    drawn = lines(page)
    assert drawn["Actual"] == [float(amount) for amount in sold]
    assert all(
        low < value < high
        for low, value, high in zip(drawn[""], drawn["Forecast"], drawn["80 % interval"], strict=True)
    )
    blue, green = page.evaluate(f"{DRAWN}.data.datasets.slice(2).map((line) => line.borderColor)")
    assert blue != green
    axis = page.evaluate(f"{DRAWN}.options.scales.y.ticks.callback(1234567)")
    assert axis == "1\u202f234\u202f567"


@pytest.mark.parametrize("width", [1400, 390])
def test_sorting_moves_rows_and_chart_together_and_outlasts_a_reload(world: World, opened, width):
    page = opened(f"{PAGE}?department={world.cafe.pk}", width=width)
    first = dates(page)
    page.locator('[data-sort="date"]').click()
    assert labels(page) == dates(page) == first[::-1]
    expect(page.locator('th:has([data-sort="date"])')).to_have_attribute("aria-sort", "descending")
    page.locator('[data-sort="share"]').click()
    shares = page.evaluate(
        "[...document.querySelectorAll('#comparison tbody tr')].map((row) => Number(row.dataset.share))"
    )
    assert shares == sorted(shares) and labels(page) == dates(page)
    by_share = dates(page)
    page.reload()
    assert labels(page) == dates(page) == by_share


def test_days_without_a_figure_stay_last_whichever_way_it_is_sorted(world: World, opened):
    page = opened(f"{PAGE}?department={world.bar.pk}")
    missing = f"{world.days[-2]:%d.%m.%Y}"
    for _way in ("ascending", "descending"):
        page.locator('[data-sort="actual"]').click()
        assert dates(page)[-1] == missing
    assert None in lines(page).popitem()[1]


def test_choosing_another_department_draws_another_chart_and_all_of_them_none(world: World, opened):
    page = opened(PAGE)
    expect(page.locator("#chart")).to_have_count(0)
    page.select_option("[name=department]", str(world.bakery.pk))
    page.locator("#filters button[type=submit]").click()
    page.wait_for_url("**department=**")
    assert len(labels(page)) == 7
    page.select_option("[name=department]", "")
    page.locator("#filters button[type=submit]").click()
    expect(page.locator("#chart")).to_have_count(0)
    expect(page.locator("#comparison tbody tr")).to_have_count(21)


def test_days_not_to_be_believed_are_marked_wherever_sorting_puts_them(world: World, opened):
    page = opened(f"{PAGE}?department={world.bar.pk}", language="en")
    doubtful = {f"{world.days[-2]:%d.%m.%Y}": "missing", f"{world.days[-1]:%d.%m.%Y}": "suspicious"}
    for _way in ("ascending", "descending"):
        shown = labels(page)
        styles = page.evaluate(f"{DRAWN}.data.datasets[3].pointStyle")
        assert {day for day, style in zip(shown, styles, strict=True) if style == "triangle"} == set(doubtful)
        for day, state in doubtful.items():
            said = page.evaluate(
                f"{DRAWN}.options.plugins.tooltip.callbacks.afterBody([{{dataIndex: {shown.index(day)}}}])"
            )
            assert said[0] == state and said[1].startswith("settles until")
        page.locator('[data-sort="date"]').click()
