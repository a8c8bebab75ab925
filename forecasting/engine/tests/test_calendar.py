import numpy as np
import pandas as pd
import pytest

from forecasting.engine import calendar

pytestmark = pytest.mark.unit


def test_easter_and_ramadan_fall_where_they_did():
    known = {2014: "2014-04-20", 2022: "2022-04-17", 2024: "2024-03-31", 2025: "2025-04-20", 2038: "2038-04-25"}
    assert {y: str(calendar.easter(y).date()) for y in known} == known
    begun = {1443: "2022-04-02", 1444: "2023-03-23", 1445: "2024-03-11", 1446: "2025-03-01"}
    for year, date in begun.items():
        assert abs((calendar.ramadan(year) - pd.Timestamp(date)).days) <= 1


def test_days_of_a_feast_its_eve_and_its_morrow_are_told_apart_and_alike_every_year():
    dates = pd.date_range("2024-01-01", "2025-12-31")
    code = np.array([[1 if (d.month, d.day) in {(3, 21), (3, 22), (3, 23)} else 0 for d in dates]])
    found = calendar.feasts(code, dates)
    key = pd.Series(found.key[0], index=dates)
    first, second = (key[f"{year}-03-20" : f"{year}-03-24"].tolist() for year in (2024, 2025))
    assert first == second
    assert len(set(first)) == 5 and 0 not in first
    assert (key > 0).sum() == 10
    assert found.side[0][key.index == "2024-03-20"] == -1 and found.side[0][key.index == "2024-03-24"] == 1
    assert found.until_next[0][key.index == "2024-03-18"] == 3 and found.since_last[0][key.index == "2024-03-26"] == 3
    assert found.free_run[0][key.index == "2024-03-23"] == 4  # Thursday to Sunday
