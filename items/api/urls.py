"""Paths of item sales under /api/: a list per module. What takes any word in its place comes last."""

from django.urls import path

from items.api import catalogue, push, record_export, records

PUSH = [
    path("sales", push.PushOne.as_view(), name="api-sales-push-one"),
    path("sales/bulk-import", push.BulkImport.as_view(), name="api-sales-bulk-import"),
]
CATALOGUE = [
    path("products", catalogue.Products.as_view(), name="api-products"),
    path("products/<str:pk>", catalogue.OneProduct.as_view(), name="api-product"),
    path("product-groups", catalogue.Groups.as_view(), name="api-product-groups"),
    path("categories", catalogue.Categories.as_view(), name="api-categories"),
    path("catalogue/sync", catalogue.SyncCatalogue.as_view(), name="api-catalogue-sync"),
    path("stores", catalogue.Stores.as_view(), name="api-stores"),
]
RECORDS = [
    path("v1/sales", records.Records.as_view(), name="api-records"),
    path("v1/sales/batch", records.Batch.as_view(), name="api-records-batch"),
    path("v1/sales/validate", records.Validate.as_view(), name="api-records-validate"),
    path("v1/sales/duplicates", records.Duplicates.as_view(), name="api-records-duplicates"),
    path("v1/sales/export/csv", record_export.ExportCsv.as_view(), name="api-records-export-csv"),
    path("v1/sales/export/excel", record_export.ExportExcel.as_view(), name="api-records-export-excel"),
]
ONE_RECORD = [path("v1/sales/<str:pk>", records.OneRecord.as_view(), name="api-record")]

urlpatterns = [*PUSH, *CATALOGUE, *RECORDS, *ONE_RECORD]
