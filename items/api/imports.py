"""Files of item sales over HTTP: upload, follow, read why rows were refused, stop, undo."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import DateParameter, Parameters, refuse
from accounts.api.files import FILES, AlwaysJson
from accounts.api.lists import Listing, ListParameters, page_of
from accounts.api.schema import ErrorAnswer
from accounts.api.views import ApiView, WorkView
from accounts.models import Organisation
from accounts.permissions import requires
from accounts.tables import Style, csv_response
from departments.api.lookup import department_or_404
from items.choices import JobStatus
from items.files.kind import CSV, XLSX
from items.files.layout import declared
from items.files.refusals import BadFile
from items.files.text import ENCODINGS
from items.files.values import DECIMALS, ORDERS
from items.imports.errors import ERROR_COLUMNS, error_rows
from items.imports.receive import CREATE, REFUSE, open_questions, receive, start_import
from items.imports.sentences import told
from items.imports.status import status_of
from items.imports.undo import start_undo
from items.models import ImportJob
from runs import ledger
from runs.api.starting import answer, responses
from runs.choices import Trigger
from runs.models import Run
from runs.sentences import sentence

MOST_MAPPING = 20_000


class Upload(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)
    tenant_id = serializers.UUIDField(required=False, help_text="The organisation; needless for who has one")
    department_id = serializers.UUIDField(required=False, help_text="Whose sales these are, of rows that name nobody")
    mapping = serializers.CharField(
        required=False,
        max_length=MOST_MAPPING,
        help_text='Columns as JSON: {"date": "Day", "product": "Article", "quantity": "Sold"}',
    )
    date_order = serializers.ChoiceField(ORDERS, required=False, help_text="Of dates that may be read in two ways")
    decimal = serializers.ChoiceField(DECIMALS, required=False, help_text="The sign before decimals")
    encoding = serializers.ChoiceField(
        ENCODINGS, required=False, help_text="Of a CSV; else it is told from the letters"
    )
    sheets = serializers.CharField(required=False, max_length=2000, help_text="Of a workbook: names, separated by |")
    returns = serializers.BooleanField(default=False, help_text="Negative quantities are returns")
    unknown_products = serializers.ChoiceField(
        [CREATE, REFUSE], required=False, help_text="Else: created by name, refused by code"
    )
    job_name = serializers.CharField(required=False, max_length=255)


class RowError(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="As a spreadsheet counts: the header is row 1")
    sheet = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class JobShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    job_name = serializers.CharField(allow_blank=True)
    file_name = serializers.CharField()
    file_size_bytes = serializers.IntegerField()
    file_type = serializers.CharField()
    total_rows = serializers.IntegerField(allow_null=True)
    processed_rows = serializers.IntegerField()
    successful_rows = serializers.IntegerField()
    failed_rows = serializers.IntegerField()
    status = serializers.ChoiceField(JobStatus.choices)
    error_log = RowError(many=True, help_text="The first 100; all of them: /errors")
    column_mapping = serializers.DictField(child=serializers.CharField())
    counts = serializers.DictField(child=serializers.IntegerField())
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    run = serializers.IntegerField(allow_null=True, help_text="/api/runs/{run}")


class JobParameters(ListParameters):
    status = serializers.ChoiceField(JobStatus.choices, required=False)
    from_date = DateParameter(required=False, help_text="Uploaded on this date or later")


class JobInPath(Parameters):
    id = serializers.UUIDField()


class StyleParameters(Parameters):
    style = serializers.ChoiceField(Style.choices, default=Style.EXCEL)  # type: ignore[assignment]


class NotNow(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_now"


PATH = [OpenApiParameter("id", OpenApiTypes.UUID, "path")]


def job_shown(job: ImportJob) -> dict[str, Any]:
    """`JobShown` of a job with `run` and `created_by` at hand."""
    return {
        "id": job.pk,
        "tenant_id": job.organisation_id,
        "job_name": job.job_name,
        "file_name": job.file_name,
        "file_size_bytes": job.file_size_bytes,
        "file_type": job.file_type,
        "total_rows": job.total_rows,
        "processed_rows": job.processed_rows,
        "successful_rows": job.successful_rows,
        "failed_rows": job.failed_rows,
        "status": status_of(job),
        "error_log": [_error(error) for error in job.error_log],
        "column_mapping": job.column_mapping,
        "counts": job.options.get("counts", {}),
        "started_at": job.started_at,
        "completed_at": job.completed_at,
        "undone_at": job.undone_at,
        "created_by": job.created_by.get_username() if job.created_by else None,
        "created_at": job.created_at,
        "run": job.run_id,
    }


def _error(error: dict[str, Any]) -> dict[str, Any]:
    if "row" not in error:  # of the file as a whole
        said = sentence(error["code"], error.get("params"))
        return {"row": 0, "sheet": "", "field": "", "code": error["code"], "detail": said}
    return {name: error[name] for name in ("row", "sheet", "field", "code")} | {"detail": told(error)}


def visible_jobs(request: Request) -> Any:
    return ImportJob.objects.visible_to(request.user).select_related("run", "created_by")


def visible_job(request: Request, pk: str) -> ImportJob:
    number = JobInPath.check({"id": pk})["id"]
    if (job := visible_jobs(request).filter(pk=number).first()) is None:
        raise NotFound
    return job  # type: ignore[no-any-return]


ATTRS = {
    "import_unsure_order": "date_order",
    "import_unsure_decimal": "decimal",
    "import_fields_missing": "mapping",
    "import_which_department": "department_id",
    "import_bad_mapping": "mapping",
    "import_unknown_field": "mapping",
    "import_columns_missing": "mapping",
    "import_unknown_sheet": "sheets",
}


def refused(*errors: BadFile) -> ValidationError:
    found: dict[str, list[ErrorDetail]] = {}
    for error in errors:
        attr = ATTRS.get(error.code, "file")
        found.setdefault(attr, []).append(ErrorDetail(sentence(error.code, error.params), error.code))
    return ValidationError(found)


class ImportFile(WorkView):
    """Takes a file of `kind` over."""

    permission_classes = [requires("items.import_sales", "items.import_sales")]
    parser_classes = [MultiPartParser]
    kind = CSV

    def _start(self, request: Request) -> Response:
        asked = Upload(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        organisation = self._tenant(data.get("tenant_id"))
        department = department_or_404(request, data["department_id"]) if "department_id" in data else None
        if department and department.organisation_id != organisation.pk:
            raise NotFound
        try:
            job, look = receive(
                data["file"].file,
                name=data["file"].name or "",
                organisation=organisation,
                user=self.person(),
                department=department,
                wish=declared(_wish(data)),
                products=data.get("unknown_products", ""),
                kind=self.kind,
                job_name=data.get("job_name", ""),
            )
        except BadFile as error:
            raise refused(error) from None
        if questions := open_questions(job, look):
            job.delete()
            raise refused(*questions)
        run = start_import(job, user=self.person(), trigger=Trigger.API)
        response = answer(request, run, lambda _run: job_shown(visible_jobs(request).get(pk=job.pk)))
        if response.status_code == status.HTTP_502_BAD_GATEWAY:
            return self._nothing_taken(request, job, response)
        if response.status_code == status.HTTP_202_ACCEPTED:
            response.data["job_id"] = job.pk
        return response

    def _nothing_taken(self, request: Request, job: ImportJob, response: Response) -> Response:
        """A file of which no row is a sale is a mistake of whoever sent it."""
        run = Run.objects.get(pk=response.data["run"])
        if any(error["code"] == "bug" or error.get("transient") for error in run.errors):
            return response
        job = visible_jobs(request).get(pk=job.pk)
        errors = [
            {"code": error["code"], "detail": _in_row(error), "attr": "file"}
            for error in map(_error, job.error_log[:20])
        ]
        body = {
            "type": "validation_error",
            "errors": errors or response.data["errors"],
            "run": run.pk,
            "job_id": job.pk,
        }
        return Response(body, status.HTTP_400_BAD_REQUEST)

    def _tenant(self, pk: UUID | None) -> Organisation:
        own = self.organisation()
        if pk is None or pk == own.pk:
            return own
        other = None if self.request.auth else Organisation.objects.visible_to(self.request.user).filter(pk=pk).first()
        if other is None:
            raise PermissionDenied(_("You do not belong to this organisation."))
        return other


def _in_row(error: dict[str, Any]) -> str:
    return (
        _("Row %(row)s: %(why)s") % {"row": error["row"], "why": error["detail"]} if error["row"] else error["detail"]
    )


def _wish(data: dict[str, Any]) -> dict[str, Any]:
    """What the form declares, as `items.files.layout.declared` reads it."""
    wish: dict[str, Any] = {"columns": {}}
    if data.get("mapping"):
        try:
            mapping = json.loads(data["mapping"])
        except ValueError:
            raise refuse("mapping", "invalid", _("Write the mapping as JSON.")) from None
        if not isinstance(mapping, dict):
            raise BadFile("import_bad_mapping", what="mapping")
        wish = mapping if "columns" in mapping else {"columns": mapping}
    for name, field in (("order", "date_order"), ("decimal", "decimal"), ("encoding", "encoding")):
        if field in data:
            wish[name] = data[field]
    if data.get("sheets"):
        wish["sheets"] = [name.strip() for name in data["sheets"].split("|")]
    if data["returns"]:
        wish["returns"] = True
    return wish


class ImportCsv(ImportFile):
    @extend_schema(
        operation_id="sales_import_csv", request={"multipart/form-data": Upload}, responses=responses(JobShown)
    )
    def post(self, request: Request) -> Response:
        """Import a CSV of sales: `date,product,quantity,price`, or columns of other names in any order."""
        return self._start(request)


class ImportExcel(ImportFile):
    kind = XLSX

    @extend_schema(
        operation_id="sales_import_excel", request={"multipart/form-data": Upload}, responses=responses(JobShown)
    )
    def post(self, request: Request) -> Response:
        """Import an Excel workbook of sales: every visible sheet that has the columns of the first, or those named."""
        return self._start(request)


class Jobs(ApiView):
    permission_classes = [requires("items.view_importjob")]
    listing = Listing(orderings=("created_at", "id"), default="-created_at", limit=100, shape=job_shown)

    @extend_schema(
        operation_id="sales_import_jobs_list", parameters=[JobParameters], responses=page_of("ImportJob", JobShown)
    )
    def get(self, request: Request) -> Response:
        """Files that were imported, newest first."""
        parameters = JobParameters.read(request)
        rows = visible_jobs(request)
        if "status" in parameters:
            rows = rows.filter(status=parameters["status"])
        if "from_date" in parameters:
            rows = rows.filter(created_at__date__gte=parameters["from_date"])
        return self.listing.answer(request, rows, parameters)


class OneJob(ApiView):
    permission_classes = [requires("items.view_importjob")]

    @extend_schema(operation_id="sales_import_jobs_read", parameters=PATH, responses=JobShown)
    def get(self, request: Request, pk: str) -> Response:
        """An import with its progress, counts and first errors."""
        return Response(job_shown(visible_job(request, pk)))


class JobErrors(ApiView):
    permission_classes = [requires("items.view_importjob")]
    content_negotiation_class = AlwaysJson

    @extend_schema(operation_id="sales_import_jobs_errors", parameters=[*PATH, StyleParameters], responses=FILES["csv"])
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """Every refused row with its reason, as a CSV."""
        job, style = visible_job(request, pk), StyleParameters.read(request)["style"]
        return csv_response("errors", [str(name) for name in ERROR_COLUMNS], _cells(job), style)


def _cells(job: ImportJob) -> Iterator[list[Any]]:
    yield from error_rows(job)


class CancelJob(ApiView):
    permission_classes = [requires("items.import_sales", "items.import_sales")]

    @extend_schema(
        operation_id="sales_import_jobs_cancel",
        parameters=PATH,
        request=None,
        responses={200: JobShown, 409: ErrorAnswer},
    )
    def post(self, request: Request, pk: str) -> Response:
        """Stop an import: your own, or anybody's with the right to cancel runs. What was stored stays until undone."""
        job = visible_job(request, pk)
        if job.created_by_id != request.user.pk and not request.user.has_perm("runs.cancel_run"):
            raise PermissionDenied
        if job.run is None or job.run.finished:
            raise NotNow(_("This import has finished already."), "already_finished")
        ledger.cancel(job.run)
        return Response(job_shown(visible_job(request, pk)))


class UndoJob(WorkView):
    permission_classes = [requires("items.import_sales", "items.import_sales")]

    @extend_schema(operation_id="sales_import_jobs_undo", parameters=PATH, request=None, responses=responses(JobShown))
    def post(self, request: Request, pk: str) -> Response:
        """Take everything back that an import stored, as if it had never been."""
        job = visible_job(request, pk)
        try:
            run = start_undo(job, user=self.person(), trigger=Trigger.API)
        except BadFile as error:
            raise NotNow(sentence(error.code, error.params), error.code) from None
        return answer(request, run, lambda _run: job_shown(visible_job(request, pk)))
