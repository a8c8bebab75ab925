from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from runs.registry import register

        register("nightly", "operations.night.nightly", title=_("Nightly chain"))
