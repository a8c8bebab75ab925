from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DepartmentsConfig(AppConfig):
    name = "departments"
    verbose_name = _("Chain")

    def ready(self) -> None:
        from departments import work  # noqa: F401  (registers the kinds of run)
        from departments.sentences import SENTENCES
        from runs.sentences import register

        register(SENTENCES)
