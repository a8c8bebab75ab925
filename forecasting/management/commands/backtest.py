import datetime as dt
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from forecasting.engine.backtest_file import backtest_file
from forecasting.engine.errors import EngineError

SENTENCES = {
    "bad_file": gettext_noop("%(file)s cannot be read: %(reason)s"),
    "missing_column": gettext_noop(
        "The column “%(column)s” is missing. Expected: series_id,date,y (with --hourly also hour)."
    ),
    "bad_number": gettext_noop("The column “%(column)s” holds something that is no number."),
    "bad_hour": gettext_noop("%(file)s: the column “hour” must hold whole numbers from 0 to 23."),
    "bad_days": gettext_noop(
        "%(file)s: the column “days” must hold one whole number from 1 to 366 for each group, and none with --hourly."
    ),
    "duplicate_rows": gettext_noop("Two rows for the series “%(series_id)s” on %(date)s. Give each day once."),
    "empty": gettext_noop("The file holds no rows."),
    "no_history": gettext_noop("There are no sales up to %(cutoff)s to learn from."),
}


class Command(BaseCommand):
    help = (
        "Forecasts from a file of daily or hourly sales at past cutoffs, by the engine that serves. Uses no database."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help="series_id,date,y; with --hourly series_id,date,hour,y (csv, csv.gz)"
        )
        parser.add_argument("--covariates", type=Path, help="[series_id,]date,holiday_name,... known in advance")
        parser.add_argument(
            "--groups",
            type=Path,
            help="group,series_id[,days]: adds a forecast of each group's sum, of every day or of so many days in a row",
        )
        parser.add_argument("--hourly", action="store_true", help="sales by hour in, forecasts by hour out")
        parser.add_argument("--horizon", type=int, default=28, help="days after each cutoff (default 28)")
        parser.add_argument("--cutoffs", required=True, help="last known dates, D,D,... as YYYY-MM-DD")
        parser.add_argument(
            "--out", type=Path, required=True, help="series_id,cutoff,date[,hour],yhat,lo80,hi80,lo95,hi95"
        )
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cutoffs = [dt.date.fromisoformat(text.strip()) for text in options["cutoffs"].split(",")]
        except ValueError as error:
            raise CommandError(
                _("--cutoffs wants dates like 2026-01-31, separated by commas."), returncode=2
            ) from error
        if not 1 <= options["horizon"] <= 366:
            raise CommandError(_("--horizon must lie between 1 and 366 days."), returncode=2)
        try:
            rows = backtest_file(
                options["file"],
                options["out"],
                cutoffs,
                covariates=options["covariates"],
                groups=options["groups"],
                hourly=options["hourly"],
                horizon=options["horizon"],
                threads=settings.FORECAST_THREADS,
            )
        except EngineError as error:
            sentence = SENTENCES.get(error.code)
            raise CommandError(_(sentence) % error.params if sentence else str(error)) from error
        report = {"rows": rows, "cutoffs": [c.isoformat() for c in cutoffs], "out": str(options["out"])}
        self.stdout.write(
            json.dumps(report) if options["json"] else _("%(rows)s forecasts written to %(out)s") % report
        )
