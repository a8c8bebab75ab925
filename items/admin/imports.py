"""Files of item sales on pages: upload, say what the columns are, watch, look at what was refused, take back."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.generic import FormView, TemplateView
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import SELECT_CLASSES, UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from accounts.formats import count
from accounts.pages import DateRangeFilter, HouseAdmin, ReadOnly, page_organisation, signed_in
from accounts.tables import Style, csv_response
from departments.models import Department
from items.choices import JobStatus
from items.files.columns import FIELDS as FIELD_NAMES
from items.files.columns import plain
from items.files.layout import Layout
from items.files.refusals import BadFile
from items.files.text import ENCODINGS
from items.files.unbook import TYPED
from items.imports.errors import ERROR_COLUMNS, error_rows
from items.imports.preview import examine
from items.imports.receive import CREATE, REFUSE, declare, layout_of, open_questions, receive, start_import
from items.imports.sentences import FIELDS, told
from items.imports.status import status_of
from items.imports.undo import start_undo
from items.models import ImportJob
from runs.pages import box_of
from runs.sentences import sentence

TONES = {
    JobStatus.PENDING: "info",
    JobStatus.PROCESSING: "info",
    JobStatus.COMPLETED: "success",
    JobStatus.FAILED: "danger",
}
SHOWN_VALUES = 3
ORDER_WORDS = [
    ("dmy", _("31.12.2025: day first")),
    ("mdy", _("12/31/2025: month first")),
    ("ymd", _("2025-12-31: year first")),
]
DECIMAL_WORDS = [(",", _("1 234,50: a comma")), (".", _("1,234.50: a point"))]
PRODUCT_WORDS = [(CREATE, _("create them")), (REFUSE, _("refuse their rows"))]


def visible_job(request: HttpRequest, pk: UUID) -> ImportJob:
    jobs = ImportJob.objects.visible_to(signed_in(request)).select_related(
        "run", "created_by", "department", "connection"
    )
    job: ImportJob = get_object_or_404(jobs.select_related("organisation"), pk=pk)
    return job


def job_address(job: ImportJob) -> str:
    return reverse("admin:items_import_job", args=[job.pk])


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnly, HouseAdmin):
    list_display = ["file_link", "created_at", "who", "state_shown", "rows_shown", "stored_shown", "refused_shown"]
    list_display_links = None
    list_filter = [("status", ChoicesDropdownFilter), ("created_at", DateRangeFilter)]
    search_fields = ["file_name", "job_name"]
    list_select_related = ["run", "created_by"]
    show_full_result_count = False
    actions = None
    ordering = ["-created_at"]
    list_before_template = "items/imports_before.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(UploadPage.as_view(model_admin=self)), name="items_import"),
            path("<uuid:pk>/", wrap(JobPage.as_view(model_admin=self)), name="items_import_job"),
            path("<uuid:pk>/errors.csv", wrap(errors_csv), name="items_import_errors"),
            path("<uuid:pk>/undo/", wrap(require_POST(undo)), name="items_import_undo"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        may = {"may_import": request.user.has_perm("items.import_sales")}
        return super().changelist_view(request, {**(extra_context or {}), **may})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        if not self.has_view_permission(request) or (job := self.get_object(request, object_id)) is None:
            raise PermissionDenied
        return redirect(job_address(job))

    @display(description=_("file"), ordering="file_name")
    def file_link(self, job: ImportJob) -> str:
        return format_html('<a class="sf-link" href="{}">{}</a>', job_address(job), str(job))

    @display(description=_("who"), ordering="created_by")
    def who(self, job: ImportJob) -> str:
        return str(job.created_by or "")

    @display(description=_("state"), ordering="status", label=TONES)
    def state_shown(self, job: ImportJob) -> tuple[str, str]:
        status = status_of(job)
        return status, str(_("undone") if job.undone_at else status.label)

    @display(description=_("rows"), ordering="total_rows")
    def rows_shown(self, job: ImportJob) -> str:
        return count(job.total_rows)

    @display(description=_("stored"), ordering="successful_rows")
    def stored_shown(self, job: ImportJob) -> str:
        return count(job.successful_rows)

    @display(description=_("rows refused"), ordering="failed_rows")
    def refused_shown(self, job: ImportJob) -> str:
        return count(job.failed_rows)


def select(**kwargs: Any) -> UnfoldAdminSelectWidget:
    return UnfoldAdminSelectWidget({"class": " ".join(SELECT_CLASSES), **kwargs})


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(),
        help_text=_("CSV or Excel (.xlsx). Next you see what was understood; nothing is stored before you say so."),
        allow_empty_file=True,
    )
    department = forms.ModelChoiceField(
        label=_("Department"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=_("The file names them"),
        widget=select(),
        help_text=_("Of rows that name none"),
    )


class UploadPage(UnfoldModelAdminViewMixin, FormView):
    title = _("Import item sales")
    permission_required = "items.import_sales"
    template_name = "items/import.html"
    form_class = UploadForm
    request: HttpRequest

    def get_form(self, form_class: Any = None) -> UploadForm:
        form: UploadForm = super().get_form(form_class)
        form.fields["department"].queryset = _departments(self.request)  # type: ignore[attr-defined]
        return form

    def form_valid(self, form: UploadForm) -> HttpResponse:
        file = form.cleaned_data["file"]
        try:
            job, _look = receive(
                file.file,
                name=file.name,
                organisation=page_organisation(self.request),
                user=signed_in(self.request),
                department=form.cleaned_data["department"],
            )
        except BadFile as error:
            form.add_error("file", sentence(error.code, error.params))
            return self.form_invalid(form)
        return HttpResponseRedirect(job_address(job))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, fields=[str(title) for title in FIELDS.values()])


def _departments(request: HttpRequest) -> QuerySet[Department]:
    rows = Department.objects.selling().filter(organisation=page_organisation(request))
    return rows.visible_to(signed_in(request)).order_by("name")


class LayoutForm(forms.Form):
    """How the file is read. The columns are fields of their own: `column_0` and so on, in the order of the file."""

    order = forms.ChoiceField(label=_("Dates"), choices=ORDER_WORDS, widget=select())
    decimal = forms.ChoiceField(label=_("Decimals"), choices=DECIMAL_WORDS, widget=select())
    encoding = forms.ChoiceField(label=_("Encoding"), choices=[(name, name) for name in ENCODINGS], widget=select())
    department = forms.ModelChoiceField(
        label=_("Department"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=_("The file names them"),
        widget=select(),
        help_text=_("Of rows that name none"),
    )
    products = forms.ChoiceField(label=_("Unknown products"), choices=PRODUCT_WORDS, widget=select())
    returns = forms.BooleanField(label=_("Negative quantities are returns"), required=False)
    sheets = forms.MultipleChoiceField(
        label=_("Sheets"), required=False, widget=forms.CheckboxSelectMultiple(), choices=()
    )


class JobPage(UnfoldModelAdminViewMixin, TemplateView):
    """A pending import asks how it is to be read; one that was started shows how it goes and what came of it."""

    title = _("Import of item sales")
    permission_required = "items.view_importjob"
    template_name = "items/import_job.html"
    request: HttpRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        job = visible_job(request, kwargs["pk"])
        context = self._result(job) if job.run else self._question(job, layout_of(job))
        return self.render_to_response(self.get_context_data(job=job, **context))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm("items.import_sales"):
            raise PermissionDenied
        job = visible_job(request, kwargs["pk"])
        if job.run:
            return HttpResponseRedirect(job_address(job))
        wish, wrong = self._declared(job)
        context = self._question(job, wish)
        look = context["look"]
        if "start" in request.POST and look:
            wrong += open_questions(job, look)
            if not wrong:
                declare(job, look.layout, products=context["products"])
                start_import(job, user=signed_in(request))
                return HttpResponseRedirect(job_address(job))
        context["wrong"] = [*context.get("wrong", ()), *(sentence(error.code, error.params) for error in wrong)]
        return self.render_to_response(self.get_context_data(job=job, **context))

    def _declared(self, job: ImportJob) -> tuple[Layout, list[BadFile]]:
        """What the form says, and what is wrong with it. Sets the department and products of the job, too."""
        data = self.request.POST
        form = self._form(job, layout_of(job), data=data)
        if not form.is_valid():
            return layout_of(job), [BadFile("import_bad_mapping", what=", ".join(form.errors))]
        columns: dict[str, str] = {}
        wrong = []
        for number, title in enumerate(data.getlist("title")):
            field = data.get(f"column_{number}", "")
            if field in columns:
                wrong.append(BadFile("import_field_twice", field=str(FIELDS[field])))
            elif field in FIELD_NAMES:
                columns[field] = title
        values = form.cleaned_data
        job.department = values["department"]
        job.options = {**job.options, "products": values["products"]}
        layout = Layout(
            columns,
            order=values["order"],
            decimal=values["decimal"],
            returns=values["returns"],
            encoding=values.get("encoding", ""),
            sheets=tuple(values.get("sheets", ())),
        )
        return layout, wrong

    def _form(self, job: ImportJob, layout: Layout, data: Any = None, book: Any = None) -> LayoutForm:
        products = job.options.get("products") or (REFUSE if "product_code" in layout.columns else CREATE)
        initial = {
            "order": layout.order,
            "decimal": layout.decimal,
            "encoding": layout.encoding or "utf-8",
            "department": job.department,
            "products": products,
            "returns": layout.returns,
            "sheets": list(layout.sheets),
        }
        form = LayoutForm(data, initial=initial)
        form.fields["department"].queryset = _departments(self.request)  # type: ignore[attr-defined]
        names = [sheet.name for sheet in book.sheets] if book else (data.getlist("sheets") if data is not None else [])
        hidden = {sheet.name for sheet in book.sheets if sheet.hidden} if book else set()
        form.fields["sheets"].choices = [  # type: ignore[attr-defined]
            (name, f"{name} ({_('hidden')})" if name in hidden else name) for name in names
        ]
        if job.file_type == "csv":
            del form.fields["sheets"]
        else:
            del form.fields["encoding"]
        return form

    def _question(self, job: ImportJob, wish: Layout) -> dict[str, Any]:
        chosen = job.options.get("products", "")
        make = chosen == CREATE if chosen else None
        try:
            look, preview = examine(job, wish, user=signed_in(self.request), make=make)
        except BadFile as error:
            return {"look": None, "wrong": [sentence(error.code, error.params)], "products": chosen}
        form = self._form(job, look.layout, book=look.book)
        return {
            "look": look,
            "form": form,
            "columns": _columns(look.layout, look.names, look.rows),
            "choices": [(name, str(FIELDS[name])) for name in FIELD_NAMES],
            "preview": preview,
            "problems": [(refusal.row, told(refusal)) for refusal in preview.refusals] if preview else [],
            "unsure": job.options.get("unsure", []) if self.request.method == "GET" else [],
            "missing": [str(FIELDS[name]) for name in look.missing],
            "products": chosen or form.initial["products"],
            "may_import": self.request.user.has_perm("items.import_sales"),
        }

    def _result(self, job: ImportJob) -> dict[str, Any]:
        assert job.run
        undoing = type(job.run).objects.filter(kind="undo_import", unit=str(job.pk)).order_by("-id").first()
        problems = [(error.get("sheet", ""), error["row"], told(error)) for error in job.error_log if "row" in error]
        return {
            "box": box_of(self.request, undoing or job.run),
            "status": status_of(job),
            "tone": TONES[status_of(job)],
            "refused": problems,
            "more_refused": job.failed_rows - len(problems),
            "may_undo": self.request.user.has_perm("items.import_sales") and job.run.finished and not job.undone_at,
        }


def _columns(layout: Layout, titles: list[str], rows: list[list[str]]) -> list[dict[str, Any]]:
    """Each column of the file: its title, its first values, the field it holds."""
    field_of = {plain(title): name for name, title in layout.columns.items()}
    found = []
    for number, title in enumerate(titles):
        values = [row[number].removeprefix(TYPED) for row in rows if number < len(row) and row[number]]
        found.append(
            {
                "number": number,
                "title": title,
                "values": list(dict.fromkeys(values))[:SHOWN_VALUES],
                "field": field_of.get(plain(title), ""),
            }
        )
    return found


def errors_csv(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Every refused row with its reason, as Excel opens it."""
    if not request.user.has_perm("items.view_importjob"):
        raise PermissionDenied
    job = visible_job(request, pk)
    return csv_response("errors", [str(name) for name in ERROR_COLUMNS], error_rows(job), Style.EXCEL)


def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    if not request.user.has_perm("items.import_sales"):
        raise PermissionDenied
    job = visible_job(request, pk)
    try:
        start_undo(job, user=signed_in(request))
    except BadFile as error:
        messages.error(request, sentence(error.code, error.params))
    return redirect(job_address(job))
