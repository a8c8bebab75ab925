"""How the admin looks: django-unfold's colours, title and menu."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, url: str, permission: str, *also: str) -> dict[str, Any]:
    """A line of the menu, lit on its page, on the pages of its rows and on those named in `also`."""

    def allowed(request: HttpRequest) -> bool:
        return not permission or request.user.has_perm(permission)

    def lit(request: HttpRequest) -> bool:
        match = request.resolver_match
        stem = url.removesuffix("_changelist")
        rows = [f"{stem}_{what}" for what in ("add", "change", "delete", "history")] if stem != url else []
        return match is not None and match.view_name in (url, *rows, *also)

    return {"title": capfirst(title), "icon": icon, "link": reverse_lazy(url), "permission": allowed, "active": lit}


UNFOLD = {
    "SITE_TITLE": "salesforecast",
    "SITE_HEADER": "salesforecast",
    "SITE_SUBHEADER": _("Sales and forecasts"),
    "SITE_SYMBOL": "monitoring",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("salesforecast/favicon.svg")}
    ],
    "SITE_URL": None,  # no "view site": the pages are the site
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": lambda request: "",  # its template takes the words False and None for yes
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "operations.start.start_page",
    "STYLES": [lambda request: static("salesforecast/pages.css")],
    "SCRIPTS": [lambda request: static("salesforecast/pages.js")],
    "COLORS": {
        "primary": {
            "50": "#eff6ff",
            "100": "#dbeafe",
            "200": "#bfdbfe",
            "300": "#93c5fd",
            "400": "#60a5fa",
            "500": "#3b82f6",
            "600": "#2563eb",
            "700": "#1d4ed8",
            "800": "#1e40af",
            "900": "#1e3a8a",
            "950": "#172554",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": None,
                "items": [_item(_("Start"), "home", "home", "", "admin:index")],
            },
            {
                "title": _("Sales"),
                "separator": True,
                "items": [
                    _item(
                        _("Daily sales"),
                        "calendar_month",
                        "admin:sales_salessummary_changelist",
                        "sales.view_salessummary",
                        "admin:sales_day",
                    ),
                    _item(
                        _("Hourly sales"), "schedule", "admin:sales_salesbyhour_changelist", "sales.view_salesbyhour"
                    ),
                    _item(_("Restatements"), "history", "admin:sales_restatement_changelist", "sales.view_restatement"),
                    _item(_("Load a period"), "download", "admin:sales_load", "sales.load_sales"),
                    _item(_("Compare with the source"), "balance", "admin:sales_reconcile", "sales.view_difference"),
                    _item(_("Automatic loading"), "autorenew", "admin:sales_automatic", "runs.view_run"),
                ],
            },
            {
                "title": _("Item sales"),
                "separator": True,
                "items": [
                    _item(
                        _("History of sales"),
                        "bar_chart",
                        "admin:items_history",
                        "items.view_productday",
                        "admin:items_entry",
                    ),
                    _item(
                        _("Sales by item"), "receipt_long", "admin:items_saleline_changelist", "items.view_saleline"
                    ),
                    _item(
                        _("Products"),
                        "restaurant_menu",
                        "admin:items_product_changelist",
                        "items.view_product",
                        *(
                            f"admin:items_{model}_{page}"
                            for model in ("productgroup", "category", "unit", "catalogue")
                            for page in ("changelist", "change")
                        ),
                    ),
                    _item(_("Stores"), "warehouse", "admin:items_store_changelist", "items.view_store"),
                    _item(
                        _("Imports of files"),
                        "upload_file",
                        "admin:items_importjob_changelist",
                        "items.view_importjob",
                        "admin:items_import",
                        "admin:items_import_job",
                    ),
                    _item(_("Deliveries"), "move_to_inbox", "admin:items_delivery_changelist", "items.view_delivery"),
                    _item(
                        _("Sources of item sales"), "input", "admin:items_itemsource_changelist", "items.view_itemsource"
                    ),
                ],
            },
            {
                "title": _("Sales forecast"),
                "separator": True,
                "items": [
                    _item(
                        _("Forecast by branch"),
                        "event_upcoming",
                        "admin:forecasting_ahead",
                        "forecasting.view_forecast",
                    ),
                    _item(_("A day by the hour"), "today", "admin:forecasting_day", "forecasting.view_forecast"),
                    _item(
                        _("Bake list"),
                        "bakery_dining",
                        "admin:forecasting_bake",
                        "forecasting.view_forecast",
                        "admin:forecasting_bake_terms",
                    ),
                    _item(
                        _("Fact against forecast"),
                        "query_stats",
                        "admin:forecasting_comparison",
                        "forecasting.view_forecast",
                    ),
                    _item(
                        _("How forecasts came out"),
                        "fact_check",
                        "admin:forecasting_accuracy",
                        "forecasting.view_forecast",
                    ),
                    _item(
                        _("Your own forecasts"), "upload_file", "admin:forecasting_own", "forecasting.view_modelversion"
                    ),
                    _item(_("Model"), "model_training", "admin:forecasting_model", "forecasting.view_modelversion"),
                ],
            },
            {
                "title": _("Chain"),
                "separator": True,
                "items": [
                    _item(
                        _("Departments"),
                        "storefront",
                        "admin:departments_department_changelist",
                        "departments.view_department",
                        "admin:departments_tree",
                    ),
                    _item(
                        _("Connections"),
                        "cable",
                        "admin:departments_connection_changelist",
                        "departments.view_connection",
                    ),
                    _item(
                        _("1C and departments"),
                        "join_inner",
                        "admin:departments_matching",
                        "departments.view_connection",
                    ),
                ],
            },
            {
                "title": _("Calendar"),
                "separator": True,
                "items": [
                    _item(
                        _("Holidays"), "celebration", "admin:departments_holiday_changelist", "departments.view_holiday"
                    ),
                    _item(
                        _("Closures"), "door_front", "admin:departments_closure_changelist", "departments.view_closure"
                    ),
                    _item(_("Events"), "campaign", "admin:departments_event_changelist", "departments.view_event"),
                    _item(
                        _("History of changes"),
                        "history_edu",
                        "admin:departments_change_changelist",
                        "departments.view_change",
                    ),
                ],
            },
            {
                "title": _("Administration"),
                "separator": True,
                "items": [
                    _item(_("Work"), "manufacturing", "admin:runs_run_changelist", "runs.view_run"),
                    _item(_("Alarms"), "notifications", "admin:runs_alarm_changelist", "runs.view_alarm"),
                    _item(
                        _("Schedules"),
                        "alarm",
                        "admin:django_celery_beat_periodictask_changelist",
                        "django_celery_beat.view_periodictask",
                    ),
                    _item(
                        _("People"),
                        "group",
                        "admin:accounts_user_changelist",
                        "accounts.view_user",
                        "admin:accounts_membership_changelist",
                        "admin:accounts_membership_change",
                    ),
                    _item(_("API keys"), "key", "admin:accounts_apikey_changelist", "accounts.view_apikey"),
                ],
            },
        ],
    },
}
