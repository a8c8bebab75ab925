"""Public sets of real sales, as the referee shapes and cuts them. They are no part of the repository.

REFEREE names the referee's script (default ../shared/bench/referee.py beside the repository), its data lie in ../data
beside it.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

REFEREE = Path(os.environ.get("REFEREE") or Path(__file__).parents[3] / "shared" / "bench" / "referee.py")


def referee() -> Any:
    """The referee as a module. Ends the program with a sentence where it is not."""
    if not REFEREE.exists():
        sys.exit(
            f"bench: {REFEREE} is not here, so nothing was measured; name the referee: REFEREE=/path/to/referee.py"
        )
    found = importlib.util.spec_from_file_location("referee", REFEREE)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def cuts(name: str) -> Iterator[tuple[pd.Timestamp, pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
    """(cutoff, sales up to it, covariates to 28 days after it, what was sold on those days) per cutoff of a set."""
    judge = referee()
    sales, extra, days, cutoffs = judge.load(name)
    for cutoff in cutoffs:
        known = judge.training(sales, cutoff)
        ids = known["series_id"].unique()
        ahead = sales[(sales["date"] > cutoff) & (sales["date"] <= cutoff + pd.Timedelta(days=judge.H))]
        covariates = judge.covariates(ids, known["date"].min(), cutoff, extra, days)
        yield cutoff, known, covariates, ahead[ahead["series_id"].isin(ids)]


def hours(name: str) -> pd.DataFrame:
    """An hourly set [series_id, date, hour, y]."""
    return referee().read(name + "_hourly")
