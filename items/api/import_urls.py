from django.urls import path

from items.api import imports

urlpatterns = [
    path("csv", imports.ImportCsv.as_view(), name="api-import-csv"),
    path("excel", imports.ImportExcel.as_view(), name="api-import-excel"),
    path("jobs", imports.Jobs.as_view(), name="api-import-jobs"),
    path("jobs/<str:pk>", imports.OneJob.as_view(), name="api-import-job"),
    path("jobs/<str:pk>/errors", imports.JobErrors.as_view(), name="api-import-errors"),
    path("jobs/<str:pk>/cancel", imports.CancelJob.as_view(), name="api-import-cancel"),
    path("jobs/<str:pk>/undo", imports.UndoJob.as_view(), name="api-import-undo"),
]
