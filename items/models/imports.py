"""How lines came: deliveries over HTTP and files."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.models import Connection, Department
from items.choices import JobStatus
from items.querysets import DeliveryQuerySet, JobQuerySet, OrganisationRows
from runs.models import Run


class Delivery(models.Model):
    """One attempt of a push client: what it brought, what became of it, and the answer it was given.

    The same `idempotency_key` again is answered with the stored `answer`; with another body it is refused.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("connection")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who"),
    )
    what = models.CharField(_("what"), max_length=40)
    at = models.DateTimeField(_("received"), auto_now_add=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (NULLs are distinct)
    body_sha256 = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    answer = models.TextField(blank=True)
    inserted = models.PositiveIntegerField(_("added"), default=0)
    updated = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    from_date = models.DateField(_("from"), null=True, blank=True)
    to_date = models.DateField(_("to"), null=True, blank=True)
    errors = models.JSONField(_("errors"), default=list, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "connection", "idempotency_key"], name="items_delivery_key_once"
            ),
        ]
        indexes = [models.Index(fields=["connection", "-at"], name="items_delivery_newest")]

    def __str__(self) -> str:
        return f"{self.connection} {timezone.localtime(self.at):%d.%m.%Y %H:%M}"


class ImportJob(models.Model):
    """A file of item sales on its way into the store: what it is, how it is read, how far it got."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="imports", verbose_name=_("connection")
    )
    department = models.ForeignKey(
        Department, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    job_name = models.CharField(_("name"), max_length=255, blank=True)
    file_name = models.CharField(_("file"), max_length=255)
    file_size_bytes = models.BigIntegerField(_("size"))
    file_type = models.CharField(_("type"), max_length=50)
    sha256 = models.CharField(max_length=64)
    status = models.CharField(_("state"), max_length=50, choices=JobStatus, default=JobStatus.PENDING)
    total_rows = models.IntegerField(_("rows"), null=True, blank=True)
    processed_rows = models.IntegerField(_("read"), default=0)
    successful_rows = models.IntegerField(_("stored"), default=0)
    failed_rows = models.IntegerField(_("refused"), default=0)
    error_log = models.JSONField(_("errors"), default=list, blank=True)
    column_mapping = models.JSONField(_("columns"), default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    completed_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "sales_import_jobs"
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.job_name or self.file_name


class ImportChunk(models.Model):
    """A piece of an import's file, or of the rows it refused: where every worker and every backup finds it."""

    class What(models.TextChoices):
        FILE = "file"
        PACKED = "packed"  # of the file as well, by zlib: a table takes a fifth of its room
        REFUSED = "refused"

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="chunks")
    what = models.CharField(max_length=8, choices=What)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "sales_import_chunks"
        ordering = ["job", "what", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "what", "number"], name="items_import_chunk_once")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.what} {self.number}"


class ImportLayout(models.Model):
    """How files with these columns were read before; `signature`: of the names of their columns."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    signature = models.CharField(max_length=64)
    layout = models.JSONField(default=dict)
    used_at = models.DateTimeField(auto_now=True)

    objects = OrganisationRows.as_manager()

    class Meta:
        db_table = "sales_import_layouts"
        constraints = [models.UniqueConstraint(fields=["organisation", "signature"], name="items_import_layout_once")]

    def __str__(self) -> str:
        return ", ".join(self.layout.get("columns", {}))
