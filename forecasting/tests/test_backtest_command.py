"""`manage.py backtest` on the command line, and the engine's accuracy on real sales."""

import json
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from forecasting.engine.tests import world

pytestmark = pytest.mark.unit


def test_the_command_writes_forecasts_and_reports_as_json(tmp_path):
    world.sales(series=2, days=120).to_csv(tmp_path / "sales.csv", index=False)
    out = StringIO()
    call_command("backtest", tmp_path / "sales.csv", "--cutoffs", "2023-04-20,2023-04-27", "--horizon", "3", "--out", tmp_path / "o.csv",
                 "--json", stdout=out)  # fmt: skip
    assert json.loads(out.getvalue())["rows"] == 12
    assert len(pd.read_csv(tmp_path / "o.csv")) == 12


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--cutoffs", "20.04.2023"], 2, "2026-01-31"),
        (["--cutoffs", "2023-04-20", "--horizon", "0"], 2, "366"),
        (["--cutoffs", "2020-04-20"], 1, "2020-04-20"),
    ],
)
def test_wrong_usage_and_failures_are_one_sentence(tmp_path, arguments, code, says):
    world.sales(series=1, days=120).to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(CommandError) as caught:
        call_command("backtest", tmp_path / "sales.csv", "--out", tmp_path / "o.csv", *arguments)
    assert caught.value.returncode == code
    assert says in str(caught.value)


def test_real_dishes_are_forecast_better_than_by_repeating_the_last_weeks(shared_data: Path, tmp_path):
    """Seven dishes of one restaurant, four weeks ahead: well below both baselines."""
    sales = pd.read_csv(shared_data / "yaz_daily.csv.gz", parse_dates=["date"])
    known = pd.read_csv(shared_data / "yaz_covariates.csv.gz", parse_dates=["date"])
    sales = sales[~sales["date"].isin(known.loc[known["closed"] == 1, "date"])]
    cutoffs = ["2015-08-15"]
    sales.to_csv(tmp_path / "sales.csv", index=False)
    known[["date", "holiday"]].to_csv(tmp_path / "known.csv", index=False)
    call_command("backtest", tmp_path / "sales.csv", "--covariates", tmp_path / "known.csv", "--cutoffs", ",".join(cutoffs),
                 "--out", tmp_path / "o.csv", stdout=StringIO())  # fmt: skip
    from forecasting.engine import build_panel, metrics

    frame = pd.read_csv(tmp_path / "o.csv", parse_dates=["date", "cutoff"])
    frame["h"] = (frame["date"] - frame["cutoff"]).dt.days
    score = metrics.score_backtest(build_panel(sales), frame)
    assert score["wape"] < 0.85 * score["snaive_wape"]
    assert score["wape"] < 0.97 * score["mean4_wape"]
    assert 0.7 < score["coverage80"] < 0.9
