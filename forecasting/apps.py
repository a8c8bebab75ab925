from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ForecastingConfig(AppConfig):
    name = "forecasting"
    verbose_name = _("Sales forecast")

    def ready(self) -> None:
        from forecasting.sentences import SENTENCES
        from runs.registry import on_tick, register
        from runs.sentences import register as say

        say(SENTENCES)
        register("train", "forecasting.work.train", title=_("Train the model"), queue="train")
        register("forecast", "forecasting.work.forecast", title=_("Forecast"))
        register("forecast_items", "forecasting.work.forecast_items", title=_("Forecast products"), queue="train")
        register("backtest", "forecasting.work.backtest", title=_("Backtest over a year"), queue="train")
        register("score_forecasts", "forecasting.work.score_forecasts", title=_("Score uploaded forecasts"))
        register("measure", "forecasting.work.measure_promises", title=_("Compare promises with sales"))
        on_tick("calendar", "forecasting.renewal.keep_calendar", every=30)
