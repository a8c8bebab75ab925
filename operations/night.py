"""THE DAY: the chain of a night, and what the day does for it until the next one.

A night is departments, sales of the settling window, forecasts, the accuracy log, items, each a run of its own, and
beside the forecasts the catalogue and receipts: where these fail, the night says so and is done. The keeper makes sure
that it was begun, asks again for what failed for a passing reason, and for branches that were still open.
A night that a person cancelled is left alone: the next one reads its dates, too.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import Organisation
from departments.choices import Kind
from departments.models import Authority, Connection
from departments.timing import connection_today, organisation_today
from forecasting.bake import sells_items
from forecasting.versions import serving_version
from items.catalogue.sync import KIND as CATALOGUE
from items.catalogue.sync import start_at_night as start_catalogues
from operations.schedules import night_begins
from runs import clock
from runs.choices import State, Trigger
from runs.ledger import RunFailed, Work, open_run
from runs.models import Run
from runs.registry import Outcome, Wait
from sales.choices import DayState
from sales.models import SalesSummary
from sales.sync import night_range

# Beat begins a night; the keeper only when beat is this late.
BEAT_MAY_BE_LATE = dt.timedelta(seconds=90)
# Runs whose failure is told, and is none of the night's.
BESIDE = (CATALOGUE,)
# A branch that is still open is looked at again for so many days; older ones wait for the next night.
OPEN_DAYS = 3


def start_night(
    organisation: Organisation, *, trigger: str = Trigger.SCHEDULE, night: dt.date | None = None
) -> tuple[Run, bool]:
    """Open the organisation's run of this night; a second beat finds it open already."""
    night = night or organisation_today(organisation)
    return open_run("nightly", organisation=organisation, night=night, trigger=trigger)


def start_nights() -> list[int]:
    """Open tonight's run for every organisation that sells; returns the new runs' ids."""
    opened = [start_night(organisation) for organisation in _selling()]
    return [run.pk for run, created in opened if created]


def _selling() -> list[Organisation]:
    """With tills that are asked, or with clients that push what is published."""
    asked = Q(pk__in=Connection.objects.tills().values("organisation"))
    return list(Organisation.objects.filter(asked | Q(pk__in=_pushing().values("organisation"))))


def _pushing() -> QuerySet[Authority]:
    return Authority.objects.filter(connection__kind=Kind.PUSH, connection__is_active=True)


def nightly(work: Work) -> Outcome | Wait:
    """Called again after each step: departments and sales side by side, then the forecast and the accuracy log, then items."""
    run = work.run
    step = run.params.get("step", "load")
    if step == "load":
        _load(work)
        step = "forecast"
        work.remember(step=step)
        if run.children.exists():
            return Wait()
    begun = None
    if step == "forecast":
        assert run.night
        begun = start_catalogues(work, *night_range(run.night))
    forecasting = _forecasts(work, step)
    return Wait() if forecasting or begun else _sum_up(run)


def _forecasts(work: Work, step: str) -> Wait | None:
    """The forecasts of the branches and, on top of these, of their products. None when both are done."""
    organisation = work.run.organisation
    if step == "forecast":
        step = "items"
        if _spawned(work, ["forecast", "measure"] if serving_version(organisation) is not None else [], then=step):
            return Wait()
    if step == "items" and _spawned(work, ["forecast_items"] if sells_items(organisation) else [], then="end"):
        return Wait()
    return None


def _spawned(work: Work, kinds: list[str], *, then: str) -> bool:
    """Whether there is anything to wait for. The step is done once its runs are there: a worker may die in between."""
    for kind in kinds:
        work.spawn(kind)
    work.remember(step=then)
    return bool(kinds)


def _load(work: Work) -> None:
    """What the sources are asked for; what clients push came by itself. Raises RunFailed if nobody sells."""
    run = work.run
    if Connection.objects.filter(organisation=run.organisation).tills().exists():
        assert run.night
        first, last = night_range(run.night)
        work.spawn("sync_departments")
        work.spawn(
            "sync_sales",
            unit=f"night {run.night}",
            from_date=first,
            to_date=last,
            params={"log_as": "daily", "deep": True},
        )
    elif not _pushing().filter(organisation=run.organisation).exists():
        raise RunFailed("no_connections")
    if settings.AUTO_CLEANUP_ENABLED:
        work.spawn("clean_items")


def _sum_up(run: Run) -> Outcome:
    children = list(run.children.order_by("id"))
    states = {child.state for child in children if child.kind not in BESIDE}
    counts = {child.kind: child.counts for child in children}
    errors = [
        error | ({"warning": True} if child.kind in BESIDE else {}) for child in children for error in child.errors
    ]
    if states <= {State.DONE}:
        return Outcome(State.DONE, counts, errors)
    return Outcome(
        State.FAILED if State.DONE not in states and State.PARTIAL not in states else State.PARTIAL, counts, errors
    )


def keep_night() -> None:
    """Called by the keeper: begin nights that nobody began, and repair the standing one."""
    for organisation in _selling():
        night = _night_due(organisation)
        if night and not Run.objects.filter(organisation=organisation, kind="nightly", night=night).exists():
            start_night(organisation, night=night)
        repair_night(organisation)


def _night_due(organisation: Organisation) -> dt.date | None:
    """The night whose hour has passed; None if it is not to be begun for whoever was not there at that hour."""
    begins = night_begins()
    if begins is None:
        return None
    zone = ZoneInfo(organisation.time_zone)
    now = clock.now().astimezone(zone)
    due = dt.datetime.combine(now.date(), begins, zone)
    served = Run.objects.filter(organisation=organisation, kind__in=("load_connection", "nightly"), created_at__lt=due)
    return now.date() if now >= due + BEAT_MAY_BE_LATE and served.exists() else None


def repair_night(organisation: Organisation) -> list[Run]:
    """Open a repair per connection whose last load of yesterday failed in passing, or found branches still open."""
    night = Run.objects.filter(organisation=organisation, kind="nightly").order_by("-night").first()
    if night is None or not night.finished or night.night is None:
        return []
    opened = []
    for connection in Connection.objects.filter(organisation=organisation).tills():
        if dates := _to_repair(connection, night):
            run, created = open_run(
                "repair",
                organisation=organisation,
                unit=f"connection {connection.pk}",
                trigger=Trigger.SCHEDULE,
                from_date=dates[0],
                to_date=dates[1],
                params={"connection": connection.pk, "night": str(night.night)},
            )
            opened += [run] if created else []
    return opened


def _to_repair(connection: Connection, night: Run) -> tuple[dt.date, dt.date] | None:
    """The range that is to be asked for again by now."""
    loads = Run.objects.filter(organisation=night.organisation_id, kind="load_connection", unit=str(connection.pk))
    # What a person loads meanwhile is another range as a rule, and says nothing of this night's.
    last = loads.filter(pk__gt=night.pk, params__deep=True).order_by("-id").first()
    assert night.night
    if night.state == State.CANCELLED or (last and last.state == State.CANCELLED):
        return None
    if last is None:
        return night_range(night.night)
    retry = dt.timedelta(seconds=settings.RETRY_SECONDS)
    if last.finished_at is None or clock.now() - last.finished_at < retry:
        return None
    if passing(last):
        return night_range(night.night)
    today = connection_today(connection)
    moving = SalesSummary.objects.filter(
        connection=connection, state=DayState.OPEN_SHIFT, date__gte=today - dt.timedelta(days=OPEN_DAYS), date__lt=today
    )
    oldest = moving.order_by("date").values_list("date", flat=True).first()
    return (oldest, today - dt.timedelta(days=1)) if oldest else None


def passing(run: Run) -> bool:
    """Whether a run did not succeed, for reasons that may be gone the next time."""
    if run.state not in (State.FAILED, State.PARTIAL):
        return False
    # What a failure left undone is named beside it and is no reason of its own.
    reasons = [error for error in run.errors if not error.get("warning") and error["code"] != "missing_branches"]
    return bool(reasons) and any(error.get("transient") for error in reasons)


def repair(work: Work) -> Outcome | Wait:
    """Called again after each step: sales of one connection, then the forecast if they completed a branch's day."""
    run = work.run
    step = run.params.get("step", "load")
    if step == "load":
        work.spawn(
            "sync_sales",
            unit=f"repair {run.pk}",
            from_date=run.from_date,
            to_date=run.to_date,
            params={"connections": [run.params["connection"]], "log_as": "repair", "deep": True},
        )
        work.remember(step="forecast")
        return Wait()
    completed = sum(child.counts.get("completed", 0) for child in run.children.filter(kind="sync_sales"))
    return (_forecasts(work, step) if completed else None) or _sum_up(run)
