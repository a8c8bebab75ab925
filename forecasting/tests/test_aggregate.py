"""Sums of forecasts: exact, with an interval of their own, and the models behind them."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import pandas as pd
import pytest

from forecasting.aggregate import BOUNDS
from forecasting.engine.groups import total
from forecasting.models import Forecast, ModelVersion
from tests.world import World

API = "/api/forecast/aggregate"


@pytest.mark.integration
@pytest.mark.django_db
class TestApi:
    def test_the_sum_is_that_of_its_parts_to_the_cent(self, world: World):
        last = world.today + dt.timedelta(days=6)
        (total,) = world.client("analyst").get(f"{API}?to_date={last}&from_date={world.today}").json()
        rows = Forecast.objects.filter(issue=world.issue, date__range=(world.today, last))
        exact = sum(rows.values_list("predicted_sales", flat=True))
        assert Decimal(str(total["predicted_sales"])) == exact
        assert (total["departments"], total["forecasts"], total["missing"]) == (3, 21, 0)
        ends = float(sum(rows.values_list("upper_80", flat=True)))
        assert total["predicted_sales"] < total["upper_80"] < ends
        assert (total["rule"], total["model_versions"]) == ("sum", ["v1"])
        assert total["cutoff"] == world.issue.data_as_of.isoformat()

    @pytest.mark.parametrize("by", ["department", "day", "week", "month"])
    def test_parts_and_wholes_agree(self, world: World, by):
        client = world.client("manager")
        (whole,) = client.get(API).json()
        parts = client.get(f"{API}?by={by}").json()
        assert sum(Decimal(str(part["predicted_sales"])) for part in parts) == Decimal(str(whole["predicted_sales"]))
        assert sum(part["forecasts"] for part in parts) == whole["forecasts"] == 2 * 28

    def test_any_departments_within_the_scope(self, world: World):
        client = world.client("manager")
        both = f"{world.cafe.pk},{world.bar.pk}"
        assert client.get(f"{API}?department_ids={both}").json()[0]["departments"] == 2
        assert client.get(f"{API}?department_ids={world.cafe.pk},{world.bakery.pk}").status_code == 404
        assert client.get(f"{API}?department_ids=nonsense").status_code == 400
        assert client.get(f"{API}?segment_type=bar&by=department").json()[0]["name"] == "Bar 22"

    def test_beyond_the_horizon_there_is_nothing_to_add(self, world: World):
        assert world.client("analyst").get(f"{API}?from_date=2090-01-01&to_date=2090-02-01").json() == []

    def test_missing_forecasts_are_counted(self, world: World):
        Forecast.objects.filter(department=world.bar, date=world.today).delete()
        (total,) = world.client("analyst").get(API).json()
        assert (total["forecasts"], total["missing"]) == (3 * 28 - 1, 1)

    def test_what_errors_have_in_common_comes_from_the_calibration(self, world: World):
        widths = []
        for share in (0.0, 1.0):
            together = dict.fromkeys(("series", "days", "both"), share)
            ModelVersion.objects.filter(pk=world.version.pk).update(manifest={"calibration": {"together": together}})
            (total,) = world.client("analyst").get(API).json()
            widths.append(total["upper_80"] - total["predicted_sales"])
        assert widths[0] < 0.2 * widths[1]

    def test_it_is_the_calibration_of_the_model_that_made_the_forecasts(self, world: World):
        def width() -> float:
            (total,) = world.client("analyst").get(API).json()
            return float(total["upper_80"] - total["predicted_sales"])

        before = width()
        ModelVersion.objects.filter(pk=world.version.pk).update(state="retired")
        alone = {"calibration": {"together": dict.fromkeys(("series", "days", "both"), 1.0)}}
        ModelVersion.objects.create(
            organisation=world.organisation, number=7, state="serving", manifest=alone, trained_through=world.today
        )
        assert width() == before

    def test_the_ends_are_those_of_the_engine(self, world: World):
        """One formula: what the engine says of the same rows, and of a single row what is stored of it."""
        together = {"series": 0.4, "days": 0.2, "both": 0.1, "shift": 0.05}
        ModelVersion.objects.filter(pk=world.version.pk).update(manifest={"calibration": {"together": together}})
        names = {"yhat": "predicted_sales", **BOUNDS}
        week = Forecast.objects.filter(issue=world.issue, date__range=(world.today, world.today + dt.timedelta(days=6)))
        rows = week.values("department_id", "date", *names.values())
        frame = pd.DataFrame(rows).rename(columns={name: side for side, name in names.items()})
        frame = frame.astype({**dict.fromkeys(names, float), "date": "datetime64[ns]"})
        frame = frame.assign(series_id=frame["department_id"].astype(str))
        days = total(frame.assign(day=frame["date"], cutoff=0, h=0), ["day"], together)
        told = world.client("analyst").get(f"{API}?by=day&to_date={week.latest('date').date}").json()
        for side, name in names.items():
            assert [day[name] for day in told] == pytest.approx(list(days[side]), abs=0.0051)
        one = week.filter(department=world.bar).earliest("date")
        (day,) = world.client("analyst").get(f"{API}?department_id={world.bar.pk}&to_date={one.date}").json()
        assert [Decimal(str(day[name])) for name in names.values()] == [getattr(one, name) for name in names.values()]

    def test_how_far_ahead_the_days_of_a_sum_were_is_told_by_their_cutoffs(self, world: World):
        def width() -> float:
            (total,) = world.client("analyst").get(API).json()
            return float(total["upper_80"] - total["predicted_sales"])

        before = width()
        Forecast.objects.update(cutoff=world.today - dt.timedelta(days=65))
        assert width() > 1.05 * before

    def test_models_are_listed_with_the_word_of_the_gate(self, world: World):
        gate = {"passed": True, "code": "passed_naive", "params": {"wape": "11.0", "naive": "17.0"}}
        ModelVersion.objects.filter(pk=world.version.pk).update(gate=gate)
        answer = world.client("analyst").get("/api/forecast/models", headers={"accept-language": "en"}).json()
        (version,) = answer
        assert (version["version"], version["state"], version["metrics"]["wape"]) == ("v1", "serving", 0.11)
        assert version["gate"]["passed"] and "11.0 % against 17.0 %" in version["gate"]["text"]


@pytest.mark.unit
def test_adding_up_loads_neither_pandas_nor_lightgbm():
    """A web process would otherwise need seconds for its first sum."""
    code = (
        "import django, sys; django.setup(); import forecasting.api.aggregate, forecasting.ahead_page;"
        "sys.exit(', '.join({'pandas', 'lightgbm'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
