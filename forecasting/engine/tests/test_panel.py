import datetime as dt

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import EngineError, build_panel

pytestmark = pytest.mark.unit


def rows(*triples) -> pd.DataFrame:
    return pd.DataFrame(triples, columns=["series_id", "date", "y"])


def test_a_missing_day_is_unknown_and_a_zero_is_a_zero():
    panel = build_panel(rows(("b", "2026-01-03", 0), ("a", "2026-01-01", 5), ("b", "2026-01-01", 2)))
    assert panel.series == ["a", "b"]
    np.testing.assert_array_equal(panel.y, [[5, np.nan, np.nan], [2, np.nan, 0]])


def test_the_days_reach_to_the_end_of_covariates_and_horizon():
    known = pd.DataFrame({"date": ["2026-01-05"], "holiday_name": ["feast"]})
    panel = build_panel(rows(("a", "2026-01-01", 5)), known, dt.date(2026, 1, 7))
    assert [str(d.date()) for d in panel.dates[[0, -1]]] == ["2026-01-01", "2026-01-07"]
    assert [panel.holiday_names[c] for c in panel.holiday[0]] == ["", "", "", "", "feast", "", ""]


def test_covariates_may_name_a_series_without_history():
    known = pd.DataFrame({"series_id": ["new"], "date": ["2026-01-02"], "promo": [1]})
    panel = build_panel(rows(("a", "2026-01-01", 5)), known)
    assert panel.series == ["a", "new"]
    assert np.isnan(panel.y[1]).all()
    np.testing.assert_array_equal(panel.numeric["promo"], [[0, 0], [0, 1]])


def test_a_measured_covariate_is_unknown_where_no_row_gives_it():
    known = pd.DataFrame({"date": ["2026-01-02"], "temperature": [-12.5]})
    panel = build_panel(rows(("a", "2026-01-01", 5)), known)
    np.testing.assert_array_equal(panel.numeric["temperature"], [[np.nan, -12.5]])


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (rows(("a", "2026-01-01", 5), ("a", "2026-01-01", 6)), "duplicate_rows"),
        (rows(("a", "2026-01-01", "five")), "bad_number"),
        (rows(("a", "2026-01-01", np.inf)), "bad_number"),
        (rows(("a", "2026-01-01", 5)).drop(columns="y"), "missing_column"),
        (rows(("a", "2026-01-01", 5), (None, "2026-01-02", 5)), "missing_column"),
        (rows(), "empty"),
    ],
)
def test_bad_input_is_an_error_with_a_code(frame, code):
    with pytest.raises(EngineError) as caught:
        build_panel(frame)
    assert caught.value.code == code
