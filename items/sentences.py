from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "cleaning_items": _("%(done)s of %(total)s lines deleted"),
    "catalogue_asking_categories": _("Asking %(source)s for its categories"),
    "catalogue_asking_units": _("Asking %(source)s for its units"),
    "catalogue_asking_groups": _("Asking %(source)s for its product groups"),
    "catalogue_asking_products": _("Asking %(source)s for its products"),
    "catalogue_asking_prices": _("Asking %(source)s for its price lists"),
    "catalogue_asking_stores": _("Asking %(source)s for its stores"),
    "catalogue_empty_products": _("%(source)s: the server sent no products at all. Nothing was deactivated."),
    "catalogue_empty_groups": _("%(source)s: the server sent no product groups at all. Nothing was deactivated."),
    "catalogue_empty_units": _("%(source)s: the server sent no units at all. Nothing was deactivated."),
    "catalogue_empty_stores": _("%(source)s: the server sent no stores at all. Nothing was deactivated."),
    "catalogue_empty_product": _("%(source)s: the server sent no product categories at all. Nothing was deactivated."),
    "catalogue_empty_tax": _("%(source)s: the server sent no tax categories at all. Nothing was deactivated."),
    "catalogue_empty_accounting": _("%(source)s: the server sent no accounting categories at all. Nothing was deactivated."),
    "catalogue_groups_without_parent": _("%(source)s: product groups whose parent the server does not name stand at the top (%(n)s): %(names)s."),
    "catalogue_groups_in_a_circle": _("%(source)s: product groups that would be part of themselves stand at the top (%(n)s): %(names)s."),
    "catalogue_stores_of_nobody": _("%(source)s: stores of no department we know (%(n)s): %(names)s. Choose it on the page of the store."),
    "catalogue_codes_twice": _("%(source)s: another product bears the code already, these stay without one (%(n)s): %(names)s."),
    "catalogue_prices_of_nobody": _("%(source)s: prices of products or departments we do not know: %(n)s."),
    "loading_receipts": _("%(source)s: receipts of %(date)s, %(done)s of %(total)s days"),
    "receipts_cleaned": _("Receipts from before %(date)s are not kept any more. Choose later dates."),
    "receipts_vanished": _(
        "%(source)s sent no receipts of %(department)s for %(dates)s, where there had been some. The old ones are kept until its own sales of these days vanish as well."
    ),
    "receipts_of_unknown": _(
        "%(source)s sent receipts of %(sum)s for %(dates)s of a department we do not know (%(id)s). They were not stored: say whose they are and load these days again."
    ),
    "receipts_of_nobody": _(
        "%(source)s sent receipts of %(sum)s for %(dates)s without a department. They were not stored."
    ),
    "receipts_unnamed": _(
        "%(source)s named no dish for %(sum)s of the receipts of %(dates)s. They count as an item without a name."
    ),
    "receipts_lacking": _(
        "%(source)s does not know %(fields)s. Its receipts are stored without what these would say: numbers, guests or names of dishes."
    ),
    "receipts_revenue": _(
        "%(department)s, %(dates)s: the receipts of %(source)s come to %(lines)s, but it tells sales of %(server)s. Load these days again."
    ),
    "receipts_gross": _(
        "%(department)s, %(dates)s: the receipts of %(source)s come to %(lines)s before discounts, but it tells %(server)s. Load these days again."
    ),
    "receipts_hours": _(
        "%(department)s, %(dates)s: %(lines)s of the receipts of %(source)s fall into other hours than its own sales by the hour say; the days agree."
    ),
    "receipts_orders": _(
        "%(department)s, %(dates)s: %(source)s sent %(lines)s receipts with dishes, but counts %(server)s."
    ),
}  # fmt: skip
