from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DepartmentsConfig(AppConfig):
    name = "departments"
    verbose_name = _("Chain")

    def ready(self) -> None:
        from departments.sentences import SENTENCES
        from runs.registry import on_tick, register
        from runs.sentences import register as say

        say(SENTENCES)
        on_tick("lost tokens", "departments.clients.return_lost_tokens", every=60)
        register("sync_departments", "departments.work.sync_departments", title=_("Synchronise departments"))
        register(
            "check_connection",
            "departments.check.check",
            title=_("Connection check"),
            tells="departments.check.told",
        )
