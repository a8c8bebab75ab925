"""A run on a page: where it was started it shows its progress, and a reload finds it again by `?run=`."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from runs import clock, ledger, registry
from runs.choices import TONES, State
from runs.heartbeat import SILENT_ROUNDS, silent
from runs.models import Run
from runs.sentences import of_errors, sentence

# What handlers count, in the order of interest. A count that is not named here stays in the ledger.
COUNTS = {
    "days": _("days"),
    "summary_records": _("daily records"),
    "hourly_records": _("hourly records"),
    "total_raw_records": _("rows of the source"),
    "changed_rows": _("changed rows"),
    "found": _("found"),
    "created": _("new"),
    "changed": _("changed"),
    "deactivated": _("deactivated"),
    "receipts": _("receipts"),
    "lines": _("lines"),
    "rows": _("rows of the file"),
    "refused": _("rows refused"),
    "inserted": _("rows added"),
    "updated": _("rows corrected"),
    "deleted": _("rows deleted"),
    "removed": _("rows removed"),
    "restored": _("rows restored"),
    "unchanged": _("unchanged"),
    "products": _("new products"),
    "orphans": _("without a parent"),
    "objects": _("objects of 1C"),
    "version": _("model version"),
    "forecasts": _("forecasts"),
    "differences": _("differences"),
    "kept": _("kept as suspicious"),
    "repaired": _("repaired"),
}
BOX = "runs/run_box.html"
SHOWN_AFTERWARDS = dt.timedelta(minutes=15)


def may_cancel(request: HttpRequest, run: Run) -> bool:
    """One's own run, or anybody's with the right to."""
    return run.started_by_id == request.user.pk or request.user.has_perm("runs.cancel_run")


def box_of(request: HttpRequest, run: Run) -> dict[str, Any]:
    """The context of the box of a run. A run that waits for others is as far as they are."""
    children = list(run.children.order_by("id"))
    return {
        "run": run,
        "title": registry.title(run.kind),
        "told": registry.told(run, request.user),
        "tone": TONES[State(run.state)],
        "percent": round(100 * share_done(run, children)),
        "message": message_of(run),
        "waits": why_waiting(run),
        "counts": counts_of(run),
        "errors": list(dict.fromkeys(of_errors(run.errors))),
        "parts": [
            {
                "state": child.get_state_display(),
                "tone": TONES[State(child.state)],
                "text": message_of(child) or registry.title(child.kind),
            }
            for child in children
        ],
        "may_cancel": not run.finished and may_cancel(request, run),
    }


def share_done(run: Run, children: list[Run]) -> float:
    if run.finished or not children:
        return run.progress
    return sum(1.0 if child.finished else child.progress for child in children) / len(children)


def message_of(run: Run) -> str:
    if run.finished or not run.message_code:
        return ""
    return sentence(run.message_code, run.message_params)


def why_waiting(run: Run) -> str:
    """Of a run that nobody works on yet: that there is nobody, or what they are at. Else empty."""
    if run.state != State.QUEUED:
        return ""
    if silent("keeper", SILENT_ROUNDS * settings.RUN_SWEEP_SECONDS):
        return gettext("None is alive: start one, and this begins by itself.")
    working = Run.objects.filter(organisation=run.organisation_id, state=State.RUNNING, waiting=False)
    other = working.exclude(parent=run).order_by("id").first()
    return gettext("Under way now: %(what)s.") % {"what": registry.title(other.kind)} if other else ""


def counts_of(run: Run) -> list[tuple[str, int]]:
    """[(label, number)] of the counts people care about."""
    return [(str(label), run.counts[name]) for name, label in COUNTS.items() if isinstance(run.counts.get(name), int)]


def asked_run(request: HttpRequest, *kinds: str) -> dict[str, Any] | None:
    """The box of the run named in the address, if it is one of these kinds and the user may see it."""
    number = request.GET.get("run", "")
    if not number.isdecimal() or len(number) > 18 or not request.user.has_perm("runs.view_run"):
        return None
    run = Run.objects.visible_to(request.user).filter(pk=number, kind__in=kinds).first()
    return box_of(request, run) if run else None


def latest_box(request: HttpRequest, *kinds: str, unit: str | None = None) -> dict[str, Any] | None:
    """The box of the newest run of these kinds (and of this unit), while it works and for a while after."""
    if not request.user.has_perm("runs.view_run"):
        return None
    runs = Run.objects.visible_to(request.user).filter(kind__in=kinds)
    if unit is not None:
        runs = runs.filter(unit=unit)
    run = runs.order_by("-id").first()
    if run is None or (run.finished_at and run.finished_at < clock.now() - SHOWN_AFTERWARDS):
        return None
    return box_of(request, run)


def latest_boxes(request: HttpRequest, kind: str, most: int = 5) -> list[dict[str, Any]]:
    """The newest run of each unit of this kind, as `latest_box` shows one."""
    if not request.user.has_perm("runs.view_run"):
        return []
    since = clock.now() - SHOWN_AFTERWARDS
    runs = (
        Run.objects.visible_to(request.user).filter(kind=kind).filter(Q(finished_at=None) | Q(finished_at__gte=since))
    )
    newest = {run.unit: run for run in runs.order_by("id")}
    return [box_of(request, run) for run in list(newest.values())[-most:]]


def newest_runs(request: HttpRequest, *kinds: str, most: int = 10) -> list[dict[str, Any]]:
    """What was started lately of these kinds, with how it ended."""
    runs = Run.objects.visible_to(request.user).roots().filter(kind__in=kinds).select_related("started_by")
    return [box_of(request, run) for run in runs.prefetch_related(Prefetch("children"))[:most]]


def box(request: HttpRequest, pk: int) -> HttpResponse:
    """The box alone, for a page that shows it already."""
    if not request.user.has_perm("runs.view_run"):
        raise PermissionDenied
    run = get_object_or_404(Run.objects.visible_to(request.user), pk=pk)
    response = render(request, BOX, {"box": box_of(request, run)})
    if run.finished:
        response["HX-Trigger-After-Swap"] = "run-finished"
    return response


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Run.objects.visible_to(request.user), pk=pk)
    if not may_cancel(request, run):
        raise PermissionDenied
    ledger.cancel(run)
    return box(request, pk) if "HX-Request" in request.headers else redirect("admin:runs_run_change", pk)


def with_run(url: str, run: Run) -> str:
    """The address of a page that shows the run."""
    return f"{url}?run={run.pk}"
