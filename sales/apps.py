from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SalesConfig(AppConfig):
    name = "sales"
    verbose_name = _("Sales")

    def ready(self) -> None:
        from runs.sentences import register
        from sales import work  # noqa: F401  (registers the kinds of run)
        from sales.sentences import SENTENCES

        register(SENTENCES)
