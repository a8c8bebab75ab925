from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RunsConfig(AppConfig):
    name = "runs"
    verbose_name = _("Work")

    def ready(self) -> None:
        from runs import heartbeat  # noqa: F401  (connects to beat)
        from runs.registry import on_tick

        on_tick("sweep", "runs.ledger.sweep")
