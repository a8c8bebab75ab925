from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ItemsConfig(AppConfig):
    name = "items"
    verbose_name = _("Item sales")

    def ready(self) -> None:
        from items.imports.sentences import SENTENCES as OF_IMPORTS
        from items.sentences import SENTENCES
        from runs.registry import on_tick, register
        from runs.sentences import register as say

        say(SENTENCES)
        say(OF_IMPORTS)
        register("import_sales", "items.imports.work.import_sales", title=_("Import of item sales"))
        register("undo_import", "items.imports.undo.undo_import", title=_("Undoing an import"))
        on_tick("import_files", "items.imports.tidy.tidy", every=3600)
        on_tick("deliveries", "items.deliveries.forget_old", every=6 * 3600)
