from django.urls import path

from runs.api import views

urlpatterns = [
    path("", views.Runs.as_view(), name="api-runs"),
    path("<str:pk>", views.OneRun.as_view(), name="api-run"),
    path("<str:pk>/cancel", views.CancelRun.as_view(), name="api-run-cancel"),
]
