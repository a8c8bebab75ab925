"""The forecasting engine: pure functions on panels of sales. Knows no Django."""

from forecasting.engine.api import Fit, backtest, fit, predict
from forecasting.engine.errors import ContractMismatch, EngineError
from forecasting.engine.intervals import Calibration
from forecasting.engine.panel import Panel, build_panel
from forecasting.engine.recipe import DEFAULT_RECIPE, RECIPES, Recipe, contract_hash

__all__ = [
    "DEFAULT_RECIPE", "RECIPES", "Calibration", "ContractMismatch", "EngineError", "Fit", "Panel", "Recipe",
    "backtest", "build_panel", "contract_hash", "fit", "predict",
]  # fmt: skip
