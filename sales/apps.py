from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SalesConfig(AppConfig):
    name = "sales"
    verbose_name = _("Sales")

    def ready(self) -> None:
        from departments.signals import departments_synced, people_changed
        from runs.registry import register
        from runs.sentences import register as say
        from sales.publish import publish_adopted
        from sales.rejudge import judge_again
        from sales.sentences import SENTENCES

        departments_synced.connect(publish_adopted)
        people_changed.connect(judge_again)
        say(SENTENCES)
        register("sync_sales", "sales.work.sync_sales", title=_("Load sales"))
        register("reconcile", "sales.reconciling.reconcile", title=_("Compare with the source"))
        register("load_connection", "sales.work.load_connection", title=_("Load sales of one source"))
