"""How promises came out, on the screen and through the API; any past morning can be shown as it was."""

import datetime as dt

import pytest

from accounts.formats import percent
from forecasting.accuracy import readings
from forecasting.measure import measure
from forecasting.models import Accuracy, Forecast
from forecasting.tests.test_accuracy_log import later_issue
from tests.reading import content, reader, rows, words
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PAGE = "/admin/forecasting/modelversion/accuracy/"
API = "/api/forecast/accuracy"


@pytest.fixture
def measured(world: World) -> World:
    measure(world.organisation)
    measure(world.other_organisation)
    return world


def test_the_page_says_in_a_sentence_how_far_off_promises_were(measured: World):
    text = content(reader(measured, "analyst").get(PAGE))
    (reading,) = readings(Accuracy.objects.visible_to(measured.analyst).filter(horizon=1))
    assert f"promised 1 day before a branch's day was off by {words(percent(reading.wape))}" in text
    assert "Left out are 2 days whose sales are missing, open, partial or suspicious; 19 of those compared" in text
    model = content(reader(measured, "analyst").get("/admin/forecasting/modelversion/model/"))
    assert f"was off by {words(percent(reading.wape))}" in model


def test_tables_show_own_branches_only(measured: World):
    page = reader(measured, "manager").get(PAGE)
    assert "Cafe on Abay" in content(page) and "Bakery" not in content(page)
    assert any(line.startswith("7 days before") for line in rows(page))
    other = reader(measured, "manager").get(PAGE, {"department": str(measured.bakery.pk)})
    assert "Select a valid choice" in content(other)


def test_before_the_first_promise_has_met_its_day_the_page_says_so(world: World):
    assert "No stored forecast has met its day yet" in content(reader(world, "staff").get(PAGE))


def test_the_api_groups_and_filters(measured: World):
    client = measured.client("analyst")
    answer = client.get(API).json()
    (whole,) = answer["readings"]
    assert (answer["by"], whole["group"], whole["n"]) == (None, None, 3 * 28 - 2 * 6 - 1)
    by_branch = client.get(f"{API}?by=department&days_before=1").json()["readings"]
    assert {row["name"]: (row["n"], row["left_out"]) for row in by_branch} == {
        "Cafe on Abay": (7, 0), "Bar 22": (5, 2), "Bakery": (7, 0),
    }  # fmt: skip
    (bars,) = client.get(f"{API}?by=segment&segment_type=bar").json()["readings"]
    assert bars["group"] == "bar"
    Accuracy.objects.filter(department=measured.cafe).update(origin="replay")
    assert client.get(f"{API}?replayed=false&days_before=1").json()["readings"][0]["n"] == 12
    assert client.get(f"{API}?days_before=1").json()["readings"][0]["replayed"] == 7
    assert "7 of those compared were forecast afterwards" in content(reader(measured, "analyst").get(PAGE))
    assert client.get(f"{API}?by=colour").json()["errors"][0]["attr"] == "by"


def test_any_past_forecast_can_be_shown_as_it_was(measured: World):
    day, morning = measured.days[-1], measured.days[-3]
    later_issue(measured, morning, 500)
    later_issue(measured, measured.days[-2], 700)
    client = measured.client("analyst")
    first = Forecast.objects.get(issue=measured.issue, department=measured.cafe, date=day).predicted_sales

    def forecast(known_on: dt.date | str) -> float:
        answer = client.get(f"/api/forecast/{day}/{measured.cafe.pk}?known_on={known_on}")
        return answer.json()["predicted_sales"]

    assert [forecast(date) for date in (morning - dt.timedelta(days=1), morning, measured.today)] == [first, 500, 700]
    gone = client.get(f"/api/forecast/{day}/{measured.cafe.pk}?known_on=2001-01-01")
    assert gone.json()["errors"][0]["code"] == "no_forecast"
    asked = {"from_date": day.isoformat(), "to_date": day.isoformat(), "department_id": str(measured.cafe.pk)}
    for path in ("comparison", "batch"):
        (row,) = client.get(f"/api/forecast/{path}", {**asked, "known_on": morning.isoformat()}).json()
        assert row["predicted_sales"] == 500, path
    page = reader(measured, "analyst").get(
        "/admin/forecasting/modelversion/comparison/",
        {**asked, "department": str(measured.cafe.pk), "known_on": morning.isoformat()},
    )
    assert 'data-forecast="500.0000"' in page.content.decode()
