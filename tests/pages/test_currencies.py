"""A chain that sells in two currencies: no page and no answer adds one to the other."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.formats import amount, exact
from departments.models import Connection
from forecasting.accuracy import readings
from forecasting.choices import Origin, Rule
from forecasting.models import Accuracy, Forecast
from sales.choices import DayState
from sales.models import SalesSummary
from tests.reading import content, reader, words
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def two(world: World) -> World:
    """The bakery sells in som, the others in the organisation's tenge."""
    world.bakery.currency = "KGS"
    world.bakery.save(update_fields=["currency"])
    return world


def sold(world: World, *departments: object) -> Decimal:
    rows = SalesSummary.objects.filter(department__in=departments, total_sales__isnull=False)
    return sum(rows.values_list("total_sales", flat=True), Decimal(0))


def shown(text: str, figure: str, *labels: str) -> bool:
    """Whether one of the labels stands right before, or after, the figure."""
    return any(f"{label} {words(figure)}" in text or f"{words(figure)} {label}" in text for label in labels)


def test_sums_of_lists_and_their_rows(two: World):
    analyst = reader(two, "analyst")
    for path in ("/admin/sales/salessummary/", "/admin/sales/salesbyhour/"):
        page = analyst.get(path)
        tenge, som = sold(two, two.cafe, two.bar), sold(two, two.bakery)
        text = content(page)
        assert shown(text, exact(tenge), "Sum of the selection, KZT") and shown(text, exact(som), "selection, KGS")
        assert words(exact(tenge + som)) not in text
        assert page.content.decode().count("KGS") > 7  # each row of the bakery says it
    assert "Currency" not in content(reader(two, "manager").get("/admin/sales/salessummary/"))


def test_statistics_of_the_interface(two: World):
    stats = two.client("analyst").get("/api/sales/stats").json()
    assert stats["total_sales_amount"] is None
    assert stats["totals"] == [
        {"currency": "KZT", "total_sales_amount": float(round(sold(two, two.cafe, two.bar), 2))},
        {"currency": "KGS", "total_sales_amount": float(round(sold(two, two.bakery), 2))},
    ]
    one = two.client("analyst").get(f"/api/sales/stats?department_id={two.bakery.pk}").json()
    assert one["total_sales_amount"] == stats["totals"][1]["total_sales_amount"]
    mine = two.client("manager").get("/api/sales/stats").json()
    assert [mine["total_sales_amount"]] == [total["total_sales_amount"] for total in mine["totals"]]


def test_the_start_page_the_week_ahead_and_yesterday(two: World):
    Connection.objects.create(organisation=two.organisation, name="till 1", url="http://till.example")
    text = content(reader(two, "analyst").get("/"))
    today = {
        code: sum(Forecast.objects.filter(date=two.today, department__in=own).values_list("predicted_sales", flat=True))
        for code, own in (("KZT", [two.cafe, two.bar]), ("KGS", [two.bakery]))
    }
    for code, expected in today.items():
        assert shown(text, amount(expected), code)
    assert words(amount(sum(today.values()))) not in text
    yesterday = SalesSummary.objects.get(department=two.bakery, date=two.days[-1]).total_sales
    assert shown(text, amount(yesterday), "KGS")


def test_forecasts_ahead_and_fact_against_forecast(two: World):
    analyst = reader(two, "analyst")
    for path in ("ahead", "comparison"):
        text = content(analyst.get(f"/admin/forecasting/modelversion/{path}/"))
        assert "Together, KZT" in text or "Together, where both are known, KZT" in text
        assert "Together, KGS" in text
    whole = analyst.get("/admin/forecasting/modelversion/ahead/").context["sums"]
    assert [(line.currency, line.n) for line in whole] == [("KZT", 14), ("KGS", 7)]


def test_shares_of_misses_are_of_one_currency(two: World):
    for department, miss in ((two.cafe, 10), (two.bakery, 30)):
        Accuracy.objects.create(
            organisation=two.organisation, department=department, date=two.days[0], horizon=1, version=two.version,
            origin=Origin.NIGHTLY, rule=Rule.BLEND, cutoff=two.issue.data_as_of, actual=100, naive=90, scale=10.0,
            state=DayState.COMPLETE, is_settled=True, measured_at=timezone.now(), predicted_sales=100 + miss,
            lower_80=50, upper_80=150, lower_95=40, upper_95=160,
        )  # fmt: skip
    mixed = readings(Accuracy.objects.all())[0].wape
    page = "/admin/forecasting/modelversion/accuracy/"
    analyst = reader(two, "analyst")
    for query, wape in (({}, 0.1), ({"currency": "KGS"}, 0.3), ({"department": str(two.bakery.pk)}, 0.3)):
        assert analyst.get(page, query).context["all"].wape == pytest.approx(wape) != mixed
    model = analyst.get("/admin/forecasting/modelversion/model/").context["promised"]
    assert [(code, round(reading.wape, 2)) for code, reading in model] == [("KZT", 0.1), ("KGS", 0.3)]
    told = two.client("analyst").get("/api/forecast/accuracy").json()["readings"]
    assert [(reading["currency"], round(reading["wape"], 2)) for reading in told] == [("KZT", 0.1), ("KGS", 0.3)]
    assert "currency" not in reader(two, "manager").get(page).context["form"].fields


def test_sums_of_forecasts_from_the_interface(two: World):
    asked = f"/api/forecast/aggregate?from_date={two.today}&to_date={two.today}&by=day"
    told = two.client("analyst").get(asked).json()
    for line, own in zip(told, ([two.bakery], [two.cafe, two.bar]), strict=True):
        expected = Forecast.objects.filter(date=two.today, department__in=own).values_list("predicted_sales", flat=True)
        assert line["currency"] == own[0].money and line["departments"] == len(own)
        assert line["predicted_sales"] == float(round(sum(expected), 2))
        assert line["lower_80"] < line["predicted_sales"] < line["upper_80"]
    assert [line["currency"] for line in two.client("manager").get(asked).json()] == ["KZT"]
