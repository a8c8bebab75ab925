"""THE DAY: the chain of a night. Departments, sales of the settling window, forecasts, each a run of its own."""

import datetime as dt

from accounts.models import Organisation
from departments.models import Connection
from departments.timing import organisation_today
from forecasting.versions import serving_version
from runs.choices import State, Trigger
from runs.ledger import RunFailed, Work, open_run
from runs.models import Run
from runs.registry import Outcome, Wait
from sales.sync import settled_range


def start_night(
    organisation: Organisation, *, trigger: str = Trigger.SCHEDULE, night: dt.date | None = None
) -> tuple[Run, bool]:
    """Open the organisation's run of this night; a second beat finds it open already."""
    night = night or organisation_today(organisation)
    return open_run("nightly", organisation=organisation, night=night, trigger=trigger)


def start_nights() -> list[int]:
    """Open tonight's run for every organisation that has tills; returns the new runs' ids."""
    organisations = Organisation.objects.filter(pk__in=Connection.objects.tills().values("organisation"))
    opened = [start_night(organisation) for organisation in organisations]
    return [run.pk for run, created in opened if created]


def nightly(work: Work) -> Outcome | Wait:
    """Called again after each step: departments and sales side by side, then the forecast."""
    run = work.run
    step = run.params.get("step", "load")
    if step == "load":
        if not Connection.objects.filter(organisation=run.organisation).tills().exists():
            raise RunFailed("no_connections")
        first, last = settled_range(run.organisation)
        work.spawn("sync_departments")
        work.spawn(
            "sync_sales",
            unit=f"night {run.night}",
            from_date=first,
            to_date=last,
            params={"log_as": "daily"},
        )
        work.remember(step="forecast")
        return Wait()
    if step == "forecast" and serving_version(run.organisation) is not None:
        work.spawn("forecast")
        work.remember(step="end")
        return Wait()
    return _sum_up(run)


def _sum_up(run: Run) -> Outcome:
    children = list(run.children.order_by("id"))
    states = {child.state for child in children}
    counts = {child.kind: child.counts for child in children}
    errors = [error for child in children for error in child.errors]
    if states <= {State.DONE}:
        return Outcome(State.DONE, counts, errors)
    return Outcome(
        State.FAILED if State.DONE not in states and State.PARTIAL not in states else State.PARTIAL, counts, errors
    )
