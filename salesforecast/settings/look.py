"""How the admin looks: django-unfold's colours, title and menu."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, url: str, permission: str) -> dict[str, Any]:
    def allowed(request: HttpRequest) -> bool:
        return not permission or request.user.has_perm(permission)

    return {"title": title, "icon": icon, "link": reverse_lazy(url), "permission": allowed}


UNFOLD = {
    "SITE_TITLE": "salesforecast",
    "SITE_HEADER": "salesforecast",
    "SITE_SUBHEADER": _("Sales and forecasts"),
    "SITE_SYMBOL": "monitoring",
    "SITE_URL": "/",
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "operations.start.start_page",
    "STYLES": [lambda request: static("salesforecast/pages.css")],
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
                "items": [_item(_("Start"), "home", "admin:index", "")],
            },
            {
                "title": _("Sales"),
                "separator": True,
                "items": [
                    _item(_("Daily sales"), "calendar_month", "admin:sales_salessummary_changelist", "sales.view_salessummary"),
                    _item(_("Hourly sales"), "schedule", "admin:sales_salesbyhour_changelist", "sales.view_salesbyhour"),
                    _item(_("Load a period"), "download", "admin:sales_load", "sales.load_sales"),
                ],
            },
            {
                "title": _("Sales forecast"),
                "separator": True,
                "items": [
                    _item(_("Fact against forecast"), "query_stats", "admin:forecasting_comparison", "forecasting.view_forecast"),
                    _item(_("Model"), "model_training", "admin:forecasting_model", "forecasting.view_modelversion"),
                ],
            },
            {
                "title": _("Chain"),
                "separator": True,
                "items": [
                    _item(_("Departments"), "storefront", "admin:departments_department_changelist", "departments.view_department"),
                    _item(_("Connections"), "cable", "admin:departments_connection_changelist", "departments.view_connection"),
                    _item(_("Holidays"), "celebration", "admin:departments_holiday_changelist", "departments.view_holiday"),
                ],
            },
            {
                "title": _("Administration"),
                "separator": True,
                "items": [
                    _item(_("Work"), "manufacturing", "admin:runs_run_changelist", "runs.view_run"),
                    _item(_("Schedules"), "alarm", "admin:django_celery_beat_periodictask_changelist", "django_celery_beat.view_periodictask"),
                    _item(_("People"), "group", "admin:accounts_user_changelist", "accounts.view_user"),
                    _item(_("API keys"), "key", "admin:accounts_apikey_changelist", "accounts.view_apikey"),
                ],
            },
        ],
    },
}
