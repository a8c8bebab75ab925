from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("salesforecast.api")),
    path("", include("operations.api.urls")),
    path("admin/", admin.site.urls),
]
