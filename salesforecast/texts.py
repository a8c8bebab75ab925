"""Texts of the packages our pages are made of that have no Russian of their own: named here for `make messages`."""

from django.utils.translation import gettext_noop

THEIRS = (
    gettext_noop("Type to search"),
    gettext_noop("Select all rows"),
    gettext_noop("Select record"),
    gettext_noop("Apply Filters"),
    gettext_noop("Reset filters"),
    gettext_noop("Expand row"),
    gettext_noop("More actions"),
    gettext_noop("Loading more results..."),
    gettext_noop("No results found"),
    gettext_noop("No results matching your query"),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    gettext_noop("This item will be deleted."),
    gettext_noop("Go back"),
    gettext_noop("Run"),
    gettext_noop("General"),
    gettext_noop("Next"),
    gettext_noop("Previous"),
    gettext_noop("Light"),
    gettext_noop("Dark"),
    gettext_noop("System"),
    gettext_noop("True"),
    gettext_noop("False"),
)
