"""A department's day: its figures and hours, how far they are to be believed and why, and everything that changed."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Case, F, Max, Q, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from accounts.formats import count, exact
from accounts.pages import signed_in
from departments.models import Department
from departments.scopes import sees_all
from departments.timing import local_date
from runs.choices import Trigger
from runs.models import Run
from runs.pages import asked_run, with_run
from runs.sentences import of_errors, sentence
from sales.badges import state_words
from sales.choices import TONES, DayState
from sales.hours import open_hours
from sales.models import ObservedDay, Restatement, SalesByHour, SalesSummary, SourceDay, Verdict
from sales.sync import BadRange, start_sync
from sales.verdicts import NothingToDecide, asked, believe, keep_all

Line = tuple[Restatement, str]
CHANGES_SHOWN = 10
ALSO: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "gross": (gettext_lazy("before discounts"), exact),
    "orders": (gettext_lazy("receipts"), count),
    "guests": (gettext_lazy("guests"), count),
}


def day_address(department: UUID, date: dt.date) -> str:
    return reverse("admin:sales_day", args=[department, date.isoformat()])


def asked_day(request: HttpRequest, department: UUID, date: str) -> tuple[Department, dt.date]:
    """What the address names. Raises Http404 for what is no date or not the reader's department."""
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        raise Http404 from None
    mine = Department.objects.visible_to(signed_in(request)).selling().select_related("organisation")
    return get_object_or_404(mine, pk=department), day


class DayView(UnfoldModelAdminViewMixin, TemplateView):
    title = gettext_lazy("A day's sales")
    permission_required = "sales.view_salessummary"
    template_name = "sales/day.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        one, date = asked_day(self.request, kwargs["department"], kwargs["date"])
        days = SalesSummary.objects.filter(department=one, date=date)
        day = days.with_settled().select_related("connection", "deleted_by").first()
        unit = SourceDay.objects.filter(connection=day.connection_id, date=date).first() if day else None
        today = local_date(one.zone_name)
        state = DayState(day.state) if day else DayState.MISSING
        doubts = doubts_of(day) if day else []
        verdicts = verdicts_of(one, date)
        if day is None and verdicts:
            meaning = [_("The source says that nothing was sold.")]
        else:
            meaning = [state_words(state) if day or date < today else _("This day is not over yet.")]
        may_load = self.request.user.has_perm("sales.load_sales") and date <= today
        may_read_log = self.request.user.has_perm("sales.view_restatement")
        return super().get_context_data(
            **kwargs,
            one=one,
            day_date=date,
            day=day,
            unit=unit,
            state=state if day or date < today else None,
            tone=TONES[state],
            words=[*(doubts or meaning), *verdicts, *self._said_by_run(unit, state)],
            runs=self._runs(day, unit),
            hours=hours_of(one, date),
            neighbours=[date - dt.timedelta(days=1), *([date + dt.timedelta(days=1)] if date < today else [])],
            changes=changes_of(one, date, self.request.GET.get("page", "1")) if may_read_log else None,
            may_load=may_load,
            may_believe=may_load and bool(doubts),
            may_keep=may_load and bool(day and doubts and all(question.known for question in asked([day]))),
            box=asked_run(self.request, "sync_sales"),
        )

    def _runs(self, day: SalesSummary | None, unit: SourceDay | None) -> dict[str, Run]:
        """{"changed", "loaded"}: the runs behind the figures, as far as the reader may see them."""
        asked = {"changed": day.changed_by_id if day else None, "loaded": unit.run_id if unit else None}
        if not self.request.user.has_perm("runs.view_run"):
            return {}
        seen = Run.objects.visible_to(self.request.user).in_bulk([pk for pk in asked.values() if pk])
        return {name: seen[pk] for name, pk in asked.items() if pk in seen}

    def _said_by_run(self, unit: SourceDay | None, state: DayState) -> list[str]:
        """Why the day is partial or missing: what its last load said, if the reader may see that run."""
        if unit is None or state not in (DayState.PARTIAL, DayState.MISSING):
            return []
        run = self._runs(None, unit).get("loaded")
        return of_errors(run.errors) if run else []


def doubts_of(day: SalesSummary) -> list[str]:
    """Why the day is suspicious, a sentence per source id, and what its figures are meanwhile."""
    if day.state != DayState.SUSPICIOUS:
        return []
    observed = ObservedDay.objects.filter(connection=day.connection_id, department=day.department_id, date=day.date)
    return doubt_sentences(observed.filter(state=DayState.SUSPICIOUS, doubt__isnull=False))


def doubt_sentences(observed: Iterable[ObservedDay]) -> list[str]:
    """Of suspicious observations of one day."""
    found = []
    for row in observed:
        doubt: dict[str, Any] = row.doubt or {}
        amounts = {name: exact(Decimal(doubt[name]) if doubt[name] else None) for name in ("revenue", "usual")}
        found.append(sentence(f"doubt_{doubt['code']}", amounts))
        if row.revenue is None:
            found.append(_("Nothing of this day was known before, so it has no figures until somebody decides."))
        elif doubt["revenue"] and Decimal(doubt["revenue"]) == row.revenue:
            found.append(_("Nothing of this day was known before, so the doubted figures are shown."))
        else:
            found.append(_("The figures that were known before are kept until somebody decides."))
    return list(dict.fromkeys(found))


def verdicts_of(department: Department, date: dt.date) -> list[str]:
    ids = department.sources.values("external_id")
    found = Verdict.objects.filter(organisation=department.organisation_id, date=date, external_id__in=ids)
    return [
        (
            _("%(person)s decided on %(date)s that what was known before is right, not what the source said.")
            if verdict.keeps
            else _("%(person)s decided on %(date)s that the source is right.")
        )
        % {"person": verdict.by or "—", "date": f"{localtime(verdict.at):%d.%m.%Y}"}
        for verdict in found.select_related("by")
    ]


def hours_of(department: Department, date: dt.date) -> list[dict[str, Any]]:
    """The hours of the day in the order in which they are lived; an hour without sales in between is shown empty."""
    rows = SalesByHour.objects.filter(department=department, date=date).values_list("hour", "sales_amount", "orders")
    known = {hour: (sold, orders) for hour, sold, orders in rows}
    most = max((abs(sold) for sold, _orders in known.values() if sold is not None), default=Decimal(0))
    return [
        {
            "hour": hour,
            "sold": sold,
            "orders": orders,
            "width": round(100 * max(sold or Decimal(0), Decimal(0)) / most) if most else 0,
        }
        for hour in open_hours([hour in known for hour in range(24)])
        for sold, orders in [known.get(hour, (None, None))]
    ]


@dataclass(frozen=True)
class Change:
    """All that one run changed of a day. `day` is empty where its figures stayed and only hours moved.

    Lines are (restatement, the other measures that changed, in words).
    """

    at: dt.datetime
    who: str
    day: list[Line]
    hours: list[Line]


def changes_of(department: Department, date: dt.date, page: str) -> Page[Any]:
    """A page of what was restated of a day, newest first; its object_list holds Changes."""
    restated = Restatement.objects.filter(department=department, date=date).select_related("by", "run__started_by")
    # Whatever no run did was done at one moment.
    apart = restated.order_by().annotate(moment=Case(When(run=None, then=F("changed_at"))))
    changes = apart.values("run_id", "moment").annotate(at=Max("changed_at")).order_by("-at", "-run_id")
    shown = Paginator(changes, CHANGES_SHOWN).get_page(page)
    found = [(change["run_id"], change["moment"], change["at"]) for change in shown.object_list]
    runs, moments = ({change[place] for change in found} - {None} for place in (0, 1))
    rows = list(restated.filter(Q(run__in=runs) | Q(run=None, changed_at__in=moments)))
    shown.object_list = [
        _change(at, [row for row in rows if row.run_id == run and moment in (None, row.changed_at)])
        for run, moment, at in found
    ]
    return shown


def _change(at: dt.datetime, rows: Sequence[Restatement]) -> Change:
    order = open_hours([any(row.hour == hour for row in rows) for hour in range(24)])
    return Change(
        at=at,
        who=rows[0].who or "—",
        day=[(row, _also(row)) for row in rows if row.hour is None],
        hours=sorted(
            ((row, _also(row)) for row in rows if row.hour is not None), key=lambda line: order.index(line[0].hour or 0)
        ),
    )


def _also(row: Restatement) -> str:
    """The other measures that changed: "receipts 60 → 61"."""
    pairs = [
        (label, shown, getattr(row, f"old_{name}"), getattr(row, f"new_{name}"))
        for name, (label, shown) in ALSO.items()
    ]
    return ", ".join(f"{label} {shown(old)} → {shown(new)}" for label, shown, old, new in pairs if old != new)


def _may_load(request: HttpRequest) -> None:
    if not request.user.has_perm("sales.load_sales"):
        raise PermissionDenied


@require_POST
def believe_source(request: HttpRequest, department: UUID, date: str) -> HttpResponse:
    """What the source says of a suspicious day is taken for true, and loaded."""
    _may_load(request)
    one, day_date = asked_day(request, department, date)
    day = get_object_or_404(SalesSummary.objects.select_related("connection"), department=one, date=day_date)
    try:
        run = believe(day, by=signed_in(request))
    except NothingToDecide:
        messages.warning(request, _("There is nothing to decide about this day any more."))
        return redirect(day_address(one.pk, day_date))
    return redirect(with_run(day_address(one.pk, day_date), run))


@require_POST
def keep_known(request: HttpRequest, department: UUID, date: str) -> HttpResponse:
    """What was known of a suspicious day before is taken for true."""
    _may_load(request)
    one, day_date = asked_day(request, department, date)
    day = get_object_or_404(SalesSummary.objects.select_related("connection"), department=one, date=day_date)
    try:
        keep_all([day], by=signed_in(request))
    except NothingToDecide:
        messages.warning(request, _("There is nothing to decide about this day any more."))
    else:
        messages.success(request, _("The figures stay as they are, and the day counts as complete."))
    return redirect(day_address(one.pk, day_date))


@require_POST
def load_day(request: HttpRequest, department: UUID, date: str) -> HttpResponse:
    """Ask the source for this day again: for the whole date, or for one's own branch only."""
    _may_load(request)
    one, day_date = asked_day(request, department, date)
    day = SalesSummary.objects.filter(department=one, date=day_date).select_related("connection").first()
    source = day.connection if day and sees_all(signed_in(request), one.organisation) else None
    try:
        run, _created = start_sync(
            organisation=one.organisation,
            from_date=day_date,
            to_date=day_date,
            connections=[source] if source else None,
            department=None if source else one,
            trigger=Trigger.PAGE,
            started_by=signed_in(request),
        )
    except BadRange as error:
        messages.error(request, sentence(error.code, error.params))
        return redirect(day_address(one.pk, day_date))
    return redirect(with_run(day_address(one.pk, day_date), run))
