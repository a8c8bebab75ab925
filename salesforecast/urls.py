from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

urlpatterns = [
    path("api/", include("salesforecast.api")),
    path("", include("operations.api.urls")),
    path("", admin.site.admin_view(admin.site.index), name="home"),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
