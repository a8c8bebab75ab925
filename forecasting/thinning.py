"""Old issues are thinned, so that forecasts do not grow with every night for ever.

The newest issues stay whole. Of older ones, once a date is in the accuracy log, those forecasts of it go that are not
what was promised 1, 7 or 28 days before; the log keeps the promise of every number of days. It has none of more than 28:
of what was promised more than 35 days before, only 56 and 84 are kept, whether or not the date has come.
"""

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Organisation
from departments.timing import organisation_today
from forecasting.choices import PLANS_KEPT, PROMISES_KEPT, WHOLE_ISSUES
from forecasting.models import Accuracy, Forecast, ForecastIssue

MOST_ISSUES = 100  # at a time: the first nights after years without thinning catch up step by step
LONG_AGO = dt.date(1900, 1, 1)
AT_ONCE = 5000

Progress = Callable[[int, int], None]


def whole_issues(organisation: Organisation) -> list[int]:
    """Primary keys of the issues that are kept whole: the newest."""
    issues = ForecastIssue.objects.filter(organisation=organisation).order_by("-made_at", "-pk")
    return list(issues.values_list("pk", flat=True)[:WHOLE_ISSUES])


def thin(
    organisation: Organisation, *, progress: Progress | None = None, before_commit: Callable[[], None] | None = None
) -> int:
    """Thin up to MOST_ISSUES issues, each in a transaction of its own; returns how many forecasts went.

    Oldest first: whether a forecast is what was promised h days before is told by the next newer one of its date.
    """
    through = measured_through(organisation)
    mine = Forecast.objects.filter(issue=OuterRef("pk"))
    due = mine.filter(date__gt=Coalesce(OuterRef("thinned_to"), LONG_AGO), date__lte=through)
    old = ForecastIssue.objects.filter(organisation=organisation).exclude(pk__in=whole_issues(organisation))
    old = old.filter(Exists(due) | Exists(mine.filter(_plans(through))))
    issues = list(old.order_by("promised_on", "made_at", "pk")[:MOST_ISSUES])
    gone = 0
    for number, issue in enumerate(issues):
        with transaction.atomic():
            gone += _thin(issue, through)
            if before_commit:
                before_commit()
        if progress:
            progress(number + 1, len(issues))
    return gone


def measured_through(organisation: Organisation) -> dt.date:
    """The last date up to which all promises are in the accuracy log."""
    yesterday = organisation_today(organisation) - dt.timedelta(days=1)
    promised = Forecast.objects.filter(issue__organisation=organisation, lead_days__gte=1, date__lte=yesterday)
    logged = Accuracy.objects.filter(organisation=organisation, horizon=1)
    first = promised.exclude(date__in=logged.values("date")).order_by("date").values_list("date", flat=True).first()
    return first - dt.timedelta(days=1) if first else yesterday


def _plans(through: dt.date) -> Q:
    """Forecasts of dates not yet measured that reach too far ahead for the log, as long as nobody has seen to them."""
    return Q(date__gt=through, lead_days__gt=PLANS_KEPT[0], replaced_on=None)


def _thin(issue: ForecastIssue, through: dt.date) -> int:
    same = Forecast.objects.filter(department=OuterRef("department"), date=OuterRef("date"))
    newer = Q(issue__made_at__gt=issue.made_at) | Q(issue__made_at=issue.made_at, issue__gt=issue.pk)
    better = same.filter(Q(lead_days__lt=OuterRef("lead_days")) | Q(lead_days=OuterRef("lead_days")) & newer)
    rows = (
        Forecast.objects.filter(Q(date__gt=issue.thinned_to or LONG_AGO, date__lte=through) | _plans(through), issue=issue)
        .annotate(next_lead=Subquery(better.order_by("-lead_days").values("lead_days")[:1]))
        .only("pk", "date", "lead_days", "replaced_on")
    )
    gone, marked = [], []
    for row in rows:
        promises = PROMISES_KEPT if row.date <= through else PLANS_KEPT
        if not any(h <= row.lead_days and (row.next_lead is None or row.next_lead < h) for h in promises):
            gone.append(row.pk)
        elif row.next_lead is not None and row.replaced_on is None:
            row.replaced_on = row.date - dt.timedelta(days=row.next_lead)
            marked.append(row)
    Forecast.objects.bulk_update(marked, ["replaced_on"], batch_size=500)
    for begin in range(0, len(gone), AT_ONCE):
        Forecast.objects.filter(pk__in=gone[begin : begin + AT_ONCE]).delete()
    ForecastIssue.objects.filter(pk=issue.pk).update(thinned_to=through)
    return len(gone)
