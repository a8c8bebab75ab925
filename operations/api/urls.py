from django.urls import path

from operations.api import views

urlpatterns = [
    path("healthz", views.Healthz.as_view(), name="healthz"),
    path("readyz", views.Readyz.as_view(), name="readyz"),
    path("metrics", views.Metrics.as_view(), name="metrics"),
]
