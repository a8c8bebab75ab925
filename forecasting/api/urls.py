from django.urls import path

from forecasting.api import export, views
from forecasting.api.accuracy import AccuracyView
from forecasting.api.aggregate import AggregateView
from forecasting.api.explain import ExplainView
from forecasting.api.items import ItemsView
from forecasting.api.models import ModelsView
from forecasting.api.own import OwnForecastsView
from forecasting.api.today import TodayView

urlpatterns = [
    path("accuracy", AccuracyView.as_view(), name="api-forecast-accuracy"),
    path("aggregate", AggregateView.as_view(), name="api-forecast-aggregate"),
    path("batch", views.Batch.as_view(), name="api-forecast-batch"),
    path("comparison", views.ComparisonView.as_view(), name="api-forecast-comparison"),
    path("export/csv", export.ExportCsv.as_view(), name="api-forecast-export"),
    path("export/xlsx", export.ExportXlsx.as_view(), name="api-forecast-export-xlsx"),
    path("model/info", views.ModelInfo.as_view(), name="api-model-info"),
    path("models", ModelsView.as_view(), name="api-models"),
    path("own", OwnForecastsView.as_view(), name="api-forecast-own"),
    path("retrain", views.Retrain.as_view(), name="api-retrain"),
    path("explain/<str:date>/<str:branch_id>", ExplainView.as_view(), name="api-forecast-explain"),
    path("hourly/<str:date>/<str:branch_id>", views.HourlyForecast.as_view(), name="api-forecast-hourly"),
    path("items/<str:date>/<str:branch_id>", ItemsView.as_view(), name="api-forecast-items"),
    path("today/<str:branch_id>", TodayView.as_view(), name="api-forecast-today"),
    path("<str:date>/<str:branch_id>", views.OneForecast.as_view(), name="api-forecast"),
]
