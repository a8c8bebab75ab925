from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from accounts.pages import DateRangeFilter, HouseAdmin, ReadOnly
from runs import ledger, pages, registry
from runs.choices import TONES
from runs.models import Run
from runs.sentences import of_errors

BREAK = SafeString("<br>")


class KindFilter(DropdownFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kinds = Run.objects.visible_to(request.user).order_by().values_list("kind", flat=True).distinct()
        return sorted(((kind, registry.title(kind)) for kind in kinds), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class PartFilter(DropdownFilter):
    """Whoever looks wants to see what was started, not each of its parts."""

    title = _("parts")
    parameter_name = "parts"
    all_option = ["", _("without the parts of runs")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("shown", _("with the parts of runs"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        return queryset if self.value() else queryset.roots()  # type: ignore[attr-defined]


@admin.register(Run)
class RunAdmin(ReadOnly, HouseAdmin):
    list_display = ["title", "dates", "shown_state", "progress_shown", "who", "created_at", "finished_at"]
    list_filter = [
        KindFilter,
        ("state", ChoicesDropdownFilter),
        ("trigger", ChoicesDropdownFilter),
        ("created_at", DateRangeFilter),
        PartFilter,
    ]
    list_select_related = ["started_by"]
    ordering = ["-id"]
    show_full_result_count = False
    actions = ["cancel_runs"]
    change_form_outer_before_template = "runs/run_before.html"
    fields = ["title", "dates", "who", "created_at", "started_at", "finished_at", "attempts", "part_of", "parts"]
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/box/", wrap(pages.box), name="runs_run_box"),
            path("<int:pk>/cancel/", wrap(pages.cancel), name="runs_run_cancel"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        run = self.get_object(request, object_id)
        context = {"box": pages.box_of(request, run)} if run and self.has_view_permission(request, run) else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description=_("work"), ordering="kind")
    def title(self, run: Run) -> str:
        return registry.title(run.kind)

    @display(description=_("dates"), ordering="from_date")
    def dates(self, run: Run) -> str:
        if run.from_date is None:
            return f"{run.night:%d.%m.%Y}" if run.night else ""
        last = f" – {run.to_date:%d.%m.%Y}" if run.to_date and run.to_date != run.from_date else ""
        return f"{run.from_date:%d.%m.%Y}{last}"

    @display(description=_("state"), ordering="state", label=TONES)
    def shown_state(self, run: Run) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description=_("progress"))
    def progress_shown(self, run: Run) -> str:
        return "" if run.finished else f"{round(run.progress * 100)} %"

    @display(description=_("started by"))
    def who(self, run: Run) -> str:
        return str(run.started_by or run.get_trigger_display())

    @display(description=_("part of"))
    def part_of(self, run: Run) -> str:
        return registry.title(run.parent.kind) if run.parent else ""

    @display(description=_("parts"))
    def parts(self, run: Run) -> str:
        lines = [
            (registry.title(child.kind), child.get_state_display(), "; ".join(of_errors(child.errors)))
            for child in run.children.order_by("id")
        ]
        return format_html_join(BREAK, "{}: {}. {}", lines)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("runs.cancel_run")

    @admin.action(description=_("Cancel"), permissions=["cancel"])
    def cancel_runs(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        chosen = list(runs.unfinished())  # type: ignore[attr-defined]
        for run in chosen:
            ledger.cancel(run)
        said = ngettext("%(n)s run was asked to stop.", "%(n)s runs were asked to stop.", len(chosen))
        self.message_user(request, said % {"n": len(chosen)}, messages.SUCCESS)
