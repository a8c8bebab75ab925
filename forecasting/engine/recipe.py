"""What a model is made of, as data: a recipe names the features, parameters and code version of a fit."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Recipe:
    """Parameters of a fit. `code_version` rises whenever the meaning of a feature or a member changes."""

    name: str = "standard"
    code_version: int = 9
    horizon: int = 35  # days ahead the members are trained for
    memory_days: int = 1096  # how far back training rows reach
    half_life: float = 365.0  # days after which a training row counts half
    level_power: float = 0.7  # weight of a series in training: its level to this power
    rows: int = 40_000
    rows_per_record: float = 3.0  # few records do not become more evidence by repetition
    copy_records: int = 40_000  # of fewer records each member has that many times more copies, ...
    most_copies: int = 4  # ... as far as this: four bring three quarters of what ever so many would
    trees: int = 150
    rate: float = 0.085
    leaves: int = 31
    leaf_rows: int = 40
    bins: int = 63
    mix_weight: float = 0.15  # where nothing has been measured
    calibration_rows: int = 15_000
    calibration_trees: int = 100
    calibration_days: int = 70


RECIPES: dict[str, Recipe] = {
    "standard": Recipe(),
    "quick": Recipe(
        name="quick", rows=12_000, trees=110, rate=0.1, calibration_rows=6_000, calibration_trees=60, most_copies=1
    ),
}
DEFAULT_RECIPE = "standard"


def contract_hash(recipe: Recipe) -> str:
    """Changes whenever a stored model of this recipe would no longer mean the same."""
    from forecasting.engine import newcomer, recursive
    from forecasting.engine.features import FEATURES

    walk = [recursive.LAGS, recursive.MEANS, recursive.HALF_LIVES, recursive.FEAST, newcomer.WINDOW, newcomer.MEANS]
    text = json.dumps([list(FEATURES), walk, asdict(recipe)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
