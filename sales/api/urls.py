from django.urls import path

from sales.api import doubts, export, views

urlpatterns = [
    path("sync", views.Sync.as_view(), name="api-sales-sync"),
    path("summary", views.Summary.as_view(), name="api-sales-summary"),
    path("summary/<str:pk>", views.DeleteDay.as_view(), name="api-sales-summary-row"),
    path("hourly", views.Hourly.as_view(), name="api-sales-hourly"),
    path("hourly/<str:pk>", views.DeleteHour.as_view(), name="api-sales-hourly-row"),
    path("restatements", views.Restatements.as_view(), name="api-sales-restatements"),
    path("doubts", doubts.Doubts.as_view(), name="api-sales-doubts"),
    path("doubts/decide", doubts.Decide.as_view(), name="api-sales-doubts-decide"),
    path("export/csv", export.ExportCsv.as_view(), name="api-sales-export-csv"),
    path("export/xlsx", export.ExportXlsx.as_view(), name="api-sales-export-xlsx"),
    path("coverage", views.Coverage.as_view(), name="api-sales-coverage"),
    path("stats", views.Stats.as_view(), name="api-sales-stats"),
    path("auto-sync/status", views.AutoSyncStatus.as_view(), name="api-auto-sync-status"),
    path("auto-sync/test", views.AutoSyncTest.as_view(), name="api-auto-sync-test"),
]
