"""Forecasts of somebody's own as a CSV file: every line judged, all of them taken or none."""

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from accounts.models import Organisation, User
from departments.calendar_file import BadLine, DepartmentsInFile, date_in_file, lines_in_file
from forecasting.models import OwnForecasts
from runs.choices import Trigger
from runs.ledger import open_run
from runs.models import Run
from runs.sentences import sentence

WANTED, MORE = ("date", "department", "forecast"), ("lower_80", "upper_80")
MOST_BYTES, MOST_LINES, MOST_ERRORS = 5_000_000, 50_000, 50
KEPT = 20  # uploads of an organisation
MOST_AMOUNT = Decimal(10) ** 12
TWO_WAYS = re.compile(r"-?[1-9]\d{0,2},\d{3}")
NUMBER_SIGNS = str.maketrans({",": ".", "\u202f": None, "\xa0": None, " ": None})

Row = list[str | None]


@dataclass
class Read:
    """`errors`: sentences by line number (0: the file as a whole); with any of them `rows` are not to be used."""

    rows: list[Row] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)


def read_forecasts(content: bytes, *, organisation: Organisation, by: User) -> Read:
    """The lines of a file `date,department,forecast[,lower_80,upper_80]`; departments by id, code or name."""
    result = Read()
    seen: set[tuple[str | None, str | None]] = set()
    try:
        departments = DepartmentsInFile(organisation, by)
        for number, line in _lines(content):
            try:
                row = _row(line, departments)
                if (key := (row[0], row[1])) in seen:
                    raise BadLine("forecast_twice_in_file", date=row[1], department=line["department"])
                seen.add(key)
                result.rows.append(row)
            except BadLine as bad:
                result.errors.append((number, sentence(bad.code, bad.params)))
                if len(result.errors) >= MOST_ERRORS:
                    break
        if not result.rows and not result.errors:
            raise BadLine("no_lines_in_file")
    except BadLine as bad:
        result.errors.append((0, sentence(bad.code, bad.params)))
    return result


def start_scoring(
    rows: list[Row], *, organisation: Organisation, by: User, name: str, days_before: int, trigger: str = Trigger.PAGE
) -> tuple[OwnForecasts, Run]:
    """Keep the rows and open the run that scores them."""
    own = OwnForecasts.objects.create(
        organisation=organisation, uploaded_by=by, name=name[:200], days_before=days_before, rows=rows
    )
    uploads = OwnForecasts.objects.filter(organisation=organisation)
    uploads.exclude(pk__in=list(uploads.values_list("pk", flat=True)[:KEPT])).delete()
    run, _created = open_run(
        "score_forecasts",
        organisation=organisation,
        unit=str(own.pk),
        trigger=trigger,
        started_by=by,
        params={"own": own.pk},
    )
    return own, run


def _lines(content: bytes) -> list[tuple[int, dict[str, str]]]:
    if len(content) > MOST_BYTES:
        raise BadLine("file_too_large", limit=MOST_BYTES // 1000)
    return lines_in_file(content, wanted=WANTED, known=WANTED + MORE, most=MOST_LINES)[1]


def _row(line: dict[str, str], departments: DepartmentsInFile) -> Row:
    for column in WANTED:
        if not line[column]:
            raise BadLine("cell_empty", column=column)
    date: dt.date = date_in_file(line["date"], "date")
    lower, upper = (_amount(line[name], name) if line[name] else None for name in MORE)
    if (lower is None) != (upper is None) or (lower is not None and upper is not None and lower > upper):
        raise BadLine("half_interval_in_file")
    forecast = _amount(line["forecast"], "forecast")
    amounts = [None if value is None else str(value) for value in (forecast, lower, upper)]
    return [str(departments.get(line["department"]).pk), date.isoformat(), *amounts]


def _amount(text: str, column: str) -> Decimal:
    """A point or a comma before decimals, spaces between thousands. Whether 1,234 is a thousand or one is not guessed."""
    if TWO_WAYS.fullmatch(text):
        raise BadLine("amount_in_two_ways", column=column, text=text)
    try:
        value = Decimal(text.translate(NUMBER_SIGNS))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > MOST_AMOUNT:
        raise BadLine("bad_amount_in_file", column=column, text=text)
    return value
