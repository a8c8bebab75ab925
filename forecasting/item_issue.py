"""Making an issue of item forecasts: panel, engine, agreement with the department's own forecast, two bulk inserts."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from forecasting.choices import Origin
from forecasting.engine.errors import EngineError
from forecasting.engine.item_levels import HORIZON
from forecasting.engine.item_model import ItemForecasts, forecast_items
from forecasting.item_series import ItemSeries, read_items, shares, wanted_money
from forecasting.models import ItemAgreement, ItemForecast, ItemIssue
from forecasting.predict import LIKELY_OPEN, promise_date
from forecasting.series import latest_cutoff
from runs.ledger import open_run
from runs.models import Run

AT_ONCE = 1000
MADE = dt.time(2, 30)  # local: when a replayed issue would have been made


def start_item_forecast(
    *, organisation: Organisation, trigger: str, started_by: User | None = None, replay_days: int = 0
) -> tuple[Run, bool]:
    """Open a run that forecasts every product of every department whose items are known.

    `replay_days` past mornings are forecast first, as it would have been done then, where that is missing.
    """
    return open_run(
        "forecast_items",
        organisation=organisation,
        trigger=trigger,
        started_by=started_by,
        params={"replay_days": replay_days},
    )


def replay_items(organisation: Organisation, days: int) -> int:
    """Make the issues of the last `days` mornings that are not there, on what was known then; returns how many."""
    newest = latest_cutoff(organisation)
    if newest is None:
        return 0
    there = set(ItemIssue.objects.filter(organisation=organisation).values_list("data_as_of", flat=True))
    wanted = [newest - dt.timedelta(days=back) for back in range(days, 0, -1)]
    zone = ZoneInfo(organisation.time_zone)
    made = 0
    for cutoff in wanted:
        if cutoff not in there:
            morning = dt.datetime.combine(cutoff + dt.timedelta(days=1), MADE, zone)
            made += make_item_issue(organisation, origin=Origin.REPLAY, cutoff=cutoff, made_at=morning) is not None
    return made


def make_item_issue(
    organisation: Organisation,
    *,
    origin: str,
    cutoff: dt.date | None = None,
    made_at: dt.datetime | None = None,
    run: Run | None = None,
    before_commit: Callable[[], None] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> ItemIssue | None:
    """Forecast each product for the HORIZON days after the cutoff and store it. None without items to forecast.

    With `cutoff` and `made_at` in the past the issue is what could be known then.
    """
    cutoff = cutoff or latest_cutoff(organisation)
    if cutoff is None:
        return None
    made_at = made_at or timezone.now()
    promised_on = promise_date(organisation, made_at)
    found = read_items(organisation, cutoff=cutoff, horizon=HORIZON, known_on=promised_on)
    if found is None:
        return None
    share = shares(found)
    wanted = wanted_money(found, share, HORIZON, promised_on)
    try:
        made = forecast_items(found.items, cutoff, HORIZON, cutoffs=found.cutoffs, money=wanted, progress=progress)
    except EngineError:
        return None  # items are known, but nothing was sold in four weeks
    forecasts = _forecasts(found, made)
    agreements = _agreements(found, made, share, wanted)
    with transaction.atomic():
        issue = ItemIssue.objects.create(
            organisation=organisation,
            made_at=made_at,
            promised_on=promised_on,
            data_as_of=cutoff,
            horizon=HORIZON,
            manifest=made.blend.manifest(),
            origin=origin,
            run=run,
        )
        for forecast in forecasts:
            forecast.issue = issue
        for agreed in agreements:
            agreed.issue = issue
        ItemForecast.objects.bulk_create(forecasts, batch_size=AT_ONCE)
        ItemAgreement.objects.bulk_create(agreements, batch_size=AT_ONCE)
        if before_commit:
            before_commit()
    return issue


def _forecasts(found: ItemSeries, made: ItemForecasts) -> list[ItemForecast]:
    # As with branches: a day on which one is normally shut is zero.
    shut = (made.p_open < LIKELY_OPEN)[found.items.department[made.rows]]
    expected = np.round(np.where(shut, 0.0, made.mean), 2).tolist()
    quantiles = np.round(np.where(shut[:, :, None], 0.0, made.quantiles), 2).tolist()
    rows = []
    for number, row in enumerate(made.rows.tolist()):
        department, product = found.items.keys[row]
        price = float(made.price[number])
        rows.append(
            ItemForecast(
                department=found.series.departments[department],
                product_id=product,
                price=Decimal(str(round(price, 4))) if np.isfinite(price) else None,
                expected=expected[number],
                quantiles=quantiles[number],
            )
        )
    return rows


def _agreements(
    found: ItemSeries, made: ItemForecasts, share: dict[str, float], wanted: np.ndarray
) -> list[ItemAgreement]:
    sums = np.zeros(wanted.shape)
    owner = found.items.department[made.rows]
    np.add.at(sums, owner, made.mean * np.nan_to_num(made.price)[:, None])
    sums[made.p_open < LIKELY_OPEN] = 0.0
    names = found.items.whole.series
    rows = []
    for key in sorted({names[number] for number in owner.tolist()}):
        at = names.index(key)
        known = key in share
        rows.append(
            ItemAgreement(
                department=found.series.departments[key],
                cutoff=found.cutoffs[key],
                share=round(share[key], 4) if known else None,
                wanted=[_money(amount) for amount in wanted[at].tolist()],
                found=[_money(amount) if known else None for amount in sums[at].tolist()],
                factor=[round(factor, 4) for factor in made.factor[at].tolist()],
            )
        )
    return rows


def _money(amount: float) -> str | None:
    return f"{amount:.2f}" if np.isfinite(amount) else None
