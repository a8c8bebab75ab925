"""Paths of item sales under /api/: a list per module. What takes any word in its place comes last."""

from django.urls import path

from items.api import push

PUSH = [
    path("sales", push.PushOne.as_view(), name="api-sales-push-one"),
    path("sales/bulk-import", push.BulkImport.as_view(), name="api-sales-bulk-import"),
]

urlpatterns = [*PUSH]
