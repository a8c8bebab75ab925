"""Files in, forecasts out: what `manage.py backtest` writes."""

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import EngineError
from forecasting.engine.backtest_file import backtest_file
from forecasting.engine.groups import sums
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit


@pytest.fixture
def files(tmp_path):
    world.sales(series=3, days=300).to_csv(tmp_path / "sales.csv.gz", index=False)
    world.covariates(world.day(340)).to_csv(tmp_path / "known.csv", index=False)
    pd.DataFrame(
        {"group": ["north", "north", "all", "all", "all"], "series_id": ["b0", "b1", "b0", "b1", "b2"]}
    ).to_csv(tmp_path / "groups.csv", index=False)
    return tmp_path


def run(files, name="sales.csv.gz", **options) -> pd.DataFrame:
    cutoffs = options.pop("cutoffs", ["2023-09-30"])
    backtest_file(files / name, files / "out.csv", cutoffs, recipe=world.SMALL, threads=1, **options)
    return pd.read_csv(files / "out.csv", parse_dates=["cutoff", "date"])


def test_one_row_per_series_cutoff_and_day(files):
    out = run(files, covariates=files / "known.csv", cutoffs=["2023-09-30", "2023-10-10"], horizon=5)
    assert list(out) == ["series_id", "cutoff", "date", "yhat", "lo80", "hi80", "lo95", "hi95"]
    assert len(out) == 3 * 2 * 5 and not out.duplicated(["series_id", "cutoff", "date"]).any()
    assert ((out["date"] - out["cutoff"]).dt.days.between(1, 5)).all()
    assert out.notna().all().all()


def test_every_cutoff_is_forecast_as_if_the_file_ended_there(files):
    both = run(files, cutoffs=["2023-09-30", "2023-10-10"], horizon=5)
    sales = pd.read_csv(files / "sales.csv.gz")
    sales[sales["date"] <= "2023-09-30"].to_csv(files / "cut.csv", index=False)
    alone = run(files, "cut.csv", horizon=5)
    pd.testing.assert_frame_equal(both[both["cutoff"] == "2023-09-30"].reset_index(drop=True), alone)


def test_groups_are_the_sums_of_their_series_and_relatively_surer(files):
    out = run(files, groups=files / "groups.csv", horizon=5).set_index(["series_id", "date"])
    np.testing.assert_allclose(out.loc["north", "yhat"], out.loc["b0", "yhat"] + out.loc["b1", "yhat"], atol=1e-4)
    half = out["hi80"] - out["yhat"]
    assert (half.loc["all"] < half.loc["b0"] + half.loc["b1"] + half.loc["b2"]).all()
    assert (half.loc["all"] >= half.loc[["b0", "b1", "b2"]].groupby("date").max()).all()


@pytest.mark.parametrize(("correlation", "half"), [(0.0, 5.0), (1.0, 7.0)])
def test_the_width_of_a_sum_lies_between_independence_and_all_together(correlation, half):
    day = {"cutoff": pd.Timestamp("2026-01-01"), "date": pd.Timestamp("2026-01-02"), "h": 1}
    rows = [
        {"series_id": s, **day, "yhat": 100.0, "lo80": 100 - w, "hi80": 100 + w, "lo95": 100 - w, "hi95": 100 + w}
        for s, w in (("a", 3.0), ("b", 4.0))
    ]
    together = {"series": correlation, "days": 0.5, "both": 0.5}  # of one day only the series' matters
    out = sums(pd.DataFrame(rows), pd.DataFrame({"group": ["g", "g"], "series_id": ["a", "b"]}), together)
    np.testing.assert_allclose(out[["yhat", "lo80", "hi80"]], [[200, 200 - half, 200 + half]])


@pytest.mark.parametrize(
    ("together", "variance"),
    [
        ({"series": 0, "days": 0, "both": 0}, 4),
        ({"series": 1, "days": 0, "both": 0}, 8),
        ({"series": 0, "days": 1, "both": 0}, 8),
        ({"series": 1, "days": 1, "both": 1}, 16),
    ],
)
def test_a_sum_over_two_series_and_two_days_counts_each_kind_of_pair(together, variance):
    """Four errors with a half width of one each."""
    rows = pd.DataFrame(
        [(s, d) for s in "ab" for d in pd.date_range("2026-01-02", periods=2)], columns=["series_id", "date"]
    ).assign(cutoff=pd.Timestamp("2026-01-01"), h=1, yhat=10.0, lo80=9.0, hi80=11.0, lo95=9.0, hi95=11.0)
    out = sums(rows, pd.DataFrame({"group": "g", "series_id": ["a", "b"], "days": 2}), together)
    assert len(out) == 1 and out["yhat"][0] == 40 and out["date"][0] == pd.Timestamp("2026-01-03")
    assert out["hi80"][0] - 40 == pytest.approx(np.sqrt(variance))


def test_weeks_of_groups_are_the_sums_of_their_days_and_surer_than_the_sum_of_the_ends(files):
    table = pd.DataFrame({"group": ["days"] * 3 + ["weeks"] * 3, "series_id": ["b0", "b1", "b2"] * 2})
    table.assign(days=[1] * 3 + [7] * 3).to_csv(files / "weeks.csv", index=False)
    out = run(files, groups=files / "weeks.csv", horizon=16)
    days, weeks = (out[out["series_id"] == name].reset_index(drop=True) for name in ("days", "weeks"))
    assert len(days) == 16 and len(weeks) == 2  # the third week is not whole
    np.testing.assert_allclose(weeks["yhat"], days["yhat"][:14].to_numpy().reshape(2, 7).sum(axis=1), rtol=1e-6)
    ends = days[["lo80", "hi80"]][:14].to_numpy().reshape(2, 7, 2).sum(axis=1)
    assert ((weeks["hi80"] - weeks["lo80"]) < 0.999 * (ends[:, 1] - ends[:, 0])).all()


def test_days_that_are_no_number_of_days_are_refused(files):
    (files / "odd.csv").write_text("group,series_id,days\nall,b0,0\n")
    with pytest.raises(EngineError, match="bad_days"):
        run(files, groups=files / "odd.csv")


def test_hours_add_up_to_the_days(files):
    sales = pd.read_csv(files / "sales.csv.gz").merge(
        pd.DataFrame({"hour": [9, 13, 18], "share": [0.2, 0.5, 0.3]}), how="cross"
    )
    sales.assign(y=sales["y"] * sales["share"]).drop(columns="share").to_csv(files / "hours.csv", index=False)
    out = run(files, "hours.csv", hourly=True, horizon=5)
    assert len(out) == 3 * 5 * 24
    by_hour = out.groupby(["series_id", "date"])["yhat"]
    days = run(files, horizon=5).set_index(["series_id", "date"])["yhat"]
    np.testing.assert_allclose(by_hour.sum(), days, rtol=1e-5)
    at_one = out[out["hour"] == 13].set_index(["series_id", "date"])["yhat"]
    np.testing.assert_allclose(at_one / by_hour.sum(), 0.5, atol=0.01)
    assert (out["lo95"] <= out["yhat"]).all() and (out["yhat"] <= out["hi80"]).all() and (out["lo95"] >= 0).all()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("series_id,date\na,2023-01-01\n", "missing_column"),
        ("series_id,date,y\na,01.02.2023,5\n", "bad_file"),
        ("series_id,date,y\na,2023-01-01,x\n", "bad_number"),
        ("series_id,date,y\na,2023-01-01,5\na,2023-01-01,5\n", "duplicate_rows"),
    ],
)
def test_a_bad_file_is_an_error_with_a_code(files, text, code):
    (files / "bad.csv").write_text(text)
    with pytest.raises(EngineError) as caught:
        run(files, "bad.csv")
    assert caught.value.code == code
