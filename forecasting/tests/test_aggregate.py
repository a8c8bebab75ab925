"""Sums of forecasts: exact, with an interval that holds as often as it says, and the models behind them."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models import Forecast, ModelVersion
from forecasting.totals import Together, in_common, totals
from tests.world import World

API = "/api/forecast/aggregate"
SHARES = st.floats(0, 1)


def frame(series: int, days: int, width: float = 10.0, seed: int = 1) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    yhat = draw.uniform(50, 150, series * days)
    return pd.DataFrame(
        {
            "series_id": np.repeat([f"s{number}" for number in range(series)], days),
            "date": np.tile(pd.date_range("2026-01-01", periods=days), series),
            "yhat": yhat, "lo80": yhat - width, "hi80": yhat + width, "lo95": yhat - 2 * width, "hi95": yhat + 2 * width,
        }
    )  # fmt: skip


def whole(rows: pd.DataFrame, together: Together) -> pd.Series:
    return totals(rows, np.full(len(rows), "all"), together).iloc[0]


@pytest.mark.unit
class TestIntervals:
    @given(SHARES, SHARES)
    def test_a_single_day_of_a_branch_keeps_its_own(self, r, a):
        rows = frame(1, 1)
        one = whole(rows, Together(r, a))
        assert one["hi80"] == pytest.approx(rows["hi80"][0]) and one["lo95"] == pytest.approx(rows["lo95"][0])

    @given(SHARES, SHARES, st.integers(1, 4), st.integers(1, 5))
    def test_a_sum_lies_between_cancelling_out_and_erring_together(self, r, a, series, days):
        rows, n = frame(series, days), series * days
        half = whole(rows, Together(r, a))["hi80"] - rows["yhat"].sum()
        assert 10 * n**0.5 - 1e-6 <= half <= 10 * n + 1e-6

    def test_sums_of_a_chain_hold_as_often_as_they_say(self):
        draw, parts = np.random.default_rng(1), []
        width = 1.2816 * float(np.sqrt(9 + 25 + 25 + 36))
        for origin in range(300):
            chain, branch, day = draw.normal(0, 3), draw.normal(0, 5, (6, 1)), draw.normal(0, 5, (1, 7))
            error = chain + branch + day + draw.normal(0, 6, (6, 7))
            part = frame(6, 7, width=width, seed=origin)
            parts.append(part.assign(y=part["yhat"] + error.reshape(-1), cutoff=str(origin)))
        backtest = pd.concat(parts, ignore_index=True)
        together = in_common(backtest)
        for other in ("", backtest["series_id"], backtest["date"].astype(str)):
            label = (backtest["cutoff"] + "|" + other).to_numpy()
            sums = totals(backtest, label, together).set_index("group")
            sold = backtest.groupby(label)["y"].sum()
            held = float(((sums["lo80"] <= sold) & (sold <= sums["hi80"])).mean())
            assert 0.75 <= held <= 0.86, held


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

    def test_what_errors_have_in_common_comes_from_the_backtest(self, world: World):
        widths = []
        for share in (0.0, 1.0):
            backtest = {"together": {"series": share, "days": share}}
            ModelVersion.objects.filter(pk=world.version.pk).update(backtest=backtest)
            (total,) = world.client("analyst").get(API).json()
            widths.append(total["upper_80"] - total["predicted_sales"])
        assert widths[0] < 0.2 * widths[1]

    def test_models_are_listed_with_the_word_of_the_gate(self, world: World):
        gate = {"passed": True, "code": "passed_naive", "params": {"wape": "11.0", "naive": "17.0"}}
        ModelVersion.objects.filter(pk=world.version.pk).update(gate=gate)
        answer = world.client("analyst").get("/api/forecast/models", headers={"accept-language": "en"}).json()
        (version,) = answer
        assert (version["version"], version["state"], version["metrics"]["wape"]) == ("v1", "serving", 0.11)
        assert version["gate"]["passed"] and "11.0 % against 17.0 %" in version["gate"]["text"]
