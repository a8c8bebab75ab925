from django.urls import path

from departments.api import views

urlpatterns = [
    path("", views.Departments.as_view(), name="api-departments"),
    path("statistics", views.Statistics.as_view(), name="api-departments-statistics"),
    path("sync", views.SyncDepartments.as_view(), name="api-departments-sync"),
    path("<str:pk>", views.OneDepartment.as_view(), name="api-department"),
]
