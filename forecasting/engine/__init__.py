"""The forecasting engine: pure functions on panels of sales. Knows no Django.

A name loads its module when it is asked for: LightGBM takes a second, and who only adds up forecasts does without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecasting.engine.api import Fit, backtest, fit, predict
    from forecasting.engine.errors import ContractMismatch, EngineError
    from forecasting.engine.intervals import Calibration
    from forecasting.engine.panel import Panel, build_panel
    from forecasting.engine.recipe import DEFAULT_RECIPE, RECIPES, Recipe, contract_hash

_HOME = {
    **dict.fromkeys(("Fit", "backtest", "fit", "predict"), "api"),
    **dict.fromkeys(("ContractMismatch", "EngineError"), "errors"),
    **dict.fromkeys(("Panel", "build_panel"), "panel"),
    **dict.fromkeys(("DEFAULT_RECIPE", "RECIPES", "Recipe", "contract_hash"), "recipe"),
    "Calibration": "intervals",
}

__all__ = [
    "DEFAULT_RECIPE", "RECIPES", "Calibration", "ContractMismatch", "EngineError", "Fit", "Panel", "Recipe",
    "backtest", "build_panel", "contract_hash", "fit", "predict",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
