"""Every path of the HTTP API."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

urlpatterns = [
    path("departments/", include("departments.api.urls")),
    path("calendar/", include("departments.api.calendar_urls")),
    path("sales/", include("sales.api.urls")),
    path("v1/sales/import/", include("items.api.import_urls")),
    path("", include("items.api.urls")),
    path("forecast/", include("forecasting.api.urls")),
    path("runs/", include("runs.api.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
]
