"""Deciding about many suspicious days at once: first what would come of it, then a yes."""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.pages import signed_in
from runs.models import Run
from runs.pages import with_run
from sales.models import SalesSummary
from sales.verdicts import MOST_AT_ONCE, NothingToDecide, Question, asked, believe_all, keep_all


def decide(request: HttpRequest, days: QuerySet[SalesSummary], *, keep: bool) -> HttpResponse | None:
    """An action of the list of days: the page that asks, or with `confirm` the decision itself."""
    rows = days.order_by("date", "department__name").select_related("connection", "department__organisation")
    chosen = list(rows[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        messages.error(request, _("Decide about at most %(most)s days at once.") % {"most": MOST_AT_ONCE})
        return None
    if "confirm" in request.POST:
        return _decide(request, chosen, keep=keep)
    questions = [question for question in asked(chosen) if question.known or not keep]
    if not questions:
        messages.warning(request, _nothing(keep))
        return None
    context = {
        **admin.site.each_context(request),
        "title": _("Keep what was known") if keep else _("Believe the source"),
        "keep": keep,
        "lines": [{"question": question, "after": after(question, keep=keep)} for question in questions],
        "left_out": len(chosen) - len(questions),
        "changes": sum((change_of(question, keep=keep) for question in questions), Decimal(0)),
        "action": request.POST["action"],
    }
    return TemplateResponse(request, "sales/decide.html", context)


def after(question: Question, *, keep: bool) -> Decimal | None:
    """What will be shown of the day; None: nothing was sold."""
    return question.day.total_sales if keep else question.said


def change_of(question: Question, *, keep: bool) -> Decimal:
    return (after(question, keep=keep) or Decimal(0)) - (question.day.total_sales or Decimal(0))


def _decide(request: HttpRequest, chosen: list[SalesSummary], *, keep: bool) -> HttpResponse:
    here, runs = request.get_full_path(), list[Run]()
    try:
        if keep:
            decided = keep_all(chosen, by=signed_in(request))
        else:
            decided, runs = believe_all(chosen, by=signed_in(request))
    except NothingToDecide:
        messages.warning(request, _nothing(keep))
        return redirect(here)
    said: Any = (
        ngettext("%(n)s day keeps what was known.", "%(n)s days keep what was known.", len(decided))
        if keep
        else ngettext(
            "The source is believed for %(n)s day, which is being loaded.",
            "The source is believed for %(n)s days, which are being loaded.",
            len(decided),
        )
    )
    messages.success(request, said % {"n": len(decided)})
    return redirect(with_run(reverse("admin:sales_load"), runs[0]) if runs else here)


def _nothing(keep: bool) -> str:
    if keep:
        return _("None of these days is suspicious with figures that were known before.")
    return _("None of these days is suspicious.")
