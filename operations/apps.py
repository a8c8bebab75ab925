from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from departments.signals import connection_added
        from operations.schedules import on_connection_added
        from operations.sentences import SENTENCES
        from runs.registry import on_tick, register
        from runs.sentences import register as say

        say(SENTENCES)
        connection_added.connect(on_connection_added)
        on_tick("alarms", "operations.watch.watch_all", every=settings.RUN_SWEEP_SECONDS * 2)
        on_tick("outbox", "operations.delivery.deliver_due", apart=True)
        on_tick("nights", "operations.night.keep_night")
        on_tick("trainings", "operations.training.keep_training", every=600)
        register("repair", "operations.night.repair", title=_("Repair of a night"))
        register("nightly", "operations.night.nightly", title=_("Nightly chain"))
