import datetime as dt

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound

from forecasting.querysets import ForecastQuerySet

NO_LONGER_KEPT = _(
    "Of dates long past only what was forecast 1, 7 and 28 days before is kept, and that morning another forecast"
    " was the newest. The comparison has what was promised any number of days before."
)


def known_on(forecasts: ForecastQuerySet, morning: dt.date) -> ForecastQuerySet:
    """What was the newest on that morning. 404 `no_longer_kept` if it was thinned out of any of the forecasts' dates."""
    if forecasts.lost_on(morning).exists():
        raise NotFound(NO_LONGER_KEPT, "no_longer_kept")
    return forecasts.known_on(morning)
