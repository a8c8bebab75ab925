from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _


class ItemsConfig(AppConfig):
    name = "items"
    verbose_name = _("Item sales")

    def ready(self) -> None:
        from departments.models import Authority, Connection
        from items.catalogue.sync import know_server
        from items.imports.sentences import SENTENCES as IMPORTS
        from items.refusals import SENTENCES as REFUSALS
        from items.repair import count_again
        from items.sentences import SENTENCES
        from runs.registry import on_tick, register
        from runs.sentences import register as say

        post_save.connect(count_again, sender=Authority)
        post_delete.connect(count_again, sender=Authority)
        post_save.connect(know_server, sender=Connection)
        say({**IMPORTS, **REFUSALS, **SENTENCES})
        register("import_sales", "items.imports.work.import_sales", title=_("Import of item sales"))
        register("undo_import", "items.imports.undo.undo_import", title=_("Undoing an import"))
        register("clean_items", "items.retention.clean_items", title=_("Clean-up of old item sales"))
        register("sync_catalogue", "items.catalogue.work.sync_catalogue", title=_("Synchronisation of the catalogue"))
        on_tick("import_files", "items.imports.tidy.tidy", every=3600)
        on_tick("deliveries", "items.deliveries.forget_old", every=6 * 3600)
        on_tick("item_days", "items.retention.tidy", every=3600)
