"""Issues of the past weeks as they would have been made then: trained and forecast on what was known each morning.

So that a fresh installation can show fact against forecast. They are stored with the origin "replay".
"""

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

from accounts.models import Organisation
from forecasting.choices import Origin, VersionState
from forecasting.engine.recipe import RECIPES
from forecasting.measure import measure
from forecasting.models import ForecastIssue
from forecasting.predict import make_issue
from forecasting.series import latest_cutoff, read_series
from forecasting.train import fit_series
from forecasting.versions import save_version

REPLAY_RECIPE = "quick"
MADE = dt.time(2, 30)


def replay(
    organisation: Organisation,
    *,
    days: int,
    refit_every: int = 28,
    horizon: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Make the issues of the last `days` mornings that are not there yet; returns how many were made.

    Every issue comes from a version trained on dates up to its own cutoff or earlier.
    """
    newest = latest_cutoff(organisation)
    if newest is None:
        return 0
    zone = ZoneInfo(organisation.time_zone)
    there = set(ForecastIssue.objects.filter(organisation=organisation).values_list("data_as_of", flat=True))
    wanted = [newest - dt.timedelta(days=back) for back in range(days, 0, -1)]
    version = None
    made = 0
    for number, cutoff in enumerate(wanted):
        if cutoff in there:
            continue
        if version is None or (cutoff - version.trained_through).days >= refit_every:
            series = read_series(organisation, cutoff=cutoff, horizon=horizon)
            version = save_version(organisation, fit_series(series, RECIPES[REPLAY_RECIPE]), metrics={})
            version.state, version.gate = VersionState.RETIRED, {"passed": False, "code": "replayed", "params": {}}
            version.save(update_fields=["state", "gate"])
        morning = dt.datetime.combine(cutoff + dt.timedelta(days=1), MADE, zone)
        if make_issue(version, horizon=horizon, origin=Origin.REPLAY, cutoff=cutoff, made_at=morning):
            made += 1
        if progress:
            progress(number + 1, len(wanted))
    measure(organisation)
    return made
