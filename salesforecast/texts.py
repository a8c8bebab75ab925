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
    gettext_noop("Select value"),
    gettext_noop("Choose file to upload"),
    gettext_noop("Add another %(verbose_name)s"),
    gettext_noop("After you've created a user, you’ll be able to edit more user options."),
    gettext_noop(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password"
        ' using <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    gettext_noop(
        "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to"
        " authenticate using other backends, such as Single Sign-On or LDAP."
    ),
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
