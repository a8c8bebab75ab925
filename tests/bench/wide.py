"""What a very wide chain takes: 10,000 branches with 400 days each on PostgreSQL, read, learned, forecast and stored.

Every step is the product's own function. Told are seconds of processor time of this process, seconds by the clock (which hold
PostgreSQL's work, and less of what several threads share), the statements sent, what was read or written, and the highest
memory so far. Ends with 1 beyond a limit, which fewer branches do not reach. Nine tenths of the time go into the reasons, which a
replayed issue has none of.

    python -m tests.bench.wide [BRANCHES [replay]]
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.database import scratch_database

BRANCHES, DAYS, THREADS = 10_000, 400, 2
# Statements are few beside the branches: rows are written 2,000 at a time.
LIMITS = {"seconds of processor time": 1_500.0, "MB": 2_500.0, "statements": 400.0}


def main() -> int:
    branches = int(sys.argv[1]) if len(sys.argv) > 1 else BRANCHES
    with scratch_database():
        found = measure(branches, sys.argv[2] if len(sys.argv) > 2 else "manual")
    for (name, limit), value in zip(LIMITS.items(), found, strict=True):
        print(f"{value:9,.0f} {name}, of {BRANCHES:,} branches at most {limit:,.0f}")
    return int(any(value > limit for limit, value in zip(LIMITS.values(), found, strict=True)))


class Meter:
    """Tells what parts took; those of a call are told before the call itself."""

    def __init__(self) -> None:
        self.statements, self.seconds = 0, 0.0

    def count(self, execute: Any, *args: Any) -> Any:
        self.statements += 1
        return execute(*args)

    @contextmanager
    def told(self, name: str) -> Iterator[list[str]]:
        """Prints what the block took, and what it appends."""
        said: list[str] = []
        begun, clock, before = time.process_time(), time.perf_counter(), self.statements
        yield said
        spent = time.process_time() - begun
        by_clock, statements = time.perf_counter() - clock, self.statements - before
        told = f"{name:22s} {spent:8.1f} s {by_clock:8.1f} s by the clock {statements:5d} statements   peak {peak():6,d} MB"
        print("  ".join([told, *said]), flush=True)

    def watch(self, module: Any, name: str) -> None:
        """Every call of the module's function is told."""
        ours: Callable[..., Any] = getattr(module, name)

        def watched(*args: Any, **options: Any) -> Any:
            with self.told(f"  {name.strip('_')}"):
                return ours(*args, **options)

        setattr(module, name, watched)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(branches: int, origin: str) -> tuple[float, float, float]:
    """Processor seconds of all parts, the highest memory in MB, statements."""
    from django.conf import settings
    from django.db import connection

    from forecasting import predict
    from forecasting.choices import Origin
    from forecasting.engine import api
    from forecasting.engine.recipe import RECIPES
    from forecasting.models import Forecast, Reasons
    from forecasting.series import read_series
    from forecasting.tests.chain import CUTOFF
    from forecasting.train import fit_series
    from forecasting.versions import save_version

    settings.FORECAST_THREADS = THREADS
    horizon, meter = settings.FORECAST_HORIZON, Meter()
    with meter.told("sales written"):
        organisation = fill(branches)
    begun = time.process_time()
    with connection.execute_wrapper(meter.count):
        with meter.told("read") as said:
            series = read_series(organisation, cutoff=CUTOFF, horizon=horizon)
            said.append(f"{branches * DAYS:,} days")
        assert len(series.departments) == branches
        with meter.told("learned") as said:
            fit = fit_series(series, RECIPES["standard"])
            said.append(f"{fit.rows:,} rows")
        del series
        version = save_version(organisation, fit, metrics={})
        for module, names in {predict: ("read_series", "_hours", "_explained", "_store"), api: ("predict",)}.items():
            for name in names:
                meter.watch(module, name)
        with meter.told("issue made and stored"):
            issue = predict.make_issue(version, horizon=horizon, origin=Origin(origin), cutoff=CUTOFF)
    spent = time.process_time() - begun
    assert issue is not None
    rows = Forecast.objects.filter(issue=issue).count(), Reasons.objects.filter(issue=issue).count()
    assert rows == (branches * horizon, 0 if origin == Origin.REPLAY else branches)
    print(f"{branches:,} branches x {horizon} days: {rows[0]:,} forecasts and {rows[1]:,} rows of reasons stored")
    return spent, peak(), meter.statements


def fill(branches: int) -> Any:
    """A chain whose sales PostgreSQL writes itself: weekdays, a season and noise that is a digest of branch and day."""
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Organisation
    from departments.models import Connection, Department
    from forecasting.tests.chain import CUTOFF
    from sales.models import DepartmentCutoff

    organisation = Organisation.objects.main()
    till = Connection.objects.create(organisation=organisation, name="till", url="http://till.test")
    made = Department.objects.bulk_create(
        Department(organisation=organisation, name=f"Branch {number}") for number in range(branches)
    )
    DepartmentCutoff.objects.bulk_create(
        DepartmentCutoff(organisation=organisation, department=one, date=CUTOFF) for one in made
    )
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO sales_summary (organisation_id, department_id, connection_id, date, total_sales, revenue, gross,
                                       state, created_at, updated_at, synced_at)
            SELECT %s, branch.id, %s, day::date, amount, amount, amount, 'complete', %s, %s, %s
            FROM departments branch, generate_series(%s::date - {DAYS - 1}, %s::date, interval '1 day') day,
                 LATERAL (SELECT round((20000 + abs(hashtext(branch.id::text)) %% 200000)
                     * (ARRAY[1.1, 0.8, 0.85, 0.9, 1.0, 1.3, 1.5])[1 + extract(dow FROM day)::int]
                     * (1 + 0.2 * sin(2 * pi() * extract(doy FROM day)::float / 365.25)
                        + (abs(hashtext(branch.id::text || day)) %% 1000) / 2500.0)::numeric, 2) AS amount) sold""",
            [organisation.pk, till.pk, now, now, now, CUTOFF, CUTOFF],
        )
        cursor.execute("VACUUM ANALYZE")
    return organisation


if __name__ == "__main__":
    sys.exit(main())
