from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.formats import percent
from accounts.pages import HouseAdmin, ReadOnly
from forecasting import pages
from forecasting.accuracy_page import AccuracyPage
from forecasting.ahead_page import AheadView
from forecasting.bake_page import BakePage, BakeSheet, TermsPage
from forecasting.choices import VERSION_TONES
from forecasting.day_page import DayView
from forecasting.models import ModelVersion
from forecasting.own_page import OwnForecastsPage


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnly, HouseAdmin):
    """All versions; the page of the model shows the newest of them and what serves."""

    list_display = ["number", "shown_state", "trained_through", "wape", "snaive_wape", "created_at", "activated_at"]
    list_filter = [("state", ChoicesDropdownFilter)]
    actions = ["retrain"]
    fields = [
        "number",
        "state",
        "recipe",
        "code_version",
        "trained_through",
        "wape",
        "snaive_wape",
        "created_at",
        "activated_at",
    ]
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        model, comparison, accuracy, day = pages.ModelView, pages.ComparisonView, AccuracyPage, DayView
        return [
            path("model/", wrap(model.as_view(model_admin=self)), name="forecasting_model"),
            path("ahead/", wrap(AheadView.as_view(model_admin=self)), name="forecasting_ahead"),
            path("comparison/", wrap(comparison.as_view(model_admin=self)), name="forecasting_comparison"),
            path("accuracy/", wrap(accuracy.as_view(model_admin=self)), name="forecasting_accuracy"),
            path("own/", wrap(OwnForecastsPage.as_view(model_admin=self)), name="forecasting_own"),
            path("day/", wrap(day.as_view(model_admin=self)), name="forecasting_day"),
            path("bake/", wrap(BakePage.as_view(model_admin=self)), name="forecasting_bake"),
            path("bake/xlsx/", wrap(BakeSheet.as_view(model_admin=self)), name="forecasting_bake_sheet"),
            path("bake/terms/", wrap(TermsPage.as_view(model_admin=self)), name="forecasting_bake_terms"),
            path("train/", wrap(pages.train), name="forecasting_train"),
            path("<int:pk>/serve/", wrap(pages.roll_back_to), name="forecasting_serve"),
            *super().get_urls(),
        ]

    @display(description=_("state"), ordering="state", label=VERSION_TONES)
    def shown_state(self, version: ModelVersion) -> tuple[str, str]:
        return version.state, version.get_state_display()

    @display(description=_("mean miss"))
    def wape(self, version: ModelVersion) -> str:
        return percent(version.metrics.get("wape"))

    @display(description=_("of repeating last week"))
    def snaive_wape(self, version: ModelVersion) -> str:
        return percent(version.metrics.get("snaive_wape"))

    def has_train_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("forecasting.train_model")

    @admin.action(description=_("Train again"), permissions=["train"])
    def retrain(self, request: HttpRequest, versions: QuerySet[ModelVersion]) -> HttpResponse:
        return pages.train(request)
