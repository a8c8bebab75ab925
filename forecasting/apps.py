from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ForecastingConfig(AppConfig):
    name = "forecasting"
    verbose_name = _("Sales forecast")

    def ready(self) -> None:
        from forecasting import work  # noqa: F401  (registers the kinds of run)
        from forecasting.sentences import SENTENCES
        from runs.sentences import register

        register(SENTENCES)
