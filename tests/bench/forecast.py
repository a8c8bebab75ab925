"""How long the forecasts of a chain take: 38 branches, 28 days, made and stored on PostgreSQL.

Beside it the usual way: for every branch and day its history is read, its features are built, the same model is
asked for it and one row is stored. A part of that loop is timed and scaled up.

    python -m tests.bench.forecast
"""

import datetime as dt
import statistics
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.database import scratch_database

BRANCHES, HORIZON, HISTORY = 38, 28, 730
REPEATS = 5
SAMPLE = 20  # branch-days of the loop that are really timed


def main() -> None:
    with scratch_database():
        measure()


def measure() -> None:
    from forecasting.choices import Origin
    from forecasting.engine.recipe import RECIPES
    from forecasting.models import ForecastIssue
    from forecasting.predict import make_issue
    from forecasting.series import read_series
    from forecasting.tests.chain import CUTOFF, make_chain
    from forecasting.train import fit_series
    from forecasting.versions import load_fit, save_version

    organisation = make_chain(departments=BRANCHES, days=HISTORY)
    series = read_series(organisation, cutoff=CUTOFF, horizon=HORIZON)
    begun = time.perf_counter()
    fit = fit_series(series, RECIPES["standard"])
    training = time.perf_counter() - begun
    version = save_version(organisation, fit, metrics={})

    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        issue = make_issue(version, horizon=HORIZON, origin=Origin.MANUAL, cutoff=CUTOFF)
        times.append(time.perf_counter() - begun)
    assert issue is not None
    ours = statistics.median(times)

    model, target = load_fit(version), ForecastIssue.objects.latest("pk")
    begun = time.perf_counter()
    for number, department in enumerate(list(series.departments.values())[:SAMPLE]):
        one_branch_and_day(target, model, department, number + 1)
    loop = (time.perf_counter() - begun) / SAMPLE * BRANCHES * HORIZON
    print(f"{BRANCHES} branches x {HORIZON} days, {HISTORY} days of history, training {training:.1f} s")
    print(f"forecast and stored with hours   {ours:8.3f} s   median of {REPEATS}")
    print(f"one branch and day at a time     {loop:8.1f} s   {loop / ours:.0f} times ours  (at least 100)")


def one_branch_and_day(issue: Any, model: Any, department: Any, horizon: int) -> None:
    """One branch's history read, one day forecast by the same engine, split by the hour and stored."""
    from forecasting.engine import api as engine
    from forecasting.engine.hourly import split
    from forecasting.engine.panel import build_panel
    from forecasting.models import Forecast
    from forecasting.series import HOURS_KNOWN, Series, read_hours
    from forecasting.tests.chain import CUTOFF
    from sales.models import SalesSummary
    from sales.money import CENT

    key = str(department.pk)
    history = SalesSummary.objects.filter(department=department, date__lte=CUTOFF).values_list("date", "total_sales")
    frame = pd.DataFrame(history, columns=["date", "y"]).assign(series_id=key)
    panel = build_panel(frame.astype({"y": float}), None, CUTOFF + dt.timedelta(days=horizon))
    row = engine.predict(model, panel, CUTOFF, horizon).iloc[-1]
    alone = Series(panel, {key: department}, {key: CUTOFF}, CUTOFF)
    shares = engine.hour_shares(model, read_hours(alone, HOURS_KNOWN), CUTOFF, horizon, [key])
    value = Decimal(float(row["yhat"])).quantize(CENT)
    (hours,) = split(np.array([int(value * 100)]), shares[:, -1])
    Forecast.objects.update_or_create(
        issue=issue,
        department=department,
        date=row["date"].date(),
        defaults={
            "cutoff": CUTOFF,
            "horizon": horizon,
            "lead_days": horizon - 1,
            "predicted_sales": value,
            "lower_80": Decimal(float(row["lo80"])).quantize(CENT),
            "upper_80": Decimal(float(row["hi80"])).quantize(CENT),
            "lower_95": Decimal(float(row["lo95"])).quantize(CENT),
            "upper_95": Decimal(float(row["hi95"])).quantize(CENT),
            "hours": [f"{cents / 100:.2f}" for cents in hours],
        },
    )


if __name__ == "__main__":
    main()
